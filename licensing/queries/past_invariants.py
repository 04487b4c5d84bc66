"""
What must always be true of the past: the ledger and the holdings against tables and log (R28, R29).

The log is replayed in another way than the ledger is written: all changes are sorted by when they
took effect, and added up.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from licensing import rows
from licensing.ledger import figures_of
from licensing.models import Account, Event, Pool, PoolFigures, Seat, SeatHolding
from licensing.rules.history import NO_SEATS, Figures, Told, counts_from

# From an instant on a pool has so many seats.
Steps = list[tuple[datetime, Figures]]


def of_past(account: Account, replayed: bool) -> Iterator[str]:
    """
    What is wrong with the past of an account, as sentences that name the row.

    Args:
        replayed: whether its log is whole, so that it can be replayed.
    """
    ledger = _ledger(account)
    yield from _last_figures(account, ledger)
    yield from _held_seats(account)
    if not replayed:
        return
    told = list(_told(account))
    yield from _figures(ledger, told)
    yield from _holdings(account, told)


def _ledger(account: Account) -> dict[str, Steps]:
    figures = PoolFigures.select().where(PoolFigures.account_id == account.id)
    found: defaultdict[str, Steps] = defaultdict(list)
    for row in figures.order_by(PoolFigures.pool_id, PoolFigures.starts_at):
        found[row.pool_id].append((row.starts_at, figures_of(row)))
    return found


def _last_figures(account: Account, ledger: dict[str, Steps]) -> Iterator[str]:
    for pool in rows.of_account(Pool, account):
        *_, (_, last) = [(None, NO_SEATS), *ledger.get(pool.id, [])]
        if last != figures_of(pool):
            yield f"pool {pool.id} has {figures_of(pool)}, but its ledger ends with {last}"


def _held_seats(account: Account) -> Iterator[str]:
    open_ones = SeatHolding.select().where(
        SeatHolding.account_id == account.id, SeatHolding.ends_at.is_null()
    )
    kept = {row.seat_id: (row.user_id, row.seat_type, row.pool_id) for row in open_ones}
    held = {
        seat.id: (seat.user_id, seat.seat_type, seat.pool_id)
        for seat in rows.of_account(Seat, account)
    }
    for id in sorted(kept.keys() | held.keys()):
        if kept.get(id) != held.get(id):
            yield f"seat {id} is {held.get(id)}, but its history ends with {kept.get(id)}"


def _told(account: Account) -> Iterator[Told]:
    events = Event.select(Event.sequence, Event.type, Event.body)
    in_order = events.where(Event.account_id == account.id).order_by(Event.sequence)
    for row in in_order.iterator():
        event = json.loads(row.body)
        at = counts_from(*map(_instant, (event["timestamp"], event["data"]["effective_at"])))
        yield Told(row.sequence, row.type, at, event["data"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _figures(ledger: dict[str, Steps], told: list[Told]) -> Iterator[str]:
    latest: dict[str, Figures] = {}
    changes: defaultdict[str, Steps] = defaultdict(list)
    for event in told:
        for pool_id, figures in event.figures():
            changes[pool_id].append((event.at, figures - latest.get(pool_id, NO_SEATS)))
            latest[pool_id] = figures
    for pool_id in sorted(changes.keys() | ledger.keys()):
        replayed = _added_up(changes.get(pool_id, []))
        if _without_repetitions(ledger.get(pool_id, [])) != replayed:
            yield f"pool {pool_id} had other figures than the log tells"


def _added_up(changes: Steps) -> Steps:
    stands, steps = NO_SEATS, dict[datetime, Figures]()
    for at, change in sorted(changes, key=lambda step: step[0]):
        stands += change
        steps[at] = stands
    return _without_repetitions([*steps.items()])


def _without_repetitions(steps: Steps) -> Steps:
    before = [NO_SEATS, *(figures for _, figures in steps)]
    return [step for step, was in zip(steps, before, strict=False) if step[1] != was]


def _holdings(account: Account, told: list[Told]) -> Iterator[str]:
    replayed = _replayed(told)
    holdings: Any = SeatHolding.select().where(SeatHolding.account_id == account.id).tuples()
    kept = {sequence: tuple(row) for _, sequence, *row in holdings}
    for sequence in sorted(kept.keys() | replayed.keys()):
        if kept.get(sequence) != replayed.get(sequence):
            yield (
                f"the holding that began with event {sequence} is {kept.get(sequence)}, "
                f"but the log tells {replayed.get(sequence)}"
            )


def _replayed(told: list[Told]) -> dict[int, tuple[Any, ...]]:
    """The holdings that the log tells of, by the event that each began with."""
    begun: dict[str, Told] = {}
    found: dict[int, tuple[Any, ...]] = {}
    for event in told:
        seat_id = event.data["object"].get("id")
        if event.seat_ended and seat_id in begun:
            first = begun.pop(seat_id)
            end = (max(event.at, first.at), event.seat_ended, event.data["reason"])
            found[first.sequence] = _holding(first) + end
        if event.seat_began:
            begun[seat_id] = event
    return found | {
        first.sequence: (*_holding(first), None, None, None) for first in begun.values()
    }


def _holding(began: Told) -> tuple[Any, ...]:
    seat = began.data["object"]
    return (seat["id"], seat["user_id"], seat["seat_type"], seat["pool_id"], began.at)
