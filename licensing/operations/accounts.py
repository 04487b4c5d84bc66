"""Accounts: create, change, close (R1, R31)."""

from datetime import datetime
from typing import Any

from licensing import clock, events, ids, resources
from licensing.db import for_update, transaction, transactional
from licensing.events import EventType, Reason
from licensing.models import Account, Pool, Removal, Subscription, TestClock, User
from licensing.operations import answering, giving_way
from licensing.operations.changing import apply_changes, refuse_taken_external_id
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Standing, lock_all_holders, lock_holders
from licensing.row_security import EVERY_ACCOUNT, within
from licensing.rules.accounts import AccountStatus, pricing_model_of
from licensing.rules.permissions import (
    CHANGE_ACCOUNT,
    CREATE_ACCOUNTS,
    Actor,
    Scope,
    require,
)
from licensing.rules.refusals import (
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    Unacceptable,
    Unknown,
)


@transactional
def create_account(
    actor: Actor,
    name: str,
    currency: str = "USD",
    time_zone: str = "UTC",
    created_at: datetime | None = None,
    test_clock_id: str | None = None,
    external_id: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Account:
    """
    Create an account on the free tools; its pricing model follows from its date (R1).

    `created_at` is the real date of an account that is imported, not later than now; `time_zone` an
    IANA name, in whose calendar terms are computed (R24). With `test_clock_id` it is a test account
    for good, whose time that clock tells (R26). Refuses with `Unacceptable` dates, `NotFound` test
    clocks, `ExternalIdTaken`, and `PermissionDenied` (a key that is bound to an account creates no
    others).
    """
    require(actor, CREATE_ACCOUNTS)
    if actor.account_id is not None:
        raise PermissionDenied("scope", f"{Scope.ACCOUNTS} without being bound to an account")
    now = _instant_of(test_clock_id)
    if created_at is not None and created_at > now:
        raise Unacceptable("created_at", "lies in the future")
    refuse_taken_external_id(Account, None, external_id)
    account = Account.create(
        id=ids.new("acc"),
        name=name,
        pricing_model=pricing_model_of(created_at or now),
        status=AccountStatus.ACTIVE,
        currency=currency,
        time_zone=time_zone,
        test_clock_id=test_clock_id,
        super_admins=0,
        epoch=1,
        last_sequence=0,
        external_id=external_id,
        metadata=metadata or {},
        version=1,
        created_at=created_at or now,
    )
    events.record(actor.within(account.id), EventType.ACCOUNT_CREATED, resources.account(account))
    return account


def _instant_of(test_clock_id: str | None) -> datetime:
    """The present instant of a new account; its test clock cannot be deleted until the commit."""
    if test_clock_id is None:
        return clock.now()
    of_clock = TestClock.select().where(
        TestClock.id == test_clock_id, TestClock.deleted_at.is_null()
    )
    found = for_update(of_clock, "FOR SHARE").get_or_none()
    if found is None:
        raise NotFound("test_clock", test_clock_id)
    transaction().instant = found.hands
    now: datetime = found.hands
    return now


@transactional
def update_account(actor: Actor, changes: dict[str, Any], if_match: int | None = None) -> Account:
    """
    Change an account's name, default seat type, external id or metadata, or close it.

    `changes` is a JSON Merge Patch that was validated; `if_match` the version that the caller has
    seen. A closed account stays closed: its pending removals are cancelled, its open requests for
    seats withdrawn, nothing renews, and nobody may do anything with it any more (R9). What changes
    nothing tells nothing (R32). Refuses with `PreconditionFailed`, `ExternalIdTaken`, `Unknown`
    seat types, `PermissionDenied`.
    """
    require(actor, CHANGE_ACCOUNT)
    standing = brought_up_to_date(actor, alone=True)
    account = standing.account
    if if_match not in (None, account.version):
        raise PreconditionFailed("account", account.version)
    with within(EVERY_ACCOUNT):  # which is unique among them all
        refuse_taken_external_id(Account, None, changes.get("external_id"), but=account.id)
    _refuse_unknown_default(standing, changes.get("default_seat_type"))
    closing = changes.get("status") == AccountStatus.CLOSED
    if closing:
        lock_all_holders(standing)
    was = resources.account(account)
    if apply_changes(account, changes):
        after = resources.account(account)
        previous = {name: was[name] for name in was if was[name] != after[name]}
        previous.pop("version")
        kind = EventType.ACCOUNT_CLOSED if closing else EventType.ACCOUNT_UPDATED
        event = events.record(actor, kind, after, previous=previous)
        if closing:
            standing.upheaval = event
            _stop_renewing(account)
            _cancel_removals(standing, actor, event)
            _withdraw_requests(standing, actor, event)
    return account


def _refuse_unknown_default(standing: Standing, seat_type: str | None) -> None:
    known = standing.catalogue.seat_types
    if seat_type is not None and seat_type not in known:
        raise Unknown("default_seat_type", seat_type, list(known))


def _stop_renewing(account: Account) -> None:
    Subscription.update(due_at=None).where(Subscription.account_id == account.id).execute()


def _withdraw_requests(standing: Standing, actor: Actor, cause: str) -> None:
    asking = User.select(User.id).where(
        User.account_id == standing.account.id, User.open_requests > 0
    )
    user_ids = [user.id for user in asking]
    lock_holders(standing, user_ids)
    for user_id in user_ids:
        holder = standing.holders[user_id]
        answering.withdraw(standing, actor, holder, Reason.ACCOUNT_CLOSED, cause)


def _cancel_removals(standing: Standing, actor: Actor, cause: str) -> None:
    pools = Pool.select().where(Pool.account_id == standing.account.id, Pool.scheduled_removal > 0)
    for pool in pools:
        removals = Removal.select().where(
            Removal.account_id == pool.account_id,
            Removal.pool_id == pool.id,
            Removal.status == "scheduled",
        )
        for removal in removals.order_by(Removal.id):
            pool.scheduled_removal -= removal.quantity
            pool.version += 1
            pool.save()
            numbers = standing.pool_numbers(pool)
            giving_way.reduce_removal(
                actor, removal, removal.quantity, numbers, Reason.ACCOUNT_CLOSED, cause
            )
