"""Webhook endpoints: where events are sent, and how that fares."""

from datetime import timedelta
from typing import Any

from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.rules.permissions import MANAGE_WEBHOOKS, Actor
from webhooks.api.fields import Headers, Start
from webhooks.models import Endpoint
from webhooks.operations import endpoints as operations
from webhooks.operations.endpoints import NewEndpoint
from webhooks.queries import endpoints as queries
from webhooks.refusals import (
    EndpointGone,
    EventTypeUnknown,
    StartNotPossible,
    TooManyEndpoints,
    UrlNotAllowed,
)
from webhooks.resources import endpoint_resource
from webhooks.rules import EndpointStatus, Poison

blp = Blueprint("webhook endpoints", __name__, description="Where events are sent")

URL: dict[str, Any] = {
    "max": 2048,
    "description": "Where events are posted: https, port 443 or 8443, a public host",
    "example": "https://billing.example.com/seats",
}
DESCRIPTION: dict[str, Any] = {
    "min": 0,
    "max": 500,
    "description": "What it is for",
    "example": "Billing",
}
IN_FLIGHT: dict[str, Any] = {
    "min": 1,
    "max": 16,
    "description": "How many events of different accounts may be on their way at once",
    "example": 4,
}
RATE: dict[str, Any] = {
    "min": 1,
    "max": 1000,
    "allow_none": True,
    "description": "How many events a second at the most, null for as many as it takes",
    "example": None,
}
HEADERS: dict[str, Any] = {
    "description": "Headers that are sent with every event; their values are not shown again",
    "example": {"X-Tenant": "acme"},
}
POISON: dict[str, Any] = {
    "description": "What becomes of an event that it refuses for 72 hours: `park` sets it aside "
    "and goes on, `block` waits for somebody to decide",
    "example": "park",
}
DAY = 24 * 60 * 60


def _event_types(**options: Any) -> fields.ListOf:
    one = fields.Text(max=64, description="A filter", example="billing")
    return fields.ListOf(
        one,
        min=1,
        max=50,
        description="Which events: names of types, `seat.*`, `billing` for all that changes a "
        "quantity or a term, now or later, or `*`",
        example=["billing"],
        **options,
    )


class WebhookEndpointRequest(Request):
    """A new endpoint."""

    url = fields.Text(required=True, **URL)
    event_types = _event_types(required=True)
    account_id = fields.Id(
        "acc",
        allow_none=True,
        description="The one account whose events are sent; all without it",
        example=None,
    )
    description = fields.Text(**DESCRIPTION)
    headers = Headers(**HEADERS)
    max_in_flight = fields.Integer(**IN_FLIGHT)
    rate = fields.Integer(**RATE)
    poison_policy = fields.Choice(Poison, **POISON)
    start = Start(
        description="`now`, `beginning`, or for one account the sequence after which to begin",
        example="now",
    )


class WebhookEndpointPatch(Request):
    """What can be changed of an endpoint."""

    url = fields.Text(**URL)
    event_types = _event_types()
    description = fields.Text(**DESCRIPTION)
    headers = Headers(**HEADERS)
    max_in_flight = fields.Integer(**IN_FLIGHT)
    rate = fields.Integer(**RATE)
    poison_policy = fields.Choice(Poison, **POISON)


class WebhookEndpointQuery(Request):
    """Which endpoints."""

    account_id = fields.Id("acc", description="Only those of this account")
    status = fields.Choice(EndpointStatus, description="Only those that stand so", example="active")


class SecretRotationRequest(Request):
    """How an endpoint gets a new secret."""

    overlap_seconds = fields.Integer(
        min=0,
        max=14 * DAY,
        load_default=DAY,
        description="How long the former secrets sign, too; a day where it is left out",
        example=DAY,
    )


class WebhookSecretResponse(Response):
    """A signing secret that is live, without itself."""

    id = fields.Id("whs", description="The secret's identifier")
    expires_at = fields.Instant(
        allow_none=True,
        description="Until when it signs, null for the newest",
        example=None,
    )
    created_at = fields.CreatedAt()


class WebhookEndpointResponse(Response):
    """Where events are sent, and how that fares."""

    id = fields.Id("whe", description="The endpoint's identifier")
    account_id = fields.Id(
        "acc", allow_none=True, description="The account whose events are sent, null for all"
    )
    url = fields.Text(**URL)
    description = fields.Text(**DESCRIPTION)
    event_types = _event_types()
    status = fields.Choice(
        EndpointStatus,
        description="`pending` until it has answered the challenge; `suspended` after a week of "
        "failures; `gone` after a 410",
        example="active",
    )
    max_in_flight = fields.Integer(**IN_FLIGHT)
    rate = fields.Integer(**RATE)
    poison_policy = fields.Choice(Poison, **POISON)
    header_names = fields.ListOf(
        fields.Text(max=64, description="A name", example="X-Tenant"),
        max=10,
        description="The names of the headers that are sent with every event",
        example=["X-Tenant"],
    )
    secrets = fields.ListOf(
        fields.Nested(WebhookSecretResponse, description="A secret"),
        max=3,
        description="The secrets that sign, the newest first",
    )
    failures = fields.Integer(min=0, description="How often in a row it failed", example=0)
    failing_since = fields.Instant(
        allow_none=True, description="Since when it has failed, null while it works", example=None
    )
    last_success_at = fields.Instant(
        allow_none=True,
        description="When it last took an event",
        example="2026-11-23T10:15:30.123Z",
    )
    next_attempt_at = fields.Instant(
        allow_none=True,
        description="When it is sent to again at the earliest, null for at once",
        example=None,
    )
    lag = fields.Integer(
        min=0,
        description="How far it is behind in all logs together, in sequences; see its lanes",
        example=0,
    )
    version = fields.Version()
    created_at = fields.CreatedAt()


