"""
What each event looks like: the schemas of the contract's `webhooks`, and of `GET /v1/event-types`.

The object of an event is the thing as the API shows it, so its schema is the one of the answers.
All of them are open: members may come, none goes.
"""

from functools import cache
from typing import Any

from apispec import APISpec
from flask import Flask, current_app

from licensing.api import fields, openapi
from licensing.api.accounts import AccountResponse
from licensing.api.events import EventData, EventResponse
from licensing.api.examples import example_of
from licensing.api.kit import Blueprint, Response
from licensing.api.pools import PoolNumbers, PoolResponse
from licensing.api.purchases import Money, PurchaseResponse
from licensing.api.removals import RemovalResponse
from licensing.api.seat_requests import RequestedSeatResponse
from licensing.api.seats import SeatResponse
from licensing.api.subscriptions import SubscriptionResponse
from licensing.api.users import UserResponse
from licensing.rules.entitlements import Level
from licensing.rules.event_types import EventType
from licensing.rules.permissions import ANYBODY, Actor

blp = Blueprint("event types", __name__, description="What the log and the webhooks tell")


class ChangedEntitlements(Response):
    """What a user may do now."""

    user_id = fields.Id("usr", description="The user")
    seat_types = fields.ListOf(
        fields.Name(description="A seat type", example="core"),
        max=100,
        description="The types of the seats held",
    )
    features = fields.MapOf(
        fields.Choice(Level, description="A level", example="edit"),
        description="The level of every feature of the catalogue",
        example={"contacts": "edit"},
    )


class RenewalLine(PoolNumbers):
    """What a pool will cost again."""

    unassigned_at_renewal = fields.Integer(
        min=0, description="Seats that nobody holds and that would be renewed", example=2
    )
    amount_for_unassigned = fields.Nested(
        Money, allow_none=True, description="Their price for the next term, null without prices"
    )
    amount_at_renewal = fields.Nested(
        Money, allow_none=True, description="The price of all seats that stay, null without prices"
    )


class UpcomingRenewal(SubscriptionResponse):
    """A subscription that will renew soon."""

    renewal = fields.ListOf(
        fields.Nested(RenewalLine, description="A pool"),
        max=100,
        description="What each of its pools will cost again",
    )


