"""Sending at once, for somebody who waits for the answer: ping, an example, an event again."""

from contextlib import closing
from typing import Any

from licensing import settings
from licensing.db import transactional
from licensing.rules.permissions import Actor
from licensing.rules.refusals import NotFound
from webhooks import lanes, logs, messages, outcomes, parking
from webhooks.access import locked_endpoint, seen_endpoint
from webhooks.history import event_of, previous_of
from webhooks.logs import OPERATOR
from webhooks.messages import Message
from webhooks.models import Attempt, Endpoint
from webhooks.refusals import DeliveryWaits
from webhooks.rules import LaneState, Occasion, Verdict
from webhooks.transport import Outcome, Transport


def ping(actor: Actor, endpoint_id: str) -> Attempt:
    """
    Send `webhook.ping` to an endpoint, however it stands, and say what came back.

    Its health and cursors stay as they are. Raises `NotFound` and `PermissionDenied`.
    """
    endpoint = seen_endpoint(actor, endpoint_id)
    message = messages.outside_of_logs(endpoint, messages.PING, {"endpoint_id": endpoint.id})
    return _noted(endpoint, OPERATOR, message, _sent(message), Occasion.PING)


def send_test(actor: Actor, endpoint_id: str, example: dict[str, Any]) -> Attempt:
    """
    Send the example of an event, flagged with `"test": true`, and say what came back.

    Raises `NotFound` and `PermissionDenied`.
    """
    endpoint = seen_endpoint(actor, endpoint_id)
    members = {
        name: example[name] for name in ("account_id", "epoch", "sequence") if name in example
    }
    message = messages.outside_of_logs(
        endpoint, example["type"], example["data"], test=True, **members, previous_sequence=0
    )
    return _noted(endpoint, OPERATOR, message, _sent(message), Occasion.TEST)


def retry(actor: Actor, endpoint_id: str, event_id: str) -> None:
    """
    Send an event again.

    One that was delivered or parked is sent at once, and is parked no longer if it is taken now.
    The one that its lane has yet to deliver is made due at once, for the dispatcher to send, also
    where the lane was blocked. Refuses with `DeliveryWaits` where others come before it, `NotFound`
    for an event that the endpoint was never to be sent, and `PermissionDenied`.
    """
    prepared = _prepared(actor, endpoint_id, event_id)
    if prepared is None:
        return
    endpoint, log, message = prepared
    outcome = _sent(message)
    _resent(endpoint, log, message, outcome)


@transactional
def _prepared(
    actor: Actor, endpoint_id: str, event_id: str
) -> tuple[Endpoint, str, Message] | None:
    """What to send at once; None where the lane's own turn was brought forward instead."""
    endpoint = locked_endpoint(actor, endpoint_id)
    log, entry = event_of(endpoint, event_id)
    lane = lanes.locked(log, endpoint_id)
    types = lanes.asked_for(endpoint, log)
    if lane is None:
        raise NotFound("delivery", event_id)
    if entry.sequence > lane.cursor:
        following = logs.next_entry(log, endpoint_id, types, lane.cursor, lane.head)
        if following is None or following.id != event_id:
            raise DeliveryWaits(event_id)
        if lane.state != LaneState.LEASED:
            lanes.move(lane)
        return None
    return endpoint, log, messages.of_entry(entry, previous_of(endpoint, log, entry), endpoint)


@transactional
def _resent(endpoint: Endpoint, log: str, message: Message, outcome: Outcome) -> None:
    outcomes.note_attempt(log, endpoint.id, message, outcome, Occasion.RETRY)
    if outcomes.meaning(outcome) is Verdict.DELIVERED:
        parking.forget(log, endpoint.id, message.sequence or 0)


def _sent(message: Message) -> Outcome:
    """Post a message outside of any transaction, which nothing else should wait for."""
    with closing(Transport(settings.current().webhook_allowed_hosts)) as transport:
        return message.send(transport)


@transactional
def _noted(
    endpoint: Endpoint, log: str, message: Message, outcome: Outcome, occasion: Occasion
) -> Attempt:
    return outcomes.note_attempt(log, endpoint.id, message, outcome, occasion)
