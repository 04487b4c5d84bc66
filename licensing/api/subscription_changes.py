"""Moving a subscription between tiers, cancelling and suspending it (R25, R25b)."""

from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Request, Response
from licensing.api.purchases import Money
from licensing.api.subscriptions import PRODUCT, TIER, SubscriptionResponse
from licensing.operations import cancelling, foreseeing, suspending, tiers
from licensing.rules.entitlements import Level
from licensing.rules.permissions import CHANGE_BILLING, SET_CONTRACT, Actor
from licensing.rules.refusals import (
    AccountClosed,
    NotSold,
    SubscriptionCancelling,
    SubscriptionEnded,
    SubscriptionSuspended,
)
from licensing.rules.subscriptions import Fate, SubscriptionStatus

blp = Blueprint(
    "subscription changes", __name__, description="Other tiers, cancelling, suspending, previews"
)

OF_SUBSCRIPTION = "/accounts/<account_id>/subscriptions/<subscription_id>"
MOST_POOLS, MOST_USERS = 100, 1_000_000
CHANGING = (SubscriptionEnded, AccountClosed)
CHANGING_TIER = (NotSold, SubscriptionSuspended, SubscriptionCancelling, *CHANGING)


class TierRequest(Request):
    """Which tier."""

    tier = fields.Name(required=True, description="The tier to move to", example="enterprise")


class SuspensionRequest(Request):
    """Why a subscription is suspended."""

    reason = fields.Text(max=200, description="Why, in your words; it is shown", example="unpaid")


class ForeseenPool(Response):
    """What would become of a pool."""

    id = fields.Id("pool", allow_none=True, description="The pool, null where it would be opened")
    seat_type = fields.Name(description="The type of its seats", example="core")
    outcome = fields.Choice(
        Fate,
        description="`moves`: it follows another subscription; `closes`: its seats end",
        example="stays",
    )
    subscription_id = fields.Id(
        "sub", allow_none=True, description="Whose term it would follow, null where it closes"
    )
    renews_at = fields.Instant(
        allow_none=True,
        description="Its next renewal, null where it closes",
        example="2026-12-01T00:00:00.000Z",
    )
    quantity = fields.Integer(
        min=0, description="Its seats, once the change is in effect", example=10
    )
    quantity_at_renewal = fields.Integer(
        min=0, description="Its seats after its next renewal", example=8
    )
    amount_now = fields.Nested(
        Money,
        allow_none=True,
        description="What the seats cost more for the rest of the billing period, null without "
        "prices; nothing where the change waits for the renewal",
    )
    amount_at_renewal = fields.Nested(
        Money,
        allow_none=True,
        description="Their price at each renewal; nothing where the pool closes, null without "
        "prices",
    )


class ForeseenFeature(Response):
    """A feature of which a user could do something else."""

    feature = fields.Name(description="The feature", example="sequences")
    level = fields.Choice(Level, description="What the user may do now", example="edit")
    level_after = fields.Choice(Level, description="What it would be", example="view")


class ForeseenHolder(Response):
    """What a user would hold."""

    user_id = fields.Id("usr", description="The user")
    email = fields.Email(description="The user's address", example="priya@example.com")
    name = fields.Text(max=200, description="The user's name", example="Priya Raghavan")
    seat_types = fields.ListOf(
        fields.Name(description="A seat type", example="sales"),
        max=100,
        description="The seats held now",
    )
    seat_types_after = fields.ListOf(
        fields.Name(description="A seat type", example="view_only"),
        max=100,
        description="The seats that would be held",
    )


class ForeseenUser(ForeseenHolder):
    """What a user would hold and could do."""

    features = fields.ListOf(
        fields.Nested(ForeseenFeature, description="A feature"),
        max=10_000,
        description="The features of which the user could do more or less",
    )


class SubscriptionChangePreviewResponse(Response):
    """What a change of a subscription would cost, and do to pools and their holders."""

    subscription_id = fields.Id("sub", description="The subscription")
    product = fields.Name(**PRODUCT)
    tier = fields.Name(**TIER)
    status = fields.Choice(
        SubscriptionStatus, description="Where it would stand then", example="active"
    )
    effective_at = fields.Instant(
        description="When the change would take effect", example="2026-12-01T00:00:00.000Z"
    )
    pools = fields.ListOf(
        fields.Nested(ForeseenPool, description="A pool"),
        max=MOST_POOLS,
        description="The pools that follow its term, and others that would change",
    )
    users = fields.ListOf(
        fields.Nested(ForeseenUser, description="A user"),
        max=MOST_USERS,
        description="Everybody who would hold other seats or could do something else",
    )


