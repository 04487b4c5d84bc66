"""Giving seats back at the next renewal (R19 to R22)."""

from licensing import events, ids, resources
from licensing.db import for_update, transactional
from licensing.events import EventType, Reason
from licensing.models import Pool, Removal
from licensing.operations import gathering, giving_way, holding
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Standing
from licensing.rules.permissions import CHANGE_BILLING, Actor, require
from licensing.rules.pools import can_give_back, quantity_at_renewal, spare, unassigned
from licensing.rules.refusals import (
    BelowMinimum,
    Conflict,
    NotEnoughUnassignedSeats,
    NotFound,
    RemovalNotPending,
    Unacceptable,
)


@transactional
def schedule_removal(actor: Actor, seat_type: str, quantity: int) -> Removal:
    """
    Give back `quantity` unassigned seats of a pool when its term renews.

    Nothing changes today: the seats stay in the pool, are paid for until the renewal (R20), and the
    removal can be cancelled until then (R21). A second removal in the same term adds to the first.
    Refuses with `NotEnoughUnassignedSeats`, naming both numbers, or `BelowMinimum` (R19), and with
    `PermissionDenied` (R10).
    """
    require(actor, CHANGE_BILLING)
    return schedule(brought_up_to_date(actor), actor, seat_type, quantity)


def schedule(standing: Standing, actor: Actor, seat_type: str, quantity: int) -> Removal:
    """Give back seats of an account that is up to date; refuses as `schedule_removal`."""
    standing.catalogue.seat_type(seat_type)
    pool = _marked(standing, seat_type, quantity)
    if pool is None:
        raise why_not(holding.open_pool(standing, seat_type), seat_type, quantity)
    removal = _removal(standing, actor, pool, quantity)
    events.record(
        actor,
        EventType.SEAT_REMOVAL_SCHEDULED,
        resources.removal(removal),
        pool=standing.pool_numbers(pool),
        effective_at=removal.effective_at,
    )
    return removal


def _marked(standing: Standing, seat_type: str, quantity: int) -> Pool | None:
    """The pool with so many more seats that are to leave; None where it cannot be (R19)."""
    if gathering.counted_pools() is not None:
        pool = holding.open_pool(standing, seat_type)
        if pool is None or not can_give_back(pool, quantity):
            return None
        pool.scheduled_removal += quantity
        pool.version += 1
        return pool
    marked = (
        Pool.update(scheduled_removal=Pool.scheduled_removal + quantity, version=Pool.version + 1)
        .where(
            Pool.account_id == standing.account.id,
            Pool.seat_type == seat_type,
            Pool.status == "open",
            can_give_back(Pool, quantity),
        )
        .returning(Pool)
        .execute()
    )
    return next(iter(marked), None)


def _removal(standing: Standing, actor: Actor, pool: Pool, quantity: int) -> Removal:
    return Removal.create(
        account_id=pool.account_id,
        id=ids.new("rem"),
        pool_id=pool.id,
        seat_type=pool.seat_type,
        status="scheduled",
        quantity=quantity,
        requested_quantity=quantity,
        current_quantity=pool.purchased,
        renewal_quantity=quantity_at_renewal(pool),
        effective_at=standing.subscription_of(pool).term_ends_at,
        requested_by_type=actor.type,
        requested_by_id=actor.id,
        version=1,
        created_at=standing.now,
    )


def why_not(pool: Pool | None, seat_type: str, quantity: int) -> Conflict:
    """Why so many seats of a type, which may have no pool, cannot be given back (R19)."""
    if pool is None:
        return NotEnoughUnassignedSeats(seat_type, quantity, 0, 0)
    if spare(pool) < quantity:
        return NotEnoughUnassignedSeats(
            seat_type, quantity, unassigned(pool), pool.scheduled_removal
        )
    return BelowMinimum(seat_type, quantity_at_renewal(pool) - quantity, pool.minimum)


@transactional
def cancel_removal(actor: Actor, removal_id: str, quantity: int | None = None) -> Removal:
    """
    Cancel a scheduled removal, or `quantity` seats of it, until it takes effect (R21).

    Refuses with `RemovalNotPending` when it was applied or cancelled already, with `Unacceptable`
    when more is to be cancelled than it has, and with `NotFound` and `PermissionDenied`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor)
    pool = _locked_pool_of(standing, removal_id)
    removal = Removal.get(Removal.account_id == pool.account_id, Removal.id == removal_id)
    if removal.status != "scheduled":
        raise RemovalNotPending(removal.id, removal.status)
    part = removal.quantity if quantity is None else quantity
    if part > removal.quantity:
        raise Unacceptable("quantity", f"is more than the {removal.quantity} that are scheduled")
    pool.scheduled_removal -= part
    pool.version += 1
    pool.save()
    giving_way.reduce_removal(actor, removal, part, standing.pool_numbers(pool), Reason.REQUESTED)
    return removal


def _locked_pool_of(standing: Standing, removal_id: str) -> Pool:
    """The pool is locked before the removal is read, as everywhere else."""
    in_account = Removal.account_id == standing.account.id
    removal = Removal.get_or_none(in_account, Removal.id == removal_id)
    if removal is None:
        raise NotFound("removal", removal_id)
    pool: Pool = for_update(
        Pool.select().where(Pool.account_id == removal.account_id, Pool.id == removal.pool_id)
    ).get()
    return pool
