"""
An account's past, kept beside its log: each pool's figures, who held which seat (R28, R29).

Written in the transaction of the events that tell of it, and from nothing else, while the account's
sequence is locked: so it agrees with the log whatever door a change came through, and no question
about the past has to read the log. It names nobody, and stays when old events are deleted.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from licensing import clock
from licensing.compiled import in_parts
from licensing.db import db
from licensing.models import InstantField, Pool, PoolFigures, SeatHolding
from licensing.rules.history import NO_SEATS, Figures, Told

# Every command that moves a seat runs these. They are written out, since to build them anew each
# time would cost it as much as a third of all that it does.
LATEST = (
    "SELECT starts_at, purchased, assigned, scheduled_removal FROM pool_ledger "
    "WHERE account_id = ? AND pool_id = ? ORDER BY starts_at DESC LIMIT 1"
)
FIGURES = (
    "INSERT INTO pool_ledger (account_id, pool_id, starts_at, sequence, purchased, assigned, "
    "scheduled_removal)"
)
OF_THE_SAME_INSTANT = (
    "ON CONFLICT (account_id, pool_id, starts_at) DO UPDATE SET sequence = excluded.sequence, "
    "purchased = excluded.purchased, assigned = excluded.assigned, "
    "scheduled_removal = excluded.scheduled_removal"
)
KEEP_FIGURES = f"{FIGURES} VALUES (?, ?, ?, ?, ?, ?, ?) {OF_THE_SAME_INSTANT}"
# Unless the last figures that are known stand since a later instant, or are the same.
KEEP_LAST_FIGURES = " ".join(
    (
        FIGURES,
        "SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM (",
        LATEST,
        ") AS latest",
        "WHERE starts_at > ? OR (purchased = ? AND assigned = ? AND scheduled_removal = ?))",
        OF_THE_SAME_INSTANT,
    )
)
KEEP_HOLDINGS = (
    "INSERT INTO seat_holdings (account_id, sequence, seat_id, user_id, seat_type, pool_id, "
    "starts_at, ends_at, ended_by, reason) VALUES "
)
# Two clocks may differ a little: nothing ends before it began.
END_HOLDINGS = (
    "UPDATE seat_holdings SET ends_at = CASE WHEN starts_at > ? THEN starts_at ELSE ? END, "
    "ended_by = ?, reason = ? WHERE ends_at IS NULL AND (seat_id, account_id) "
)
_INSTANT = InstantField()
_kept = clock.to_kept


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
    if len(changes) == 1 and _are_last(account_id, *changes[0]):
        return
    latest = _latest(account_id, {pool_id for _, pool_id, _ in changes})
    new: dict[tuple[str, datetime], tuple[int, Figures]] = {}
    for event, pool_id, figures in changes:
        before = latest.get(pool_id)
        if before is not None and before.figures == figures:
            continue
        if before is None or event.at >= before.starts_at:
            new[pool_id, event.at] = (event.sequence, figures)
            latest[pool_id] = _Latest(event.at, figures)
        else:
            # It took effect before something that is written down already.
            _write_figures(account_id, new)
            new.clear()
            _correct(account_id, pool_id, event, figures - before.figures)
            before.figures = figures
    _write_figures(account_id, new)


def _are_last(account_id: str, event: Told, pool_id: str, figures: Figures) -> bool:
    """
    Keep figures that are other ones than before, and stand from then on; whether these are.

    What nearly all commands tell, in one statement: to look first took twice as long.
    """
    at, numbers = _kept(event.at), figures.numbers
    row = (account_id, pool_id, at, event.sequence, *numbers)
    return bool(_run(KEEP_LAST_FIGURES, (*row, account_id, pool_id, at, *numbers)).rowcount)


def _latest(account_id: str, pool_ids: set[str]) -> dict[str, _Latest]:
    found = {}
    for pool_id in sorted(pool_ids):
        for starts_at, *figures in _run(LATEST, (account_id, pool_id)):
            found[pool_id] = _Latest(_read(starts_at), Figures(*figures))
    return found


def _read(instant: Any) -> Any:
    return _INSTANT.python_value(instant)


def figures_of(row: PoolFigures | Pool) -> Figures:
    """The figures that a row has."""
    return Figures(row.purchased, row.assigned, row.scheduled_removal)


def _write_figures(account_id: str, steps: dict[tuple[str, datetime], tuple[int, Figures]]) -> None:
    for (pool_id, starts_at), (sequence, figures) in steps.items():
        row = (account_id, pool_id, _kept(starts_at), sequence, *figures.numbers)
        _run(KEEP_FIGURES, row)


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
        _write_figures(account_id, {(pool_id, event.at): (event.sequence, stood)})
    changed = {name: getattr(PoolFigures, name) + by for name, by in asdict(change).items()}
    PoolFigures.update(**changed).where(of_pool, PoolFigures.starts_at >= event.at).execute()


def _keep_holdings(account_id: str, told: Sequence[Told]) -> None:
    handovers = _Handovers(account_id)
    for event in told:
        handovers.hear(event)
    for (at, ended_by, reason), seat_ids in handovers.ended.items():
        for some in in_parts(seat_ids):
            whose = [value for seat_id in some for value in (seat_id, account_id)]
            _run(
                END_HOLDINGS + _one_of(len(some)), (_kept(at), _kept(at), ended_by, reason, *whose)
            )
    for rows in in_parts(handovers.rows):
        places = ", ".join([_places(len(SeatHolding._meta.sorted_fields))] * len(rows))
        _run(KEEP_HOLDINGS + places, [value for row in rows for value in row.values()])


def _one_of(many: int) -> str:
    """
    Whether a pair is one of so many pairs.

    Pairs, since SQLite would look for several seats among all that the account ever held.
    """
    pair = _places(2)
    return f"= {pair}" if many == 1 else f"IN (VALUES {', '.join([pair] * many)})"


def _places(count: int) -> str:
    return "(" + ", ".join("?" * count) + ")"


def _run(sql: str, parameters: Sequence[Any]) -> Any:
    return db.obj.execute_sql(sql.replace("?", db.param), parameters)


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
            ends_at = max(_kept(at), row["starts_at"])
            row |= {"ends_at": ends_at, "ended_by": ended_by, "reason": reason}

    def _begin(self, event: Told, seat: dict[str, Any]) -> None:
        row = {
            "account_id": self.account_id,
            "sequence": event.sequence,
            "seat_id": seat["id"],
            "user_id": seat["user_id"],
            "seat_type": seat["seat_type"],
            "pool_id": seat["pool_id"],
            "starts_at": _kept(event.at),
            "ends_at": None,
            "ended_by": None,
            "reason": None,
        }
        self.current[seat["id"]] = row
        self.rows.append(row)
