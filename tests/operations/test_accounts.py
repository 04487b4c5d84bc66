"""Accounts: create, import, change, close (R1, R31)."""

from datetime import UTC, datetime

import pytest

from licensing.operations import giving_back
from licensing.operations.accounts import create_account, update_account
from licensing.queries import accounts as queries
from licensing.queries import entitlements
from licensing.queries.cursors import Window
from licensing.rules.permissions import Actor, ActorType, Scope, system
from licensing.rules.refusals import (
    AccountClosed,
    ExternalIdTaken,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    Unacceptable,
)
from tests.world import AnAccount, a_free_account, an_account, in_days


def _service(*scopes: Scope) -> Actor:
    return Actor(ActorType.API_KEY, "key_of_a_test", scopes=frozenset(scopes))


@pytest.mark.parametrize(
    ("created_at", "pricing_model"),
    [
        pytest.param(None, "seat_based", id="now"),
        pytest.param(datetime(2024, 3, 5, 23, 59, 59, tzinfo=UTC), "legacy", id="on the last day"),
        pytest.param(datetime(2024, 3, 6, tzinfo=UTC), "seat_based", id="the day after"),
    ],
)
def test_r1_the_pricing_model_follows_from_the_date(
    created_at: datetime | None, pricing_model: str
) -> None:
    account = create_account(_service(Scope.ACCOUNTS), "Acme", created_at=created_at)

    assert account.pricing_model == pricing_model
    assert AnAccount(account.id, system(account.id)).happened() == ["account.created"]


def test_r1_an_account_is_not_created_in_the_future() -> None:
    with pytest.raises(Unacceptable, match="future"):
        create_account(_service(Scope.ACCOUNTS), "Acme", created_at=in_days(1))


def test_r31_an_external_id_is_unique_among_all_accounts() -> None:
    first = a_free_account(external_id="crm-1")

    with pytest.raises(ExternalIdTaken) as refusal:
        create_account(_service(Scope.ACCOUNTS), "Acme", external_id="crm-1")

    assert refusal.value.id == first.id
    assert queries.accounts(system(), Window(), external_id="crm-1").items[0]["id"] == first.id


def test_r10_only_services_with_the_scope_create_accounts() -> None:
    account = an_account()

    with pytest.raises(PermissionDenied, match="accounts"):
        create_account(_service(Scope.BILLING), "Acme")
    with pytest.raises(PermissionDenied, match="accounts"):
        create_account(account.super_admin, "Acme")


def test_r10_a_key_that_is_bound_to_an_account_creates_no_others() -> None:
    account = an_account()

    with pytest.raises(PermissionDenied, match="bound"):
        create_account(account.key(Scope.ACCOUNTS), "Acme")


def test_a_change_tells_what_was_before() -> None:
    account = an_account()

    update_account(account.super_admin, {"name": "Acme & Sons", "metadata": {"owner": "north"}})

    (event,) = account.events()
    assert event["type"] == "account.updated"
    assert event["data"]["previous"] == {"name": "Acme", "metadata": {}}


def test_r32_a_change_to_what_is_tells_nothing() -> None:
    account = an_account()
    admin = account.super_admin

    update_account(admin, {"name": "Acme", "status": "active"})

    assert account.happened() == []


def test_an_account_that_has_changed_since_it_was_read_is_left_alone() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(PreconditionFailed):
        update_account(admin, {"name": "Other"}, if_match=9)

    assert account.happened() == []


def test_r31_the_external_id_of_another_account_is_refused() -> None:
    a_free_account(external_id="crm-1")
    account = an_account()

    with pytest.raises(ExternalIdTaken):
        update_account(account.super_admin, {"external_id": "crm-1"})


def test_closing_cancels_the_removals_and_ends_every_entitlement() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    giving_back.schedule_removal(account.billing_admin, "core", 2)
    admin = account.super_admin

    update_account(admin, {"status": "closed"})

    assert account.happened() == ["account.closed", "seat_removal.cancelled"]
    assert account.events()[1]["data"]["reason"] == "account_closed"
    answer = entitlements.entitlement(account.by, priya, "contacts")
    assert answer == {"feature": "contacts", "level": "none", "reason": "account_closed"}


def test_a_closed_account_stays_closed() -> None:
    account = an_account()
    admin = account.super_admin
    account.close()

    with pytest.raises(AccountClosed):
        update_account(admin, {"status": "active"})


def test_r10_changing_an_account_takes_a_super_admin() -> None:
    account = an_account()

    with pytest.raises(PermissionDenied, match="super_admin"):
        update_account(account.user_admin, {"name": "Mine"})


def test_r10_a_key_sees_the_account_that_it_is_bound_to() -> None:
    account = an_account()
    an_account()

    listed = queries.accounts(account.key(Scope.ACCOUNTS), Window()).items

    assert [found["id"] for found in listed] == [account.id]


def test_an_actor_of_one_account_is_never_in_another() -> None:
    account, other = an_account(), an_account()

    with pytest.raises(NotFound):
        account.super_admin.within(other.id)
