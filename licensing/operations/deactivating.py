"""Users who leave and come back: deactivate, reactivate, invite again, delete (R13, R14)."""

from datetime import timedelta
from enum import StrEnum

from licensing import events, settings
from licensing.db import transactional
from licensing.events import EventType, Reason
from licensing.models import User
from licensing.operations import administering, assigning, holding
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Holder, Standing, lock_holder, lock_holders
from licensing.rules.accounts import Invitation, UserStatus
from licensing.rules.permissions import CHANGE_SEATS, CHANGE_USERS, Actor, require
from licensing.rules.refusals import (
    InvitationNotPending,
    PreconditionFailed,
    Unacceptable,
    UserDeactivated,
    UserHoldsPaidSeats,
)


class SeatsAfterwards(StrEnum):
    """What becomes of the paid seats of a user who is deactivated (R13)."""

    KEEP = "keep"
    TAKE_BACK = "take_back"


def set_status(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    status: str | None,
    seats: SeatsAfterwards = SeatsAfterwards.KEEP,
    transfer_to: str | None = None,
) -> None:
    """
    Bring a locked user to a status (R13).

    Deactivating keeps the seats, takes them back (`seats`) or transfers them
    (`transfer_to`); an invited user who is deactivated loses the invitation and its seats. Raises
    `LastSuperAdmin`, `InvitationNotPending` where an invitation would have to be accepted or cannot
    be given again, `Unacceptable` where `seats` or `transfer_to` come without a deactivation, and
    as `assigning.transfer_seat`.
    """
    if status != UserStatus.DEACTIVATED and (seats != SeatsAfterwards.KEEP or transfer_to):
        raise Unacceptable("transfer_to" if transfer_to else "seats", "goes with a deactivation")
    if transfer_to and seats != SeatsAfterwards.KEEP:
        raise Unacceptable("seats", "cannot be taken back and transferred at once")
    if status == UserStatus.INVITED:
        _invite_again(standing, actor, holder)
    elif status is None or status == holder.user.status:
        return
    elif status == UserStatus.ACTIVE:
        _reactivate(standing, actor, holder)
    else:
        _deactivate(standing, actor, holder, seats, transfer_to)


def _deactivate(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    seats: SeatsAfterwards,
    transfer_to: str | None,
) -> None:
    user = holder.user
    if transfer_to or seats == SeatsAfterwards.TAKE_BACK:
        require(actor, CHANGE_SEATS)
        _part_with_paid_seats(standing, actor, holder, transfer_to)
    was, was_super_admin = user.status, administering.is_active_super_admin(user)
    changes: dict[str, object] = {"status": UserStatus.DEACTIVATED}
    if was == UserStatus.INVITED:
        changes |= {"invitation": Invitation.REVOKED, "invitation_expires_at": None}
    holding.touch(holder, **changes)
    administering.count_super_admin(standing, holder, was_super_admin)
    deactivated = events.record(
        actor,
        EventType.USER_DEACTIVATED,
        holder.resource(standing.now),
        previous={"status": was},
    )
    if was == UserStatus.INVITED:
        _end_all(standing, actor, holder, Reason.INVITATION_REVOKED, deactivated)


def _part_with_paid_seats(
    standing: Standing, actor: Actor, holder: Holder, transfer_to: str | None
) -> None:
    """Who leaves is given no viewing seat for the paid ones: R8 speaks of active users."""
    receiver = lock_holder(standing, transfer_to) if transfer_to else None
    for seat in [seat for seat in holder.seats if seat.pool_id]:
        if receiver:
            assigning.move_seat(standing, actor, holder, seat, receiver)
        else:
            holding.end(standing, actor, holder, seat)


def _end_all(
    standing: Standing, actor: Actor, holder: Holder, reason: Reason, cause: str | None
) -> None:
    for seat in list(holder.seats):
        holding.end(standing, actor, holder, seat, reason=reason, cause=cause)


def _reactivate(standing: Standing, actor: Actor, holder: Holder) -> None:
    user = holder.user
    if user.status == UserStatus.INVITED or user.invitation == Invitation.REVOKED:
        raise InvitationNotPending(user.id, str(user.invitation))
    holding.touch(holder, status=UserStatus.ACTIVE)
    administering.count_super_admin(standing, holder, was_one=False)
    reactivated = events.record(
        actor,
        EventType.USER_REACTIVATED,
        holder.resource(standing.now),
        previous={"status": UserStatus.DEACTIVATED},
    )
    holding.give_fallback(standing, actor, holder, cause=reactivated)


def _invite_again(standing: Standing, actor: Actor, holder: Holder) -> None:
    user = holder.user
    if user.invitation == Invitation.PENDING:
        return
    if user.invitation not in (Invitation.EXPIRED, Invitation.REVOKED):
        raise InvitationNotPending(user.id, str(user.invitation or "accepted"))
    was = {"status": user.status, "invitation": user.invitation}
    holding.touch(
        holder,
        status=UserStatus.INVITED,
        invitation=Invitation.PENDING,
        invitation_expires_at=standing.now + timedelta(days=settings.current().invitation_days),
    )
    events.record(actor, EventType.USER_UPDATED, holder.resource(standing.now), previous=was)


@transactional
def delete_user(
    actor: Actor,
    user_id: str,
    take_seats: bool = False,
    transfer_to: str | None = None,
    if_match: int | None = None,
) -> None:
    """
    Delete a user; the log keeps what was (R14, R29).

    Paid seats have to be taken back or transferred first; `take_seats` or `transfer_to` does both
    in this transaction. Refuses with `UserHoldsPaidSeats`, which lists them, `UserDeactivated`
    where seats cannot be taken because of R13, `LastSuperAdmin`, `PreconditionFailed`, `NotFound`,
    `PermissionDenied`, and as `assigning.transfer_seat`.
    """
    require(actor, CHANGE_USERS)
    if take_seats or transfer_to:
        require(actor, CHANGE_SEATS)
    if take_seats and transfer_to:
        raise Unacceptable("take_seats", "cannot go with transfer_to")
    standing = brought_up_to_date(actor)
    lock_holders(standing, filter(None, [user_id, transfer_to]))
    holder = lock_holder(standing, user_id)
    if if_match not in (None, holder.user.version):
        raise PreconditionFailed("user", holder.user.version)
    paid = [seat for seat in holder.seats if seat.pool_id]
    if paid and not (take_seats or transfer_to):
        listed = [{"id": seat.id, "seat_type": seat.seat_type} for seat in paid]
        raise UserHoldsPaidSeats(user_id, listed)
    if paid and holder.user.status == UserStatus.DEACTIVATED:
        raise UserDeactivated(user_id)
    _part_with_paid_seats(standing, actor, holder, transfer_to)
    _end_all(standing, actor, holder, Reason.USER_DELETED, None)
    _delete(standing, actor, holder)


def _delete(standing: Standing, actor: Actor, holder: Holder) -> None:
    user = holder.user
    gone = holder.resource(standing.now)
    was_super_admin = administering.is_active_super_admin(user)
    user.permissions = []
    administering.count_super_admin(standing, holder, was_super_admin)
    User.delete().where(User.account_id == user.account_id, User.id == user.id).execute()
    del standing.holders[user.id]
    events.record(actor, EventType.USER_DELETED, gone)
