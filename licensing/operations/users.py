"""Users: invite, accept, change (R8, R10, R13, R31)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from licensing import clock, events, finding, ids, settings
from licensing.db import transactional
from licensing.events import EventType, Reason
from licensing.models import User
from licensing.operations import administering, assigning, deactivating, holding, welcoming
from licensing.operations.changing import merged, refuse_stale, refuse_taken_external_id
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import (
    Holder,
    Standing,
    lock_holder,
)
from licensing.rules.accounts import Invitation, UserStatus, email_key, invitation_at
from licensing.rules.permissions import (
    CHANGE_SEATS,
    CHANGE_USERS,
    Actor,
    Permission,
    require,
)
from licensing.rules.refusals import (
    EmailTaken,
    InvitationExpired,
    InvitationNotPending,
)
from licensing.rules.searching import name_key, search_text


@transactional
def create_user(
    actor: Actor,
    email: str,
    name: str,
    permissions: Collection[Permission] = (),
    partner_eligible: bool = False,
    status: str = UserStatus.INVITED,
    seat_types: Collection[str] | None = None,
    external_id: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Holder:
    """
    Invite a user, or add one who is active at once, with seats if `seat_types` names some.

    Where `seat_types` is None, the user gets the account's default seat while one is free; an empty
    one is no seat. An active user of a seat-based account who is given none gets the free one of
    R8. Seats of an invited user count as assigned (R13). Refuses with `EmailTaken`,
    `ExternalIdTaken`, `PermissionDenied`, which seats need too, and,
    for each seat, as `assigning.assign_seat`; then no user is made either.
    """
    require(actor, CHANGE_USERS)
    if seat_types:
        require(actor, CHANGE_SEATS)
    administering.refuse_grant(actor, frozenset(), frozenset(permissions))
    standing = brought_up_to_date(actor)
    _refuse_taken_email(standing, email)
    refuse_taken_external_id(User, standing.account.id, external_id)
    holder = _newcomer(
        standing,
        email=email,
        name=name,
        status=status,
        permissions=sorted(set(permissions)),
        partner_eligible=partner_eligible,
        external_id=external_id,
        metadata=metadata or {},
    )
    created = events.record(actor, EventType.USER_CREATED, holder.resource())
    if seat_types is None:
        welcoming.welcome(standing, actor, holder, created)
    _give(standing, actor, holder, seat_types or ())
    holding.give_fallback(standing, actor, holder, cause=created)
    administering.count_super_admin(standing, holder, was_one=False)
    return holder


def _give(standing: Standing, actor: Actor, holder: Holder, seat_types: Collection[str]) -> None:
    holding.lock_pools(standing, list(seat_types))
    for seat_type in dict.fromkeys(seat_types):
        assigning.assign_to(standing, actor, holder, seat_type)


def _newcomer(standing: Standing, **profile: Any) -> Holder:
    user = new_user(standing, **profile)
    user.save(force_insert=True)
    finding.keep(user.account_id, [(user.id, user.search_text)])
    holder = standing.holders[user.id] = Holder(user, [], standing.now)
    return holder


def new_user(standing: Standing, email: str, name: str, status: str, **profile: Any) -> User:
    """A user who is invited, or active at once; not written yet."""
    invited = status == UserStatus.INVITED
    return User(
        account_id=standing.account.id,
        id=ids.new("usr"),
        email=email,
        email_key=email_key(email),
        name=name,
        name_key=name_key(name),
        search_text=search_text(name, email),
        status=status,
        invitation=Invitation.PENDING if invited else None,
        invitation_expires_at=_invitation_end(standing.now) if invited else None,
        holds_exclusive=False,
        version=1,
        created_at=standing.now,
        **profile,
    )


def _invitation_end(now: datetime) -> datetime:
    return now + timedelta(days=settings.current().invitation_days)


def _refuse_taken_email(standing: Standing, email: str, but: str | None = None) -> None:
    other = User.get_or_none(
        User.account_id == standing.account.id, User.email_key == email_key(email)
    )
    if other is not None and other.id != but:
        raise EmailTaken(email, other.id)


@transactional
def accept_invitation(actor: Actor, user_id: str) -> Holder:
    """
    Make an invited user active (R13).

    It works when the pool is exactly full, since the seats of the invitation count as assigned from
    the start. Accepting again answers the same (R32). Refuses with `InvitationExpired`,
    `InvitationNotPending`, `NotFound` and `PermissionDenied`.
    """
    require(actor, CHANGE_USERS)
    standing = brought_up_to_date(actor)
    holder = lock_holder(standing, user_id)
    user = holder.user
    if user.invitation == Invitation.ACCEPTED and user.status == UserStatus.ACTIVE:
        return holder
    state = invitation_at(user.invitation, user.invitation_expires_at, standing.now)
    if state is Invitation.EXPIRED:
        raise InvitationExpired(user.id, clock.to_text(user.invitation_expires_at))
    if state is not Invitation.PENDING:
        raise InvitationNotPending(user.id, str(state or "none"))
    holding.touch(
        holder,
        status=UserStatus.ACTIVE,
        invitation=Invitation.ACCEPTED,
        invitation_expires_at=None,
    )
    administering.count_super_admin(standing, holder, was_one=False)
    accepted = events.record(
        actor,
        EventType.USER_INVITATION_ACCEPTED,
        holder.resource(),
        previous={"status": UserStatus.INVITED, "invitation": Invitation.PENDING},
    )
    holding.give_fallback(standing, actor, holder, cause=accepted)
    return holder


@transactional
def update_user(
    actor: Actor, user_id: str, changes: dict[str, Any], if_match: int | None = None
) -> Holder:
    """
    Change a user: name, e-mail, permissions, eligibility, external id, metadata, status.

    `changes` is a JSON Merge Patch that was validated; `if_match` the version that the caller has
    seen. Setting the status deactivates (with `seats` or `transfer_to` saying what becomes of the
    seats, R13), reactivates, or invites again. Losing eligibility ends a seat that needs it (R7).
    What changes nothing tells nothing (R32). Refuses with `PreconditionFailed`, `EmailTaken`,
    `ExternalIdTaken`, `LastSuperAdmin`, `PermissionDenied`, and as `deactivating` says.
    """
    require(actor, CHANGE_USERS)
    touched = filter(None, [user_id, changes.get("transfer_to")])
    refuse_stale(actor, User, user_id, if_match, touched)
    standing = brought_up_to_date(actor)
    holder = lock_holder(standing, user_id)
    changes = dict(changes)
    status = changes.pop("status", None)
    seats = {name: changes.pop(name) for name in ("seats", "transfer_to") if name in changes}
    _update_profile(standing, actor, holder, changes)
    deactivating.set_status(standing, actor, holder, status, **seats)
    return holder


def _update_profile(
    standing: Standing, actor: Actor, holder: Holder, changes: dict[str, Any]
) -> None:
    user = holder.user
    if "email" in changes:
        _refuse_taken_email(standing, changes["email"], but=user.id)
    refuse_taken_external_id(User, user.account_id, changes.get("external_id"), but=user.id)
    if "permissions" in changes:
        wanted = frozenset(changes["permissions"])
        administering.refuse_grant(actor, frozenset(user.permissions), wanted)
        changes["permissions"] = sorted(wanted)
    if "metadata" in changes:
        changes["metadata"] = merged(user.metadata, changes["metadata"])
    previous = {n: getattr(user, n) for n in changes if getattr(user, n) != changes[n]}
    if "email" in previous:
        administering.refuse_over_super_admin(actor, holder)
    if previous:
        _write_profile(standing, actor, holder, {n: changes[n] for n in previous}, previous)


def _write_profile(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    written: dict[str, Any],
    previous: dict[str, Any],
) -> None:
    user = holder.user
    was_super_admin = administering.is_active_super_admin(user)
    keys = _keys(user, written)
    holding.touch(holder, **written, **keys)
    if keys:
        finding.keep_anew(user.account_id, user.id, user.search_text)
    administering.count_super_admin(standing, holder, was_super_admin)
    updated = events.record(actor, EventType.USER_UPDATED, holder.resource(), previous=previous)
    if not user.partner_eligible:
        _end_seats_of_the_eligible(standing, actor, holder, updated)


def _keys(user: User, written: dict[str, Any]) -> dict[str, str]:
    """By what the user is compared, sorted and searched, where that changes."""
    if not written.keys() & {"name", "email"}:
        return {}
    name, email = written.get("name", user.name), written.get("email", user.email)
    return {
        "email_key": email_key(email),
        "name_key": name_key(name),
        "search_text": search_text(name, email),
    }


def _end_seats_of_the_eligible(
    standing: Standing, actor: Actor, holder: Holder, cause: str
) -> None:
    """R7: losing eligibility ends the seat."""
    for seat in list(holder.seats):
        if standing.catalogue.seat_type(seat.seat_type).eligible_only:
            holding.end(standing, actor, holder, seat, reason=Reason.ELIGIBILITY_LOST, cause=cause)
    holding.give_fallback(standing, actor, holder, cause)