class NewWebhookEndpointResponse(WebhookEndpointResponse):
    """An endpoint with its newest secret, which is shown only here."""

    secret = fields.Text(
        max=100,
        description="Signs every message; shown only here",
        example="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
    )


def _with_secret(made: tuple[Endpoint, str]) -> dict[str, Any]:
    endpoint, secret = made
    return endpoint_resource(endpoint) | {"secret": secret}


@blp.post("/webhook-endpoints")
@blp.needs(MANAGE_WEBHOOKS)
@blp.takes(WebhookEndpointRequest)
@blp.gives(201, NewWebhookEndpointResponse, location="/v1/webhook-endpoints/{id}")
@blp.refuses(UrlNotAllowed, EventTypeUnknown, StartNotPossible, TooManyEndpoints)
def create_webhook_endpoint(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Make a webhook endpoint

    It is `pending` until it has echoed the challenge of a signed `webhook.verification` message;
    what is told meanwhile waits. The secret is shown in this answer only.
    """
    return _with_secret(operations.create_endpoint(actor, NewEndpoint(**body)))


@blp.get("/webhook-endpoints")
@blp.needs(MANAGE_WEBHOOKS)
@blp.lists(WebhookEndpointResponse, WebhookEndpointQuery)
def list_webhook_endpoints(actor: Actor, query: dict[str, Any]) -> Page:
    """List the webhook endpoints

    The oldest comes first, each with its health.
    """
    return queries.endpoints(actor, **window_of(query))


@blp.get("/webhook-endpoints/<endpoint_id>")
@blp.needs(MANAGE_WEBHOOKS)
@blp.gives(200, WebhookEndpointResponse)
def get_webhook_endpoint(actor: Actor, endpoint_id: str) -> dict[str, Any]:
    """Read a webhook endpoint

    With its health, without its secrets and the values of its headers.
    """
    return queries.endpoint(actor, endpoint_id)


@blp.patch("/webhook-endpoints/<endpoint_id>")
@blp.needs(MANAGE_WEBHOOKS)
@blp.patches(WebhookEndpointPatch, if_match="required")
@blp.gives(200, WebhookEndpointResponse)
@blp.refuses(UrlNotAllowed, EventTypeUnknown)
def update_webhook_endpoint(
    actor: Actor, endpoint_id: str, body: dict[str, Any], if_match: int | None
) -> dict[str, Any]:
    """Change a webhook endpoint

    What waits to be sent is sent to the new address, under the new filter. Another host has to
    answer the challenge first. `headers` replaces all headers.
    """
    return endpoint_resource(operations.update_endpoint(actor, endpoint_id, body, if_match))


@blp.delete("/webhook-endpoints/<endpoint_id>")
@blp.needs(MANAGE_WEBHOOKS)
@blp.gives(204)
def delete_webhook_endpoint(actor: Actor, endpoint_id: str) -> None:
    """Delete a webhook endpoint

    With its secrets, positions and attempts. To stop for a while, pause it.
    """
    operations.delete_endpoint(actor, endpoint_id)


@blp.post("/webhook-endpoints/<endpoint_id>/secret")
@blp.needs(MANAGE_WEBHOOKS)
@blp.takes(SecretRotationRequest, required=False)
@blp.gives(200, NewWebhookEndpointResponse)
def rotate_webhook_secret(actor: Actor, endpoint_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Give a webhook endpoint a new secret

    Messages carry a signature of every live secret, so that receivers can change in the overlap. At
    most three are live; of more, the oldest ends at once.
    """
    overlap = timedelta(seconds=body["overlap_seconds"])
    return _with_secret(operations.rotate_secret(actor, endpoint_id, overlap))


@blp.post("/webhook-endpoints/<endpoint_id>/pause")
@blp.needs(MANAGE_WEBHOOKS)
@blp.gives(200, WebhookEndpointResponse)
@blp.refuses(EndpointGone)
def pause_webhook_endpoint(actor: Actor, endpoint_id: str) -> dict[str, Any]:
    """Pause a webhook endpoint

    Nothing is sent until it is enabled; nothing is lost.
    """
    return endpoint_resource(operations.pause_endpoint(actor, endpoint_id))


@blp.post("/webhook-endpoints/<endpoint_id>/enable")
@blp.needs(MANAGE_WEBHOOKS)
@blp.gives(200, WebhookEndpointResponse)
def enable_webhook_endpoint(actor: Actor, endpoint_id: str) -> dict[str, Any]:
    """Enable a webhook endpoint

    Whatever kept it from being sent to: it begins where it stopped. Enabling a pending one vouches
    for it without a challenge.
    """
    return endpoint_resource(operations.enable_endpoint(actor, endpoint_id))
