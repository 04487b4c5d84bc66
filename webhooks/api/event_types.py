"""What the events about endpoints, and the messages that no log holds, look like."""

from typing import Any

from licensing.api import event_types, fields
from licensing.api.events import EventResponse
from licensing.api.kit import Response
from webhooks.api.endpoints import WebhookEndpointResponse
from webhooks.api.positions import ParkedEventResponse
from webhooks.event_types import OperatorEvent
from webhooks.messages import PING, VERIFICATION


class OperatorEventResponse(EventResponse):
    """An event of the operators' log, which belongs to no account."""

    account_id = fields.Id("acc", allow_none=True, description="Always null", example=None)


class ParkedOfEndpoint(ParkedEventResponse):
    """An event that was set aside, and whose delivery it was."""

    endpoint_id = fields.Id("whe", description="The endpoint that refused it")


class VerificationData(Response):
    """What an endpoint has to echo."""

    endpoint_id = fields.Id("whe", description="The endpoint")
    challenge = fields.Text(
        max=100, description="To be sent back in the body", example="hT5q0yGfT2rX9v3nZcV1bA"
    )


class PingData(Response):
    """Which endpoint is pinged."""

    endpoint_id = fields.Id("whe", description="The endpoint")


ABOUT: dict[OperatorEvent, tuple[type[Response], str]] = {
    OperatorEvent.ENDPOINT_FAILING: (
        WebhookEndpointResponse,
        "Five failures in a row; told again after 1 hour, 1, 3 and 6 days.",
    ),
    OperatorEvent.ENDPOINT_RECOVERED: (WebhookEndpointResponse, "A failing one works again."),
    OperatorEvent.ENDPOINT_SUSPENDED: (
        WebhookEndpointResponse,
        "A week of failures: it is tried once a day from now on.",
    ),
    OperatorEvent.ENDPOINT_RESUMED: (WebhookEndpointResponse, "A suspended one works again."),
    OperatorEvent.ENDPOINT_GONE: (WebhookEndpointResponse, "It answered 410: it is left alone."),
    OperatorEvent.EVENT_PARKED: (
        ParkedOfEndpoint,
        "An endpoint refused an event for 72 hours, and it was set aside.",
    ),
}
MESSAGES: dict[str, tuple[type[Response], str]] = {
    VERIFICATION: (VerificationData, "Asks a new endpoint to echo a challenge."),
    PING: (PingData, "Sent on request, to see whether an endpoint answers."),
}


def _message(name: str, data: type[Response], text: str) -> type[Response]:
    members: dict[str, Any] = {
        "__doc__": text,
        "id": fields.Id("evt", description="Its identifier, as `webhook-id` says"),
        "type": fields.Text(
            max=64, description="What it is", example=name, metadata={"enum": [name]}
        ),
        "timestamp": fields.Instant(
            description="When it was sent", example="2026-11-23T10:15:30.123Z"
        ),
        "api_version": fields.Text(max=16, description="The shape of `data`", example="v1"),
        "data": fields.Nested(data, description="What it says"),
    }
    return type("".join(map(str.capitalize, name.split("."))) + "Message", (Response,), members)


PUBLISHED: dict[str, tuple[type[Response], str]] = {
    **{
        kind.value: (event_types.schema_of(kind, *about, OperatorEventResponse), about[1])
        for kind, about in ABOUT.items()
    },
    **{name: (_message(name, *about), about[1]) for name, about in MESSAGES.items()},
}


def publish() -> None:
    """Add them to what is published of the types of events."""
    for name, published in PUBLISHED.items():
        event_types.publish(name, *published)
