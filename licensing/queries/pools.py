"""Pools, subscriptions, purchases and removals (R17, R20, R24, R28)."""

from typing import Any

from licensing import resources
from licensing.models import Pool, Purchase, Removal, Subscription
from licensing.queries.accounts import page_of_account
from licensing.queries.cursors import Page, Window
from licensing.resources import Resource
from licensing.rules.permissions import CHANGE_BILLING, SEE, Actor, require
from licensing.rules.pools import quantity_at_renewal
from licensing.rules.refusals import NotFound


def pool(actor: Actor, pool_id: str) -> Resource:
    """One pool. Raises `NotFound`."""
    require(actor, SEE)
    row = _with_term(actor).where(Pool.id == pool_id).get_or_none()
    if row is None:
        raise NotFound("pool", pool_id)
    return _shown(row)


def pools(
    actor: Actor, window: Window, external_id: str | None = None, seat_type: str | None = None
) -> Page:
    """The open pools of the account, oldest first."""
    require(actor, SEE)
    query = _with_term(actor).where(Pool.status == "open")
    if external_id is not None:
        query = query.where(Pool.external_id == external_id)
    if seat_type is not None:
        query = query.where(Pool.seat_type == seat_type)
    found = page_of_account(actor, query, Pool.id, window, external_id, seat_type)
    return found.mapped(_shown)


def _with_term(actor: Actor) -> Any:
    return (
        Pool.select(Pool, Subscription.term_ends_at.alias("renews_at"))
        .join(
            Subscription,
            on=(Subscription.account_id == Pool.account_id)
            & (Subscription.id == Pool.subscription_id),
            attr="subscription",
        )
        .where(Pool.account_id == actor.account)
    )


def _shown(row: Any) -> Resource:
    return resources.pool(row, row.subscription.renews_at)


def subscription(actor: Actor, subscription_id: str) -> Resource:
    """One subscription. Raises `NotFound`."""
    require(actor, SEE)
    row = Subscription.get_or_none(
        Subscription.account_id == actor.account, Subscription.id == subscription_id
    )
    if row is None:
        raise NotFound("subscription", subscription_id)
    return resources.subscription(row, _pools_of(actor, [row]))


def subscriptions(actor: Actor, window: Window, external_id: str | None = None) -> Page:
    """The subscriptions of the account, oldest first, ended ones too."""
    require(actor, SEE)
    query = Subscription.select().where(Subscription.account_id == actor.account)
    if external_id is not None:
        query = query.where(Subscription.external_id == external_id)
    found = page_of_account(actor, query, Subscription.id, window, external_id)
    pools = _pools_of(actor, found.items)
    return found.mapped(
        lambda row: resources.subscription(
            row, [pool for pool in pools if pool.subscription_id == row.id]
        )
    )


def _pools_of(actor: Actor, subscriptions: list[Subscription]) -> list[Pool]:
    return list(
        Pool.select()
        .where(
            Pool.account_id == actor.account,
            Pool.subscription_id.in_([row.id for row in subscriptions]),
            Pool.status == "open",
        )
        .order_by(Pool.id)
    )


def purchases(actor: Actor, window: Window) -> Page:
    """The purchases of the account, oldest first."""
    require(actor, CHANGE_BILLING)
    query = Purchase.select().where(Purchase.account_id == actor.account)
    found = page_of_account(actor, query, Purchase.id, window)
    return found.mapped(resources.purchase)


def removal(actor: Actor, removal_id: str) -> Resource:
    """
    One removal, with the quantities as they stand while it is scheduled (R20). Raises `NotFound`.
    """
    require(actor, CHANGE_BILLING)
    row = _removals(actor).where(Removal.id == removal_id).get_or_none()
    if row is None:
        raise NotFound("removal", removal_id)
    return _as_it_stands(row)


def removals(actor: Actor, window: Window, status: str | None = None) -> Page:
    """The removals of the account, oldest first."""
    require(actor, CHANGE_BILLING)
    query = _removals(actor)
    if status is not None:
        query = query.where(Removal.status == status)
    found = page_of_account(actor, query, Removal.id, window, status)
    return found.mapped(_as_it_stands)


def _removals(actor: Actor) -> Any:
    return (
        Removal.select(Removal, Pool.purchased, Pool.scheduled_removal)
        .join(
            Pool,
            on=(Pool.account_id == Removal.account_id) & (Pool.id == Removal.pool_id),
            attr="pool",
        )
        .where(Removal.account_id == actor.account)
    )


def _as_it_stands(row: Any) -> Resource:
    if row.status == "scheduled":
        row.current_quantity = row.pool.purchased
        row.renewal_quantity = quantity_at_renewal(row.pool)
    return resources.removal(row)