@blp.post(f"{OF_SUBSCRIPTION}/tier/preview")
@blp.needs(CHANGE_BILLING)
@blp.takes(TierRequest)
@blp.gives(200, SubscriptionChangePreviewResponse)
@blp.refuses(*CHANGING_TIER)
def preview_tier(actor: Actor, subscription_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Preview a change of tier

    When it would take effect, what it would cost, which pools would move or close, and who would
    hold or could do something else.
    """
    return foreseeing.shown(tiers.preview_tier(actor, subscription_id, **body))


@blp.post(f"{OF_SUBSCRIPTION}/tier")
@blp.needs(CHANGE_BILLING)
@blp.idempotent("required")
@blp.takes(TierRequest)
@blp.gives(200, SubscriptionResponse)
@blp.refuses(*CHANGING_TIER)
def change_tier(actor: Actor, subscription_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Move to another tier

    Up takes effect at once, down at the next renewal (`pending_tier`). Asking for the tier that it
    has takes back a change that is scheduled.
    """
    return resources.subscription(*tiers.change_tier(actor, subscription_id, **body))


@blp.post(f"{OF_SUBSCRIPTION}/cancellation/preview")
@blp.needs(CHANGE_BILLING)
@blp.gives(200, SubscriptionChangePreviewResponse)
@blp.refuses(*CHANGING)
def preview_cancellation(actor: Actor, subscription_id: str) -> dict[str, Any]:
    """Preview a cancellation

    Which pools would move or close at the end of the term, and who would hold or could do something
    else then.
    """
    return foreseeing.shown(cancelling.preview_cancellation(actor, subscription_id))


@blp.post(f"{OF_SUBSCRIPTION}/cancellation")
@blp.needs(CHANGE_BILLING)
@blp.idempotent("required")
@blp.gives(200, SubscriptionResponse)
@blp.refuses(*CHANGING)
def cancel_subscription(actor: Actor, subscription_id: str) -> dict[str, Any]:
    """Cancel at the end of the term

    Until then nothing changes, and the subscription can be resumed. Then its pools move to another
    subscription that sells their seats, or close.
    """
    return resources.subscription(*cancelling.cancel(actor, subscription_id))


@blp.delete(f"{OF_SUBSCRIPTION}/cancellation/preview")
@blp.needs(CHANGE_BILLING)
@blp.gives(200, SubscriptionChangePreviewResponse)
@blp.refuses(*CHANGING)
def preview_resumption(actor: Actor, subscription_id: str) -> dict[str, Any]:
    """Preview the end of a cancellation

    What would be renewed, and what it would cost.
    """
    return foreseeing.shown(cancelling.preview_resumption(actor, subscription_id))


@blp.delete(f"{OF_SUBSCRIPTION}/cancellation")
@blp.needs(CHANGE_BILLING)
@blp.gives(200, SubscriptionResponse)
@blp.refuses(*CHANGING)
def resume_subscription(actor: Actor, subscription_id: str) -> dict[str, Any]:
    """Resume a cancelled subscription

    It renews again at the end of its term. A change of tier that was scheduled still is.
    """
    return resources.subscription(*cancelling.resume(actor, subscription_id))


@blp.post(f"{OF_SUBSCRIPTION}/suspension/preview")
@blp.needs(SET_CONTRACT)
@blp.gives(200, SubscriptionChangePreviewResponse)
@blp.refuses(*CHANGING)
def preview_suspension(actor: Actor, subscription_id: str) -> dict[str, Any]:
    """Preview a suspension

    Who could do less while the subscription is not paid for.
    """
    return foreseeing.shown(suspending.preview_suspension(actor, subscription_id))


@blp.post(f"{OF_SUBSCRIPTION}/suspension")
@blp.needs(SET_CONTRACT)
@blp.idempotent("required")
@blp.takes(SuspensionRequest, required=False)
@blp.gives(200, SubscriptionResponse)
@blp.refuses(*CHANGING)
def suspend_subscription(
    actor: Actor, subscription_id: str, body: dict[str, Any]
) -> dict[str, Any]:
    """Suspend a subscription that is not paid for

    Seats and counts stand still and terms go on. Nothing of its pools is bought or assigned, and
    its features allow what the catalogue leaves.
    """
    return resources.subscription(*suspending.suspend(actor, subscription_id, **body))


@blp.delete(f"{OF_SUBSCRIPTION}/suspension/preview")
@blp.needs(SET_CONTRACT)
@blp.gives(200, SubscriptionChangePreviewResponse)
@blp.refuses(*CHANGING)
def preview_reactivation(actor: Actor, subscription_id: str) -> dict[str, Any]:
    """Preview the end of a suspension

    Who could do more again.
    """
    return foreseeing.shown(suspending.preview_reactivation(actor, subscription_id))


@blp.delete(f"{OF_SUBSCRIPTION}/suspension")
@blp.needs(SET_CONTRACT)
@blp.gives(200, SubscriptionResponse)
@blp.refuses(*CHANGING)
def reactivate_subscription(actor: Actor, subscription_id: str) -> dict[str, Any]:
    """End a suspension

    Everybody may do again what the seats held allow.
    """
    return resources.subscription(*suspending.reactivate(actor, subscription_id))
