"""Adding seats to a pool, at once and until the end of the term (R17)."""

from dataclasses import dataclass

from licensing import events, ids, resources
from licensing.db import transactional
from licensing.events import EventType
from licensing.models import Pool, Purchase
from licensing.operations import holding, pooling, warning
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Standing
from licensing.rules import seats, terms
from licensing.rules.catalogue import SeatType
from licensing.rules.permissions import CHANGE_BILLING, Actor, require
from licensing.rules.pools import LARGEST_POOL, LARGEST_PURCHASE, can_buy, is_a_purchase, unassigned
from licensing.rules.refusals import PoolTooLarge, Unacceptable


@dataclass(frozen=True)
class Preview:
    """
    What a purchase would change and cost, before anyone commits (R17, R22b).

    Attributes:
        opens_pool: whether the pool is only opened by the purchase.
        free_by_cancelling: how many of the seats could be had for nothing, by cancelling the
            removal that is pending.
    """

    purchase: Purchase
    opens_pool: bool
    free_by_cancelling: int


@transactional
def preview_purchase(actor: Actor, seat_type: str, quantity: int) -> Preview:
    """
    What buying `quantity` seats would change and cost now and at each renewal; nothing is bought.

    Refuses as `purchase_seats`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor)
    wanted = purchasable(standing, seat_type)
    pool = holding.open_pool(standing, wanted.name)
    opens_pool = pool is None
    if pool is None:
        pool = pooling.new_pool(standing, pooling.seller_of(standing, wanted), wanted)
    purchase = quote(standing, pool, quantity)
    return Preview(purchase, opens_pool, min(quantity, pool.scheduled_removal))


def shown(preview: Preview) -> resources.Resource:
    """A preview as the API shows it; a pool that is not there yet has no id."""
    quoted = resources.quote(preview.purchase)
    return quoted | {
        "pool_id": None if preview.opens_pool else quoted["pool_id"],
        "free_by_cancelling": preview.free_by_cancelling,
    }


@transactional
def purchase_seats(actor: Actor, seat_type: str, quantity: int) -> Purchase:
    """
    Add seats to the pool of a type; they can be assigned at once and are renewed with the term.

    Where the account has no such pool yet, one is opened on the oldest subscription that sells the
    type. A pending removal stays as it is (R22b). Refuses with `SeatTypeNotAvailable` (R2, R5),
    `Unacceptable` for a type that is free of charge, `Unknown` types, `PoolTooLarge`,
    `SubscriptionSuspended` (R25b) and `PermissionDenied` (R10).
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor)
    wanted = purchasable(standing, seat_type)
    pool = holding.open_pool(standing, wanted.name)
    opened = pool is None
    if pool is None:
        pool = pooling.new_pool(standing, pooling.seller_of(standing, wanted), wanted)
        pool.save(force_insert=True)
    return add_seats(standing, actor, pool, quantity, opened)


def purchasable(standing: Standing, seat_type: str) -> SeatType:
    """The seat type, if the account can buy it; raises as `purchase_seats`."""
    wanted = standing.catalogue.seat_type(seat_type)
    if not wanted.paid:
        raise Unacceptable(
            "seat_type", f"{seat_type} is free of charge; it is assigned, not bought"
        )
    seats.refuse_unavailable(standing.catalogue, standing.situation, wanted)
    return wanted


def add_seats(
    standing: Standing,
    actor: Actor,
    pool: Pool,
    quantity: int,
    opened: bool,
    cause: str | None = None,
) -> Purchase:
    """Add seats to a written pool, which may have been `opened` just now. Raises `PoolTooLarge`."""
    enlarged = list(
        Pool.update(purchased=Pool.purchased + quantity, version=Pool.version + 1)
        .where(
            Pool.account_id == pool.account_id,
            Pool.id == pool.id,
            Pool.status == "open",
            can_buy(Pool, quantity),
        )
        .returning(Pool)
        .execute()
    )
    if not enlarged:
        raise PoolTooLarge(pool.seat_type, pool.purchased + quantity, LARGEST_POOL)
    after = enlarged[0]
    # The quote is made from what the guarded update found, not from what was read before it.
    after.purchased -= quantity
    purchase = quote(standing, after, quantity)
    after.purchased += quantity
    purchase.save(force_insert=True)
    bought = events.record(
        actor,
        EventType.SEATS_PURCHASED,
        resources.purchase(purchase),
        pool=standing.pool_numbers(after),
        cause=cause,
    )
    # A pool that was not there before was not exhausted, and is not replenished by its first seats.
    if not opened:
        warning.warn(standing, actor, after, unassigned(after) - quantity, bought)
    return purchase


def quote(standing: Standing, pool: Pool, quantity: int) -> Purchase:
    """
    The purchase of `quantity` seats as things stand, not written.

    Every door buys through here (R33). Raises `PoolTooLarge`, `Unacceptable` quantities (R17),
    `SubscriptionSuspended` (R25b).
    """
    if not is_a_purchase(quantity):
        raise Unacceptable("quantity", f"has to be between 1 and {LARGEST_PURCHASE}")
    if not can_buy(pool, quantity):
        raise PoolTooLarge(pool.seat_type, pool.purchased + quantity, LARGEST_POOL)
    subscription = standing.subscription_of(pool)
    holding.refuse_suspended(standing, pool)
    share = terms.share_left(subscription.term_starts_at, subscription.term_ends_at, standing.now)
    this_term = _times(quantity, pooling.price_of(standing, subscription, pool.seat_type))
    next_term = _times(quantity, pooling.price_at_renewal(standing, subscription, pool.seat_type))
    bill = pooling.billing(standing, subscription)
    return Purchase(
        account_id=pool.account_id,
        id=ids.new("pur"),
        pool_id=pool.id,
        seat_type=pool.seat_type,
        quantity=quantity,
        purchased_before=pool.purchased,
        purchased_after=pool.purchased + quantity,
        share_numerator=share.numerator,
        share_denominator=share.denominator,
        days_left=share.days_left,
        days_in_term=share.days_in_term,
        amount_now=bill.now(this_term),
        billed_until=bill.ends_at,
        amount_per_billing_period=bill.each(this_term),
        amount_at_renewal=next_term,
        currency=standing.account.currency,
        created_at=standing.now,
    )


def _times(quantity: int, price: int | None) -> int | None:
    return None if price is None else price * quantity
