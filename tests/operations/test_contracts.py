"""What is agreed about a pool: its minimum and its low mark (R19, R31, R32)."""

import pytest

from licensing.operations import assigning, buying, giving_back
from licensing.operations.contracts import update_pool
from licensing.queries import pools as queries
from licensing.queries.cursors import Window
from licensing.rules.permissions import Scope
from licensing.rules.refusals import (
    BelowMinimum,
    ExternalIdTaken,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    Unacceptable,
)
from tests.world import NEXT_RENEWAL, Hands, an_account


def test_r19_a_minimum_is_set_and_told() -> None:
    account = an_account(core=10)
    pool = account.pool("core")

    update_pool(account.key(Scope.BILLING), pool["id"], {"minimum": 8}, pool["version"])

    assert account.pool("core")["minimum"] == 8
    assert account.happened() == ["pool.minimum_changed"]
    assert account.events()[0]["data"]["previous"] == {"minimum": 0}


def test_r19_a_minimum_is_not_above_what_stays_after_the_removals() -> None:
    account = an_account(core=10)
    giving_back.schedule_removal(account.billing_admin, "core", 3)
    pool = account.pool("core")
    account.from_here()

    with pytest.raises(BelowMinimum) as refusal:
        update_pool(account.key(Scope.BILLING), pool["id"], {"minimum": 8}, pool["version"])

    assert refusal.value.facts == {"seat_type": "core", "quantity": 7, "minimum": 8}
    assert account.happened() == []


def test_r32_the_low_mark_is_told_once_for_each_crossing() -> None:
    account = an_account(core=4)
    account.promise("core", low_mark=2)
    admin = account.user_admin
    users = [account.user() for _ in range(3)]

    for _ in range(3):
        seats = [assigning.assign_seat(admin, user_id, "core") for user_id in users]
        for seat in seats:
            assigning.take_back(admin, seat.id)

    happened = account.happened()
    assert happened.count("pool.low") == happened.count("pool.replenished") == 3


def test_r31_a_pool_is_found_by_its_external_id() -> None:
    account = an_account()
    account.promise("core", external_id="item-77", metadata={"sku": "C-1"})

    (found,) = queries.pools(account.by, Window(), external_id="item-77").items

    assert found["metadata"] == {"sku": "C-1"}


def test_r31_the_external_id_of_another_pool_is_refused() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    account.promise("core", external_id="item-77")
    pool = account.pool("sales")

    with pytest.raises(ExternalIdTaken):
        update_pool(account.by, pool["id"], {"external_id": "item-77"}, pool["version"])


def test_r32_a_change_to_what_is_tells_nothing() -> None:
    account = an_account()
    pool = account.pool("core")

    update_pool(account.by, pool["id"], {"minimum": 0, "low_mark": None}, pool["version"])

    assert account.happened() == []


def test_a_pool_that_has_changed_since_it_was_read_is_left_alone() -> None:
    account = an_account()
    pool = account.pool("core")
    account.user(seats=["core"])

    with pytest.raises(PreconditionFailed):
        update_pool(account.by, pool["id"], {"minimum": 1}, pool["version"])

    assert account.happened() == []


def test_r10_users_do_not_set_the_contract() -> None:
    account = an_account()
    pool = account.pool("core")

    with pytest.raises(PermissionDenied, match="scope billing"):
        update_pool(account.super_admin, pool["id"], {"minimum": 1}, pool["version"])


def test_the_pool_of_another_account_does_not_exist() -> None:
    account, stranger = an_account(), an_account()
    pool = account.pool("core")

    with pytest.raises(NotFound):
        update_pool(stranger.key(Scope.BILLING), pool["id"], {"minimum": 1}, pool["version"])


def test_r19_a_minimum_may_be_just_what_stays() -> None:
    account = an_account(core=10)
    giving_back.schedule_removal(account.by, "core", 3)
    pool = account.pool("core")
    account.from_here()

    update_pool(account.key(Scope.BILLING), pool["id"], {"minimum": 7}, pool["version"])

    assert account.pool("core")["minimum"] == 7
    assert account.events()[0]["data"]["pool"]["minimum"] == 7


def test_r19_a_minimum_can_be_given_up() -> None:
    account = an_account(core=10)
    account.promise("core", minimum=10)
    pool = account.pool("core")

    update_pool(account.key(Scope.BILLING), pool["id"], {"minimum": 0}, pool["version"])
    giving_back.schedule_removal(account.by, "core", 10)

    assert account.happened() == ["pool.minimum_changed", "seat_removal.scheduled"]


