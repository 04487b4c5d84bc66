"""Purchases: seats added to a pool at once (R17, R18)."""

from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.operations import buying
from licensing.queries import pools as queries
from licensing.rules.permissions import CHANGE_BILLING, Actor
from licensing.rules.pools import LARGEST_PURCHASE
from licensing.rules.refusals import (
    AccountClosed,
    PoolTooLarge,
    SeatTypeNotAvailable,
    SubscriptionSuspended,
)

blp = Blueprint("purchases", __name__, description="Seats added to a pool, effective at once")


class PurchaseRequest(Request):
    """What to buy."""

    seat_type = fields.Name(required=True, description="What kind of seat", example="core")
    quantity = fields.Integer(
        min=1, max=LARGEST_PURCHASE, required=True, description="How many to add", example=5
    )


class Money(Response):
    """An amount of money."""

    amount = fields.Integer(description="In minor units, such as cents", example=12345)
    currency = fields.Currency(description="ISO 4217 code", example="EUR")


class TermShare(Response):
    """How much of a term is left."""

    numerator = fields.Integer(min=0, description="Of the exact share that is left", example=1)
    denominator = fields.Integer(min=1, description="Of the exact share that is left", example=3)
    days_left = fields.Integer(min=0, description="Begun days until the renewal", example=10)
    days_in_term = fields.Integer(min=1, description="Begun days in the whole term", example=30)


class Quoted(Response):
    """What buying seats changes and costs."""

    seat_type = fields.Name(description="What kind of seat", example="core")
    quantity = fields.Integer(min=1, description="How many seats", example=5)
    purchased_before = fields.Integer(min=0, description="The pool's seats before", example=24)
    purchased_after = fields.Integer(min=1, description="The pool's seats after", example=29)
    term_share = fields.Nested(TermShare, description="How much of the current term is left")
    amount_now = fields.Nested(
        Money,
        allow_none=True,
        description="The prorated price until `billed_until`, null without prices",
    )
    billed_until = fields.Instant(
        allow_none=True,
        description="The end of the billing period that `amount_now` pays for",
        example="2026-12-01T00:00:00.000Z",
    )
    amount_per_billing_period = fields.Nested(
        Money,
        allow_none=True,
        description="Their price for each billing period afterwards, null without prices",
    )
    amount_at_renewal = fields.Nested(
        Money,
        allow_none=True,
        description="Their price at each renewal, with what is scheduled for it: at the lower tier "
        "after a move down, nothing where the pool ends with a cancellation; null without prices",
    )


class PurchaseResponse(Quoted):
    """Seats that were bought."""

    id = fields.Id("pur", description="The purchase's identifier")
    account_id = fields.Id("acc", description="The account")
    pool_id = fields.Id("pool", description="The pool that grew")
    created_at = fields.CreatedAt()


class PurchasePreviewResponse(Quoted):
    """What a purchase would change and cost."""

    pool_id = fields.Id(
        "pool",
        allow_none=True,
        description="The pool that would grow, null where it would be opened",
    )
    free_by_cancelling = fields.Integer(
        min=0,
        description="How many of the seats cancelling a pending removal would give for nothing",
        example=0,
    )


@blp.post("/accounts/<account_id>/purchases/preview")
@blp.needs(CHANGE_BILLING)
@blp.takes(PurchaseRequest)
@blp.gives(200, PurchasePreviewResponse)
@blp.refuses(SeatTypeNotAvailable, PoolTooLarge, SubscriptionSuspended, AccountClosed)
def preview_purchase(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Preview a purchase

    What buying would change and cost now and at each renewal, before anyone commits.
    """
    return buying.shown(buying.preview_purchase(actor, **body))


@blp.post("/accounts/<account_id>/purchases")
@blp.needs(CHANGE_BILLING)
@blp.idempotent("required")
@blp.takes(PurchaseRequest)
@blp.gives(201, PurchaseResponse)
@blp.refuses(SeatTypeNotAvailable, PoolTooLarge, SubscriptionSuspended, AccountClosed)
def purchase_seats(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Buy seats

    They are added at once and paid for until the end of the term, then renewed with it. A pending
    removal stays as it is.
    """
    return resources.purchase(buying.purchase_seats(actor, **body))


@blp.get("/accounts/<account_id>/purchases")
@blp.needs(CHANGE_BILLING)
@blp.lists(PurchaseResponse)
def list_purchases(actor: Actor, query: dict[str, Any]) -> Page:
    """List the purchases

    The oldest comes first; those of a checkout are among them.
    """
    return queries.purchases(actor, **window_of(query))
