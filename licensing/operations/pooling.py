"""The pools of a subscription: whom they follow, and what their seats cost (R4, R17, R24, R25)."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from licensing import ids
from licensing.models import Pool, Subscription
from licensing.operations.standing import Standing
from licensing.rules import prices, seats, terms
from licensing.rules.catalogue import SeatType
from licensing.rules.subscriptions import SubscriptionStatus
from licensing.rules.terms import Interval, TermShare


def pools_of(subscription: Subscription) -> list[Pool]:
    """The open pools that follow a subscription's term, the oldest first."""
    return list(
        Pool.select()
        .where(
            Pool.account_id == subscription.account_id,
            Pool.subscription_id == subscription.id,
            Pool.status == "open",
        )
        .order_by(Pool.id)
    )


def seller_of(standing: Standing, seat_type: SeatType) -> Subscription:
    """
    The subscription that a new pool follows: the oldest that sells the type (R4).

    One that is suspended comes last; nothing can be bought from it (R25b).
    """
    products = seats.sellers(standing.catalogue, standing.situation.tiers, seat_type.name)
    sellers = [s for s in standing.subscriptions if s.product in products]
    return min(sellers, key=lambda s: (s.suspended_at is not None, s.id))


def new_pool(standing: Standing, subscription: Subscription, seat_type: SeatType) -> Pool:
    """An empty pool that follows the subscription's term; not written yet."""
    return Pool(
        account_id=standing.account.id,
        id=ids.new("pool"),
        seat_type=seat_type.name,
        subscription_id=subscription.id,
        status="open",
        purchased=0,
        assigned=0,
        scheduled_removal=0,
        minimum=0,
        metadata={},
        version=1,
        created_at=standing.now,
    )


@dataclass(frozen=True)
class Billing:
    """The billing period that a subscription is in: how much of it is left, of how many (R24)."""

    ends_at: datetime
    left: TermShare
    periods: int

    def now(self, amount: int | None) -> int | None:
        """What of a term's amount is due for the rest of the period."""
        return None if amount is None else prices.prorated(amount, self.left, self.periods)

    def each(self, amount: int | None) -> int | None:
        """What of a term's amount is due for a whole period."""
        return None if amount is None else prices.prorated(amount, terms.WHOLE, self.periods)


def billing(standing: Standing, subscription: Subscription) -> Billing:
    """The billing period that the subscription is in; it may be a part of the term (R24)."""
    interval, count = Interval(subscription.billing_interval), subscription.billing_interval_count
    periods = terms.billing_periods(
        Interval(subscription.interval), subscription.interval_count, interval, count
    )
    starts_at, ends_at = subscription.term_starts_at, subscription.term_ends_at
    if periods > 1:
        zone = ZoneInfo(standing.account.time_zone)
        period = terms.term_at(subscription.anchor, interval, count, zone, standing.now)
        starts_at, ends_at = period.starts_at, period.ends_at
    return Billing(ends_at, terms.share_left(starts_at, ends_at, standing.now), periods)


def price_of(
    standing: Standing, subscription: Subscription, seat_type: str, tier: str | None = None
) -> int | None:
    """The price of a seat for a term, at the subscription's tier or another; None without one."""
    return prices.per_term(
        standing.catalogue,
        seat_type,
        subscription.product,
        tier or subscription.tier,
        Interval(subscription.interval),
        subscription.interval_count,
        standing.account.currency,
    )


def price_at_renewal(standing: Standing, subscription: Subscription, seat_type: str) -> int | None:
    """
    The price of a seat for the next term, as things are arranged now; None without one.

    That of the tier which is scheduled, and of the subscription to which the pool moves where its
    own one ends or sells the type no more; nothing where the pool closes (R17, R24, R25).
    """
    tier = subscription.pending_tier or subscription.tier
    goes_on = subscription.status == SubscriptionStatus.ACTIVE
    if goes_on and standing.catalogue.sells(subscription.product, tier, seat_type):
        return price_of(standing, subscription, seat_type, tier)
    follows = successor(standing, subscription, seat_type, subscription.term_ends_at)
    return 0 if follows is None else price_of(standing, follows, seat_type, follows.pending_tier)


def successor(
    standing: Standing, subscription: Subscription, seat_type: str, at: datetime
) -> Subscription | None:
    """
    The subscription that a pool follows when its own one sells its type no more; None without one.

    One that goes on past `at` comes before one that is cancelled, one in use before one that is
    suspended, an older before a younger (R25).
    """
    sellers = [
        other
        for other in standing.subscriptions
        if other is not subscription
        and standing.catalogue.sells(other.product, other.tier, seat_type)
        and (other.status == SubscriptionStatus.ACTIVE or other.term_ends_at > at)
    ]
    return min(
        sellers,
        key=lambda s: (s.status != SubscriptionStatus.ACTIVE, s.suspended_at is not None, s.id),
        default=None,
    )
