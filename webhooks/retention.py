"""How long things are kept (promise 10): attempts, answers, events that nobody waits for."""

from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from licensing import clock, events, idempotency, settings
from licensing.db import transactional
from webhooks.logs import OPERATOR
from webhooks.models import Attempt, Endpoint, Lane, Notice, Parked
from webhooks.rules import EndpointStatus

ROWS_PER_STEP = 500


def purge() -> dict[str, int]:
    """
    Delete what is older than the settings want it kept, in small steps.

    Events go only up to the cursor of the endpoint that is furthest behind, and up to the first one
    that is parked; those of accounts on test clocks stay. Returns how many of each kind there were.
    """
    now, chosen = clock.now(), settings.current()
    old_attempts = now - timedelta(days=chosen.attempt_days)
    old_events = now - timedelta(days=chosen.event_days)
    old_answers = now - timedelta(days=chosen.idempotency_days)
    return {
        "attempts": _repeated(_purge_attempts, old_attempts),
        "events": sum(_repeated(_purge_log, old_events, id) for id in events.aged(old_events)),
        "notices": _repeated(_purge_notices, old_events),
        "answers": _repeated(idempotency.forget, old_answers, ROWS_PER_STEP),
    }


def _repeated(step: Any, *arguments: object) -> int:
    total = 0
    while done := step(*arguments):
        total += done
    return total


@transactional
def _purge_attempts(before: datetime) -> int:
    old = (
        Attempt.select(Attempt.id)
        .where(Attempt.created_at < before)
        .order_by(Attempt.created_at)
        .limit(ROWS_PER_STEP)
    )
    ids = [row.id for row in old]
    return int(Attempt.delete().where(Attempt.id.in_(ids)).execute()) if ids else 0


@transactional
def _purge_log(before: datetime, account_id: str) -> int:
    events.hold(account_id, "FOR UPDATE")
    return events.forget(account_id, before, _bound(account_id), ROWS_PER_STEP)


@transactional
def _purge_notices(before: datetime) -> int:
    last = Notice.select(fn.MAX(Notice.sequence)).scalar() or 0
    bound = _bound(OPERATOR)
    through = last - 1 if bound is None else min(bound, last - 1)
    old = (
        Notice.select(Notice.sequence)
        .where(Notice.created_at < before, Notice.sequence <= through)
        .order_by(Notice.sequence)
        .limit(ROWS_PER_STEP)
    )
    return int(Notice.delete().where(Notice.sequence.in_(old)).execute())


def _bound(log: str) -> int | None:
    """The last sequence of a log that nobody needs any more; None where nobody needs any."""
    live = Endpoint.select(Endpoint.id).where(Endpoint.status != EndpointStatus.GONE)
    cursors = Lane.select(fn.MIN(Lane.cursor)).where(
        Lane.account_id == log, Lane.cursor < Lane.head, Lane.endpoint_id.in_(live)
    )
    parked = Parked.select(fn.MIN(Parked.sequence) - 1).where(Parked.account_id == log)
    found = [bound for bound in (cursors.scalar(), parked.scalar()) if bound is not None]
    return min(found, default=None)
