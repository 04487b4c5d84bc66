"""
The log: every change, in the account's order (R29, R30, R32).

`record` is the only writer. What is recorded is written right before the commit, so that the
account's sequence, the one row that all its commands share, is locked for the shortest time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

import orjson

from licensing import chain, clock, ids, ledger
from licensing.compiled import compiled, in_parts
from licensing.db import for_update, transaction
from licensing.models import Account, Event, EventSubject
from licensing.rules.event_types import EventType, Reason
from licensing.rules.history import Told, counts_from
from licensing.rules.permissions import Actor

__all__ = ["EventType", "Reason", "listen", "record"]

API_VERSION = "v1"
LARGEST_BODY = 64 * 1024

# The members of an event's object by whose value the log can be filtered, where that is the id of a
# user or a seat (R29).
SUBJECTS = ("id", "user_id", "from_user_id", "to_user_id", "seat_id")
LOOKED_FOR = ("usr_", "seat_")


# Who is told, inside the transaction, of what was appended to an account's log: (sequence, type).
Listener = Callable[[str, Sequence[tuple[int, EventType]]], None]
_listeners: dict[str, Listener] = {}


def listen(name: str, listener: Listener) -> None:
    """Call `listener` with what is appended to a log, in its transaction; once for each name."""
    _listeners[name] = listener


# A tuple, since a frozen object takes three times as long to make.
class Recorded(NamedTuple):
    """An event that will be written at the commit."""

    id: str
    account_id: str
    type: EventType
    timestamp: datetime
    counts_from: datetime
    subjects: frozenset[str]
    content: dict[str, Any]


def record(
    actor: Actor,
    type: EventType,
    object: dict[str, Any],
    *,
    previous: dict[str, Any] | None = None,
    pool: dict[str, Any] | None = None,
    previous_pool: dict[str, Any] | None = None,
    effective_at: datetime | None = None,
    reason: Reason = Reason.REQUESTED,
    cause: str | None = None,
) -> str:
    """
    Append an event to the log of the actor's account and return its id.

    Args:
        actor: who did it.
        type: what happened.
        object: the thing after the change, as the API shows it.
        previous: only the members that changed, as they were.
        pool: the pool's numbers after the change, where it changed a quantity (R32).
        previous_pool: those of the other pool, where a seat went from one to another.
        effective_at: when it took effect, if that is not now (R23).
        reason: why.
        cause: the id of the event that this one follows from (R22).
    """
    here = transaction()
    now = here.instant or clock.now()
    content: dict[str, Any] = {"object": object, "previous": previous or {}}
    if pool is not None:
        content["pool"] = pool
    if previous_pool is not None:
        content["previous_pool"] = previous_pool
    content |= {
        "effective_at": clock.to_text(effective_at or now),
        "actor": {"type": actor.type, "id": actor.id},
        "reason": reason,
        "cause": cause,
        "request_id": actor.request_id,
    }
    if actor.traceparent is not None:
        content["traceparent"] = actor.traceparent
    event = Recorded(
        ids.new("evt"),
        actor.account,
        type,
        now,
        counts_from(now, effective_at or now),
        _subjects(object, previous or {}),
        content,
    )
    if not here.events:
        here.closing.append(_write)
    here.events.append(event)
    return event.id


def _subjects(*parts: dict[str, Any]) -> frozenset[str]:
    named = [part.get(name) for part in parts if part for name in SUBJECTS]
    return frozenset([id for id in named if type(id) is str and id.startswith(LOOKED_FOR)])


def _write() -> None:
    by_account = defaultdict(list)
    for event in transaction().events:
        by_account[event.account_id].append(event)
    for account_id in sorted(by_account):
        _append(account_id, by_account[account_id])


@compiled
def _number(account_id: Any, many: Any) -> Any:
    numbered = Account.update(last_sequence=Account.last_sequence + many)
    return numbered.where(Account.id == account_id).returning(Account.last_sequence, Account.epoch)


@compiled
def _insert(rows: Any) -> Any:
    return Event.insert_many(rows, fields=Event._meta.sorted_fields).as_rowcount()


@compiled
def _insert_subjects(rows: Any) -> Any:
    return EventSubject.insert_many(rows, fields=EventSubject._meta.sorted_fields).as_rowcount()


def _append(account_id: str, recorded: list[Recorded]) -> None:
    numbered = _number.row(account_id, len(recorded))
    first = numbered.last_sequence - len(recorded) + 1
    last_digest = digest(account_id, first - 1)
    rows: list[tuple[object, ...]] = []
    subjects: list[tuple[object, ...]] = []
    for sequence, event in enumerate(recorded, first):
        body = _body(event, numbered.epoch, sequence)
        actor_id = event.content["actor"]["id"]
        at = clock.to_kept(event.timestamp)
        columns = (account_id, str(sequence), event.id, event.type, at, actor_id, body)
        last_digest = chain.digest(last_digest, columns)
        at_last = (at, body, actor_id, last_digest)
        rows.append((account_id, sequence, event.id, event.type, *at_last))
        subjects += [(account_id, subject, sequence) for subject in sorted(event.subjects)]
    for part in in_parts(rows):
        _insert.run(tuple(part))
    for part in in_parts(subjects):
        _insert_subjects.run(tuple(part))
    ledger.keep(
        account_id,
        [
            Told(sequence, event.type, event.counts_from, event.content)
            for sequence, event in enumerate(recorded, first)
        ],
    )
    appended = [(sequence, event.type) for sequence, event in enumerate(recorded, first)]
    for listener in _listeners.values():
        listener(account_id, appended)


def digest(account_id: str, sequence: int) -> str:
    """
    The digest of an event; what the chain begins with where there is none.

    Whoever appends reads it when the account's sequence is locked, by a statement of its own: only
    such a one sees what the command before this one wrote while this one waited.
    """
    found = _digest.row(account_id, sequence)
    return str(found.digest) if found else chain.BEGINNING


@compiled
def _digest(account_id: Any, sequence: Any) -> Any:
    of_event = (Event.account_id == account_id) & (Event.sequence == sequence)
    return Event.select(Event.digest).where(of_event)


def _body(event: Recorded, epoch: int, sequence: int) -> str:
    """The event's bytes, which never change: compact, in this order of keys, integers only."""
    body = orjson.dumps(
        {
            "id": event.id,
            "type": event.type,
            "timestamp": clock.to_text(event.timestamp),
            "api_version": API_VERSION,
            "account_id": event.account_id,
            "epoch": epoch,
            "sequence": sequence,
            "data": event.content,
        }
    )
    if len(body) > LARGEST_BODY:
        raise ValueError(f"an event of {len(body)} bytes exceeds {LARGEST_BODY}")
    return body.decode()


