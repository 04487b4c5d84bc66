"""Removals: seats that leave a pool at its next renewal (R19 to R22)."""

from enum import StrEnum
from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.operations import giving_back
from licensing.queries import pools as queries
from licensing.rules.permissions import CHANGE_BILLING, Actor, ActorType
from licensing.rules.pools import LARGEST_PURCHASE
from licensing.rules.refusals import (
    AccountClosed,
    BelowMinimum,
    NotEnoughUnassignedSeats,
    RemovalNotPending,
)

blp = Blueprint("removals", __name__, description="Seats that leave a pool at its next renewal")


class RemovalStatus(StrEnum):
    """Where a removal stands."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    APPLIED = "applied"


class RemovalRequest(Request):
    """What to give back."""

    seat_type = fields.Name(required=True, description="Which pool", example="core")
    quantity = fields.Integer(
        min=1,
        max=LARGEST_PURCHASE,
        required=True,
        description="How many unassigned seats to give back",
        example=2,
    )


class RemovalCancellationRequest(Request):
    """How much of a removal to cancel."""

    quantity = fields.Integer(
        min=1,
        max=LARGEST_PURCHASE,
        description="How many seats of the removal to keep after all; all where it is left out",
        example=1,
    )


class RemovalQuery(Request):
    """Which removals."""

    status = fields.Choice(
        RemovalStatus, description="Only those of this status", example="scheduled"
    )


class RequestedBy(Response):
    """Who scheduled it."""

    type = fields.Choice(ActorType, description="What kind of caller", example="user")
    id = fields.Text(max=64, description="The user or key", example="usr_019a0c…")


class RemovalResponse(Response):
    """Seats that leave a pool at its next renewal."""

    id = fields.Id("rem", description="The removal's identifier")
    account_id = fields.Id("acc", description="The account")
    pool_id = fields.Id("pool", description="The pool that the seats leave")
    seat_type = fields.Name(description="The pool's seat type", example="core")
    quantity = fields.Integer(min=0, description="How many seats leave", example=2)
    requested_quantity = fields.Integer(
        min=1, description="How many were to leave when it was scheduled", example=3
    )
    status = fields.Choice(RemovalStatus, description="Where it stands", example="scheduled")
    current_quantity = fields.Integer(
        min=0, description="The pool's quantity in the current term", example=27
    )
    renewal_quantity = fields.Integer(
        min=0, description="The pool's quantity after its next renewal", example=25
    )
    effective_at = fields.Instant(
        description="The renewal at which it takes effect", example="2027-04-08T09:00:00.000Z"
    )
    applied_at = fields.Instant(
        allow_none=True,
        description="When it was applied, null until then",
        example="2027-04-08T09:00:00.412Z",
    )
    requested_by = fields.Nested(RequestedBy, description="Who scheduled it")
    version = fields.Version()
    created_at = fields.CreatedAt()


@blp.post("/accounts/<account_id>/removals")
@blp.needs(CHANGE_BILLING)
@blp.takes(RemovalRequest)
@blp.gives(201, RemovalResponse, location="/v1/accounts/{account_id}/removals/{id}")
@blp.refuses(NotEnoughUnassignedSeats, BelowMinimum, AccountClosed)
def schedule_removal(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Give back unassigned seats at the next renewal

    The seats stay, and are paid for, until the pool renews; until then the removal can be
    cancelled. A second removal in the same term adds to the first.
    """
    return resources.removal(giving_back.schedule_removal(actor, **body))


@blp.get("/accounts/<account_id>/removals")
@blp.needs(CHANGE_BILLING)
@blp.lists(RemovalResponse, RemovalQuery)
def list_removals(actor: Actor, query: dict[str, Any]) -> Page:
    """List the removals

    The oldest comes first.
    """
    return queries.removals(actor, **window_of(query))


@blp.get("/accounts/<account_id>/removals/<removal_id>")
@blp.needs(CHANGE_BILLING)
@blp.gives(200, RemovalResponse)
def get_removal(actor: Actor, removal_id: str) -> dict[str, Any]:
    """Read a removal

    While it is scheduled, the quantities are those of the pool as it stands.
    """
    return queries.removal(actor, removal_id)


@blp.post("/accounts/<account_id>/removals/<removal_id>/cancellation")
@blp.needs(CHANGE_BILLING)
@blp.takes(RemovalCancellationRequest, required=False)
@blp.gives(200, RemovalResponse)
@blp.refuses(RemovalNotPending, AccountClosed)
def cancel_removal(actor: Actor, removal_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Cancel a removal, whole or in part

    Possible until it takes effect.
    """
    return resources.removal(giving_back.cancel_removal(actor, removal_id, **body))
