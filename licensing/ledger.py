"""
An account's past, kept beside its log: each pool's figures, who held which seat (R28, R29).

Written in the transaction of the events that tell of it, and from nothing else, while the account's
sequence is locked: so it agrees with the log whatever door a change came through, and no question
about the past has to read the log. It names nobody, and stays when old events are deleted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from peewee import EXCLUDED, chunked, fn

from licensing import spans
from licensing.models import Pool, PoolFigures, SeatHolding
from licensing.rules.history import NO_SEATS, Figures, Told

ROWS_PER_STATEMENT = 500


@dataclass
class _Latest:
    """The last figures of a pool that are known, and since when they stand."""

    starts_at: datetime
    figures: Figures


def keep(account_id: str, told: Sequence[Told]) -> None:
    """Keep what new events of an account tell, in their order."""
    _keep_figures(account_id, told)
    _keep_holdings(account_id, told)


def _keep_figures(account_id: str, told: Sequence[Told]) -> None:
    changes = [(event, *change) for event in told for change in event.figures()]
    latest = _latest(account_id, {pool_id for _, pool_id, _ in changes})
    new: dict[tuple[str, datetime], dict[str, Any]] = {}
    for event, pool_id, figures in changes:
        before = latest.get(pool_id)
        if before is not None and before.figures == figures:
            continue
        if before is None or event.at >= before.starts_at:
            key = {"account_id": account_id, "pool_id": pool_id, "starts_at": event.at}
            new[pool_id, event.at] = key | {"sequence": event.sequence} | asdict(figures)
            latest[pool_id] = _Latest(event.at, figures)
        else:
            # It took effect before something that is written down already.
            _write_figures(new.values())
            new.clear()
            _correct(account_id, pool_id, event, figures - before.figures)
            before.figures = figures
    _write_figures(new.values())


def _latest(account_id: str, pool_ids: set[str]) -> dict[str, _Latest]:
    if not pool_ids:
        return {}
    other = PoolFigures.alias()
    last = other.select(fn.MAX(other.starts_at)).where(
        other.account_id == Pool.account_id, other.pool_id == Pool.id
    )
    rows = (
        PoolFigures.select(PoolFigures)
        .join(
            Pool,
            on=(PoolFigures.account_id == Pool.account_id)
            & (PoolFigures.pool_id == Pool.id)
            & (PoolFigures.starts_at == last),
        )
        .where(Pool.account_id == account_id, Pool.id.in_(sorted(pool_ids)))
    )
    return {row.pool_id: _Latest(row.starts_at, figures_of(row)) for row in rows}


def figures_of(row: PoolFigures | Pool) -> Figures:
    """The figures that a row has."""
    return Figures(row.purchased, row.assigned, row.scheduled_removal)


def _write_figures(rows: Iterable[dict[str, Any]]) -> None:
    for chunk in chunked(rows, ROWS_PER_STATEMENT):
        PoolFigures.insert_many(chunk).on_conflict(
            conflict_target=[PoolFigures.account_id, PoolFigures.pool_id, PoolFigures.starts_at],
            update={
                column: getattr(EXCLUDED, column.name)
                for column in (
                    PoolFigures.sequence,
                    PoolFigures.purchased,
                    PoolFigures.assigned,
                    PoolFigures.scheduled_removal,
                )
            },
        ).execute()


def _correct(account_id: str, pool_id: str, event: Told, change: Figures) -> None:
    """Add a change to the figures of the pool from an instant on."""
    of_pool = (PoolFigures.account_id == account_id) & (PoolFigures.pool_id == pool_id)
    before = (
        PoolFigures.select()
        .where(of_pool, PoolFigures.starts_at <= event.at)
        .order_by(PoolFigures.starts_at.desc())
        .first()
    )
    if before is None or before.starts_at < event.at:
        stood = NO_SEATS if before is None else figures_of(before)
        key = {"account_id": account_id, "pool_id": pool_id, "starts_at": event.at}
        _write_figures([key | {"sequence": event.sequence} | asdict(stood)])
    changed = {name: getattr(PoolFigures, name) + by for name, by in asdict(change).items()}
    PoolFigures.update(**changed).where(of_pool, PoolFigures.starts_at >= event.at).execute()


def _keep_holdings(account_id: str, told: Sequence[Told]) -> None:
    handovers = _Handovers(account_id)
    for event in told:
        handovers.hear(event)
    for (at, ended_by, reason), seat_ids in handovers.ended.items():
        for some in chunked(seat_ids, ROWS_PER_STATEMENT):
            _end_held(account_id, list(some), at, ended_by, reason)
    for chunk in chunked(handovers.rows, ROWS_PER_STATEMENT):
        SeatHolding.insert_many(chunk).execute()


@dataclass
class _Handovers:
    """
    What events tell of who holds which seat.

    Attributes:
        rows: the holdings that began; those that are over already say so.
        ended: the seats of which a holding ended that had begun before, by when, how and why.
        current: of the rows, those that are not over, by seat.
    """

    account_id: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    ended: defaultdict[tuple[datetime, str, str], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )
    current: dict[str, dict[str, Any]] = field(default_factory=dict)

    def hear(self, event: Told) -> None:
        """Take one event into account."""
        if event.seat_ended:
            self._end(event.data["object"]["id"], event.at, event.seat_ended, event.data["reason"])
        if event.seat_began:
            self._begin(event, event.data["object"])

    def _end(self, seat_id: str, at: datetime, ended_by: str, reason: str) -> None:
        row = self.current.pop(seat_id, None)
        if row is None:
            self.ended[at, ended_by, reason].append(seat_id)
        else:
            row |= {"ends_at": max(at, row["starts_at"]), "ended_by": ended_by, "reason": reason}

    def _begin(self, event: Told, seat: dict[str, Any]) -> None:
        row = {
            "account_id": self.account_id,
            "sequence": event.sequence,
            "seat_id": seat["id"],
            "user_id": seat["user_id"],
            "seat_type": seat["seat_type"],
            "pool_id": seat["pool_id"],
            "starts_at": event.at,
            "ends_at": None,
            "ended_by": None,
            "reason": None,
        }
        self.current[seat["id"]] = row
        self.rows.append(row)


def _end_held(
    account_id: str, seat_ids: list[str], at: datetime, ended_by: str, reason: str
) -> None:
    """Two clocks may differ a little: nothing ends before it began."""
    SeatHolding.update(
        ends_at=spans.later_of(SeatHolding.starts_at, spans.instant(at)),
        ended_by=ended_by,
        reason=reason,
    ).where(
        SeatHolding.account_id == account_id,
        SeatHolding.seat_id.in_(seat_ids),
        SeatHolding.ends_at.is_null(),
    ).execute()
