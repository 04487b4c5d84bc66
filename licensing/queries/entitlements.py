"""What a user may do with a feature (R9): the hot read of the service."""

from datetime import datetime
from typing import Any

from licensing import hands, settings
from licensing.models import Account, Seat, Subscription, User
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
    holder = _holder(actor, user_id)
    answers = rules.entitlements(settings.current().catalogue, holder)
    return {
        "user_id": user_id,
        "seat_types": list(holder.seat_types),
        "features": {feature: answer.level for feature, answer in answers.items()},
        "reasons": {feature: answer.reason for feature, answer in answers.items() if answer.reason},
    }


def _holder(actor: Actor, user_id: str) -> Holder:
    row: Any = (
        User.select(User.status, Account.status.alias("account_status"), Account.test_clock_id)
        .join(Account, on=(Account.id == User.account_id), attr="account")
        .where(User.account_id == actor.account, User.id == user_id)
        .get_or_none()
    )
    if row is None:
        raise NotFound("user", user_id)
    held = Seat.select(Seat.id, Seat.seat_type).where(
        Seat.account_id == actor.account, Seat.user_id == user_id
    )
    # Sorted here: an ORDER BY would lead the database through all seats of the account instead.
    seats = sorted(held, key=lambda seat: str(seat.id))
    live = _live(actor.account, hands.instant_of(row.account.test_clock_id))
    return Holder(
        account_open=row.account.account_status == AccountStatus.ACTIVE,
        status=row.status,
        seat_types=tuple(seat.seat_type for seat in seats),
        subscriptions={s.product: s.tier for s in live},
        suspended=frozenset(s.product for s in live if s.suspended_at is not None),
    )


def _live(account_id: str, now: datetime) -> list[Subscription]:
    """The subscriptions in force; one that is over by its date no longer counts."""
    rows = Subscription.select().where(
        Subscription.account_id == account_id, Subscription.status != SubscriptionStatus.ENDED
    )
    return [
        row for row in rows if row.status == SubscriptionStatus.ACTIVE or row.term_ends_at > now
    ]
