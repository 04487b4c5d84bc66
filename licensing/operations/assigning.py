"""Seats for users: assign, change, take back, transfer (R8, R11 to R13, R15)."""

from datetime import datetime
from typing import Any

from licensing import clock, events, ids, resources, rows
from licensing.db import transactional
from licensing.events import EventType, Reason
from licensing.models import Pool, Removal, Seat, Transfer
from licensing.operations import answering, gathering, giving_back, holding, warning
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Holder, Standing, lock_holder, lock_holders
from licensing.rules import seats
from licensing.rules.accounts import Invitation, UserStatus, invitation_at
from licensing.rules.catalogue import SeatType
from licensing.rules.permissions import CHANGE_BILLING, CHANGE_SEATS, Actor, require
from licensing.rules.pools import unassigned
from licensing.rules.refusals import (
    AlreadyAssigned,
    InvitationExpired,
    InvitationNotPending,
    NotFound,
    PreconditionFailed,
    SeatRequired,
    TransferToSelf,
    UserDeactivated,
    UserNotEligible,
)

MOVED = ("user_id", "assigned_at", "assigned_by_type", "assigned_by_id", "version")


@transactional
def assign_seat(actor: Actor, user_id: str, seat_type: str) -> Seat:
    """
    Give a user a seat of a type (R11).

    An exclusive seat that the user holds is replaced (R8); a pending removal gives way where the
    seat is one that was to leave (R22). Assigning what the user holds already changes nothing and
    answers the held seat (R32). Refuses with `NoSeatAvailable`, `SeatTypeNotAvailable` (R2, R5),
    `UserNotEligible` (R7), `ExclusiveSeat`, `IncludedInHeldSeat` (R8), `UserDeactivated`,
    `InvitationExpired`, `InvitationNotPending` (R13), `SubscriptionSuspended` (R25b), `Unknown`
    seat types, and `PermissionDenied` (R10).
    """
    require(actor, CHANGE_SEATS)
    standing = brought_up_to_date(actor)
    return assign_to(standing, actor, lock_holder(standing, user_id), seat_type)


def assign_to(standing: Standing, actor: Actor, holder: Holder, seat_type: str) -> Seat:
    """Assign a seat to a locked user; answers and refuses as `assign_seat`."""
    wanted = standing.catalogue.seat_type(seat_type)
    refuse_inactive(standing, holder)
    held = holder.seat_of(wanted.name)
    if held is not None:
        return held
    refuse_receiver(standing, holder, wanted)
    seats.refuse_unavailable(standing.catalogue, standing.situation, wanted)
    return holding.give(standing, actor, holder, wanted)


def refuse_inactive(standing: Standing, holder: Holder) -> None:
    """Refuse a user who is deactivated, or whose invitation is over (R13)."""
    if holder.user.status == UserStatus.DEACTIVATED:
        raise UserDeactivated(holder.user.id)
    if holder.user.status == UserStatus.INVITED:
        _refuse_lapsed_invitation(standing, holder)


def refuse_receiver(standing: Standing, holder: Holder, wanted: SeatType) -> None:
    """Refuse a user who cannot be given another seat of this type (R7, R8, R13)."""
    user = holder.user
    refuse_inactive(standing, holder)
    held = holder.seat_of(wanted.name)
    if held is not None:
        raise AlreadyAssigned(user.id, wanted.name, held.id)
    if wanted.eligible_only and not user.partner_eligible:
        raise UserNotEligible(user.id, wanted.name)


def _refuse_lapsed_invitation(standing: Standing, holder: Holder) -> None:
    user = holder.user
    state = invitation_at(user.invitation, user.invitation_expires_at, standing.now)
    if state is Invitation.EXPIRED:
        raise InvitationExpired(user.id, clock.to_text(user.invitation_expires_at))
    if state is not Invitation.PENDING:
        raise InvitationNotPending(user.id, str(state))


@transactional
def change_seat(actor: Actor, seat_id: str, seat_type: str, if_match: int | None = None) -> Seat:
    """
    Give the holder of a seat one of another type for it, in one step; the seat keeps its id (R16).

    `if_match` is the version of the seat that the caller has seen. Changing to the type it has
    already answers the same and tells nothing (R32). Refuses as `assign_seat` and `take_back`, and
    with `PreconditionFailed`.
    """
    require(actor, CHANGE_SEATS)
    standing = brought_up_to_date(actor)
    holder, seat = _held(standing, seat_id)
    if if_match not in (None, seat.version):
        raise PreconditionFailed("seat", seat.version)
    wanted = standing.catalogue.seat_type(seat_type)
    if wanted.name != seat.seat_type:
        refuse_receiver(standing, holder, wanted)
        seats.refuse_unavailable(standing.catalogue, standing.situation, wanted)
        _change(standing, actor, holder, seat, wanted)
    return seat


