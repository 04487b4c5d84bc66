"""Subscriptions: checkout and terms (R4, R24)."""

from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.api.purchases import Quoted
from licensing.operations import subscriptions as operations
from licensing.operations.subscriptions import Order
from licensing.queries import pools as queries
from licensing.rules.permissions import CHANGE_BILLING, SEE, Actor
from licensing.rules.pools import LARGEST_PURCHASE
from licensing.rules.refusals import (
    AccountClosed,
    AlreadySubscribed,
    BelowMinimum,
    ExternalIdTaken,
    NotSold,
    PoolTooLarge,
    SeatTypeNotAvailable,
    SubscriptionSuspended,
)
from licensing.rules.subscriptions import SubscriptionStatus
from licensing.rules.terms import Interval

blp = Blueprint("subscriptions", __name__, description="Products that an account pays for")

PRODUCT: dict[str, Any] = {"description": "What is subscribed to", "example": "marketing"}
TIER: dict[str, Any] = {"description": "Its edition", "example": "professional"}
INTERVAL: dict[str, Any] = {"description": "The unit of a term", "example": "month"}
COUNT: dict[str, Any] = {"description": "How many intervals a term has", "example": 1}
BILLING: dict[str, Any] = {"description": "The unit of a billing period", "example": "month"}
BILLING_COUNT: dict[str, Any] = {
    "description": "How many of these a billing period has",
    "example": 1,
}


class SeatLine(Request):
    """Seats of one type."""

    seat_type = fields.Name(required=True, description="What kind of seat", example="core")
    quantity = fields.Integer(
        min=1, max=LARGEST_PURCHASE, required=True, description="How many", example=10
    )


class CheckoutRequest(Request):
    """What is subscribed to, and which seats are bought."""

    product = fields.Name(required=True, **PRODUCT)
    tier = fields.Name(required=True, **TIER)
    interval = fields.Choice(Interval, required=True, **INTERVAL)
    interval_count = fields.Integer(min=1, max=120, load_default=1, **COUNT)
    billing_interval = fields.Choice(
        Interval,
        description="A term is billed in parts of so many of these; once, where it is left out",
        example="month",
    )
    billing_interval_count = fields.Integer(min=1, max=120, load_default=1, **BILLING_COUNT)
    seats = fields.ListOf(
        fields.Nested(SeatLine, description="Seats of one type"),
        max=20,
        required=True,
        unique="seat_type",
        description="How many seats of each paid type are bought",
    )
    starts_at = fields.Instant(
        description="The anchor of the terms; now where it is left out, in the past for an import",
        example="2026-11-01T00:00:00.000Z",
    )
    external_id = fields.ExternalId()
    metadata = fields.Metadata()


class SubscriptionPatch(Request):
    """What can be changed of a subscription."""

    external_id = fields.ExternalId()
    metadata = fields.MetadataPatch()


class SubscriptionQuery(Request):
    """Which subscriptions."""

    external_id = fields.Text(
        max=200, description="Only the one with this external id", example="sub-2291"
    )


class TermResponse(Response):
    """One term of a subscription."""

    number = fields.Integer(min=1, description="Counts from 1", example=3)
    starts_at = fields.Instant(description="When it began", example="2026-11-01T00:00:00.000Z")
    ends_at = fields.Instant(description="When it ends", example="2026-12-01T00:00:00.000Z")


class PoolOfSubscription(Response):
    """A pool that follows the subscription's term."""

    id = fields.Id("pool", description="The pool's identifier")
    seat_type = fields.Name(description="The type of its seats", example="core")


class SubscriptionResponse(Response):
    """A product that an account pays for."""

    id = fields.Id("sub", description="The subscription's identifier")
    account_id = fields.Id("acc", description="The account")
    product = fields.Name(**PRODUCT)
    tier = fields.Name(**TIER)
    interval = fields.Choice(Interval, **INTERVAL)
    interval_count = fields.Integer(min=1, **COUNT)
    billing_interval = fields.Choice(Interval, **BILLING)
    billing_interval_count = fields.Integer(min=1, **BILLING_COUNT)
    status = fields.Choice(SubscriptionStatus, description="Where it stands", example="active")
    anchor = fields.Instant(
        description="From where its terms are counted", example="2026-09-01T00:00:00.000Z"
    )
    term = fields.Nested(TermResponse, description="The current term")
    renews_at = fields.Instant(
        allow_none=True,
        description="The next renewal, null where there is none",
        example="2026-12-01T00:00:00.000Z",
    )
    pending_tier = fields.Name(
        allow_none=True,
        description="The tier from the next renewal on, if it changes",
        example=None,
    )
    suspended_at = fields.Instant(
        allow_none=True, description="Since when it is suspended, null if it is not", example=None
    )
    suspension_reason = fields.Text(
        max=200, allow_none=True, description="Why, as the billing system said", example=None
    )
    ended_at = fields.Instant(
        allow_none=True, description="When it ended, null until then", example=None
    )
    pools = fields.ListOf(
        fields.Nested(PoolOfSubscription, description="A pool"),
        max=100,
        description="The pools that follow its term",
    )
    external_id = fields.ExternalId()
    metadata = fields.Metadata()
    version = fields.Version()
    created_at = fields.CreatedAt()


