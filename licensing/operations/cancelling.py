"""Ending a subscription with its term, and thinking better of it (R25)."""

from licensing import events, resources
from licensing.db import transactional
from licensing.events import EventType
from licensing.models import Pool, Subscription
from licensing.operations import consequences, pooling, renewing
from licensing.operations.due import brought_up_to_date
from licensing.operations.foreseeing import Foreseen, foresee
from licensing.operations.standing import Standing
from licensing.rules.permissions import CHANGE_BILLING, Actor, require
from licensing.rules.subscriptions import SubscriptionStatus


@transactional
def cancel(actor: Actor, subscription_id: str) -> tuple[Subscription, list[Pool]]:
    """
    Let a subscription end with its current term; until then nothing changes, and it can be resumed.

    Seats may be held: at the end their pools move to another subscription that sells them, or
    close. Cancelling again answers the same (R32). Refuses with `SubscriptionEnded`, `NotFound` and
    `PermissionDenied`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)
    kind = EventType.SUBSCRIPTION_CANCELLATION_SCHEDULED
    _set_status(actor, subscription, SubscriptionStatus.CANCELLING, kind)
    return subscription, pooling.pools_of(subscription)


@transactional
def preview_cancellation(actor: Actor, subscription_id: str) -> Foreseen:
    """
    What the end of the term would do to pools and their holders; nothing is cancelled.

    Refuses as `cancel`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)

    def ended(rehearsed: Standing, found: Subscription) -> None:
        consequences.end(rehearsed, actor, found)

    return foresee(standing, actor, subscription, subscription.term_ends_at, ended)


@transactional
def resume(actor: Actor, subscription_id: str) -> tuple[Subscription, list[Pool]]:
    """
    Take a cancellation back, until the term is over; the subscription renews again.

    A change of tier that was scheduled before the cancellation still is. Resuming what is not
    cancelled answers the same (R32). Refuses as `cancel`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)
    _set_status(actor, subscription, SubscriptionStatus.ACTIVE, EventType.SUBSCRIPTION_RESUMED)
    return subscription, pooling.pools_of(subscription)


@transactional
def preview_resumption(actor: Actor, subscription_id: str) -> Foreseen:
    """
    What would be renewed, and cost, if the cancellation were taken back; nothing is changed.

    Refuses as `cancel`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor, alone=True)
    subscription = standing.subscription(subscription_id)

    def resumed(_: Standing, found: Subscription) -> None:
        _set_status(actor, found, SubscriptionStatus.ACTIVE, EventType.SUBSCRIPTION_RESUMED)

    return foresee(standing, actor, subscription, standing.now, resumed)


def _set_status(
    actor: Actor, subscription: Subscription, status: SubscriptionStatus, kind: EventType
) -> None:
    before = subscription.status
    if before == status:
        return
    subscription.status = status
    if status == SubscriptionStatus.ACTIVE and subscription.noticed_term < subscription.term_number:
        # While it was cancelled, its renewal may have gone untold.
        subscription.due_at = renewing.due_at(renewing.current_term(subscription))
    subscription.version += 1
    subscription.save()
    events.record(
        actor,
        kind,
        resources.subscription(subscription, pooling.pools_of(subscription)),
        previous={"status": before},
        effective_at=subscription.term_ends_at if status == SubscriptionStatus.CANCELLING else None,
    )
