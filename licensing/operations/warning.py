"""The lines that a pool crosses, told once each (R32)."""

from collections.abc import Iterator
from contextlib import contextmanager

from licensing import events
from licensing.events import EventType
from licensing.models import Pool
from licensing.operations import gathering
from licensing.operations.standing import Standing
from licensing.rules.permissions import Actor
from licensing.rules.pools import Warning as Line
from licensing.rules.pools import crossed, unassigned


def warn(standing: Standing, actor: Actor, pool: Pool, before: int, cause: str) -> None:
    """R32: tell the line that the pool crossed when its unassigned seats changed from `before`."""
    if pool.id in standing.counted:
        standing.counted[pool.id] = cause
        return
    tell_line(standing, actor, pool, crossed(before, unassigned(pool), pool.low_mark), cause)


@contextmanager
def counting_together(standing: Standing, actor: Actor, pools: list[Pool]) -> Iterator[None]:
    """
    Tell the lines that locked pools cross inside the block as one, when it ends (R16, R32).

    A pool that has as many unassigned seats at the end as before has crossed no line.
    """
    standing.counted = dict.fromkeys((pool.id for pool in pools), None)
    yield
    counted, standing.counted = standing.counted, {}
    for was in pools:
        cause = counted[was.id]
        if cause is not None:
            pool = gathering.pool(was.account_id, was.id)
            line = crossed(unassigned(was), unassigned(pool), pool.low_mark)
            tell_line(standing, actor, pool, line, cause)


def tell_line(standing: Standing, actor: Actor, pool: Pool, line: Line | None, cause: str) -> None:
    """R32: tell that the pool crossed a line, if it did."""
    if line is not None:
        numbers = standing.pool_numbers(pool)
        events.record(actor, EventType(line), standing.pool(pool), pool=numbers, cause=cause)
