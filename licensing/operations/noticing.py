"""The notice of a renewal: what will be paid for again, in time to give it back (R24)."""

from licensing import events, resources
from licensing.events import EventType, Reason
from licensing.models import Pool, Subscription
from licensing.operations import pooling
from licensing.operations.standing import Standing
from licensing.resources import Resource
from licensing.rules.permissions import Actor
from licensing.rules.pools import quantity_at_renewal, spare
from licensing.rules.subscriptions import SubscriptionStatus


def tell_renewal(standing: Standing, actor: Actor, subscription: Subscription) -> None:
    """
    Tell the coming renewal of a subscription, once in a term.

    The event names for each pool the seats that nobody holds and that would be paid for again, and
    what they would cost. A subscription that is cancelled has no renewal to tell.
    """
    subscription.due_at = subscription.term_ends_at
    if subscription.status == SubscriptionStatus.ACTIVE:
        subscription.noticed_term = subscription.term_number
    subscription.save(only=["noticed_term", "due_at"])
    if subscription.status != SubscriptionStatus.ACTIVE:
        return
    pools = pooling.pools_of(subscription)
    shown = resources.subscription(subscription, pools)
    events.record(
        actor,
        EventType.SUBSCRIPTION_RENEWAL_UPCOMING,
        shown | {"renewal": [_line(standing, subscription, pool) for pool in pools]},
        reason=Reason.RENEWAL_UPCOMING,
    )


def _line(standing: Standing, subscription: Subscription, pool: Pool) -> Resource:
    price = pooling.price_at_renewal(standing, subscription, pool.seat_type)
    unassigned_again = spare(pool)

    def cost(quantity: int) -> Resource | None:
        amount = None if price is None else price * quantity
        return resources.money(amount, standing.account.currency)

    return standing.pool_numbers(pool) | {
        "unassigned_at_renewal": unassigned_again,
        "amount_for_unassigned": cost(unassigned_again),
        "amount_at_renewal": cost(quantity_at_renewal(pool)),
    }