def test_r32_each_change_makes_a_new_version_and_one_event() -> None:
    account = an_account(core=10)
    pool = account.pool("core")

    changed, _ = update_pool(
        account.key(Scope.BILLING), pool["id"], {"minimum": 2, "low_mark": 3}, pool["version"]
    )

    assert changed.version == pool["version"] + 1
    (event,) = account.events()
    assert event["type"] == "pool.minimum_changed"
    assert event["data"]["previous"] == {"minimum": 0, "low_mark": None}


def test_r32_a_low_mark_is_told_as_a_change_of_the_pool() -> None:
    account = an_account(core=10)
    pool = account.pool("core")

    update_pool(account.key(Scope.BILLING), pool["id"], {"low_mark": 3}, pool["version"])

    assert account.happened() == ["pool.updated"]
    assert account.pool("core")["low_mark"] == 3


def test_r32_a_pool_is_replenished_as_often_as_it_was_low_when_the_mark_moves() -> None:
    account = an_account(core=5)
    pool = account.pool("core")

    update_pool(account.by, pool["id"], {"low_mark": 5}, pool["version"])
    buying.purchase_seats(account.by, "core", 1)

    happened = account.happened()
    assert happened.count("pool.low") == happened.count("pool.replenished")


@pytest.mark.parametrize(
    ("patch", "after"),
    [
        pytest.param({"po": "4711"}, {"sku": "C-1", "po": "4711"}, id="a key is added"),
        pytest.param({"sku": "C-2"}, {"sku": "C-2"}, id="a key is replaced"),
        pytest.param({"sku": None}, {}, id="null removes a key"),
        pytest.param(None, {}, id="null removes all of them"),
    ],
)
def test_r31_metadata_is_merged(patch: dict[str, str | None] | None, after: dict[str, str]) -> None:
    account = an_account()
    account.promise("core", metadata={"sku": "C-1"})
    pool = account.pool("core")

    update_pool(account.by, pool["id"], {"metadata": patch}, pool["version"])

    assert account.pool("core")["metadata"] == after
    (event,) = account.events()
    assert (event["type"], event["data"]["object"]["metadata"]) == ("pool.updated", after)
    assert event["data"]["previous"] == {"metadata": {"sku": "C-1"}}


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"sku": "C-1"}, id="the value that stands there"),
        pytest.param({"po": None}, id="removing a key that is not there"),
        pytest.param({}, id="an empty patch"),
    ],
)
def test_r32_metadata_that_stays_the_same_tells_nothing(patch: dict[str, str | None]) -> None:
    account = an_account()
    account.promise("core", metadata={"sku": "C-1"})
    pool = account.pool("core")

    update_pool(account.by, pool["id"], {"metadata": patch}, pool["version"])

    assert account.pool("core") == pool
    assert account.happened() == []


def test_r31_metadata_has_at_most_twenty_keys() -> None:
    account = an_account()
    account.promise("core", metadata={f"key{n}": "x" for n in range(20)})
    pool = account.pool("core")

    with pytest.raises(Unacceptable) as refusal:
        update_pool(account.by, pool["id"], {"metadata": {"one": "more"}}, pool["version"])

    assert refusal.value.field == "metadata"
    assert account.pool("core") == pool
    assert account.happened() == []


def test_r31_an_external_id_that_was_given_up_can_be_taken() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    account.promise("core", external_id="item-77")
    account.promise("core", external_id=None)

    account.promise("sales", external_id="item-77")

    assert account.pool("sales")["external_id"] == "item-77"
    assert account.pool("core")["external_id"] is None


def test_r31_two_accounts_may_use_the_same_external_id_for_their_pools() -> None:
    account, other = an_account(), an_account()
    account.promise("core", external_id="item-77")

    other.promise("core", external_id="item-77")

    assert other.pool("core")["external_id"] == account.pool("core")["external_id"]


def test_r23b_a_pool_that_was_read_after_its_renewal_can_be_changed(hands: Hands) -> None:
    account = an_account(core=10)
    hands.move_to(NEXT_RENEWAL)
    pool = account.pool("core")

    update_pool(account.key(Scope.BILLING), pool["id"], {"minimum": 1}, pool["version"])

    assert account.pool("core")["minimum"] == 1
    assert account.happened() == ["subscription.renewed", "pool.minimum_changed"]
