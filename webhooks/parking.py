"""Parked events: set aside so that their lane can go on, and sent again when somebody asks."""

from typing import Any

from peewee import fn

from licensing import clock
from licensing.db import for_update
from webhooks.models import Lane, Parked

LEASE = 30_000


def park(
    lane: Lane,
    sequence: int,
    event_id: str,
    event_type: str,
    previous: int,
    reason: str,
    parked_by: str,
    note: str | None = None,
) -> Parked:
    """Set an event aside that the cursor of its lane has passed."""
    columns: dict[str, Any] = {
        "account_id": lane.account_id,
        "endpoint_id": lane.endpoint_id,
        "sequence": sequence,
        "event_id": event_id,
        "event_type": event_type,
        "previous": previous,
        "reason": reason,
        "note": note,
        "parked_by": parked_by,
        "lease_until": 0,
        "token": 0,
        "created_at": clock.now(),
    }
    Parked.insert(**columns).on_conflict_ignore().execute()
    return Parked(**columns)


def claim(endpoint_id: str, most: int, now: int) -> list[Parked]:
    """Take parked events that are to be sent again: of each log the oldest, once it is settled."""
    earlier = Parked.alias()
    waits = fn.EXISTS(
        earlier.select(earlier.sequence).where(
            earlier.account_id == Parked.account_id,
            earlier.endpoint_id == Parked.endpoint_id,
            earlier.sequence < Parked.sequence,
            earlier.due_at.is_null(False),
        )
    )
    due = (
        Parked.select()
        .where(Parked.endpoint_id == endpoint_id, Parked.due_at <= now, Parked.lease_until < now)
        .where(~waits)
        .order_by(Parked.account_id, Parked.sequence)
        .limit(most)
    )
    found = []
    for row in for_update(due, "FOR UPDATE SKIP LOCKED"):
        row.token += 1
        row.lease_until = now + LEASE
        row.save()
        found.append(row)
    return found


def delivered(row: Parked) -> bool:
    """It has been taken: it is parked no longer. False where the lease was lost."""
    return bool(Parked.delete().where(*_is_ours(row)).execute())


def stays(row: Parked, due_at: int | None) -> None:
    """It was not taken: try again at `due_at`, or when somebody asks again where that is None."""
    Parked.update(due_at=due_at, lease_until=0).where(*_is_ours(row)).execute()


def _is_ours(row: Parked) -> tuple[Any, ...]:
    return (
        Parked.account_id == row.account_id,
        Parked.endpoint_id == row.endpoint_id,
        Parked.sequence == row.sequence,
        Parked.token == row.token,
    )


def forget(log: str, endpoint_id: str, sequence: int) -> None:
    """It has been taken after all, if it was parked."""
    Parked.delete().where(
        Parked.account_id == log, Parked.endpoint_id == endpoint_id, Parked.sequence == sequence
    ).execute()
