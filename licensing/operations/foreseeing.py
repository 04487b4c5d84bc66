"""
What a change of a subscription would do, before anyone commits (R25).

The change is really made, looked at, and undone: a preview can never differ from the command.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from licensing import clock, resources
from licensing.db import rehearsal
from licensing.models import Pool, Subscription
from licensing.operations import pooling
from licensing.operations.standing import (
    Holder,
    Standing,
    lock_all_holders,
    standing_of,
)
from licensing.resources import Resource
from licensing.rules.permissions import Actor
from licensing.rules.pools import quantity_at_renewal
from licensing.rules.subscriptions import Fate

Change = Callable[[Standing, Subscription], None]


@dataclass(frozen=True)
class Foreseen:
    """
    A subscription after a change, what became of pools, and who would hold or do something else.

    Attributes:
        subscription: as it would be.
        effective_at: when the change would take effect.
        pools: those that followed the subscription or would change, as the API shows them.
        users: those who would hold other seats or may do something else, as the API shows them.
    """

    subscription: Subscription
    effective_at: datetime
    pools: list[Resource]
    users: list[Resource]


def foresee(
    standing: Standing,
    actor: Actor,
    subscription: Subscription,
    effective_at: datetime,
    change: Change,
) -> Foreseen:
    """Make the change, look at what it does, and undo it; the account has to be held alone."""
    with rehearsal():
        rehearsed = standing_of(actor)
        lock_all_holders(rehearsed)
        held = {id: holder.seat_types for id, holder in rehearsed.holders.items()}
        before = _open_pools(rehearsed)
        found = rehearsed.subscription(subscription.id)
        change(rehearsed, found)
        at_once = effective_at == standing.now
        return Foreseen(
            found,
            effective_at,
            [
                _pool(standing, rehearsed, pool, at_once)
                for pool in _touched(before, _open_pools(rehearsed), subscription)
            ],
            [
                _user(rehearsed, holder, held[id])
                for id, holder in sorted(rehearsed.holders.items())
                if _differs(rehearsed, holder, held[id])
            ],
        )


def shown(foreseen: Foreseen) -> Resource:
    """What is foreseen, as the API shows it."""
    subscription = foreseen.subscription
    return {
        "subscription_id": subscription.id,
        "product": subscription.product,
        "tier": subscription.tier,
        "status": subscription.status,
        "effective_at": clock.to_text(foreseen.effective_at),
        "pools": foreseen.pools,
        "users": foreseen.users,
    }


@dataclass(frozen=True)
class _Pair:
    """A pool before and after; None where it was not open."""

    before: Pool | None
    after: Pool | None


def _open_pools(standing: Standing) -> dict[str, Pool]:
    rows = Pool.select().where(Pool.account_id == standing.account.id, Pool.status == "open")
    return {row.id: row for row in rows.order_by(Pool.id)}


def _touched(
    before: dict[str, Pool], after: dict[str, Pool], subscription: Subscription
) -> list[_Pair]:
    pairs = [_Pair(before.get(id), after.get(id)) for id in sorted(before.keys() | after.keys())]
    return [
        pair
        for pair in pairs
        if pair.before is None
        or pair.after is None
        or pair.before.subscription_id == subscription.id
        or pair.before.version != pair.after.version
    ]


def _pool(standing: Standing, rehearsed: Standing, pair: _Pair, at_once: bool) -> Resource:
    pool = pair.after or pair.before
    if pool is None:
        raise AssertionError("a pair has at least one side")
    currency = standing.account.currency
    shown = {
        "id": pool.id if pair.before else None,
        "seat_type": pool.seat_type,
        "outcome": _fate(pair),
        "subscription_id": None,
        "renews_at": None,
        "quantity": 0,
        "quantity_at_renewal": 0,
        "amount_now": resources.money(0, currency),
        "amount_at_renewal": resources.money(0, currency),
    }
    if pair.after is None:
        return shown
    follows = rehearsed.subscription_of(pair.after)
    price = pooling.price_at_renewal(rehearsed, follows, pool.seat_type)
    at_renewal = quantity_at_renewal(pair.after)
    amount = None if price is None else price * at_renewal
    shown |= {
        "subscription_id": follows.id,
        "renews_at": clock.to_text(follows.term_ends_at),
        "quantity": pair.after.purchased,
        "quantity_at_renewal": at_renewal,
        "amount_at_renewal": resources.money(amount, currency),
    }
    if at_once:
        shown["amount_now"] = resources.money(_difference(standing, rehearsed, pair), currency)
    return shown


def _fate(pair: _Pair) -> Fate:
    if pair.after is None:
        return Fate.CLOSES
    if pair.before is None:
        return Fate.OPENS
    stays = pair.before.subscription_id == pair.after.subscription_id
    return Fate.STAYS if stays else Fate.MOVES


def _difference(standing: Standing, rehearsed: Standing, pair: _Pair) -> int | None:
    """What the seats of a pool cost more for the rest of the billing period, at another tier."""
    if pair.before is None or pair.after is None:
        return None
    old, new = (
        pooling.price_of(at, at.subscription_of(pool), pool.seat_type)
        for at, pool in ((standing, pair.before), (rehearsed, pair.after))
    )
    if old is None or new is None:
        return None
    follows = rehearsed.subscription_of(pair.after)
    return pooling.billing(rehearsed, follows).now((new - old) * pair.before.purchased)


def _differs(standing: Standing, holder: Holder, held: list[str]) -> bool:
    return holder.seat_types != held or bool(standing.changed_features(holder))


def _user(standing: Standing, holder: Holder, held: list[str]) -> Resource:
    after = standing.entitlements_of(holder)
    return {
        "user_id": holder.user.id,
        "email": holder.user.email,
        "name": holder.user.name,
        "seat_types": held,
        "seat_types_after": holder.seat_types,
        "features": [
            {"feature": feature, "level": was, "level_after": after[feature].level}
            for feature, was in standing.changed_features(holder).items()
        ],
    }