def hold(account_id: str, strength: str = "FOR KEY SHARE") -> None:
    """
    Let nothing of an account's log be deleted until the commit; what is appended need not wait.

    For who is to send a part of it (again). Who deletes holds it with `FOR UPDATE` before he looks
    what is still needed: so what the one counts on is still there, or gone before he looks.
    """
    query = Account.select(Account.id).where(Account.id == account_id)
    for_update(query, strength).get_or_none()


def aged(before: datetime) -> Iterator[str]:
    """The accounts of whose logs something may be deleted that happened before an instant."""
    first_left = (Event.account_id == Account.id) & (Event.sequence == Account.purged_through + 1)
    found = (
        Account.select(Account.id)
        .join(Event, on=first_left)
        .where(
            Event.occurred_at < before,
            Account.last_sequence > Account.purged_through + 1,
            Account.test_clock_id.is_null(),
        )
        .order_by(Account.id)
    )
    yield from [row.id for row in found]


def forget(account_id: str, before: datetime, through: int | None, most: int) -> int:
    """
    Delete the oldest events of an account's log; the last one always stays.

    Whoever calls it holds the log `FOR UPDATE` (`hold`), since before he looked what is needed.

    Args:
        before: only those that happened before this instant.
        through: only those up to this sequence, None for any.
        most: at most so many.

    Returns how many were deleted. What is left is still without a gap, and its chain begins with
    the digest of the last one that was deleted.
    """
    last = Account.get_by_id(account_id).last_sequence
    bound = last - 1 if through is None else min(through, last - 1)
    oldest = (
        Event.select(Event.sequence, Event.occurred_at, Event.digest)
        .where(Event.account_id == account_id)
        .order_by(Event.sequence)
        .limit(most)
    )
    # From the beginning, so that no gap is left where a clock went back.
    old = [*takewhile(lambda row: row.occurred_at < before and row.sequence <= bound, oldest)]
    if old:
        # First, since the database lets go only of what the account says is purged.
        Account.update(purged_through=old[-1].sequence, purged_digest=old[-1].digest).where(
            Account.id == account_id
        ).execute()
        for table in (EventSubject, Event):
            table.delete().where(
                table.account_id == account_id, table.sequence <= old[-1].sequence
            ).execute()
    return len(old)