# For each type what it is about, and when it is told.
TYPES: dict[EventType, tuple[type[Response], str]] = {
    EventType.ACCOUNT_CREATED: (AccountResponse, "An account was made."),
    EventType.ACCOUNT_UPDATED: (AccountResponse, "An account was changed."),
    EventType.ACCOUNT_MIGRATED: (AccountResponse, "A legacy account became seat-based."),
    EventType.ACCOUNT_CLOSED: (AccountResponse, "An account was closed for good."),
    EventType.USER_CREATED: (UserResponse, "A user was invited or added."),
    EventType.USER_UPDATED: (UserResponse, "A user was changed, or invited again."),
    EventType.USER_DEACTIVATED: (UserResponse, "A user was deactivated."),
    EventType.USER_REACTIVATED: (UserResponse, "A user was reactivated."),
    EventType.USER_DELETED: (UserResponse, "A user was deleted."),
    EventType.USER_INVITATION_ACCEPTED: (UserResponse, "An invitation was accepted."),
    EventType.USER_INVITATION_EXPIRED: (UserResponse, "An invitation is over."),
    EventType.USER_ENTITLEMENTS_CHANGED: (
        ChangedEntitlements,
        "What a user may do is something else now, whatever the cause.",
    ),
    EventType.SUBSCRIPTION_STARTED: (SubscriptionResponse, "A product was checked out."),
    EventType.SUBSCRIPTION_UPDATED: (
        SubscriptionResponse,
        "External id or metadata changed, or a scheduled tier was taken back.",
    ),
    EventType.SUBSCRIPTION_TIER_CHANGE_SCHEDULED: (
        SubscriptionResponse,
        "The subscription moves to another tier at its renewal.",
    ),
    EventType.SUBSCRIPTION_TIER_CHANGED: (SubscriptionResponse, "The tier is another one now."),
    EventType.SUBSCRIPTION_CANCELLATION_SCHEDULED: (
        SubscriptionResponse,
        "The subscription ends with its term.",
    ),
    EventType.SUBSCRIPTION_RESUMED: (SubscriptionResponse, "A cancellation was taken back."),
    EventType.SUBSCRIPTION_RENEWAL_UPCOMING: (
        UpcomingRenewal,
        "The subscription renews soon: what nobody holds, and what it would cost again.",
    ),
    EventType.SUBSCRIPTION_RENEWED: (SubscriptionResponse, "A new term began."),
    EventType.SUBSCRIPTION_SUSPENDED: (SubscriptionResponse, "It is not paid for."),
    EventType.SUBSCRIPTION_REACTIVATED: (SubscriptionResponse, "It is paid for again."),
    EventType.SUBSCRIPTION_ENDED: (SubscriptionResponse, "The term was over and not renewed."),
    EventType.SEATS_PURCHASED: (PurchaseResponse, "Seats were bought."),
    EventType.SEAT_ASSIGNED: (SeatResponse, "A user was given a seat."),
    EventType.SEAT_UNASSIGNED: (SeatResponse, "A seat is held no longer."),
    EventType.SEAT_CHANGED: (SeatResponse, "A held seat became one of another type."),
    EventType.SEAT_TRANSFERRED: (SeatResponse, "A held seat went to another user."),
    EventType.SEAT_REMOVAL_SCHEDULED: (
        RemovalResponse,
        "Unassigned seats leave at the renewal, or at another one than before.",
    ),
    EventType.SEAT_REMOVAL_REDUCED: (RemovalResponse, "Fewer seats leave."),
    EventType.SEAT_REMOVAL_CANCELLED: (RemovalResponse, "No seats leave after all."),
    EventType.SEAT_REMOVAL_APPLIED: (RemovalResponse, "The seats have left."),
    EventType.SEAT_REQUEST_CREATED: (RequestedSeatResponse, "A user asks for a seat."),
    EventType.SEAT_REQUEST_APPROVED: (
        RequestedSeatResponse,
        "The user got the seat, by an approval or another way.",
    ),
    EventType.SEAT_REQUEST_DECLINED: (RequestedSeatResponse, "The user does not get the seat."),
    EventType.SEAT_REQUEST_WITHDRAWN: (
        RequestedSeatResponse,
        "The request is no longer wanted, or its user has left.",
    ),
    EventType.POOL_LOW: (PoolResponse, "The low mark was reached; told once."),
    EventType.POOL_EXHAUSTED: (PoolResponse, "No seat is unassigned; told once."),
    EventType.POOL_REPLENISHED: (PoolResponse, "Seats are unassigned again; told once."),
    EventType.POOL_MOVED: (PoolResponse, "The pool follows another subscription."),
    EventType.POOL_CLOSED: (PoolResponse, "Nothing sells the pool's seats any more."),
    EventType.POOL_MINIMUM_CHANGED: (PoolResponse, "The contract minimum is another one."),
    EventType.POOL_UPDATED: (PoolResponse, "Low mark, external id or metadata changed."),
}


def _named(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.replace(".", "_").split("_"))


def schema_of(
    kind: str, thing: type[Response], text: str, envelope: type[EventResponse] = EventResponse
) -> type[EventResponse]:
    """The schema of a type of event: in the common envelope, the thing that it is about."""
    data: dict[str, Any] = {
        "__doc__": f"What a {kind} event tells.",
        "object": fields.Nested(thing, description="The thing after the change"),
        "pool": fields.Nested(
            PoolNumbers,
            required=False,
            description="The pool's numbers after the change, where a quantity changed",
        ),
        "previous_pool": fields.Nested(
            PoolNumbers,
            required=False,
            description="Those of the other pool, where a seat went from one to another",
        ),
    }
    told = type(f"{_named(kind)}Data", (EventData,), data)
    event: dict[str, Any] = {
        "__doc__": text,
        "type": fields.Text(
            max=64, description="What happened", example=str(kind), metadata={"enum": [str(kind)]}
        ),
        "data": fields.Nested(told, description="What changed, by whom and why"),
    }
    return type(f"{_named(kind)}Event", (envelope,), event)


