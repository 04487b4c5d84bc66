"""Removals that shrink: their seats are needed after all, or are to stay (R21, R22)."""

from datetime import datetime

from licensing import events, resources
from licensing.events import EventType, Reason
from licensing.models import Pool, Removal
from licensing.operations.standing import Standing
from licensing.rules.permissions import Actor
from licensing.rules.pools import shrink


def give_way(standing: Standing, actor: Actor, pool: Pool, needed: int, cause: str) -> None:
    """R22: the newest removals of the pool shrink by as many seats as were needed."""
    newest_first = (
        Removal.select()
        .where(
            Removal.account_id == pool.account_id,
            Removal.pool_id == pool.id,
            Removal.status == "scheduled",
        )
        .order_by(Removal.created_at.desc(), Removal.id.desc())
    )
    for removal, part in shrink(newest_first, needed):
        reduce_removal(actor, removal, part, standing.pool_numbers(pool), Reason.ASSIGNED, cause)


def reduce_removal(
    actor: Actor,
    removal: Removal,
    by: int,
    pool: resources.Resource,
    reason: Reason,
    cause: str | None = None,
    effective_at: datetime | None = None,
) -> None:
    """
    Take seats out of a removal; at zero it is cancelled. `pool` are the numbers after it.
    """
    was = {"quantity": removal.quantity, "status": removal.status}
    removal.quantity -= by
    removal.status = "scheduled" if removal.quantity else "cancelled"
    removal.current_quantity = pool["purchased"]
    removal.renewal_quantity = pool["quantity_at_renewal"]
    removal.version += 1
    removal.save()
    cancelled = removal.status == "cancelled"
    events.record(
        actor,
        EventType.SEAT_REMOVAL_CANCELLED if cancelled else EventType.SEAT_REMOVAL_REDUCED,
        resources.removal(removal),
        previous=was if cancelled else {"quantity": was["quantity"]},
        pool=pool,
        effective_at=effective_at,
        reason=reason,
        cause=cause,
    )
