"""What endpoints and deliveries look like from outside."""

from datetime import UTC, datetime
from typing import Any

from peewee import fn

from licensing import clock
from licensing.clock import to_text
from webhooks import logs, secrets
from webhooks.models import Attempt, Endpoint, Lane, Parked, Replay, Secret

Resource = dict[str, Any]


def instant(milliseconds: int | None) -> str | None:
    """An instant of the dispatcher as the API shows it."""
    if milliseconds is None:
        return None
    return to_text(datetime.fromtimestamp(milliseconds / 1000, UTC))


def account_or_none(log: str) -> str | None:
    """The account whose log it is; None for the operators' log."""
    return None if log == logs.OPERATOR else log


def endpoint_resource(row: Endpoint) -> Resource:
    """An endpoint; of its secrets and headers only what may be shown again."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        "url": row.url,
        "description": row.description,
        "event_types": row.event_types,
        "status": row.status,
        "max_in_flight": row.max_in_flight,
        "rate": row.rate,
        "poison_policy": row.poison_policy,
        "header_names": row.header_names,
        "secrets": [secret_resource(secret) for secret in secrets.live(row.id, clock.now())],
        "failures": row.failures,
        "failing_since": instant(row.failing_since),
        "last_success_at": instant(row.last_success_at),
        "next_attempt_at": instant(row.next_send_at or None),
        "lag": lag(row.id),
        "version": row.version,
        "created_at": to_text(row.created_at),
    }


def lag(endpoint_id: str) -> int:
    """How far an endpoint is behind in all logs together, in sequences."""
    behind = Lane.select(fn.SUM(Lane.head - Lane.cursor)).where(
        Lane.endpoint_id == endpoint_id, Lane.cursor < Lane.head
    )
    return int(behind.scalar() or 0)


def secret_resource(row: Secret) -> Resource:
    """A live secret, without itself."""
    expires_at = None if row.expires_at is None else to_text(row.expires_at)
    return {"id": row.id, "expires_at": expires_at, "created_at": to_text(row.created_at)}


def lane_resource(row: Lane, waiting: int) -> Resource:
    """A lane; `waiting` is how many events it has to send."""
    return {
        "account_id": account_or_none(row.account_id),
        "state": row.state,
        "cursor": row.cursor,
        "head": row.head,
        "waiting": waiting,
        "refusals": row.refusals,
        "refused_since": instant(row.refused_since),
        "next_attempt_at": instant(row.due_at or None),
    }


def attempt_resource(row: Attempt) -> Resource:
    """An attempt to send a message."""
    return {
        "id": row.id,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "account_id": account_or_none(row.account_id),
        "sequence": row.sequence,
        "occasion": row.occasion,
        "outcome": row.verdict,
        "status": row.status,
        "failure": row.failure,
        "detail": row.detail,
        "milliseconds": row.milliseconds,
        "answer": row.answer,
        "created_at": to_text(row.created_at),
    }


def delivery_resource(newest: Attempt, attempts: int, state: str | None) -> Resource:
    """What became of an event so far: its newest attempt says it."""
    return {
        "event_id": newest.event_id,
        "event_type": newest.event_type,
        "account_id": account_or_none(newest.account_id),
        "sequence": newest.sequence,
        "state": state,
        "attempt_count": attempts,
        "outcome": newest.verdict,
        "status": newest.status,
        "last_attempt_at": to_text(newest.created_at),
    }


def replay_resource(row: Replay, accounts: int, events: int, left: int) -> Resource:
    """A replay and how far it is."""
    return {
        "id": row.id,
        "endpoint_id": row.endpoint_id,
        "account_id": row.account_id,
        "from_sequence": row.from_sequence,
        "from_time": None if row.from_time is None else to_text(row.from_time),
        "rate": row.rate,
        "accounts": accounts,
        "events": events,
        "events_sent": max(events - left, 0),
        "status": "running" if left else "done",
        "requested_by": row.requested_by,
        "created_at": to_text(row.created_at),
    }


def parked_resource(row: Parked) -> Resource:
    """An event that was passed over."""
    return {
        "account_id": account_or_none(row.account_id),
        "event_id": row.event_id,
        "event_type": row.event_type,
        "sequence": row.sequence,
        "reason": row.reason,
        "note": row.note,
        "parked_by": row.parked_by,
        "recovering": row.due_at is not None,
        "created_at": to_text(row.created_at),
    }
