"""What is agreed about a pool: its minimum and its low mark (R19, R31, R32)."""

import pytest

from licensing.operations import assigning, giving_back
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
)
from tests.world import an_account


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
