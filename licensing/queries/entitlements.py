"""What a user may do with a feature (R9): the hot read of the service."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from peewee import JOIN

from licensing import hands, settings
from licensing.compiled import compiled
from licensing.models import Account, Seat, Subscription, User
from licensing.queries.accounts import existing_account
from licensing.rules import entitlements as rules
from licensing.rules.accounts import AccountStatus
from licensing.rules.entitlements import Holder
from licensing.rules.permissions import SEE_ENTITLEMENTS, Actor, require
from licensing.rules.refusals import NotFound
from licensing.rules.subscriptions import SubscriptionStatus


def entitlement(actor: Actor, user_id: str, feature: str) -> dict[str, Any]:
    """
    The level of one feature for a user, and the reason where it is none.

    Raises `NotFound` for an unknown user or feature, `PermissionDenied`.
    """
    require(actor, SEE_ENTITLEMENTS, about=user_id)
    answer = rules.entitlement(settings.current().catalogue, _holder(actor, user_id), feature)
    return {"feature": feature, "level": answer.level, "reason": answer.reason}


def entitlements(actor: Actor, user_id: str) -> dict[str, Any]:
    """
    The level of every feature of the catalogue for a user, and the reasons of those that are none.

    Raises `NotFound` for an unknown user, `PermissionDenied`.
    """
    require(actor, SEE_ENTITLEMENTS, about=user_id)
    return _shown(user_id, _holder(actor, user_id), settings.current().catalogue.features)


def entitlements_of(
    actor: Actor, user_ids: Sequence[str], features: Sequence[str] | None = None
) -> dict[str, Any]:
    """
    The same for many users at once, with three queries, in the order in which they were named.

    `features` are those that are asked for, None for all of the catalogue. Users whom the account
    does not have are named in `not_found`. Raises `NotFound` for an unknown feature or account, and
    `PermissionDenied`, also for a user who asks about himself only.
    """
    require(actor, SEE_ENTITLEMENTS)
    catalogue = settings.current().catalogue
    wanted = catalogue.features if features is None else features
    for feature in wanted:
        if feature not in catalogue.features:
            raise NotFound("feature", feature)
    holders = _holders(actor, user_ids)
    if not holders:
        existing_account(actor.account)
    return {
        "items": [_shown(id, holders[id], wanted) for id in user_ids if id in holders],
        "not_found": [id for id in user_ids if id not in holders],
    }


def _shown(user_id: str, holder: Holder, wanted: Iterable[str]) -> dict[str, Any]:
    every = rules.entitlements(settings.current().catalogue, holder)
    answers = {feature: every[feature] for feature in wanted}
    return {
        "user_id": user_id,
        "seat_types": list(holder.seat_types),
        "features": {feature: answer.level for feature, answer in answers.items()},
        "reasons": {feature: answer.reason for feature, answer in answers.items() if answer.reason},
    }


def _holder(actor: Actor, user_id: str) -> Holder:
    """What the rules have to know of a user. Raises `NotFound`."""
    rows = _standing.rows(actor.account, user_id)
    if not rows:
        raise NotFound("user", user_id)
    seats = {row.seat_id: row.seat_type for row in rows if row.seat_id is not None}
    subscriptions = {row.subscription_id: row for row in rows if row.subscription_id is not None}
    return _holder_of(
        rows[0],
        [seats[id] for id in sorted(seats)],
        _live(subscriptions.values(), rows[0].test_clock_id),
    )


# One statement and not three, of which each costs as much, and on PostgreSQL a round trip. A user
# has a few seats, an account a few subscriptions, so that there are few pairs of the two.
@compiled
def _standing(account_id: Any, user_id: Any) -> Any:
    of_user = User.select(
        User.status.alias("user_status"),
        Account.status.alias("account_status"),
        Account.test_clock_id,
        Seat.id.alias("seat_id"),
        Seat.seat_type,
        Subscription.id.alias("subscription_id"),
        *_OF_A_SUBSCRIPTION,
    )
    not_ended = Subscription.status != SubscriptionStatus.ENDED
    return (
        of_user.join(Account, on=(Account.id == User.account_id))
        .join_from(
            User,
            Seat,
            JOIN.LEFT_OUTER,
            on=(Seat.account_id == User.account_id) & (Seat.user_id == User.id),
        )
        .join_from(
            User,
            Subscription,
            JOIN.LEFT_OUTER,
            on=(Subscription.account_id == User.account_id) & not_ended,
        )
        .where(User.account_id == account_id, User.id == user_id)
    )


_OF_A_SUBSCRIPTION = (
    Subscription.product,
    Subscription.tier,
    Subscription.status,
    Subscription.suspended_at,
    Subscription.term_ends_at,
)


@compiled
def _users(account_id: Any, ids: Any) -> Any:
    of_account = Account.select(Account.status.alias("account_status"), Account.test_clock_id)
    return (
        of_account.select_extend(User.id.alias("user_id"), User.status.alias("user_status"))
        .join(User, on=(Account.id == User.account_id))
        .where(User.account_id == account_id, User.id.in_(ids))
    )


@compiled
def _seats(account_id: Any, user_ids: Any) -> Any:
    of_users = (Seat.account_id == account_id) & Seat.user_id.in_(user_ids)
    return Seat.select(Seat.id, Seat.user_id, Seat.seat_type).where(of_users)


@compiled
def _subscriptions(account_id: Any) -> Any:
    return Subscription.select(*_OF_A_SUBSCRIPTION).where(
        Subscription.account_id == account_id, Subscription.status != SubscriptionStatus.ENDED
    )


def _holders(actor: Actor, user_ids: Sequence[str]) -> dict[str, Holder]:
    """What the rules have to know of each of these users, those that there are."""
    rows = _users.rows(actor.account, tuple(user_ids))
    if not rows:
        return {}
    held = _seats.rows(actor.account, tuple(row.user_id for row in rows))
    seat_types = defaultdict(list)
    # Sorted here: an ORDER BY would lead the database through all seats of the account instead.
    for seat in sorted(held):
        seat_types[seat.user_id].append(seat.seat_type)
    live = _live(_subscriptions.rows(actor.account), rows[0].test_clock_id)
    return {row.user_id: _holder_of(row, seat_types[row.user_id], live) for row in rows}


def _holder_of(row: Any, seat_types: Iterable[str], live: Iterable[Any]) -> Holder:
    return Holder(
        account_open=row.account_status == AccountStatus.ACTIVE,
        status=row.user_status,
        seat_types=tuple(seat_types),
        subscriptions={s.product: s.tier for s in live},
        suspended=frozenset([s.product for s in live if s.suspended_at is not None]),
    )


def _live(subscriptions: Collection[Any], test_clock_id: str | None) -> Collection[Any]:
    """Those in force; one that is over by its date no longer counts."""
    if all(row.status == SubscriptionStatus.ACTIVE for row in subscriptions):
        return subscriptions  # whatever the time, which would have to be asked for
    now = hands.instant_of(test_clock_id)
    return [
        row
        for row in subscriptions
        if row.status == SubscriptionStatus.ACTIVE or row.term_ends_at > now
    ]
