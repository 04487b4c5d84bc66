"""How far each lane is, and moving it by hand."""

from typing import Any

from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.rules.permissions import MANAGE_WEBHOOKS, Actor
from webhooks.operations import replaying as operations
from webhooks.queries import deliveries, endpoints
from webhooks.refusals import NothingToSkip, StartNotPossible, TooManyToSkip
from webhooks.resources import parked_resource
from webhooks.rules import LaneState, ReplayStatus

blp = Blueprint("webhook positions", __name__, description="How far each endpoint is")

LARGEST = 2**53
ACCOUNT: dict[str, Any] = {
    "allow_none": True,
    "description": "The account, null for the operators' log",
}


class WebhookLaneResponse(Response):
    """How far one endpoint has been told what happened in one account."""

    account_id = fields.Id("acc", **ACCOUNT)
    state = fields.Choice(
        LaneState,
        description="`idle` with nothing to send, `leased` while a dispatcher sends, `blocked` "
        "until somebody decides",
        example="idle",
    )
    cursor = fields.Integer(min=0, description="The last sequence it was told", example=1042)
    head = fields.Integer(min=0, description="The last sequence it is to be told", example=1042)
    waiting = fields.Integer(min=0, description="How many events wait", example=0)
    refusals = fields.Integer(min=0, description="How often it refused the next event", example=0)
    refused_since = fields.Instant(
        allow_none=True, description="Since when it has refused the next event", example=None
    )
    next_attempt_at = fields.Instant(
        allow_none=True, description="When the next event is sent at the earliest", example=None
    )


class WebhookLaneQuery(Request):
    """Which lanes."""

    account_id = fields.Id("acc", description="Only the one of this account")
    state = fields.Choice(LaneState, description="Only those in this state", example="blocked")


class ParkedEventResponse(Response):
    """An event that was set aside, so that its lane could go on."""

    account_id = fields.Id("acc", **ACCOUNT)
    event_id = fields.Id("evt", description="The event")
    event_type = fields.Text(max=64, description="What happened", example="seat.assigned")
    sequence = fields.Integer(min=1, description="Its place in the log", example=1042)
    reason = fields.Text(max=64, description="Why it was set aside", example="message_trouble")
    note = fields.Text(
        max=500, allow_none=True, description="What was said when it was skipped", example=None
    )
    parked_by = fields.Text(
        max=64, description="Who set it aside: a key, or seatkeeper itself", example="seatkeeper"
    )
    recovering = fields.Boolean(description="Whether it is to be sent again", example=False)
    created_at = fields.CreatedAt()


class AccountQuery(Request):
    """Of which account."""

    account_id = fields.Id("acc", description="Only those of this account")


class ReplayRequest(Request):
    """What to send again."""

    account_id = fields.Id(
        "acc", allow_none=True, description="One account; all without it", example=None
    )
    from_sequence = fields.Integer(
        min=1, max=LARGEST, description="The first sequence to send, of one account", example=1000
    )
    from_time = fields.Instant(
        description="Instead: the instant of the first event to send",
        example="2026-11-22T00:00:00.000Z",
    )
    rate = fields.Integer(
        min=1,
        max=1000,
        allow_none=True,
        description="How many events a second at the most in each account",
        example=None,
    )
    dry_run = fields.Boolean(
        load_default=False, description="Only say what would be sent", example=False
    )


class ReplayPart(Response):
    """The part of one account's log that would be sent again."""

    account_id = fields.Id("acc", description="The account")
    from_sequence = fields.Integer(min=1, description="From where", example=1000)
    until_sequence = fields.Integer(min=1, description="Up to where", example=1042)
    events = fields.Integer(min=1, description="How many events", example=17)


class ReplayPreviewResponse(Response):
    """What a replay would send."""

    events = fields.Integer(min=0, description="How many events in all", example=17)
    parts = fields.ListOf(
        fields.Nested(ReplayPart, description="One account"),
        max=1_000_000,
        description="What would be sent of each account",
    )


class ReplayResponse(Response):
    """A part of the log that is sent again, and how far that is."""

    id = fields.Id("rpl", description="The replay's identifier")
    endpoint_id = fields.Id("whe", description="The endpoint")
    account_id = fields.Id("acc", allow_none=True, description="The one account, null for all")
    from_sequence = fields.Integer(
        min=1, allow_none=True, description="The first sequence asked for", example=1000
    )
    from_time = fields.Instant(
        allow_none=True, description="The first instant asked for", example=None
    )
    rate = fields.Integer(min=1, allow_none=True, description="Events a second", example=50)
    accounts = fields.Integer(min=0, description="How many accounts it touches", example=1)
    events = fields.Integer(min=0, description="How many events it has", example=17)
    events_sent = fields.Integer(min=0, description="How many of them were taken", example=5)
    status = fields.Choice(ReplayStatus, description="Whether it is done", example="running")
    requested_by = fields.Text(max=64, description="Who asked for it", example="key_019a0c…")
    created_at = fields.CreatedAt()