# What is published of each type: its schema, and when it is told.
PUBLISHED: dict[str, tuple[type[Response], str]] = {
    kind.value: (schema_of(kind, *about), about[1]) for kind, about in TYPES.items()
}


def publish(kind: str, schema: type[Response], text: str) -> None:
    """Publish a type that another package tells, before the contract is described."""
    PUBLISHED[kind] = schema, text


def example(kind: str) -> dict[str, Any]:
    """An event of a type, as it might be."""
    found: dict[str, Any] = example_of(PUBLISHED[kind][0]())
    return found


def describe(spec: APISpec) -> None:
    """Add the `webhooks` section and its schemas to the contract."""
    webhooks: dict[str, Any] = {}
    for kind, (schema, text) in PUBLISHED.items():
        name = schema.__name__
        spec.components.schema(name, schema=schema)
        reference = {"$ref": f"#/components/schemas/{name}"}
        webhooks[kind] = {
            "post": {
                "operationId": f"on{_named(kind)}",
                "summary": text,
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": reference, "example": example(kind)}
                    },
                },
                "responses": {
                    "2XX": {"description": "Received; anything else is sent again"},
                },
            }
        }
    spec.options["webhooks"] = webhooks


class EventTypeResponse(Response):
    """A type of event."""

    type = fields.Text(max=64, description="Its name", example="seat.assigned")
    description = fields.Text(max=200, description="When it is told", example="A seat was given.")
    json_schema = fields.AnyObject(
        description="What its events look like (JSON Schema 2020-12)",
        example={"type": "object"},
    )
    example = fields.AnyObject(description="One of them", example={"type": "seat.assigned"})


class EventTypesResponse(Response):
    """Every type of event."""

    items = fields.ListOf(
        fields.Nested(EventTypeResponse, description="A type"),
        max=1000,
        description="The types, in the order of their nouns",
    )


@blp.get("/event-types")
@blp.needs(ANYBODY)
@blp.gives(200, EventTypesResponse)
def get_event_types(actor: Actor) -> dict[str, Any]:
    """Read the types of events

    Each with its JSON Schema and an example. The same schemas stand in the contract's `webhooks`.
    """
    return {"items": _described(current_app._get_current_object())}  # type: ignore[attr-defined]


@cache
def _described(app: Flask) -> list[dict[str, Any]]:
    return [
        {
            "type": kind,
            "description": text,
            "json_schema": json_schema(app, schema.__name__),
            "example": example(kind),
        }
        for kind, (schema, text) in PUBLISHED.items()
    ]


def json_schema(app: Flask, name: str) -> dict[str, Any]:
    """A component of the contract as a JSON Schema that stands alone."""
    components = openapi.document(app)["components"]["schemas"]
    wanted = [name]
    definitions: dict[str, Any] = {}
    while wanted:
        found = wanted.pop()
        if found not in definitions:
            definitions[found] = _standing_alone(components[found], wanted)
    own = definitions.pop(name)
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**draft, **own, "$defs": dict(sorted(definitions.items()))}


def _standing_alone(value: Any, referenced: list[str]) -> Any:
    if isinstance(value, list):
        return [_standing_alone(item, referenced) for item in value]
    if not isinstance(value, dict):
        return value
    target = value.get("$ref")
    if isinstance(target, str):
        name = target.rpartition("/")[2]
        referenced.append(name)
        return value | {"$ref": f"#/$defs/{name}"}
    return {member: _standing_alone(inner, referenced) for member, inner in value.items()}
