"""Accounts: create, import, change, close (R1, R31)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from licensing.operations import assigning, buying, contracts, giving_back, subscriptions, users
from licensing.operations.accounts import create_account, update_account
from licensing.operations.subscriptions import Order
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
from licensing.rules.terms import Interval
from tests.world import NEXT_RENEWAL, AnAccount, Hands, a_free_account, an_account, in_days


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


@pytest.mark.parametrize(
    ("created_at", "pricing_model"),
    [
        pytest.param(datetime(2019, 1, 1, tzinfo=UTC), "legacy", id="years before"),
        pytest.param(
            datetime(2024, 3, 5, 23, 59, 59, 999_999, tzinfo=UTC), "legacy", id="the last instant"
        ),
        pytest.param(
            datetime(2024, 3, 6, 0, 30, tzinfo=timezone(timedelta(hours=1))),
            "legacy",
            id="the 6th in Berlin, the 5th in UTC",
        ),
        pytest.param(
            datetime(2024, 3, 5, 19, tzinfo=timezone(timedelta(hours=-5))),
            "seat_based",
            id="the 5th in New York, the 6th in UTC",
        ),
    ],
)
def test_r1_an_imported_account_is_priced_by_its_date_in_utc(
    created_at: datetime, pricing_model: str
) -> None:
    account = create_account(_service(Scope.ACCOUNTS), "Acme", created_at=created_at)

    shown = queries.account(system(account.id))
    assert shown["pricing_model"] == pricing_model
    assert datetime.fromisoformat(shown["created_at"]) == created_at.replace(
        microsecond=created_at.microsecond // 1000 * 1000
    )


def test_r1_the_event_of_an_import_shows_the_account() -> None:
    account = a_free_account(created_at=datetime(2023, 1, 1, tzinfo=UTC), external_id="crm-1")

    (created,) = account.log()

    assert created["sequence"] == 1
    assert created["data"]["object"] == queries.account(account.by)
    assert created["data"]["object"]["pricing_model"] == "legacy"


def test_r1_a_refused_account_is_not_there() -> None:
    with pytest.raises(Unacceptable) as refusal:
        create_account(_service(Scope.ACCOUNTS), "Acme", created_at=in_days(0.001))

    assert refusal.value.pointer == "/created_at"
    assert queries.accounts(system(), Window()).items == []


def test_an_account_is_changed_with_the_version_that_was_read() -> None:
    account = an_account()
    admin = account.super_admin
    version = queries.account(account.by)["version"]

    changed = update_account(admin, {"name": "Acme & Sons"}, if_match=version)

    assert (changed.name, changed.version) == ("Acme & Sons", version + 1)
    assert account.happened() == ["account.updated"]


def test_the_refusal_of_a_stale_version_tells_the_version_that_is() -> None:
    account = an_account()
    version = queries.account(account.by)["version"]
    update_account(account.by, {"name": "First"}, if_match=version)
    account.from_here()

    with pytest.raises(PreconditionFailed) as refusal:
        update_account(account.by, {"name": "Second"}, if_match=version)

    assert refusal.value.facts == {"kind": "account", "version": version + 1}
    assert queries.account(account.by)["name"] == "First"
    assert account.happened() == []


def test_r32_a_change_to_what_is_keeps_the_version() -> None:
    account = a_free_account(external_id="crm-1", metadata={"owner": "north"})
    before = queries.account(account.by)
    same = {"name": before["name"], "external_id": "crm-1", "metadata": {"owner": "north"}}

    update_account(account.by, same, if_match=before["version"])

    assert queries.account(account.by) == before
    assert account.happened() == []


def test_r31_an_external_id_that_an_account_gave_up_can_be_taken() -> None:
    first = a_free_account(external_id="crm-1")
    update_account(first.by, {"external_id": None})

    second = a_free_account(external_id="crm-1")

    (found,) = queries.accounts(system(), Window(), external_id="crm-1").items
    assert found["id"] == second.id


def test_r31_a_refused_external_id_does_not_say_whose_it_is() -> None:
    a_free_account(external_id="crm-1")
    account = an_account()

    with pytest.raises(ExternalIdTaken) as refusal:
        update_account(account.by, {"external_id": "crm-1", "name": "Other"})

    assert refusal.value.facts == {"kind": "account", "external_id": "crm-1", "id": None}
    assert queries.account(account.by)["name"] == "Acme"
    assert account.happened() == []


def test_closing_cancels_every_removal_of_every_pool_because_of_the_closing() -> None:
    account = an_account(core=10)
    account.subscribe("sales", seats={"sales": 5})
    for seat_type, quantity in (("core", 1), ("core", 2), ("sales", 3)):
        giving_back.schedule_removal(account.by, seat_type, quantity)
    admin = account.super_admin

    update_account(admin, {"status": "closed"})

    assert account.happened() == ["account.closed", *["seat_removal.cancelled"] * 3]
    closed, *others = account.events()
    assert {event["data"]["cause"] for event in others} == {closed["id"]}
    assert (account.numbers("core"), account.numbers("sales")) == ((10, 0, 0), (5, 0, 0))


def test_r23b_closing_after_a_renewal_first_applies_what_was_due(hands: Hands) -> None:
    account = an_account(core=10)
    giving_back.schedule_removal(account.by, "core", 4)
    admin = account.super_admin
    hands.move_to(NEXT_RENEWAL)

    update_account(admin, {"status": "closed"})

    assert account.numbers("core") == (6, 0, 0)
    assert account.happened() == [
        "subscription.renewed",
        "seat_removal.applied",
        "account.closed",
    ]


def test_closing_leaves_the_seats_with_their_holders() -> None:
    account = an_account(core=10)
    priya = account.user(seats=["core"])

    update_account(account.by, {"status": "closed"})

    assert account.seats_of(priya) == ["core"]
    assert account.numbers("core") == (10, 1, 0)


_ORDER = Order("sales", "starter", Interval.MONTH, 1, {"sales": 1})


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(lambda a, _: buying.preview_purchase(a.by, "core", 1), id="a preview"),
        pytest.param(lambda a, _: buying.purchase_seats(a.by, "core", 1), id="a purchase"),
        pytest.param(lambda a, _: giving_back.schedule_removal(a.by, "core", 1), id="a removal"),
        pytest.param(lambda a, _: giving_back.cancel_removal(a.by, "rem_1"), id="a cancellation"),
        pytest.param(lambda a, _: subscriptions.preview_checkout(a.by, _ORDER), id="a plan"),
        pytest.param(lambda a, _: subscriptions.checkout(a.by, _ORDER), id="a checkout"),
        pytest.param(
            lambda a, _: subscriptions.update_subscription(a.by, "sub_1", {}, 1), id="a product"
        ),
        pytest.param(
            lambda a, _: contracts.update_pool(a.by, a.pool("core")["id"], {}, 1), id="a contract"
        ),
        pytest.param(lambda a, user: assigning.assign_seat(a.by, user, "core"), id="a seat"),
        pytest.param(lambda a, user: users.update_user(a.by, user, {"name": "New"}), id="a user"),
        pytest.param(
            lambda a, _: users.create_user(a.by, email="a@example.com", name="A"), id="a new user"
        ),
        pytest.param(lambda a, _: update_account(a.by, {"name": "New"}), id="the account itself"),
        pytest.param(lambda a, _: update_account(a.by, {"status": "closed"}), id="closing again"),
    ],
)
def test_everything_is_refused_in_a_closed_account(
    command: Callable[[AnAccount, str], object],
) -> None:
    account = an_account()
    user = account.user()
    account.close()

    with pytest.raises(AccountClosed) as refusal:
        command(account, user)

    assert refusal.value.facts == {"account_id": account.id}
    assert account.happened() == []


def test_what_was_in_a_closed_account_can_still_be_read() -> None:
    account = an_account(core=10)
    account.user(seats=["core"])
    account.close()

    shown = queries.account(account.by)

    assert shown["status"] == "closed"
    assert account.numbers("core") == (10, 1, 0)
