"""
The logs that lanes walk: one of each account, and that of the operator.

What happens to the endpoints themselves belongs to no account. It has a log of its own, whose lanes
are like all others; only endpoints for all accounts that ask for it have one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from licensing.compiled import compiled
from licensing.models import Event
from licensing.rules.event_types import EventType
from webhooks.models import Notice

OPERATOR = "operator"


@dataclass(frozen=True)
class Entry:
    """An event of a log: its place, what it is, and its exact bytes."""

    sequence: int
    id: str
    type: str
    body: str


def next_entry(
    log: str, endpoint_id: str, types: Sequence[str], after: int, until: int
) -> Entry | None:
    """The first event after a sequence that an endpoint asks for, None where there is none."""
    found = next_entries(log, endpoint_id, types, after, until, 1)
    return found[0] if found else None


def next_entries(
    log: str, endpoint_id: str, types: Sequence[str], after: int, until: int, most: int
) -> list[Entry]:
    """The first events after a sequence, up to another, that an endpoint asks for."""
    if log == OPERATOR:
        rows = _next_notices.rows(endpoint_id, tuple(types), after, until, most)
    else:
        # Most endpoints are told of everything: there is no need to look at each event's type.
        some = None if len(types) == len(EventType) else tuple(types)
        rows = _next_events.rows(log, some, after, until, most)
    return [_entry(row) for row in rows]


@compiled
def _next_events(log: Any, types: Any, after: Any, until: Any, most: Any) -> Any:
    asked_for = (Event.account_id == log) if types is None else _of_account(log, types)
    return _next(Event, asked_for, after, until, most)


@compiled
def _next_notices(endpoint_id: Any, types: Any, after: Any, until: Any, most: Any) -> Any:
    return _next(Notice, _of_others(endpoint_id, types), after, until, most)


def _next(table: Any, condition: Any, after: Any, until: Any, most: Any) -> Any:
    columns = (table.sequence, table.id, table.type, table.body)
    between = (table.sequence > after) & (table.sequence <= until)
    return table.select(*columns).where(condition, between).order_by(table.sequence).limit(most)


def entry(log: str, event_id: str) -> Entry | None:
    """The event with an id, None where the log has none."""
    row: Any = None
    if log == OPERATOR:
        row = Notice.get_or_none(Notice.id == event_id)
    else:
        row = Event.get_or_none(Event.account_id == log, Event.id == event_id)
    return None if row is None else _entry(row)


def last_before(log: str, endpoint_id: str, types: Sequence[str], sequence: int) -> int:
    """The greatest sequence up to `sequence` that an endpoint asks for, 0 where there is none."""
    table, condition = _asked_for(log, endpoint_id, types)
    found = table.select(fn.MAX(table.sequence)).where(condition, table.sequence <= sequence)
    return found.scalar() or 0


def last(log: str, endpoint_id: str, types: Sequence[str]) -> int:
    """The last sequence that an endpoint asks for, 0 where there is none."""
    table, condition = _asked_for(log, endpoint_id, types)
    return table.select(fn.MAX(table.sequence)).where(condition).scalar() or 0


def count(log: str, endpoint_id: str, types: Sequence[str], after: int, until: int) -> int:
    """How many events after one sequence and up to another an endpoint asks for."""
    table, condition = _asked_for(log, endpoint_id, types)
    found = table.select().where(condition, table.sequence > after, table.sequence <= until)
    counted: int = found.count()
    return counted


def _asked_for(log: str, endpoint_id: str, types: Sequence[str]) -> tuple[Any, Any]:
    if log == OPERATOR:
        return Notice, _of_others(endpoint_id, list(types))
    return Event, _of_account(log, list(types))


def _of_account(log: Any, types: Any) -> Any:
    return (Event.account_id == log) & Event.type.in_(types)


def _of_others(endpoint_id: Any, types: Any) -> Any:
    # Nobody is told of himself: what he is told would depend on his answer to it.
    return Notice.type.in_(types) & (Notice.endpoint_id != endpoint_id)


def _entry(row: Any) -> Entry:
    return Entry(row.sequence, row.id, row.type, row.body)
