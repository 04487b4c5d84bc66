"""What is agreed about a pool: its minimum and its low mark (R19, R31, R32)."""

from datetime import datetime
from typing import Any

from licensing import events
from licensing.db import for_update, transactional
from licensing.events import EventType
from licensing.models import Pool
from licensing.operations import warning
from licensing.operations.changing import apply_changes, refuse_stale, refuse_taken_external_id
from licensing.operations.due import brought_up_to_date
from licensing.rules.permissions import SET_CONTRACT, Actor, require
from licensing.rules.pools import can_promise, crossed_by_mark, quantity_at_renewal, unassigned
from licensing.rules.refusals import BelowMinimum, NotFound


@transactional
def update_pool(
    actor: Actor, pool_id: str, changes: dict[str, Any], if_match: int
) -> tuple[Pool, datetime]:
    """
    Change a pool's minimum, low mark, external id or metadata; returns it with its renewal.

    `changes` is a JSON Merge Patch that was validated; `if_match` the version that the caller has
    seen. Refuses with `BelowMinimum` where fewer seats would stay after the scheduled removals than
    the minimum promises (R19), with `PreconditionFailed`, `ExternalIdTaken`, `NotFound` and
    `PermissionDenied`.
    """
    require(actor, SET_CONTRACT)
    refuse_stale(actor, Pool, pool_id, if_match)
    standing = brought_up_to_date(actor)
    of_account = Pool.select().where(
        Pool.account_id == standing.account.id, Pool.id == pool_id, Pool.status == "open"
    )
    pool = for_update(of_account).get_or_none()
    if pool is None:
        raise NotFound("pool", pool_id)
    minimum = changes.get("minimum", pool.minimum)
    if not can_promise(pool, minimum):
        raise BelowMinimum(pool.seat_type, quantity_at_renewal(pool), minimum)
    refuse_taken_external_id(Pool, pool.account_id, changes.get("external_id"), but=pool.id)

    previous = apply_changes(pool, changes)
    if previous:
        kind = EventType.POOL_UPDATED
        if "minimum" in previous:
            kind = EventType.POOL_MINIMUM_CHANGED
        changed = events.record(
            actor,
            kind,
            standing.pool(pool),
            previous=previous,
            pool=standing.pool_numbers(pool),
        )
        former_mark = previous.get("low_mark", pool.low_mark)
        line = crossed_by_mark(unassigned(pool), former_mark, pool.low_mark)
        warning.tell_line(standing, actor, pool, line, changed)
    return pool, standing.subscription_of(pool).term_ends_at
