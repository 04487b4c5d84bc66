"""The account's log (R29)."""

import json
from typing import Any

from licensing.api import fields
from licensing.api.kit import Blueprint, CsvForm, Page, Request, Response, window_of
from licensing.queries import history as queries
from licensing.queries.history import EventsPurged, Wanted
from licensing.rules.event_types import LogOrder
from licensing.rules.permissions import READ_LOG, Actor, ActorType

blp = Blueprint("events", __name__, description="Every change of an account, in its order")


class EventActor(Response):
    """Who did it."""

    type = fields.Choice(ActorType, description="What kind of caller", example="user")
    id = fields.Text(max=64, description="The user, the key, or seatkeeper", example="usr_019a0c…")


class EventData(Response):
    """What changed, by whom and why."""

    object = fields.AnyObject(
        description="The thing after the change, as the API shows it",
        example={"id": "seat_019a0c…"},
    )
    previous = fields.AnyObject(
        description="Only the members that changed, as they were", example={"seat_type": "core"}
    )
    pool = fields.AnyObject(
        required=False,
        description="The pool's numbers after the change, where a quantity changed",
        example={"seat_type": "core", "purchased": 27, "assigned": 24},
    )
    previous_pool = fields.AnyObject(
        required=False,
        description="The numbers of the other pool, where a seat went from one to another",
        example={"seat_type": "sales", "purchased": 9, "assigned": 7},
    )
    effective_at = fields.Instant(
        description="When it took effect", example="2026-11-23T10:15:30.123Z"
    )
    actor = fields.Nested(EventActor, description="Who did it")
    reason = fields.Text(max=64, description="Why", example="requested")
    cause = fields.Id(
        "evt", allow_none=True, description="The event that this one follows from, if any"
    )
    request_id = fields.Text(
        max=64, allow_none=True, description="The request that did it", example="req_019a0c…"
    )
    traceparent = fields.Text(
        max=64,
        required=False,
        description="The `traceparent` of that request, where it had one (W3C Trace Context)",
        example="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )


class EventResponse(Response):
    """A change of the account, as its log keeps it."""

    id = fields.Id("evt", description="The event's identifier")
    type = fields.Text(max=64, description="What happened", example="seat.assigned")
    timestamp = fields.Instant(
        description="When it was recorded", example="2026-11-23T10:15:30.123Z"
    )
    api_version = fields.Text(max=16, description="The shape of `data`", example="v1")
    account_id = fields.Id("acc", description="The account")
    epoch = fields.Integer(
        min=1, description="Rises when the database is restored from a backup", example=1
    )
    sequence = fields.Integer(
        min=1, description="Counts the account's events without a gap", example=1042
    )
    previous_sequence = fields.Integer(
        min=0,
        required=False,
        description="Of what a webhook sends: the sequence of the last event before it that this "
        "endpoint asks for; another one than the last received means a gap",
        example=1040,
    )
    data = fields.Nested(EventData, description="What changed, by whom and why")


class EventQuery(Request):
    """Which events."""

    after = fields.QueryInteger(
        min=0, max=2**53, description="Only events with a greater sequence", example=1041
    )
    type = fields.EventTypes(
        description="Only these types, separated by commas; `seat.*` is all about seats",
        example="seat.*,seats.purchased",
    )
    user_id = fields.Id("usr", description="Only those about this user")
    seat_id = fields.Id("seat", description="Only those about this seat")
    actor_id = fields.Text(
        max=64,
        description="Only what this user or key did; `seatkeeper` for the service itself",
        example="usr_019a0c4e8f7b7c3e9d2a5b6c7d8e9f00",
    )
    since = fields.Instant(
        data_key="from",
        description="Only what was recorded then or later",
        example="2026-11-01T00:00:00Z",
    )
    before = fields.Instant(
        data_key="to",
        description="Only what was recorded earlier",
        example="2026-12-01T00:00:00Z",
    )
    order = fields.Choice(
        LogOrder,
        load_default=LogOrder.OLDEST,
        description="`newest` for the newest first",
        example="oldest",
    )


def _line(event: dict[str, Any]) -> dict[str, Any]:
    """An event as a line of a file: who, what, when, why, and as JSON before and after."""
    data = event["data"]
    return {
        **event,
        **data,
        "actor_type": data["actor"]["type"],
        "actor_id": data["actor"]["id"],
        **{name: _compact(data[name]) for name in ("object", "previous")},
    }


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


FILE = CsvForm(
    "events",
    (
        "sequence",
        "timestamp",
        "effective_at",
        "type",
        "actor_type",
        "actor_id",
        "reason",
        "previous",
        "object",
        "id",
        "cause",
        "request_id",
    ),
    _line,
)


@blp.get("/accounts/<account_id>/events")
@blp.needs(READ_LOG)
@blp.lists(EventResponse, EventQuery, csv=FILE)
@blp.refuses(EventsPurged)
def list_events(actor: Actor, query: dict[str, Any]) -> Page:
    """Read the log

    In the account's order. `after` is the sequence of the last event that is known, to fill a gap
    or to follow the log. All filters can be combined.
    """
    order, named = query.pop("order"), query.pop("type", None)
    wanted = window_of(query)
    window = wanted.pop("window")
    types = tuple(named.split(",")) if named else ()
    return queries.events(actor, window, Wanted(types=types, **wanted), order)


@blp.get("/accounts/<account_id>/events/<event_id>")
@blp.needs(READ_LOG)
@blp.gives(200, EventResponse)
def get_event(actor: Actor, event_id: str) -> dict[str, Any]:
    """Read an event

    Events never change.
    """
    return queries.event(actor, event_id)
