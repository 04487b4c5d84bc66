"""
Seats going in and out of hands: the steps of which assigning, transferring and all else is made.

These are not commands: they ask for no permission and run inside the caller's transaction. Each
does its guarded updates first and records its event after them.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from licensing import events, ids, resources, rows
from licensing.compiled import compiled
from licensing.db import for_update
from licensing.events import EventType, Reason
from licensing.models import Pool, Seat
from licensing.operations import answering, gathering, giving_way, warning
from licensing.operations.standing import Holder, Standing
from licensing.rules import seats
from licensing.rules.catalogue import SeatType
from licensing.rules.permissions import Actor
from licensing.rules.pools import can_assign, spare, unassigned
from licensing.rules.refusals import NoSeatAvailable, SubscriptionSuspended


def give(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    seat_type: SeatType,
    *,
    reason: Reason = Reason.REQUESTED,
    cause: str | None = None,
    effective_at: datetime | None = None,
) -> Seat:
    """
    Give the holder a seat and end what it replaces (R8, R11, R22).

    Raises `NoSeatAvailable` when every seat of a paid type is assigned, `SubscriptionSuspended`
    when its pool stands still (R25b), and what `seats.replaced_by` raises.
    """
    replaced = seats.replaced_by(standing.catalogue, holder.user.id, holder.seat_types, seat_type)
    lock_pools(standing, [seat_type.name, *replaced])
    seat, _ = hand_out(
        standing,
        actor,
        holder,
        seat_type,
        replaced,
        reason=reason,
        cause=cause,
        effective_at=effective_at,
    )
    return seat


def hand_out(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    seat_type: SeatType,
    replaced: list[str],
    *,
    reason: Reason = Reason.REQUESTED,
    cause: str | None = None,
    effective_at: datetime | None = None,
) -> tuple[Seat, str]:
    """
    Give the holder a seat for those of the `replaced` types; returns it with its event.

    Raises as `give`, but asks no rule of R8 any more.
    """
    pool, from_removal = claim_seat(standing, seat_type) if seat_type.paid else (None, False)
    old_ones = _seats_of(holder, replaced)
    ended = [(seat, let_go(standing, holder, seat, touching=False)) for seat in old_ones]
    seat = _take_up(standing, actor, holder, seat_type, pool)

    event = events.record(
        actor,
        EventType.SEAT_ASSIGNED,
        resources.seat(seat),
        pool=standing.numbers_or_none(pool),
        effective_at=effective_at,
        reason=reason,
        cause=cause,
    )
    for old, left in ended:
        record_end(standing, actor, old, left, Reason.REPLACED, event, effective_at)
    answering.answer(standing, actor, holder, seat, reason, event)
    if pool is not None:
        settle_claim(standing, actor, pool, from_removal, event)
    return seat, event


def end(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    seat: Seat,
    *,
    reason: Reason = Reason.REQUESTED,
    cause: str | None = None,
    effective_at: datetime | None = None,
) -> str:
    """
    Take a seat from its holder: a paid one stays in its pool, unassigned (R12). Returns the event.
    """
    pool = let_go(standing, holder, seat)
    return record_end(standing, actor, seat, pool, reason, cause, effective_at)


def give_fallback(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    cause: str | None,
    effective_at: datetime | None = None,
    reason: Reason = Reason.FALLBACK,
) -> bool:
    """
    R8: an active user of a seat-based account is never left without a seat.

    Whether the user had to be given one.
    """
    if holder.seats:
        return False
    name = seats.fallback(standing.catalogue, standing.situation, holder.user.status)
    if name is not None:
        seat_type = standing.catalogue.seat_type(name)
        give(
            standing,
            actor,
            holder,
            seat_type,
            reason=reason,
            cause=cause,
            effective_at=effective_at,
        )
    return name is not None


@compiled
def _open_pools(account_id: Any, seat_types: Any) -> Any:
    open_ones = (Pool.account_id == account_id) & (Pool.status == "open")
    return Pool.select().where(open_ones, Pool.seat_type.in_(seat_types)).order_by(Pool.id)


_locked_pools = compiled(lambda *of: for_update(_open_pools.query(*of)))


def open_pool(standing: Standing, seat_type: str) -> Pool | None:
    """The account's pool of a type, None where it has none."""
    pools = gathering.counted_pools()
    if pools is not None:
        return pools.get(seat_type)
    pool: Pool | None = _open_pools.model(standing.account.id, (seat_type,))
    return pool