class RecoverRequest(Request):
    """What to recover."""

    account_id = fields.Id(
        "acc", allow_none=True, description="One account; all without it", example=None
    )


class RecoveredEventsResponse(Response):
    """What is sent again."""

    events = fields.Integer(min=0, description="How many parked events are sent again", example=3)


class SkipRequest(Request):
    """What to pass over."""

    account_id = fields.Id("acc", required=True, description="The account whose lane is moved")
    through_sequence = fields.Integer(
        min=1,
        max=LARGEST,
        required=True,
        description="The last sequence to pass over",
        example=1042,
    )
    reason = fields.Text(
        max=500, required=True, description="Why; kept with the events", example="sent by hand"
    )


class SkippedEventsResponse(Response):
    """What was passed over."""

    items = fields.ListOf(
        fields.Nested(ParkedEventResponse, description="An event"),
        max=10_000,
        description="The events, which are parked now",
    )


@blp.get("/webhook-endpoints/<endpoint_id>/lanes")
@blp.needs(MANAGE_WEBHOOKS)
@blp.lists(WebhookLaneResponse, WebhookLaneQuery)
def list_webhook_lanes(actor: Actor, endpoint_id: str, query: dict[str, Any]) -> Page:
    """List how far an endpoint is

    One lane for each account in which something happened that it asks for.
    """
    return endpoints.lanes_of(actor, endpoint_id, **window_of(query))


@blp.get("/webhook-endpoints/<endpoint_id>/parked")
@blp.needs(MANAGE_WEBHOOKS)
@blp.lists(ParkedEventResponse, AccountQuery)
def list_parked_events(actor: Actor, endpoint_id: str, query: dict[str, Any]) -> Page:
    """List the events that were set aside

    Because the endpoint refused them for 72 hours, or because somebody skipped them.
    """
    return deliveries.parked(actor, endpoint_id, **window_of(query))


@blp.post("/webhook-endpoints/<endpoint_id>/replay")
@blp.needs(MANAGE_WEBHOOKS)
@blp.takes(ReplayRequest)
@blp.gives(201, ReplayResponse, location="/v1/webhook-endpoints/{endpoint_id}/replays/{id}")
@blp.gives(200, ReplayPreviewResponse)
@blp.refuses(StartNotPossible)
def replay_webhook_events(actor: Actor, endpoint_id: str, body: dict[str, Any]) -> Any:
    """Send a part of the log again

    In order, before what is told from now on. With `dry_run` it only says what would be sent.
    """
    if body.pop("dry_run"):
        body.pop("rate", None)
        parts = operations.rehearse_replay(actor, endpoint_id, **body)
        shown = [vars(part) for part in parts]
        return {"events": sum(part.events for part in parts), "parts": shown}, {}, 200
    made = operations.replay(actor, endpoint_id, **body)
    return deliveries.replay(actor, endpoint_id, made.id)


@blp.get("/webhook-endpoints/<endpoint_id>/replays")
@blp.needs(MANAGE_WEBHOOKS)
@blp.lists(ReplayResponse)
def list_webhook_replays(actor: Actor, endpoint_id: str, query: dict[str, Any]) -> Page:
    """List the replays of an endpoint

    The newest comes first, each with its progress.
    """
    return deliveries.replays(actor, endpoint_id, **window_of(query))


@blp.get("/webhook-endpoints/<endpoint_id>/replays/<replay_id>")
@blp.needs(MANAGE_WEBHOOKS)
@blp.gives(200, ReplayResponse)
def get_webhook_replay(actor: Actor, endpoint_id: str, replay_id: str) -> dict[str, Any]:
    """Read how far a replay is

    It is done when every event of it was taken.
    """
    return deliveries.replay(actor, endpoint_id, replay_id)


@blp.post("/webhook-endpoints/<endpoint_id>/recover")
@blp.needs(MANAGE_WEBHOOKS)
@blp.takes(RecoverRequest, required=False)
@blp.gives(200, RecoveredEventsResponse)
def recover_webhook_events(actor: Actor, endpoint_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send all parked events again

    In the order of their logs. What is taken now is parked no longer.
    """
    return {"events": operations.recover(actor, endpoint_id, **body)}


@blp.post("/webhook-endpoints/<endpoint_id>/skip")
@blp.needs(MANAGE_WEBHOOKS)
@blp.takes(SkipRequest)
@blp.gives(200, SkippedEventsResponse)
@blp.refuses(NothingToSkip, TooManyToSkip)
def skip_webhook_events(actor: Actor, endpoint_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Pass over events that will not go

    They are parked with the reason, so nothing is lost; the lane goes on behind them.
    """
    skipped = operations.skip(actor, endpoint_id, **body)
    return {"items": [parked_resource(row) for row in skipped]}