def _change(standing: Standing, actor: Actor, holder: Holder, seat: Seat, wanted: SeatType) -> None:
    others = [name for name in holder.seat_types if name != seat.seat_type]
    replaced = seats.replaced_by(standing.catalogue, holder.user.id, others, wanted)
    holding.lock_pools(standing, [seat.seat_type, wanted.name])
    new_pool, from_removal = holding.claim_seat(standing, wanted) if wanted.paid else (None, False)
    old_pool = holding.return_seat(standing, seat.pool_id) if seat.pool_id else None
    changed = make_another(standing, actor, holder, seat, wanted, new_pool, old_pool)
    for old in [s for s in holder.seats if s.seat_type in replaced]:
        holding.end(standing, actor, holder, old, reason=Reason.REPLACED, cause=changed)
    if new_pool is not None:
        holding.settle_claim(standing, actor, new_pool, from_removal, changed)
    if old_pool is not None:
        warning.warn(standing, actor, old_pool, unassigned(old_pool) - 1, changed)


def make_another(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    seat: Seat,
    wanted: SeatType,
    new_pool: Pool | None,
    old_pool: Pool | None,
) -> str:
    """Make a held seat one of another type, whose pools were counted; returns the event."""
    previous = {"seat_type": seat.seat_type, "pool_id": seat.pool_id}
    holding.retype(holder, seat, wanted, new_pool)
    changed = events.record(
        actor,
        EventType.SEAT_CHANGED,
        resources.seat(seat),
        previous=previous,
        pool=standing.numbers_or_none(new_pool),
        previous_pool=standing.numbers_or_none(old_pool),
    )
    answering.answer(standing, actor, holder, seat, Reason.REQUESTED, changed)
    return changed


@transactional
def take_back(actor: Actor, seat_id: str) -> datetime | None:
    """
    Take a seat from its holder, and return until when it is paid for (None for a free seat) (R12).

    A paid seat stays in its pool, unassigned, until a removal takes effect at a renewal. An active
    user left without a seat gets the viewing one (R8). Refuses with `UserDeactivated` (R13),
    `SeatRequired` when the seat is the one that R8 leaves every user, `NotFound` and
    `PermissionDenied`.
    """
    require(actor, CHANGE_SEATS)
    standing = brought_up_to_date(actor)
    holder, seat = _held(standing, seat_id)
    pool = take_from(standing, actor, holder, seat)
    if pool is None:
        return None
    paid_until: datetime = standing.subscription_of(pool).term_ends_at
    return paid_until


def take_from(standing: Standing, actor: Actor, holder: Holder, seat: Seat) -> Pool | None:
    """
    Take a seat from a locked user, and return the pool to which a paid one went back.

    Refuses as `take_back`.
    """
    refuse_last_seat(standing, holder, seat)
    pool = holding.let_go(standing, holder, seat, touching=False)
    taken = holding.record_end(standing, actor, seat, pool, Reason.REQUESTED, cause=None)
    # Whoever falls back to the viewing seat is changed once, by that one.
    if not holding.give_fallback(standing, actor, holder, cause=taken):
        holding.touch(holder)
    return pool


def refuse_last_seat(standing: Standing, holder: Holder, seat: Seat) -> None:
    """Refuse to take the seat that everybody is left (R8)."""
    left = seats.fallback(standing.catalogue, standing.situation, holder.user.status)
    if left == seat.seat_type:
        raise SeatRequired(seat.seat_type, holder.user.id)


@transactional
def take_back_and_give_back(actor: Actor, seat_id: str) -> Removal:
    """
    Take a paid seat from its holder and schedule its removal at the next renewal (R12, R19).

    Needs both permissions. Refuses as `take_back` and `giving_back.schedule_removal`; nothing is
    done unless both can be.
    """
    require(actor, CHANGE_BILLING)
    require(actor, CHANGE_SEATS)
    standing = brought_up_to_date(actor)
    holder, seat = _held(standing, seat_id)
    take_from(standing, actor, holder, seat)
    return giving_back.schedule_removal(actor, seat.seat_type, 1)


