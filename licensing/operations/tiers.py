"""Moving a subscription to another tier: up at once, down at the next renewal (R25)."""

from licensing import events, resources
from licensing.db import transactional
from licensing.events import EventType
from licensing.models import Pool, Subscription
from licensing.operations import consequences, pooling
from licensing.operations.due import brought_up_to_date
from licensing.operations.foreseeing import Foreseen, foresee
from licensing.operations.standing import Standing
from licensing.rules import subscriptions as rules
from licensing.rules.permissions import CHANGE_BILLING, Actor, require
from licensing.rules.refusals import SubscriptionCancelling, SubscriptionSuspended
from licensing.rules.subscriptions import Move, SubscriptionStatus


@transactional
def change_tier(actor: Actor, subscription_id: str, tier: str) -> tuple[Subscription, list[Pool]]:
    """
    Move a subscription to another tier of its product.

    Up takes effect at once, down at the next renewal; until then, asking for the tier that it has
    takes the change back. Pools whose type the new tier does not sell move, close or become
    something else when it takes effect. What changes nothing tells nothing (R32). Refuses with
    `NotSold`, `Unknown` tiers, `SubscriptionSuspended` (up), `SubscriptionCancelling` (down),
    `SubscriptionEnded`, `NotFound` and `PermissionDenied`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)
    _change(standing, actor, subscription, tier)
    return subscription, pooling.pools_of(subscription)


@transactional
def preview_tier(actor: Actor, subscription_id: str, tier: str) -> Foreseen:
    """
    What `change_tier` would cost and do to pools and their holders; nothing is changed.

    Refuses as `change_tier`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)
    way = _refuse_or_way(standing, subscription, tier)
    at_once = way is not Move.DOWN
    effective_at = standing.now if at_once else subscription.term_ends_at

    def moved(rehearsed: Standing, found: Subscription) -> None:
        if way is not Move.NOWHERE:
            consequences.move_to_tier(rehearsed, actor, found, tier, effective_at)

    return foresee(standing, actor, subscription, effective_at, moved)


def _change(standing: Standing, actor: Actor, subscription: Subscription, tier: str) -> None:
    way = _refuse_or_way(standing, subscription, tier)
    if way is Move.UP:
        consequences.move_to_tier(standing, actor, subscription, tier, standing.now)
    elif way is Move.DOWN:
        _schedule(standing, actor, subscription, tier)
    else:
        _take_back(standing, actor, subscription)


def _refuse_or_way(standing: Standing, subscription: Subscription, tier: str) -> Move:
    way = rules.move(standing.catalogue, subscription.product, subscription.tier, tier)
    if way is Move.UP and subscription.suspended_at is not None:
        raise SubscriptionSuspended(subscription.id, subscription.product)
    if way is Move.DOWN and subscription.status == SubscriptionStatus.CANCELLING:
        ends_at = resources.text_or_none(subscription.term_ends_at)
        raise SubscriptionCancelling(subscription.id, str(ends_at))
    return way


def _schedule(standing: Standing, actor: Actor, subscription: Subscription, tier: str) -> None:
    before = subscription.pending_tier
    if before == tier:
        return
    subscription.pending_tier = tier
    subscription.version += 1
    subscription.save()
    events.record(
        actor,
        EventType.SUBSCRIPTION_TIER_CHANGE_SCHEDULED,
        resources.subscription(subscription, pooling.pools_of(subscription)),
        previous={"pending_tier": before},
        effective_at=subscription.term_ends_at,
    )


def _take_back(standing: Standing, actor: Actor, subscription: Subscription) -> None:
    before = subscription.pending_tier
    if before is None:
        return
    subscription.pending_tier = None
    subscription.version += 1
    subscription.save()
    events.record(
        actor,
        EventType.SUBSCRIPTION_UPDATED,
        resources.subscription(subscription, pooling.pools_of(subscription)),
        previous={"pending_tier": before},
    )
