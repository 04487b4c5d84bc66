"""Users who leave and come back: deactivate, reactivate, invite again, delete (R13, R14)."""

from datetime import timedelta
from enum import StrEnum

from licensing import events, finding, settings
from licensing.db import transactional
from licensing.events import EventType, Reason
from licensing.models import User
from licensing.operations import administering, answering, assigning, holding
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Holder, Standing, lock_holder, lock_holders
from licensing.rules.accounts import Invitation, UserStatus
from licensing.rules.permissions import CHANGE_SEATS, CHANGE_USERS, Actor, require
from licensing.rules.refusals import (
    InvitationNotPending,
    PreconditionFailed,
    TransferToSelf,
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
    be given again, `UserDeactivated` where the seats of somebody who is deactivated already are to
    go, `Unacceptable` where `seats` or `transfer_to` come without a deactivation, and
    as `assigning.transfer_seat`.
    """
    _refuse_parting_without_leaving(status, seats, transfer_to)
    parting = bool(transfer_to) or seats != SeatsAfterwards.KEEP
    _refuse_parting_of_the_deactivated(holder, parting)
    if status not in (None, holder.user.status):
        administering.refuse_over_super_admin(actor, holder)
    if status == UserStatus.INVITED:
        _invite_again(standing, actor, holder)
    elif status is None or status == holder.user.status:
        return
    elif status == UserStatus.ACTIVE:
        _reactivate(standing, actor, holder)
    else:
        _deactivate(standing, actor, holder, seats, transfer_to)


def _refuse_parting_without_leaving(
    status: str | None, seats: SeatsAfterwards, transfer_to: str | None
) -> None:
    parts = seats != SeatsAfterwards.KEEP
    if status != UserStatus.DEACTIVATED and (parts or transfer_to):
        raise Unacceptable("transfer_to" if transfer_to else "seats", "goes with a deactivation")
    if transfer_to and parts:
        raise Unacceptable("seats", "cannot be taken back and transferred at once")


def _refuse_parting_of_the_deactivated(holder: Holder, parting: bool) -> None:
    """R13: the seats of a deactivated user stay where they are."""
    holds_paid = any(seat.pool_id for seat in holder.seats)
    if parting and holds_paid and holder.user.status == UserStatus.DEACTIVATED:
        raise UserDeactivated(holder.user.id)


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
        holder.resource(),
        previous={"status": was},
    )
    answering.withdraw(standing, actor, holder, Reason.USER_DEACTIVATED, deactivated)
    if was == UserStatus.INVITED:
        _end_all(standing, actor, holder, Reason.INVITATION_REVOKED, deactivated)


def _part_with_paid_seats(
    standing: Standing, actor: Actor, holder: Holder, transfer_to: str | None
) -> None:
    """Who leaves is given no viewing seat for the paid ones: R8 speaks of active users."""
    receiver = lock_holder(standing, transfer_to) if transfer_to else None
    if receiver is holder:
        raise TransferToSelf(holder.user.id)
    if receiver:
        assigning.refuse_inactive(standing, receiver)
    paid = [seat for seat in holder.seats if seat.pool_id]
    holding.lock_pools(standing, [seat.seat_type for seat in paid])
    for seat in paid:
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
        holder.resource(),
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
    events.record(actor, EventType.USER_UPDATED, holder.resource(), previous=was)


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
    administering.refuse_over_super_admin(actor, holder)
    paid = [seat for seat in holder.seats if seat.pool_id]
    if paid and not (take_seats or transfer_to):
        listed = [{"id": seat.id, "seat_type": seat.seat_type} for seat in paid]
        raise UserHoldsPaidSeats(user_id, listed)
    _refuse_parting_of_the_deactivated(holder, parting=True)
    _part_with_paid_seats(standing, actor, holder, transfer_to)
    _end_all(standing, actor, holder, Reason.USER_DELETED, None)
    _delete(standing, actor, holder)


def _delete(standing: Standing, actor: Actor, holder: Holder) -> None:
    user = holder.user
    answering.withdraw(standing, actor, holder, Reason.USER_DELETED, None)
    gone = holder.resource()
    was_super_admin = administering.is_active_super_admin(user)
    user.permissions = []
    administering.count_super_admin(standing, holder, was_super_admin)
    User.delete().where(User.account_id == user.account_id, User.id == user.id).execute()
    finding.forget(user.account_id, user.id)
    del standing.holders[user.id]
    events.record(actor, EventType.USER_DELETED, gone)
