"""What became of an event that an endpoint was to be sent: derived, so that it cannot drift."""

from enum import StrEnum
from typing import Any

from licensing.rules.refusals import NotFound
from webhooks import lanes, logs
from webhooks.logs import Entry
from webhooks.models import Attempt, Endpoint, Lane, Parked
from webhooks.rules import LaneState


class DeliveryState(StrEnum):
    """Where an event stands on its way to one endpoint."""

    WAITING = "waiting"
    NEXT = "next"
    BLOCKED = "blocked"
    DELIVERED = "delivered"
    PARKED = "parked"


def event_of(endpoint: Endpoint, event_id: str) -> tuple[str, Entry]:
    """
    An event that an endpoint was sent or is to be sent, with its log.

    It is looked for where the endpoint has met it: among its attempts, among what is parked, in the
    log of its one account. Raises `NotFound`.
    """
    log = _log_of(endpoint, event_id)
    entry = None if log is None else logs.entry(log, event_id)
    if log is None or entry is None or entry.type not in lanes.asked_for(endpoint, log):
        raise NotFound("delivery", event_id)
    return log, entry


def _log_of(endpoint: Endpoint, event_id: str) -> str | None:
    for table in (Attempt, Parked):
        met = table.select(table.account_id).where(
            table.endpoint_id == endpoint.id,
            table.event_id == event_id,
            table.sequence.is_null(False),
        )
        row = met.first()
        if row is not None:
            return str(row.account_id)
    return endpoint.account_id


def previous_of(endpoint: Endpoint, log: str, entry: Entry) -> int:
    """What an event said was sent before it, so that it says the same again."""
    attempt = attempts_of(endpoint.id, entry.id).where(Attempt.previous.is_null(False)).first()
    if attempt is not None:
        return int(attempt.previous)
    types = lanes.asked_for(endpoint, log)
    return logs.last_before(log, endpoint.id, types, entry.sequence - 1)


def attempts_of(endpoint_id: str, event_id: str) -> Any:
    """A query for the attempts to send an event, the newest first."""
    return (
        Attempt.select()
        .where(Attempt.endpoint_id == endpoint_id, Attempt.event_id == event_id)
        .order_by(Attempt.id.desc())
    )


def state_of(endpoint: Endpoint, log: str, entry_id: str, sequence: int) -> DeliveryState:
    """Where an event stands: what the cursor has passed was delivered, unless it is parked."""
    parked = Parked.get_or_none(
        Parked.account_id == log,
        Parked.endpoint_id == endpoint.id,
        Parked.sequence == sequence,
    )
    if parked is not None:
        return DeliveryState.PARKED
    lane = Lane.get_or_none(Lane.account_id == log, Lane.endpoint_id == endpoint.id)
    if lane is None or sequence <= lane.cursor:
        return DeliveryState.DELIVERED
    types = lanes.asked_for(endpoint, log)
    following = logs.next_entry(log, endpoint.id, types, lane.cursor, lane.head)
    if following is None or following.id != entry_id:
        return DeliveryState.WAITING
    return DeliveryState.BLOCKED if lane.state == LaneState.BLOCKED else DeliveryState.NEXT
