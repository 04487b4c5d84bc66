"""Subscribing to a product: the checkout that starts a term and opens pools (R4, R24)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from licensing import events, ids, resources
from licensing.db import for_update, transactional
from licensing.events import EventType, Reason
from licensing.models import Pool, Purchase, Subscription
from licensing.operations import buying, holding, pooling, renewing
from licensing.operations.changing import apply_changes, refuse_stale, refuse_taken_external_id
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Standing, lock_all_holders
from licensing.rules import terms
from licensing.rules.catalogue import SeatType
from licensing.rules.permissions import CHANGE_BILLING, Actor, ActorType, require
from licensing.rules.refusals import (
    AlreadySubscribed,
    BelowMinimum,
    NotFound,
    NotSold,
    Unacceptable,
)
from licensing.rules.subscriptions import SubscriptionStatus
from licensing.rules.terms import Interval, Term


@dataclass(frozen=True)
class Order:
    """
    What is checked out.

    Attributes:
        product, tier: what the account subscribes to.
        interval, interval_count: how long a term is, in months or years.
        billing_interval, billing_interval_count: how often a term is billed, if not once (R24).
        seats: how many seats of each paid type are bought.
        starts_at: the anchor of the terms; now where it is None, in the past for an import.
    """

    product: str
    tier: str
    interval: Interval
    interval_count: int
    seats: Mapping[str, int]
    starts_at: datetime | None = None
    external_id: str | None = None
    metadata: Mapping[str, str] | None = None
    billing_interval: Interval | None = None
    billing_interval_count: int = 1


@dataclass(frozen=True)
class Checkout:
    """
    A checkout before it is committed: the subscription, a purchase per seat type, and who is
    touched.
    """

    subscription: Subscription
    term: Term
    purchases: list[Purchase]
    opened: list[Pool]
    ends_free_tools: bool


@transactional
def preview_checkout(actor: Actor, order: Order) -> Checkout:
    """What `checkout` would start, buy and cost; nothing is bought. Refuses as `checkout`."""
    require(actor, CHANGE_BILLING)
    return _plan(brought_up_to_date(actor), order)


@transactional
def checkout(actor: Actor, order: Order) -> tuple[Subscription, list[Pool]]:
    """
    Subscribe the account to a product at a tier, and buy seats (R4).

    The first paid subscription ends the seats of the free tools: the user who checks out gets one
    of the seats bought, who is left without a paid seat the viewing one. A later one adds its seats
    to the pools that exist; a pool follows the term of the subscription that opened it. Refuses
    with `AlreadySubscribed`, `NotSold`, `SeatTypeNotAvailable` (R2), `BelowMinimum` where fewer
    seats are bought than the catalogue includes, `Unacceptable`, `Unknown`, `ExternalIdTaken`,
    `PoolTooLarge` and `PermissionDenied`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor, alone=True)
    planned = _plan(standing, order)
    subscription = planned.subscription
    lock_all_holders(standing)
    subscription.save(force_insert=True)
    renewing.begin(subscription, planned.term, subscription.tier, standing.now)
    for pool in planned.opened:
        pool.save(force_insert=True)
    standing.subscriptions.append(subscription)
    started = events.record(
        actor,
        EventType.SUBSCRIPTION_STARTED,
        resources.subscription(subscription, pooling.pools_of(subscription)),
        effective_at=subscription.term_starts_at,
    )
    standing.upheaval = started
    for purchase in planned.purchases:
        pool = Pool.get(Pool.account_id == purchase.account_id, Pool.id == purchase.pool_id)
        opened = pool.id in {new.id for new in planned.opened}
        buying.add_seats(standing, actor, pool, purchase.quantity, opened, cause=started)
    if planned.ends_free_tools:
        _end_free_tools(standing, actor, planned.purchases, started)
    return subscription, pooling.pools_of(subscription)


def shown(planned: Checkout) -> resources.Resource:
    """A checkout before it is committed, as the API shows it."""
    subscription = planned.subscription
    opened = {pool.id for pool in planned.opened}
    return {
        "product": subscription.product,
        "tier": subscription.tier,
        "interval": subscription.interval,
        "interval_count": subscription.interval_count,
        "billing_interval": subscription.billing_interval,
        "billing_interval_count": subscription.billing_interval_count,
        "term": resources.term(subscription),
        "purchases": [
            resources.quote(purchase)
            | {"pool_id": None if purchase.pool_id in opened else purchase.pool_id}
            for purchase in planned.purchases
        ],
        "ends_free_tools": planned.ends_free_tools,
    }


def _plan(standing: Standing, order: Order) -> Checkout:
    _refuse_product(standing, order)
    refuse_taken_external_id(Subscription, standing.account.id, order.external_id)
    subscription, term = _subscription(standing, order)
    first = not standing.subscriptions
    after = Standing(
        standing.account,
        [*standing.subscriptions, subscription],
        standing.catalogue,
        standing.now,
    )
    purchases, opened = [], []
    for name, quantity in order.seats.items():
        seat_type = buying.purchasable(after, name)
        pool = holding.open_pool(after, name)
        if pool is None:
            pool = pooling.new_pool(after, _opener(after, subscription, seat_type), seat_type)
            opened.append(pool)
        purchases.append(buying.quote(after, pool, quantity))
    _refuse_too_few(after, order, purchases)
    ends_free_tools = first and standing.situation.seat_based
    return Checkout(subscription, term, purchases, opened, ends_free_tools)


