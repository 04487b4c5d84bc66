"""Seats that users ask for, and what administrators decide (R10, R11)."""

from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.api.refusing import GIVING_A_SEAT, RECEIVING_A_SEAT
from licensing.api.seats import SEAT_TYPE, ActorOf
from licensing.operations import requesting
from licensing.queries import seat_requests as queries
from licensing.rules.permissions import ASK_FOR_SEATS, CHANGE_SEATS, SEE_SEAT_REQUESTS, Actor
from licensing.rules.refusals import AccountClosed, PoolTooLarge, SeatRequestNotOpen
from licensing.rules.seat_requests import RequestStatus

blp = Blueprint("seat requests", __name__, description="Seats that users ask for")

NOTE: dict[str, Any] = {
    "description": "Why the seat is needed, for whoever decides",
    "example": "I take over the northern accounts",
}
DECISION_NOTE: dict[str, Any] = {
    "description": "What the user is told about the decision",
    "example": "In April, with the new budget",
}
STATUS: dict[str, Any] = {"description": "Where the request stands", "example": "open"}


class RequestedSeatRequest(Request):
    """Which seat, and for whom."""

    seat_type = fields.Name(required=True, **SEAT_TYPE)
    note = fields.Text(max=500, **NOTE)
    user_id = fields.Id(
        "usr", description="For whom; the user who asks where it is left out. Keys have to say"
    )


class RequestedSeatQuery(Request):
    """Which requests."""

    status = fields.Choice(RequestStatus, **STATUS)
    user_id = fields.Id("usr", description="Only those of this user")
    seat_type = fields.Name(description="Only those for this type", example="core")


class ApprovalRequest(Request):
    """How to approve."""

    buy = fields.Boolean(
        description="Buy a seat first if none is free; needs an Idempotency-Key", example=True
    )


class DeclineRequest(Request):
    """How to decline."""

    note = fields.Text(max=500, **DECISION_NOTE)


class RequestedSeatResponse(Response):
    """A seat that a user asks for."""

    id = fields.Id("req", description="The request's identifier")
    account_id = fields.Id("acc", description="The account")
    user_id = fields.Id("usr", description="Who is to get the seat")
    seat_type = fields.Name(**SEAT_TYPE)
    note = fields.Text(max=500, allow_none=True, **NOTE)
    status = fields.Choice(RequestStatus, **STATUS)
    requested_by = fields.Nested(ActorOf, description="Who asked")
    decided_by = fields.Nested(
        ActorOf,
        allow_none=True,
        description="Who approved, declined or withdrew it; null while it is open",
    )
    decision_note = fields.Text(max=500, allow_none=True, **DECISION_NOTE)
    decided_at = fields.Instant(
        allow_none=True,
        description="When it was decided; null while it is open",
        example="2026-11-24T09:00:00.000Z",
    )
    seat_id = fields.Id(
        "seat", allow_none=True, description="The seat that the user got; null if none"
    )
    purchase_id = fields.Id(
        "pur", allow_none=True, description="The purchase of that seat, if it was bought for this"
    )
    version = fields.Version()
    created_at = fields.CreatedAt()


@blp.post("/accounts/<account_id>/seat-requests")
@blp.needs(ASK_FOR_SEATS)
@blp.takes(RequestedSeatRequest)
@blp.gives(201, RequestedSeatResponse, location="/v1/accounts/{account_id}/seat-requests/{id}")
@blp.refuses(*GIVING_A_SEAT[1:], *RECEIVING_A_SEAT, AccountClosed)
def create_seat_request(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for a seat

    Users ask for themselves and need no permission; with `manage_users` (or the scope `seats`) also
    for others. That no seat is free is no obstacle. Who has an open request of the type is answered
    that one: nothing changes, and nothing is told.
    """
    return resources.seat_request(requesting.ask_for_seat(actor, **body))


@blp.get("/accounts/<account_id>/seat-requests")
@blp.needs(SEE_SEAT_REQUESTS)
@blp.lists(RequestedSeatResponse, RequestedSeatQuery)
def list_seat_requests(actor: Actor, query: dict[str, Any]) -> Page:
    """List the requests for seats

    The oldest comes first. Users without `manage_users` see their own.
    """
    return queries.seat_requests(actor, **window_of(query))


@blp.get("/accounts/<account_id>/seat-requests/<request_id>")
@blp.needs(SEE_SEAT_REQUESTS)
@blp.gives(200, RequestedSeatResponse)
def get_seat_request(actor: Actor, request_id: str) -> dict[str, Any]:
    """Read a request for a seat

    For users without `manage_users` those of others do not exist.
    """
    return queries.seat_request(actor, request_id)


@blp.post("/accounts/<account_id>/seat-requests/<request_id>/approval")
@blp.needs(CHANGE_SEATS)
@blp.takes(ApprovalRequest, required=False)
@blp.keyed_by("buy")
@blp.gives(200, RequestedSeatResponse)
@blp.refuses(*GIVING_A_SEAT, *RECEIVING_A_SEAT, SeatRequestNotOpen, PoolTooLarge, AccountClosed)
def approve_seat_request(actor: Actor, request_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Approve a request for a seat

    The seat is assigned in the same step. With `buy` one is bought first if none is free, which
    needs `modify_billing` (or the scope `billing`) and an Idempotency-Key; previewPurchase says
    what one seat costs. Approving again answers the same.
    """
    return resources.seat_request(requesting.approve_request(actor, request_id, **body))


@blp.post("/accounts/<account_id>/seat-requests/<request_id>/decline")
@blp.needs(CHANGE_SEATS)
@blp.takes(DeclineRequest, required=False)
@blp.gives(200, RequestedSeatResponse)
@blp.refuses(SeatRequestNotOpen, AccountClosed)
def decline_seat_request(actor: Actor, request_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Decline a request for a seat

    Declining again answers the same; the note stays.
    """
    return resources.seat_request(requesting.decline_request(actor, request_id, **body))


@blp.post("/accounts/<account_id>/seat-requests/<request_id>/withdrawal")
@blp.needs(ASK_FOR_SEATS)
@blp.gives(200, RequestedSeatResponse)
@blp.refuses(SeatRequestNotOpen, AccountClosed)
def withdraw_seat_request(actor: Actor, request_id: str) -> dict[str, Any]:
    """Withdraw a request for a seat

    For the user who asked, and whoever may ask for others. Withdrawing again answers the same.
    """
    return resources.seat_request(requesting.withdraw_request(actor, request_id))
