"""The figures of a pool at any past date (R28, R29)."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from peewee import CTE, Select, ValuesList, fn

from licensing import clock, hands, spans
from licensing.db import db
from licensing.ledger import figures_of
from licensing.models import Account, Pool, PoolFigures
from licensing.queries.accounts import existing_account
from licensing.resources import Resource
from licensing.rules import calendar
from licensing.rules.calendar import Step
from licensing.rules.history import NO_SEATS, Figures
from licensing.rules.permissions import SEE, Actor, require
from licensing.rules.pools import quantity_at_renewal, unassigned
from licensing.rules.refusals import NotFound, Unacceptable

RECENTLY = timedelta(days=30)


def pool_history(
    actor: Actor,
    pool_id: str,
    starts_at: date | datetime | None = None,
    ends_at: date | datetime | None = None,
    step: Step = Step.DAY,
) -> Resource:
    """
    The figures of a pool at `starts_at`, at each step after it and at `ends_at`.

    Without the second, until now; without the first, of the last 30 days before it.

    A date is the beginning of that day in the account's time zone. What is to come is left out; a
    pool that was not open yet, or no longer, has no seats. Each point costs the same, however much
    has happened. Raises `Unacceptable` for a period that is none, or too long; `NotFound`.
    """
    require(actor, SEE)
    account = existing_account(actor.account)
    of_account = Pool.account_id == actor.account
    pool = Pool.get_or_none(of_account, Pool.id == pool_id)
    if pool is None:
        raise NotFound("pool", pool_id)
    zone = ZoneInfo(account.time_zone)
    first, last = period(account, starts_at, ends_at)
    points = calendar.points(first, last, step, zone)
    if len(points) > calendar.MOST_POINTS:
        raise Unacceptable("interval", f"gives more than {calendar.MOST_POINTS} points")
    return {
        "pool_id": pool.id,
        "seat_type": pool.seat_type,
        "interval": step,
        "items": [_shown(at, figures) for at, figures in _figures_at(pool, points)],
    }


def period(
    account: Account, starts_at: date | datetime | None, ends_at: date | datetime | None
) -> tuple[datetime, datetime]:
    """
    The instants that an account means by two dates or instants, none of them after the present.

    Raises `Unacceptable` where the second lies before the first.
    """
    zone, now = ZoneInfo(account.time_zone), hands.instant_of(account.test_clock_id)
    last = now if ends_at is None else _instant(ends_at, zone)
    first = last - RECENTLY if starts_at is None else _instant(starts_at, zone)
    if last < first:
        raise Unacceptable("to", "lies before `from`")
    return min(first, now), min(last, now)


def _instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    return moment if isinstance(moment, datetime) else calendar.start_of_day(moment, zone)


def _figures_at(pool: Pool, points: list[datetime]) -> list[tuple[datetime, Figures]]:
    """The figures at each instant, found one by one through the key of the ledger."""
    since = _last_changes(pool, points)
    rows = PoolFigures.select().where(
        PoolFigures.account_id == pool.account_id,
        PoolFigures.pool_id == pool.id,
        PoolFigures.starts_at.in_(sorted({at for at in since if at is not None})),
    )
    found = {row.starts_at: figures_of(row) for row in rows}
    return [(at, found.get(last, NO_SEATS)) for at, last in zip(points, since, strict=True)]


def _last_changes(pool: Pool, points: list[datetime]) -> list[datetime | None]:
    """For each instant, since when the figures stood; None before the first ones."""
    instants = ValuesList([(number, spans.instant(at)) for number, at in enumerate(points)])
    asked = CTE("points", instants, columns=("number", "instant"))
    last = PoolFigures.select(fn.MAX(PoolFigures.starts_at)).where(
        PoolFigures.account_id == pool.account_id,
        PoolFigures.pool_id == pool.id,
        PoolFigures.starts_at <= asked.c.instant,
    )
    rows = Select([asked], [asked.c.number, last]).with_cte(asked).bind(db.obj).tuples()
    since = dict(rows)
    return [PoolFigures.starts_at.python_value(since[number]) for number in range(len(points))]


def _shown(at: datetime, figures: Figures) -> dict[str, Any]:
    return {
        "at": clock.to_text(at),
        "purchased": figures.purchased,
        "assigned": figures.assigned,
        "unassigned": unassigned(figures),
        "scheduled_removal": figures.scheduled_removal,
        "quantity_at_renewal": quantity_at_renewal(figures),
    }
