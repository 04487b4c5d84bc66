"""Deliveries: what became of each event that an endpoint was sent, and every attempt."""

from datetime import datetime
from typing import Any

from peewee import fn

from licensing.queries.cursors import Page, Window, page
from licensing.rules.permissions import Actor
from licensing.rules.refusals import NotFound
from webhooks import history, lanes, logs
from webhooks.access import seen_endpoint
from webhooks.models import Attempt, Endpoint, Lane, Parked, Replay, ReplayLane
from webhooks.resources import (
    Resource,
    attempt_resource,
    delivery_resource,
    parked_resource,
    replay_resource,
)


def deliveries(
    actor: Actor,
    endpoint_id: str,
    window: Window,
    account_id: str | None = None,
    event_type: str | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page:
    """
    The events that an endpoint was sent, the one that was tried last first.

    Each stands there once, with its newest attempt, whose outcome and time are what is filtered by.
    """
    endpoint = seen_endpoint(actor, endpoint_id)
    later = Attempt.alias()
    newest = ~fn.EXISTS(
        later.select(later.id).where(
            later.endpoint_id == Attempt.endpoint_id,
            later.event_id == Attempt.event_id,
            later.id > Attempt.id,
        )
    )
    query = Attempt.select().where(Attempt.endpoint_id == endpoint.id, newest)
    filters = {
        "account_id": account_id,
        "event_type": event_type,
        "verdict": outcome,
    }
    for name, value in filters.items():
        if value is not None:
            query = query.where(getattr(Attempt, name) == value)
    if since is not None:
        query = query.where(Attempt.created_at >= since)
    if until is not None:
        query = query.where(Attempt.created_at < until)
    of = ("webhook_deliveries", endpoint.id, *filters.values(), since, until)
    found = page(query, Attempt.id, window, of, newest_first=True)
    return found.mapped(lambda attempt: _delivery(endpoint, attempt))


def _delivery(endpoint: Endpoint, newest: Attempt) -> Resource:
    attempts = history.attempts_of(endpoint.id, newest.event_id).count()
    return delivery_resource(newest, attempts, _state(endpoint, newest))


def _state(endpoint: Endpoint, attempt: Attempt) -> str | None:
    if attempt.sequence is None:
        return None
    return history.state_of(endpoint, attempt.account_id, attempt.event_id, attempt.sequence)


def delivery(actor: Actor, endpoint_id: str, event_id: str) -> Resource:
    """One event on its way to an endpoint, with all its attempts. Raises `NotFound`."""
    endpoint = seen_endpoint(actor, endpoint_id)
    attempts = list(history.attempts_of(endpoint.id, event_id))
    if attempts:
        shown = _delivery(endpoint, attempts[0])
    else:
        log, entry = history.event_of(endpoint, event_id)
        state = history.state_of(endpoint, log, entry.id, entry.sequence)
        shown = untried(log, entry, state)
    return shown | {"attempts": [attempt_resource(attempt) for attempt in attempts]}


def untried(log: str, entry: logs.Entry, state: str) -> Resource:
    """An event that was not sent so far."""
    nothing: dict[str, Any] = {"outcome": None, "status": None, "last_attempt_at": None}
    return {
        "event_id": entry.id,
        "event_type": entry.type,
        "account_id": log,
        "sequence": entry.sequence,
        "state": state,
        "attempt_count": 0,
        **nothing,
    }


def parked(actor: Actor, endpoint_id: str, window: Window, account_id: str | None = None) -> Page:
    """The events that were set aside, by account and sequence."""
    endpoint = seen_endpoint(actor, endpoint_id)
    query = Parked.select().where(Parked.endpoint_id == endpoint.id)
    if account_id is not None:
        query = query.where(Parked.account_id == account_id)
    of = ("webhook_parked", endpoint.id, account_id)
    return page(query, Parked.event_id, window, of).mapped(parked_resource)


def replays(actor: Actor, endpoint_id: str, window: Window) -> Page:
    """The replays of an endpoint, the newest first."""
    endpoint = seen_endpoint(actor, endpoint_id)
    query = Replay.select().where(Replay.endpoint_id == endpoint.id)
    of = ("webhook_replays", endpoint.id)
    found = page(query, Replay.id, window, of, newest_first=True)
    return found.mapped(lambda row: _replay(endpoint, row))


def replay(actor: Actor, endpoint_id: str, replay_id: str) -> Resource:
    """One replay and how far it is. Raises `NotFound`."""
    endpoint = seen_endpoint(actor, endpoint_id)
    row = Replay.get_or_none(Replay.endpoint_id == endpoint.id, Replay.id == replay_id)
    if row is None:
        raise NotFound("replay", replay_id)
    return _replay(endpoint, row)


def _replay(endpoint: Endpoint, row: Replay) -> Resource:
    parts = list(ReplayLane.select().where(ReplayLane.replay_id == row.id))
    events = sum(part.events for part in parts)
    return replay_resource(row, len(parts), events, sum(_left(endpoint, part) for part in parts))


def _left(endpoint: Endpoint, part: ReplayLane) -> int:
    """How many events of a part are still to be sent: those beyond the cursor of its lane."""
    lane = Lane.get_or_none(Lane.account_id == part.account_id, Lane.endpoint_id == endpoint.id)
    if lane is None or lane.cursor >= part.until_sequence:
        return 0
    types = lanes.asked_for(endpoint, part.account_id)
    return logs.count(part.account_id, endpoint.id, types, lane.cursor, part.until_sequence)