@transactional
def transfer_seat(actor: Actor, seat_id: str, to_user_id: str) -> Transfer:
    """
    Move a held paid seat to another user in one step; the seat keeps its id (R15).

    There is no moment at which the seat is free or nobody holds it, so it works for the account's
    only seat of a type. The giver is left the viewing seat where R8 says so. Refuses with
    `TransferToSelf`, `AlreadyAssigned`, `UserDeactivated` (of giver or receiver),
    `SeatTypeNotTransferable`, `InvitationExpired`, `SubscriptionSuspended` (R25b), `NotFound` and
    `PermissionDenied`.
    """
    require(actor, CHANGE_SEATS)
    standing = brought_up_to_date(actor)
    # Both users are locked in the order of their ids, whoever gives.
    lock_holders(standing, [_seat(standing, seat_id).user_id, to_user_id])
    giver, seat = _held(standing, seat_id)
    receiver = lock_holder(standing, to_user_id)
    transfer, moved = move_seat(standing, actor, giver, seat, receiver)
    holding.give_fallback(standing, actor, giver, cause=moved)
    return transfer


def move_seat(
    standing: Standing, actor: Actor, giver: Holder, seat: Seat, receiver: Holder
) -> tuple[Transfer, str]:
    """
    Move a seat between two locked users; what the giver is left with is the caller's matter.

    Returns the transfer and its event; refuses as `transfer_seat`.
    """
    seat_type = standing.catalogue.seat_type(seat.seat_type)
    if receiver is giver:
        raise TransferToSelf(giver.user.id)
    seats.refuse_untransferable(seat_type)
    refuse_receiver(standing, receiver, seat_type)
    _refuse_suspended(standing, seat)
    replaced = seats.replaced_by(
        standing.catalogue, receiver.user.id, receiver.seat_types, seat_type
    )
    return hand_on(standing, actor, giver, seat, receiver, replaced)


def hand_on(
    standing: Standing,
    actor: Actor,
    giver: Holder,
    seat: Seat,
    receiver: Holder,
    replaced: list[str],
) -> tuple[Transfer, str]:
    """Move a seat to a user whose seats of the `replaced` types end, as `move_seat`, unasked."""
    moved = _move(standing, actor, giver, seat, receiver, replaced)
    transfer = Transfer.create(
        account_id=seat.account_id,
        id=ids.new("tra"),
        seat_id=seat.id,
        seat_type=seat.seat_type,
        from_user_id=giver.user.id,
        to_user_id=receiver.user.id,
        created_at=standing.now,
    )
    return transfer, moved


def _refuse_suspended(standing: Standing, seat: Seat) -> None:
    """R25b: a transfer gives somebody a seat, too."""
    if standing.suspended:
        of_account = Pool.account_id == seat.account_id
        holding.refuse_suspended(standing, Pool.get(of_account, Pool.id == seat.pool_id))


def _move(
    standing: Standing,
    actor: Actor,
    giver: Holder,
    seat: Seat,
    receiver: Holder,
    replaced: list[str],
) -> str:
    old = [s for s in receiver.seats if s.seat_type in replaced]
    ended = [(s, holding.let_go(standing, receiver, s)) for s in old]
    giver.seats.remove(seat)
    receiver.seats.append(seat)
    holding.touch(giver)
    holding.touch(receiver, holds_exclusive=False)
    seat.user_id = receiver.user.id
    seat.assigned_at = standing.now
    seat.assigned_by_type, seat.assigned_by_id = actor.type, actor.id
    seat.version += 1
    gathering.change_seat(seat, MOVED)
    moved = events.record(
        actor,
        EventType.SEAT_TRANSFERRED,
        resources.seat(seat),
        previous={"user_id": giver.user.id},
    )
    for s, pool in ended:
        holding.record_end(standing, actor, s, pool, Reason.REPLACED, moved)
    answering.answer(standing, actor, receiver, seat, Reason.REQUESTED, moved)
    return moved


def _seat(standing: Standing, seat_id: str) -> Any:
    seat = rows.seat.row(standing.account.id, seat_id)
    if seat is None:
        raise NotFound("seat", seat_id)
    return seat


def _held(standing: Standing, seat_id: str) -> tuple[Holder, Seat]:
    """The seat and its holder, locked; the seat may have changed hands before the lock was had."""
    holder = lock_holder(standing, _seat(standing, seat_id).user_id)
    seat = next((seat for seat in holder.seats if seat.id == seat_id), None)
    if seat is None:
        raise NotFound("seat", seat_id)
    if holder.user.status == UserStatus.DEACTIVATED:
        raise UserDeactivated(holder.user.id)
    return holder, seat