def _opener(after: Standing, subscription: Subscription, seat_type: SeatType) -> Subscription:
    """R4: a pool follows what opened it, if that sells its seats."""
    if after.catalogue.sells(subscription.product, subscription.tier, seat_type.name):
        return subscription
    return pooling.seller_of(after, seat_type)


def _refuse_product(standing: Standing, order: Order) -> None:
    product = standing.catalogue.product(order.product)
    tier = standing.catalogue.tier(order.tier)
    if tier.name not in product.tiers:
        raise NotSold(product.name, tier.name)
    for subscription in standing.subscriptions:
        if subscription.product == product.name:
            raise AlreadySubscribed(product.name, subscription.id)


def _refuse_too_few(standing: Standing, order: Order, purchases: Iterable[Purchase]) -> None:
    """R4: at least what the catalogue includes, counting what the account's pools have already."""
    after = {purchase.seat_type: purchase.purchased_after for purchase in purchases}
    for name, minimum in standing.catalogue.included(order.product, order.tier).items():
        seat_type = standing.catalogue.seat_type(name)
        if not (standing.situation.seat_based or seat_type.legacy):
            continue  # R2: a legacy account cannot have this type, so nothing of it is included
        pool = holding.open_pool(standing, name)
        quantity = after.get(name, pool.purchased if pool else 0)
        if quantity < minimum:
            raise BelowMinimum(name, quantity, minimum)


def _subscription(standing: Standing, order: Order) -> tuple[Subscription, Term]:
    anchor = order.starts_at or standing.now
    if anchor > standing.now:
        raise Unacceptable("starts_at", "lies in the future")
    billed, billed_count = _billing(order)
    zone = ZoneInfo(standing.account.time_zone)
    term = terms.term_at(anchor, order.interval, order.interval_count, zone, standing.now)
    subscription = Subscription(
        account_id=standing.account.id,
        id=ids.new("sub"),
        product=order.product,
        tier=order.tier,
        status=SubscriptionStatus.ACTIVE,
        interval=order.interval,
        interval_count=order.interval_count,
        billing_interval=billed,
        billing_interval_count=billed_count,
        anchor=anchor,
        term_number=term.number,
        term_starts_at=term.starts_at,
        term_ends_at=term.ends_at,
        noticed_term=0,
        test_clock_id=standing.account.test_clock_id,
        due_at=renewing.due_at(term),
        external_id=order.external_id,
        metadata=dict(order.metadata or {}),
        version=1,
        created_at=standing.now,
    )
    return subscription, term


def _billing(order: Order) -> tuple[Interval, int]:
    """How often a term is billed: once, where the order does not say."""
    if order.billing_interval is None:
        return order.interval, order.interval_count
    billed, count = order.billing_interval, order.billing_interval_count
    if not terms.billing_periods(order.interval, order.interval_count, billed, count):
        raise Unacceptable("billing_interval", "does not go into the term a whole number of times")
    return billed, count


def _end_free_tools(
    standing: Standing, actor: Actor, purchases: list[Purchase], cause: str
) -> None:
    """R4: all seats of the free tools end in the transaction of the first paid subscription."""
    catalogue = standing.catalogue
    free = catalogue.free_tools
    former = [
        (holder, seat)
        for holder in standing.holders.values()
        if (seat := holder.seat_of(free)) is not None
    ]
    for holder, seat in former:
        holding.end(standing, actor, holder, seat, reason=Reason.UPGRADED_FROM_FREE, cause=cause)
    viewing = catalogue.seat_type(catalogue.fallback)
    wanted = _first_bought(standing, purchases)
    buyer = standing.holders.get(actor.id) if actor.type is ActorType.USER and wanted else None
    receivers = [(holder, viewing) for holder, _ in former if holder is not buyer]
    # Who checks out gets one of the seats also in place of a free one of another kind (R8).
    receivers += [(buyer, wanted)] if buyer and wanted else []
    for holder, seat_type in receivers:
        reason = Reason.UPGRADED_FROM_FREE
        holding.give(standing, actor, holder, seat_type, reason=reason, cause=cause)


def _first_bought(standing: Standing, purchases: list[Purchase]) -> SeatType | None:
    bought = {purchase.seat_type for purchase in purchases}
    return next(
        (seat_type for name, seat_type in standing.catalogue.seat_types.items() if name in bought),
        None,
    )


@transactional
def update_subscription(
    actor: Actor, subscription_id: str, changes: dict[str, Any], if_match: int
) -> tuple[Subscription, list[Pool]]:
    """
    Change the external id or metadata of a subscription (R31).

    `changes` is a JSON Merge Patch that was validated; `if_match` the version that the caller has
    seen. Refuses with `PreconditionFailed`, `ExternalIdTaken`, `NotFound`, `PermissionDenied`.
    """
    require(actor, CHANGE_BILLING)
    refuse_stale(actor, Subscription, subscription_id, if_match)
    standing = brought_up_to_date(actor)
    subscription = for_update(
        Subscription.select().where(
            Subscription.account_id == standing.account.id, Subscription.id == subscription_id
        )
    ).get_or_none()
    if subscription is None:
        raise NotFound("subscription", subscription_id)
    refuse_taken_external_id(
        Subscription, subscription.account_id, changes.get("external_id"), but=subscription.id
    )
    pools = pooling.pools_of(subscription)
    previous = apply_changes(subscription, changes)
    if previous:
        events.record(
            actor,
            EventType.SUBSCRIPTION_UPDATED,
            resources.subscription(subscription, pools),
            previous=previous,
        )
    return subscription, pools