class QuotedLine(Quoted):
    """Seats of one type that would be bought."""

    pool_id = fields.Id(
        "pool",
        allow_none=True,
        description="The pool that would grow, null where it would be opened",
    )


class CheckoutPreviewResponse(Response):
    """What a checkout would start, buy and cost."""

    product = fields.Name(**PRODUCT)
    tier = fields.Name(**TIER)
    interval = fields.Choice(Interval, **INTERVAL)
    interval_count = fields.Integer(min=1, **COUNT)
    billing_interval = fields.Choice(Interval, **BILLING)
    billing_interval_count = fields.Integer(min=1, **BILLING_COUNT)
    term = fields.Nested(TermResponse, description="The term that would be the current one")
    purchases = fields.ListOf(
        fields.Nested(QuotedLine, description="Seats of one type"),
        max=20,
        description="What would be bought",
    )
    ends_free_tools = fields.Boolean(
        description="Whether the seats of the free tools would end (R4)", example=True
    )


def _order(body: dict[str, Any]) -> Order:
    lines = body.pop("seats")
    return Order(seats={line["seat_type"]: line["quantity"] for line in lines}, **body)


CHECKOUT_REFUSALS = (
    AlreadySubscribed,
    NotSold,
    BelowMinimum,
    SeatTypeNotAvailable,
    PoolTooLarge,
    SubscriptionSuspended,
    AccountClosed,
    ExternalIdTaken,
)


@blp.post("/accounts/<account_id>/subscriptions/preview")
@blp.needs(CHANGE_BILLING)
@blp.takes(CheckoutRequest)
@blp.gives(200, CheckoutPreviewResponse)
@blp.refuses(*CHECKOUT_REFUSALS)
def preview_checkout(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Preview a checkout

    What it would start, buy and cost now and at each renewal, before anyone commits.
    """
    return operations.shown(operations.preview_checkout(actor, _order(body)))


@blp.post("/accounts/<account_id>/subscriptions")
@blp.needs(CHANGE_BILLING)
@blp.idempotent("required")
@blp.takes(CheckoutRequest)
@blp.gives(201, SubscriptionResponse, location="/v1/accounts/{account_id}/subscriptions/{id}")
@blp.refuses(*CHECKOUT_REFUSALS)
def checkout(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Subscribe to a product

    Starts a term and buys seats. The first paid subscription ends the seats of the free tools; who
    checks out gets one of the seats, everybody else who is left without one a viewing seat.
    """
    return resources.subscription(*operations.checkout(actor, _order(body)))


@blp.get("/accounts/<account_id>/subscriptions")
@blp.needs(SEE)
@blp.lists(SubscriptionResponse, SubscriptionQuery)
def list_subscriptions(actor: Actor, query: dict[str, Any]) -> Page:
    """List the subscriptions

    The oldest comes first; those that have ended are among them.
    """
    return queries.subscriptions(actor, **window_of(query))


@blp.get("/accounts/<account_id>/subscriptions/<subscription_id>")
@blp.needs(SEE)
@blp.gives(200, SubscriptionResponse)
def get_subscription(actor: Actor, subscription_id: str) -> dict[str, Any]:
    """Read a subscription

    With its current term and the pools that follow it.
    """
    return queries.subscription(actor, subscription_id)


@blp.patch("/accounts/<account_id>/subscriptions/<subscription_id>")
@blp.needs(CHANGE_BILLING)
@blp.patches(SubscriptionPatch, if_match="required")
@blp.gives(200, SubscriptionResponse)
@blp.refuses(ExternalIdTaken, AccountClosed)
def update_subscription(
    actor: Actor, subscription_id: str, body: dict[str, Any], if_match: int
) -> dict[str, Any]:
    """Set a subscription's external id and metadata

    `If-Match` is required.
    """
    return resources.subscription(
        *operations.update_subscription(actor, subscription_id, body, if_match)
    )