def lock_pools(standing: Standing, seat_types: list[str]) -> None:
    """Lock the pools of several types in one order, before a command counts in more than one."""
    # Only what is paid has a pool: whoever is given a seat for the viewing one counts in one.
    paid = [name for name in seat_types if standing.catalogue.seat_type(name).paid]
    if len(paid) > 1:
        locked_pools(standing, paid)


def locked_pools(standing: Standing, seat_types: Collection[str]) -> list[Pool]:
    """The open pools of these types, locked in the one order in which all commands lock them."""
    return _locked_pools.models(standing.account.id, tuple(sorted(seat_types)))


def claim_seat(standing: Standing, seat_type: SeatType) -> tuple[Pool, bool]:
    """
    Count one more seat of a paid type as assigned.

    Returns the pool after it and whether the seat was one that a removal had claimed (R22). The row
    count decides, so never is one more assigned than was bought, whatever runs at the same moment
    (R11). Raises `NoSeatAvailable`, `SubscriptionSuspended` (R25b).
    """
    pools = gathering.counted_pools()
    if pools is not None:
        return claim_in(standing, pools, seat_type)
    claimed, from_removal = _claimed(standing, seat_type)
    refuse_suspended(standing, claimed)
    return claimed, from_removal


def _one_more(account_id: Any, seat_type: Any, guard: Any, **also: Any) -> Any:
    of_type = (Pool.seat_type == seat_type) & (Pool.status == "open")
    return _counting(account_id, of_type & guard, assigned=Pool.assigned + 1, **also)


def _counting(account_id: Any, guard: Any, **counts: Any) -> Any:
    changed = Pool.update(version=Pool.version + 1, **counts)
    return changed.where(Pool.account_id == account_id, guard).returning(Pool)


@compiled
def _assign_spare(account_id: Any, seat_type: Any) -> Any:
    return _one_more(account_id, seat_type, spare(Pool) >= 1)


@compiled
def _assign_leaving(account_id: Any, seat_type: Any) -> Any:
    is_to_leave = (spare(Pool) <= 0) & can_assign(Pool)
    one_fewer_leaves = Pool.scheduled_removal - 1
    return _one_more(account_id, seat_type, is_to_leave, scheduled_removal=one_fewer_leaves)


@compiled
def _return(account_id: Any, pool_id: Any) -> Any:
    return _counting(account_id, Pool.id == pool_id, assigned=Pool.assigned - 1)


def claim_in(
    standing: Standing, pools: Mapping[str, Pool], seat_type: SeatType
) -> tuple[Pool, bool]:
    """
    The same in `pools` in memory, by type, which are locked; returns and raises as `claim_seat`.
    """
    pool = pools.get(seat_type.name)
    if pool is None:
        raise NoSeatAvailable(seat_type.name, 0, 0)
    refuse_suspended(standing, pool)
    if not can_assign(pool):
        raise NoSeatAvailable(seat_type.name, pool.purchased, pool.assigned)
    # R22: those that no removal has claimed are used up first.
    from_removal = spare(pool) <= 0
    if from_removal:
        pool.scheduled_removal -= 1
    pool.assigned += 1
    pool.version += 1
    return pool, from_removal


def _claimed(standing: Standing, seat_type: SeatType) -> tuple[Pool, bool]:
    # Seats that no removal has claimed are used up first (R22). Another command may make one spare
    # between the first two tries; the third one finds it.
    for claim in (_assign_spare, _assign_leaving, _assign_spare):
        claimed = claim.model(standing.account.id, seat_type.name)
        if claimed is not None:
            return claimed, claim is _assign_leaving
    raise _why_not(standing, seat_type)


def refuse_suspended(standing: Standing, pool: Pool) -> None:
    """R25b: while its subscription is suspended, nothing of a pool is bought or assigned."""
    subscription = standing.subscription_of(pool)
    if subscription.suspended_at is not None:
        raise SubscriptionSuspended(subscription.id, subscription.product)


