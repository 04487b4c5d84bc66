"""Paid seats whose holders have long been inactive, and what giving them back would save (R27)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from operator import attrgetter
from typing import Any

from peewee import Case, fn

from licensing import clock, resources, settings
from licensing.models import Account, Pool, Seat, Subscription, User
from licensing.queries.accounts import existing_account
from licensing.queries.cursors import Key, Order, Page, Window, first_of, position_after
from licensing.resources import Resource
from licensing.rules import prices
from licensing.rules.accounts import UserStatus
from licensing.rules.permissions import SEE_USAGE, Actor, require
from licensing.rules.pools import above_minimum
from licensing.rules.subscriptions import SubscriptionStatus
from licensing.rules.terms import Interval


def _sorted_by(instant: Any, user_id: Any, seat_id: Any) -> Order:
    """The longest inactive first; each of the two kinds of rows says so by its own columns."""
    return Order(
        (
            Key(instant, lambda row: instant.db_value(row.inactive_since)),
            Key(user_id, attrgetter("user_id")),
            Key(seat_id, attrgetter("id")),
        )
    )


ONCE_ACTIVE = _sorted_by(User.last_active_at, User.id, Seat.id)
PAID = Seat.pool_id.is_null(False)
NEVER_ACTIVE = _sorted_by(Seat.assigned_at, Seat.user_id, Seat.id)


@dataclass(frozen=True)
class _Prices:
    """What a seat of each open pool saves at the next renewal, by pool; None without a price."""

    of_pool: dict[str, int | None]
    currency: str

    def money(self, amount: int | None) -> Resource | None:
        return resources.money(amount, self.currency)


def inactive_seats(actor: Actor, window: Window, inactive_since: datetime) -> Page:
    """
    The held paid seats whose holders have not been active since an instant, longest first.

    A holder who was never active counts from the day the seat was assigned. The first page also has
    what could be given back of each pool, and what that would save at the next renewals. Raises
    `InvalidCursor`, `NotFound`, `PermissionDenied`.
    """
    require(actor, SEE_USAGE)
    account = existing_account(actor.account)
    of = ("inactive_seats", actor.account, inactive_since)
    after = position_after(window, of)
    rows = _rows(actor.account, inactive_since, after, window.limit + 1)
    pools = _pools(actor.account)
    worth = _Prices({pool.id: _saved(account, pool) for pool in pools}, account.currency)
    total = None
    if window.include_total:
        total = _held(actor.account).where(PAID, _inactive(inactive_since)).count()
    beside: Resource = {"pools": None, "total_saving": None}
    if after is None:
        beside = _summary(actor.account, inactive_since, pools, worth)
    page = first_of(rows, ONCE_ACTIVE, window, of, total)
    return page.mapped(lambda row: _shown(row, worth)).with_beside(beside)


def _held(account_id: str) -> Any:
    """The held seats with their holders."""
    return (
        Seat.select(Seat, User)
        .join(
            User, on=(User.account_id == Seat.account_id) & (User.id == Seat.user_id), attr="user"
        )
        .where(Seat.account_id == account_id, User.account_id == account_id)
    )


def _inactive(since: datetime) -> Any:
    """R27: by the last activity, or by the day of the assignment where there was none."""
    return (User.last_active_at < since) | (
        User.last_active_at.is_null() & (Seat.assigned_at < since)
    )


def _rows(account_id: str, since: datetime, after: list[Any] | None, most: int) -> list[Any]:
    """
    The first rows of the list after a position.

    Of those who were once active and of those who never were, each through an index in its order.
    """
    held = _held(account_id)
    # Asked in a way that no index answers, so that the seats are found by their holders.
    once = held.where(fn.COALESCE(Seat.pool_id, "") != "", User.last_active_at < since)
    never = held.where(PAID, User.last_active_at.is_null(), Seat.assigned_at < since)
    found = (_read(once, ONCE_ACTIVE, after, most), _read(never, NEVER_ACTIVE, after, most))
    in_order = merge(*found, key=ONCE_ACTIVE.position)
    return [row for row, _ in zip(in_order, range(most), strict=False)]


def _read(query: Any, order: Order, after: list[Any] | None, most: int) -> Iterator[Seat]:
    if after is not None:
        # Said twice: the first says where the index is entered.
        instant = order.keys[0].term
        query = query.where(instant >= instant.python_value(after[0]), order.beyond(after))
    for seat in query.order_by(*order.terms).limit(most):
        seat.inactive_since = seat.user.last_active_at or seat.assigned_at
        yield seat


def _pools(account_id: str) -> list[Any]:
    rows = Pool.select(Pool, Subscription).join(
        Subscription,
        on=(Subscription.account_id == Pool.account_id) & (Subscription.id == Pool.subscription_id),
        attr="subscription",
    )
    return list(rows.where(Pool.account_id == account_id, Pool.status == "open").order_by(Pool.id))


def _saved(account: Account, pool: Any) -> int | None:
    """What one seat fewer saves at the pool's next renewal: the price of a term, if it renews."""
    follows = pool.subscription
    if follows.status == SubscriptionStatus.CANCELLING:
        return 0
    return prices.per_term(
        settings.current().catalogue,
        pool.seat_type,
        follows.product,
        follows.pending_tier or follows.tier,
        Interval(follows.interval),
        follows.interval_count,
        account.currency,
    )


def _summary(account_id: str, since: datetime, pools: list[Any], worth: _Prices) -> Resource:
    deactivated = fn.SUM(Case(None, [(User.status == UserStatus.DEACTIVATED, 1)], 0))
    counted = _held(account_id).where(PAID, _inactive(since))
    counted = counted.select(Seat.pool_id, fn.COUNT(Seat.id), deactivated).group_by(Seat.pool_id)
    inactive = {pool_id: counts for pool_id, *counts in counted.tuples()}
    shown = [_of_pool(pool, inactive[pool.id], worth) for pool in pools if pool.id in inactive]
    savings = [pool["saving"] for pool in shown if pool["can_be_given_back"]]
    total = None if None in savings else sum(saving["amount"] for saving in savings)
    return {"pools": shown, "total_saving": worth.money(total)}


def _of_pool(pool: Any, counted: list[int], worth: _Prices) -> Resource:
    inactive, deactivated = counted
    # R13: what somebody deactivated holds cannot be taken back before he is reactivated.
    can_be_given_back = min(inactive - deactivated, above_minimum(pool))
    price = worth.of_pool[pool.id]
    return {
        "pool_id": pool.id,
        "seat_type": pool.seat_type,
        "inactive": inactive,
        "held_by_deactivated": deactivated,
        "can_be_given_back": can_be_given_back,
        "renews_at": clock.to_text(pool.subscription.term_ends_at),
        "saving": worth.money(None if price is None else price * can_be_given_back),
    }


def _shown(seat: Any, worth: _Prices) -> Resource:
    return {
        "seat_id": seat.id,
        "seat_type": seat.seat_type,
        "pool_id": seat.pool_id,
        "user_id": seat.user_id,
        "name": seat.user.name,
        "email": seat.user.email,
        "status": seat.user.status,
        "last_active_at": resources.text_or_none(seat.user.last_active_at),
        "assigned_at": clock.to_text(seat.assigned_at),
        "inactive_since": clock.to_text(seat.inactive_since),
        "saving": worth.money(worth.of_pool[seat.pool_id]),
    }
