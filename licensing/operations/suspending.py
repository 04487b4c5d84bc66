"""A subscription that is not paid for stands still, until it is (R25b)."""

from licensing import events, resources
from licensing.db import transactional
from licensing.events import EventType
from licensing.models import Pool, Subscription
from licensing.operations import pooling
from licensing.operations.due import brought_up_to_date
from licensing.operations.foreseeing import Foreseen, foresee
from licensing.operations.standing import Standing, lock_all_holders
from licensing.rules.permissions import SET_CONTRACT, Actor, require


@transactional
def suspend(
    actor: Actor, subscription_id: str, reason: str | None = None
) -> tuple[Subscription, list[Pool]]:
    """
    Suspend a subscription: seats and counts stand still, terms go on.

    Nothing of its pools is bought or assigned meanwhile; taking back and giving back goes on. What
    its features allow falls to what the catalogue leaves. Suspending again answers the same (R32).
    `reason` is kept and shown. Refuses with `SubscriptionEnded`, `NotFound`, `PermissionDenied`.
    """
    require(actor, SET_CONTRACT)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)
    _suspend(standing, actor, subscription, reason)
    return subscription, pooling.pools_of(subscription)


@transactional
def preview_suspension(actor: Actor, subscription_id: str) -> Foreseen:
    """Who would lose what if the subscription were suspended. Refuses as `suspend`."""
    require(actor, SET_CONTRACT)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)

    def suspended(rehearsed: Standing, found: Subscription) -> None:
        _suspend(rehearsed, actor, found, None)

    return foresee(standing, actor, subscription, standing.now, suspended)


@transactional
def reactivate(actor: Actor, subscription_id: str) -> tuple[Subscription, list[Pool]]:
    """
    End a suspension: everybody may do again what the seats held allow.

    Reactivating what is not suspended answers the same (R32). Refuses as `suspend`.
    """
    require(actor, SET_CONTRACT)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)
    _reactivate(standing, actor, subscription)
    return subscription, pooling.pools_of(subscription)


@transactional
def preview_reactivation(actor: Actor, subscription_id: str) -> Foreseen:
    """Who would get back what if the suspension ended. Refuses as `suspend`."""
    require(actor, SET_CONTRACT)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)

    def reactivated(rehearsed: Standing, found: Subscription) -> None:
        _reactivate(rehearsed, actor, found)

    return foresee(standing, actor, subscription, standing.now, reactivated)


def _suspend(
    standing: Standing, actor: Actor, subscription: Subscription, reason: str | None
) -> None:
    if subscription.suspended_at is not None:
        return
    lock_all_holders(standing)
    subscription.suspended_at, subscription.suspension_reason = standing.now, reason
    _tell(standing, actor, subscription, EventType.SUBSCRIPTION_SUSPENDED, {"suspended_at": None})


def _reactivate(standing: Standing, actor: Actor, subscription: Subscription) -> None:
    if subscription.suspended_at is None:
        return
    lock_all_holders(standing)
    was = {
        "suspended_at": resources.text_or_none(subscription.suspended_at),
        "suspension_reason": subscription.suspension_reason,
    }
    subscription.suspended_at = subscription.suspension_reason = None
    _tell(standing, actor, subscription, EventType.SUBSCRIPTION_REACTIVATED, was)


def _tell(
    standing: Standing,
    actor: Actor,
    subscription: Subscription,
    kind: EventType,
    previous: resources.Resource,
) -> None:
    subscription.version += 1
    subscription.save()
    shown = resources.subscription(subscription, pooling.pools_of(subscription))
    standing.upheaval = events.record(actor, kind, shown, previous=previous)
