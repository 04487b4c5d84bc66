"""Deliveries: what became of each event, and sending by hand."""

from typing import Any

from licensing.api import event_types, fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.rules.permissions import MANAGE_WEBHOOKS, Actor
from webhooks.event_types import NAMES
from webhooks.history import DeliveryState
from webhooks.operations import sending as operations
from webhooks.queries import deliveries as queries
from webhooks.refusals import DeliveryWaits, EventTypeUnknown
from webhooks.resources import attempt_resource
from webhooks.rules import Occasion, Verdict

blp = Blueprint("webhook deliveries", __name__, description="What became of each event")

SEQUENCE: dict[str, Any] = {
    "min": 1,
    "allow_none": True,
    "description": "Its place in the account's log, null where it is in none",
    "example": 1042,
}
OUTCOME: dict[str, Any] = {"description": "What the answer came to", "example": "delivered"}
STATUS: dict[str, Any] = {
    "allow_none": True,
    "description": "The HTTP status of the answer, null where none came in time",
    "example": 204,
}
ACCOUNT: dict[str, Any] = {
    "allow_none": True,
    "description": "The account, null for what is about no account",
}
TYPE: dict[str, Any] = {"max": 64, "description": "What happened", "example": "seat.assigned"}


class WebhookAttemptResponse(Response):
    """A message that was sent, and what came back."""

    id = fields.Id("att", description="The attempt's identifier")
    event_id = fields.Id("evt", description="The event or message, as `webhook-id` says")
    event_type = fields.Text(**TYPE)
    account_id = fields.Id("acc", **ACCOUNT)
    sequence = fields.Integer(**SEQUENCE)
    occasion = fields.Choice(Occasion, description="Why it was sent", example="delivery")
    outcome = fields.Choice(Verdict, **OUTCOME)
    status = fields.Integer(**STATUS)
    failure = fields.Text(
        max=64, allow_none=True, description="What went wrong on the way", example=None
    )
    detail = fields.Text(min=0, max=500, description="The same in words", example="")
    milliseconds = fields.MapOf(
        fields.Integer(min=0, description="A phase", example=12),
        description="How long each phase took",
        example={"connect": 3, "first_byte": 9, "total": 12},
    )
    answer = fields.Text(
        min=0, max=1024, allow_none=True, description="How a text answer began", example="ok"
    )
    created_at = fields.CreatedAt()


class WebhookDeliveryResponse(Response):
    """An event on its way to one endpoint."""

    event_id = fields.Id("evt", description="The event or message")
    event_type = fields.Text(**TYPE)
    account_id = fields.Id("acc", **ACCOUNT)
    sequence = fields.Integer(**SEQUENCE)
    state = fields.Choice(
        DeliveryState,
        allow_none=True,
        description="Where it stands, null for a message that is in no log",
        example="delivered",
    )
    attempt_count = fields.Integer(min=0, description="How often it was sent", example=1)
    outcome = fields.Choice(
        Verdict, allow_none=True, description="What the last attempt came to", example="delivered"
    )
    status = fields.Integer(**STATUS)
    last_attempt_at = fields.Instant(
        allow_none=True, description="When it was last sent", example="2026-11-23T10:15:30.123Z"
    )


class WebhookDeliveryDetailResponse(WebhookDeliveryResponse):
    """An event on its way to one endpoint, with every attempt."""

    attempts = fields.ListOf(
        fields.Nested(WebhookAttemptResponse, description="An attempt"),
        max=100_000,
        description="The attempts, the newest first",
    )


class WebhookDeliveryQuery(Request):
    """Which deliveries."""

    account_id = fields.Id("acc", description="Only those of this account")
    event_type = fields.Text(
        max=64, description="Only events of this type", example="seat.assigned"
    )
    outcome = fields.Choice(
        Verdict, description="Only those whose last attempt came to this", example="delivered"
    )
    since = fields.Instant(
        description="Only those last tried at this instant or later",
        example="2026-11-23T00:00:00.000Z",
    )
    until = fields.Instant(
        description="Only those last tried before this instant", example="2026-11-24T00:00:00.000Z"
    )


class WebhookTestRequest(Request):
    """Which example to send."""

    type = fields.Text(required=True, **TYPE)


@blp.get("/webhook-endpoints/<endpoint_id>/deliveries")
@blp.needs(MANAGE_WEBHOOKS)
@blp.lists(WebhookDeliveryResponse, WebhookDeliveryQuery)
def list_webhook_deliveries(actor: Actor, endpoint_id: str, query: dict[str, Any]) -> Page:
    """List what an endpoint was sent

    Each event once, the one that was tried last first. Pings, tests and challenges are among them.
    """
    return queries.deliveries(actor, endpoint_id, **window_of(query))


@blp.get("/webhook-endpoints/<endpoint_id>/deliveries/<event_id>")
@blp.needs(MANAGE_WEBHOOKS)
@blp.gives(200, WebhookDeliveryDetailResponse)
def get_webhook_delivery(actor: Actor, endpoint_id: str, event_id: str) -> dict[str, Any]:
    """Read what became of an event

    With every attempt to send it: when, how long each phase took, and what came back.
    """
    return queries.delivery(actor, endpoint_id, event_id)


@blp.post("/webhook-endpoints/<endpoint_id>/deliveries/<event_id>/retry")
@blp.needs(MANAGE_WEBHOOKS)
@blp.idempotent("none")
@blp.gives(200, WebhookDeliveryDetailResponse)
@blp.refuses(DeliveryWaits)
def retry_webhook_delivery(actor: Actor, endpoint_id: str, event_id: str) -> dict[str, Any]:
    """Send an event again

    One that was delivered or parked is sent at once, and the answer has the attempt. The one that
    is next in its lane is made due at once, for the dispatcher to send.
    """
    operations.retry(actor, endpoint_id, event_id)
    return queries.delivery(actor, endpoint_id, event_id)


@blp.post("/webhook-endpoints/<endpoint_id>/ping")
@blp.needs(MANAGE_WEBHOOKS)
@blp.idempotent("none")
@blp.gives(200, WebhookAttemptResponse)
def ping_webhook_endpoint(actor: Actor, endpoint_id: str) -> dict[str, Any]:
    """Ping a webhook endpoint

    Sends `webhook.ping` now and answers with what came back, whatever state the endpoint is in.
    """
    return attempt_resource(operations.ping(actor, endpoint_id))


@blp.post("/webhook-endpoints/<endpoint_id>/test")
@blp.needs(MANAGE_WEBHOOKS)
@blp.idempotent("none")
@blp.takes(WebhookTestRequest)
@blp.gives(200, WebhookAttemptResponse)
@blp.refuses(EventTypeUnknown)
def test_webhook_endpoint(actor: Actor, endpoint_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send an example of an event

    It is the one of `GET /v1/event-types`, flagged with `"test": true`, and in no log.
    """
    if body["type"] not in NAMES:
        raise EventTypeUnknown("type", body["type"])
    example = event_types.example(body["type"])
    return attempt_resource(operations.send_test(actor, endpoint_id, example))


# pytest would take its name for that of a test.
test_webhook_endpoint.__test__ = False  # type: ignore[attr-defined]