def settle_claim(
    standing: Standing, actor: Actor, pool: Pool, from_removal: bool, cause: str
) -> None:
    """Tell what a claim brought about: removals that gave way (R22), a line crossed (R32)."""
    if from_removal:
        giving_way.give_way(standing, actor, pool, 1, cause)
    warning.warn(standing, actor, pool, unassigned(pool) + 1, cause)


def return_seat(standing: Standing, pool_id: str) -> Pool:
    """Count one seat fewer as assigned, and return the pool after it."""
    if gathering.counted_pools() is None:
        returned: Pool = _return.model(standing.account.id, pool_id)
        return returned
    pool: Pool = gathering.pool(standing.account.id, pool_id)
    pool.assigned -= 1
    pool.version += 1
    return pool


def _why_not(standing: Standing, seat_type: SeatType) -> NoSeatAvailable:
    pool = open_pool(standing, seat_type.name)
    if pool is None:
        return NoSeatAvailable(seat_type.name, 0, 0)
    refuse_suspended(standing, pool)
    return NoSeatAvailable(seat_type.name, pool.purchased, pool.assigned)


def _seats_of(holder: Holder, seat_types: list[str]) -> list[Seat]:
    return [seat for seat in holder.seats if seat.seat_type in seat_types]


def let_go(standing: Standing, holder: Holder, seat: Seat, touching: bool = True) -> Pool | None:
    """
    Remove a seat from its holder without telling; returns the pool that it went back to.

    `touching` writes the change of the user, which is left to the caller otherwise.
    """
    gathering.delete_seat(seat)
    holder.seats.remove(seat)
    if touching:
        touch(holder)
    return return_seat(standing, seat.pool_id) if seat.pool_id else None


def record_end(
    standing: Standing,
    actor: Actor,
    seat: Seat,
    pool: Pool | None,
    reason: Reason,
    cause: str | None,
    effective_at: datetime | None = None,
) -> str:
    """Tell that a seat ended, and the line that its pool crossed. Returns the event."""
    event = events.record(
        actor,
        EventType.SEAT_UNASSIGNED,
        resources.seat(seat),
        pool=standing.numbers_or_none(pool),
        effective_at=effective_at,
        reason=reason,
        cause=cause,
    )
    if pool is not None:
        warning.warn(standing, actor, pool, unassigned(pool) - 1, event)
    return event


def _take_up(
    standing: Standing, actor: Actor, holder: Holder, seat_type: SeatType, pool: Pool | None
) -> Seat:
    seat = new_seat(standing, actor, holder, seat_type, pool)
    holder.seats.append(seat)
    touch(holder, holds_exclusive=seat_type.exclusive)
    gathering.insert_seat(seat)
    return seat


def new_seat(
    standing: Standing, actor: Actor, holder: Holder, seat_type: SeatType, pool: Pool | None
) -> Seat:
    """A seat for the holder; not written yet."""
    return rows.made(
        Seat,
        account_id=standing.account.id,
        id=ids.new("seat"),
        user_id=holder.user.id,
        seat_type=seat_type.name,
        pool_id=None if pool is None else pool.id,
        exclusive=seat_type.exclusive,
        assigned_at=standing.now,
        assigned_by_type=actor.type,
        assigned_by_id=actor.id,
        version=1,
        created_at=standing.now,
    )


def retype(holder: Holder, seat: Seat, wanted: SeatType, pool: Pool | None) -> None:
    """Make a held seat one of another type, in a pool where that is paid; it keeps its id."""
    seat.exclusive = wanted.exclusive
    seat.seat_type, seat.pool_id = wanted.name, None if pool is None else pool.id
    seat.version += 1
    touch(holder, holds_exclusive=wanted.exclusive)
    gathering.change_seat(seat, ("seat_type", "pool_id", "exclusive", "version"))


def held_by(holder: Holder) -> seats.Holding:
    """What kind of seats the holder holds (R27)."""
    return seats.holding_of([seat.pool_id is not None for seat in holder.seats])


def touch(holder: Holder, **changes: object) -> None:
    """Write a change of the user, who shows the seats held and so has a new version (R8)."""
    user = holder.user
    changes |= {"holding": held_by(holder)}
    # A column that is set is written to its indexes, even to the same value.
    changes = {name: value for name, value in changes.items() if getattr(user, name) != value}
    for name, value in changes.items():
        setattr(user, name, value)
    user.version += 1
    gathering.change_user(user, changes)
