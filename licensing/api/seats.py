"""Seats in hands: assign, change, take back, transfer (R8, R11, R12, R15)."""

from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.api.refusing import (
    GIVING_A_SEAT,
    INVITED_OR_DEACTIVATED,
    RECEIVING_A_SEAT,
    TRANSFERRING,
)
from licensing.api.removals import RemovalResponse
from licensing.clock import to_text
from licensing.operations import assigning
from licensing.queries import seats as queries
from licensing.rules.permissions import CHANGE_SEATS, SEE, Actor, ActorType
from licensing.rules.refusals import (
    AccountClosed,
    BelowMinimum,
    NotEnoughUnassignedSeats,
    SeatRequired,
    UserDeactivated,
)

blp = Blueprint("seats", __name__, description="Seats that users hold, and their transfers")

SEAT_TYPE: dict[str, Any] = {
    "description": "What kind of seat, as the catalogue names it",
    "example": "core",
}


class SeatRequest(Request):
    """Who gets which seat."""

    user_id = fields.Id("usr", required=True, description="Who gets the seat")
    seat_type = fields.Name(required=True, **SEAT_TYPE)


class SeatPatch(Request):
    """What the seat becomes."""

    seat_type = fields.Name(
        required=True, description="The type that the seat becomes", example="sales"
    )


class SeatQuery(Request):
    """Which seats."""

    user_id = fields.Id("usr", description="Only those of this user")
    seat_type = fields.Name(description="Only those of this type", example="core")
    pool_id = fields.Id("pool", description="Only those of this pool")


class UnassignQuery(Request):
    """What becomes of the seat that is taken back."""

    give_back = fields.QueryBoolean(
        description="Also schedule the seat's removal at the next renewal, in the same step",
        example=True,
    )


class ActorOf(Response):
    """Who assigned it."""

    type = fields.Choice(ActorType, description="What kind of caller", example="api_key")
    id = fields.Text(max=64, description="The user or key", example="key_019a0c…")


class SeatResponse(Response):
    """A seat that somebody holds."""

    id = fields.Id("seat", description="The seat's identifier; a transfer keeps it")
    account_id = fields.Id("acc", description="The account")
    seat_type = fields.Name(**SEAT_TYPE)
    pool_id = fields.Id(
        "pool", allow_none=True, description="The pool of a paid seat, null for a free one"
    )
    user_id = fields.Id("usr", description="Who holds it")
    assigned_at = fields.Instant(
        description="Since when the user holds it", example="2026-11-23T10:15:30.123Z"
    )
    assigned_by = fields.Nested(ActorOf, description="Who assigned it")
    version = fields.Version()
    created_at = fields.CreatedAt()


class TransferRequest(Request):
    """Which seat goes to whom."""

    seat_id = fields.Id("seat", required=True, description="The seat to move")
    to_user_id = fields.Id("usr", required=True, description="Who gets it")


class TransferResponse(Response):
    """A seat that moved from one user to another."""

    id = fields.Id("tra", description="The transfer's identifier")
    account_id = fields.Id("acc", description="The account")
    seat_id = fields.Id("seat", description="The seat, which keeps its id")
    seat_type = fields.Name(**SEAT_TYPE)
    from_user_id = fields.Id("usr", description="Who held it before")
    to_user_id = fields.Id("usr", description="Who holds it since")
    created_at = fields.CreatedAt()


@blp.get("/accounts/<account_id>/seats")
@blp.needs(SEE)
@blp.lists(SeatResponse, SeatQuery)
def list_seats(actor: Actor, query: dict[str, Any]) -> Page:
    """List the held seats

    A seat exists here while somebody holds it; what nobody holds is its pool's `unassigned`.
    """
    return queries.seats(actor, **window_of(query))


@blp.get("/accounts/<account_id>/seats/<seat_id>")
@blp.needs(SEE)
@blp.gives(200, SeatResponse)
def get_seat(actor: Actor, seat_id: str) -> dict[str, Any]:
    """Read a held seat

    A seat that was taken back is gone, and answers 404.
    """
    return queries.seat(actor, seat_id)


@blp.post("/accounts/<account_id>/seats")
@blp.needs(CHANGE_SEATS)
@blp.takes(SeatRequest)
@blp.gives(201, SeatResponse, location="/v1/accounts/{account_id}/seats/{id}")
@blp.refuses(*GIVING_A_SEAT, *INVITED_OR_DEACTIVATED, AccountClosed)
def assign_seat(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Assign a seat

    Never is one more assigned than was bought, whatever runs at the same moment. An exclusive seat
    of the user is replaced. Assigning beyond the seats that stay shrinks the newest pending removal
    by one.
    What the user holds already is answered again: nothing changes, and nothing is told.
    """
    return resources.seat(assigning.assign_seat(actor, **body))


@blp.patch("/accounts/<account_id>/seats/<seat_id>")
@blp.needs(CHANGE_SEATS)
@blp.patches(SeatPatch)
@blp.gives(200, SeatResponse)
@blp.refuses(*GIVING_A_SEAT, *RECEIVING_A_SEAT, AccountClosed)
def change_seat(
    actor: Actor, seat_id: str, body: dict[str, Any], if_match: int | None
) -> dict[str, Any]:
    """Change a seat to another type

    The same user gets a seat of the other type for it in one step; the seat keeps its id, and the
    former one goes back to its pool.
    """
    return resources.seat(assigning.change_seat(actor, seat_id, body["seat_type"], if_match))


@blp.delete("/accounts/<account_id>/seats/<seat_id>")
@blp.needs(CHANGE_SEATS)
@blp.asks(UnassignQuery)
@blp.gives(204)
@blp.gives(200, RemovalResponse)
@blp.refuses(UserDeactivated, SeatRequired, NotEnoughUnassignedSeats, BelowMinimum, AccountClosed)
def unassign_seat(actor: Actor, seat_id: str, query: dict[str, Any]) -> Any:
    """Take a seat back

    A paid seat is not deleted: it stays in the account, unassigned, and is paid for until the date
    in the `Paid-Until` header of the 204. With `give_back=true` its removal at the next renewal is
    scheduled in the same step, which needs `modify_billing` (or the scope `billing`) too; the
    answer is the removal.
    """
    if query.get("give_back"):
        removal = assigning.take_back_and_give_back(actor, seat_id)
        return resources.removal(removal), {}, 200
    paid_until = assigning.take_back(actor, seat_id)
    return None, {"Paid-Until": to_text(paid_until)} if paid_until else {}


@blp.post("/accounts/<account_id>/transfers")
@blp.needs(CHANGE_SEATS)
@blp.takes(TransferRequest)
@blp.gives(201, TransferResponse)
@blp.refuses(*TRANSFERRING, *GIVING_A_SEAT, AccountClosed)
def transfer_seat(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Transfer a seat to another user

    One step: there is no moment at which the seat is free, so it works for the only seat of its
    type.
    """
    return resources.transfer(assigning.transfer_seat(actor, **body))


@blp.get("/accounts/<account_id>/transfers")
@blp.needs(CHANGE_SEATS)
@blp.lists(TransferResponse)
def list_transfers(actor: Actor, query: dict[str, Any]) -> Page:
    """List the transfers

    The oldest comes first.
    """
    return queries.transfers(actor, **window_of(query))
