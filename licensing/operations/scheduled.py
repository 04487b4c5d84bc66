"""
What comes due by itself, done by whoever gets to it first (R23, R24).

Any number of processes may do this at once. Each step claims one account that has something due,
alone, does one thing for it and commits: a term is renewed or ended, a renewal told in advance,
invitations expired. An account that somebody else is at work on is passed over. The key of a term
is the last guard.
"""

from collections.abc import Collection
from typing import Any

from peewee import JOIN

from licensing import clock, tracing
from licensing.db import for_update, transactional
from licensing.models import Account, Subscription, TestClock, User
from licensing.operations import due, noticing, renewing
from licensing.operations.standing import standing_of
from licensing.rules.accounts import AccountStatus, Invitation
from licensing.rules.permissions import system

SKIP_LOCKED = "FOR UPDATE SKIP LOCKED"


def due_accounts(limit: int, leave_out: Collection[str] = ()) -> list[str]:
    """At most so many accounts of each kind that have something due, without a transaction."""
    kinds = (_renewing(), _renewing_on_test_clocks(), _inviting())
    found = [
        row.account_id
        for model, query in kinds
        for row in query.where(model.account_id.not_in(list(leave_out))).limit(limit)
    ]
    return list(dict.fromkeys(found))


def _renewing() -> tuple[Any, Any]:
    return Subscription, (
        Subscription.select(Subscription.account_id)
        .where(Subscription.test_clock_id.is_null(), Subscription.due_at <= clock.now())
        .order_by(Subscription.due_at)
    )


def _renewing_on_test_clocks() -> tuple[Any, Any]:
    return Subscription, (
        Subscription.select(Subscription.account_id)
        .join(TestClock, on=(TestClock.id == Subscription.test_clock_id))
        .where(Subscription.due_at <= TestClock.hands)
        .order_by(Subscription.due_at)
    )


def _inviting() -> tuple[Any, Any]:
    return User, (
        User.select(User.account_id)
        .join(Account, on=(Account.id == User.account_id))
        .join(TestClock, JOIN.LEFT_OUTER, on=(TestClock.id == Account.test_clock_id))
        .where(
            User.invitation == Invitation.PENDING,
            (User.invitation_expires_at <= TestClock.hands)
            | (Account.test_clock_id.is_null() & (User.invitation_expires_at <= clock.now())),
            Account.status == AccountStatus.ACTIVE,
        )
        .order_by(User.invitation_expires_at)
    )


@transactional
def do_one(account_id: str) -> bool:
    """
    Do the first thing that is due in an account; whether there was one.

    Nothing is done, either, where another process has the account.
    """
    of_account = Account.select().where(
        Account.id == account_id, Account.status == AccountStatus.ACTIVE
    )
    if for_update(of_account, SKIP_LOCKED).get_or_none() is None:
        return False
    actor = system(account_id, traceparent=tracing.traceparent())
    standing = standing_of(actor, alone=True)
    if renewing.renew_earliest(standing, actor):
        return True
    for subscription in standing.subscriptions:
        if subscription.due_at is not None and subscription.due_at <= standing.now:
            noticing.tell_renewal(standing, actor, subscription)
            return True
    return due.expire_invitations(standing, actor)
