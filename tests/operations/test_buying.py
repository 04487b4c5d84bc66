"""Adding seats to a pool, with a preview (R17, R22b)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from licensing.models import Pool
from licensing.operations import assigning, cancelling, giving_back, tiers
from licensing.operations.buying import preview_purchase, purchase_seats, shown
from licensing.queries import pools as queries
from licensing.queries.cursors import Window
from licensing.resources import purchase
from licensing.rules.pools import LARGEST_POOL
from licensing.rules.refusals import (
    PermissionDenied,
    PoolTooLarge,
    SeatTypeNotAvailable,
    Unacceptable,
    Unknown,
)
from licensing.rules.terms import Interval
from licensing.scheduler import work_through
from tests.world import (
    NEXT_RENEWAL,
    AnAccount,
    Hands,
    a_free_account,
    a_legacy_account,
    an_account,
    in_which_starter_sells_no_sales,
)


def _move_down(account: AnAccount, subscription_id: str) -> None:
    tiers.change_tier(account.by, subscription_id, "starter")


def _cancel(account: AnAccount, subscription_id: str) -> None:
    cancelling.cancel(account.by, subscription_id)


def test_r17_seats_are_there_at_once() -> None:
    account = an_account(core=10)

    bought = purchase_seats(account.billing_admin, "core", 5)

    assert account.numbers("core") == (15, 0, 0)
    assert (bought.purchased_before, bought.purchased_after) == (10, 15)
    (event,) = account.events()
    assert event["type"] == "seats.purchased"
    assert event["data"]["pool"]["unassigned"] == 15


def test_r17_the_price_is_the_exact_share_of_the_term_that_is_left(hands: Hands) -> None:
    account = an_account(currency="EUR")
    hands.move(days=31 * 2 / 3)

    bought = purchase_seats(account.billing_admin, "core", 10)

    assert (bought.share_numerator, bought.share_denominator) == (1, 3)
    assert (bought.days_left, bought.days_in_term) == (11, 31)
    assert (bought.amount_now, bought.amount_at_renewal) == (15_000, 45_000)


def test_r17_a_preview_says_what_the_purchase_then_does(hands: Hands) -> None:
    account = an_account()
    admin = account.billing_admin
    hands.move(days=7, hours=5, milliseconds=3)

    preview = shown(preview_purchase(admin, "core", 7))
    assert account.happened() == []
    bought = purchase(purchase_seats(admin, "core", 7))

    assert {name: bought[name] for name in preview if name in bought} == {
        name: value for name, value in preview.items() if name != "free_by_cancelling"
    }


@pytest.mark.parametrize(
    ("arrange", "beside", "now", "at_renewal"),
    [
        pytest.param(_move_down, [], 4500, 1500, id="a lower tier is scheduled"),
        pytest.param(_cancel, [], 4500, 0, id="the pool closes"),
        pytest.param(_cancel, ["starter"], 4500, 1500, id="the pool moves"),
        pytest.param(lambda *_: None, ["starter"], 4500, 4500, id="nothing is arranged"),
    ],
)
def test_r17_the_amount_at_the_renewal_is_what_will_be_paid_then(
    arrange: Callable[[AnAccount, str], Any], beside: list[str], now: int, at_renewal: int
) -> None:
    account = an_account(currency="EUR")
    for tier in beside:
        account.subscribe("content", tier, seats={})
    arrange(account, account.pool("core")["subscription_id"])

    bought = purchase_seats(account.billing_admin, "core", 1)

    assert (bought.amount_now, bought.amount_at_renewal) == (now, at_renewal)


def test_r25_a_type_that_the_lower_tier_does_not_sell_costs_nothing_again(hands: Hands) -> None:
    with in_which_starter_sells_no_sales():
        account = an_account(currency="EUR")
        sales = account.subscribe("sales", seats={"sales": 1})
        tiers.change_tier(account.by, sales, "starter")

        bought = purchase_seats(account.billing_admin, "sales", 1)
        hands.move_to(NEXT_RENEWAL - timedelta(days=1))
        work_through()

    told = [e for e in account.events() if e["type"] == "subscription.renewal_upcoming"]
    (line,) = told[-1]["data"]["object"]["renewal"]
    assert bought.amount_now is not None
    assert bought.amount_now > bought.amount_at_renewal == 0
    assert (
        line["amount_at_renewal"]
        == line["amount_for_unassigned"]
        == {"amount": 0, "currency": "EUR"}
    )


def test_r17_without_a_price_in_the_currency_the_amounts_are_left_open() -> None:
    account = an_account(currency="JPY")

    bought = purchase_seats(account.billing_admin, "core", 1)

    assert (bought.amount_now, bought.amount_at_renewal) == (None, None)


def test_r4_a_new_pool_follows_the_oldest_subscription_that_sells_the_type() -> None:
    account = a_free_account()
    older = account.subscribe("sales", seats={"sales": 1}, interval=Interval.YEAR)
    account.subscribe("service", seats={})

    purchase_seats(account.billing_admin, "core", 2)

    assert account.pool("core")["subscription_id"] == older
    assert account.numbers("core") == (2, 0, 0)


def test_r17_a_type_that_was_never_bought_opens_its_pool() -> None:
    account = an_account()
    subscription = account.subscribe("service", seats={})
    admin = account.billing_admin

    preview = shown(preview_purchase(admin, "service", 2))
    purchase_seats(admin, "service", 2)

    assert preview["pool_id"] is None
    assert account.pool("service")["subscription_id"] == subscription
    assert account.numbers("service") == (2, 0, 0)


def test_r22b_a_purchase_leaves_a_pending_removal_standing() -> None:
    account = an_account(core=10)
    admin = account.super_admin
    giving_back.schedule_removal(admin, "core", 4)

    preview = preview_purchase(admin, "core", 6)
    purchase_seats(admin, "core", 6)

    assert preview.free_by_cancelling == 4
    assert account.numbers("core") == (16, 0, 4)
    assert account.pool("core")["quantity_at_renewal"] == 12


def test_r32_an_exhausted_pool_is_replenished_once() -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    admin = account.billing_admin

    purchase_seats(admin, "core", 1)
    purchase_seats(admin, "core", 1)

    assert account.happened() == ["seats.purchased", "pool.replenished", "seats.purchased"]


def test_r17_purchases_can_be_listed() -> None:
    account = an_account(core=3)
    purchase_seats(account.billing_admin, "core", 2)

    listed = queries.purchases(account.by, Window()).items

    assert [(p["purchased_before"], p["purchased_after"]) for p in listed] == [(0, 3), (3, 5)]


def test_r17_a_free_type_is_assigned_not_bought() -> None:
    account = an_account()
    admin = account.billing_admin

    with pytest.raises(Unacceptable, match="free of charge"):
        purchase_seats(admin, "view_only", 1)

    assert account.happened() == []


def test_r5_a_type_that_no_subscription_sells_cannot_be_bought() -> None:
    account = an_account()
    admin = account.billing_admin

    with pytest.raises(SeatTypeNotAvailable):
        purchase_seats(admin, "sales", 1)
    with pytest.raises(SeatTypeNotAvailable):
        preview_purchase(admin, "sales", 1)

    assert account.happened() == []


def test_r4_on_the_free_tools_nothing_can_be_bought_without_a_subscription() -> None:
    account = a_free_account()

    with pytest.raises(SeatTypeNotAvailable):
        purchase_seats(account.billing_admin, "core", 1)


def test_r2_a_legacy_account_buys_its_types_only() -> None:
    account = a_legacy_account(sales=1)
    admin = account.billing_admin

    with pytest.raises(SeatTypeNotAvailable, match="legacy"):
        purchase_seats(admin, "core", 1)
    purchase_seats(admin, "sales", 1)

    assert account.numbers("sales") == (2, 0, 0)


def test_r17_a_pool_has_an_upper_bound() -> None:
    account = an_account(core=100_000)
    admin = account.billing_admin
    for _ in range(9):
        purchase_seats(admin, "core", 100_000)

    with pytest.raises(PoolTooLarge) as refusal:
        purchase_seats(admin, "core", 1)
    with pytest.raises(PoolTooLarge):
        preview_purchase(admin, "core", 1)

    assert refusal.value.quantity == LARGEST_POOL + 1
    assert account.numbers("core") == (LARGEST_POOL, 0, 0)


def test_r10_buying_takes_the_permission_to_modify_billing() -> None:
    account = an_account()
    admin = account.user_admin

    with pytest.raises(PermissionDenied, match="modify_billing"):
        purchase_seats(admin, "core", 1)
    with pytest.raises(PermissionDenied, match="modify_billing"):
        preview_purchase(admin, "core", 1)

    assert account.happened() == []


def test_an_unknown_type_cannot_be_bought() -> None:
    account = an_account()

    with pytest.raises(Unknown):
        purchase_seats(account.billing_admin, "gold", 1)


def test_r17_a_preview_changes_nothing() -> None:
    account = an_account(core=10)
    admin = account.billing_admin
    before = account.pool("core")

    preview_purchase(admin, "core", 5)

    assert account.pool("core") == before
    assert account.happened() == []


def test_r17_a_preview_opens_no_pool() -> None:
    account = an_account()
    account.subscribe("service", seats={})
    admin = account.billing_admin

    preview_purchase(admin, "service", 2)

    assert Pool.select().where(Pool.seat_type == "service").count() == 0
    assert account.happened() == []


@pytest.mark.parametrize(
    ("left", "share", "days", "amount"),
    [
        pytest.param({"days": 31}, (1, 1), 31, 50_000, id="all of it"),
        pytest.param({"days": 15, "hours": 12}, (1, 2), 16, 25_000, id="half of it"),
        pytest.param({"hours": 1}, (1, 744), 1, 67, id="its last hour"),
        pytest.param({"seconds": 1}, (1, 2_678_400), 1, 0, id="its last second"),
    ],
)
def test_r17_what_a_purchase_costs_follows_what_is_left_of_the_term(
    hands: Hands, left: dict[str, float], share: tuple[int, int], days: int, amount: int
) -> None:
    account = an_account(currency="USD")
    hands.move_to(NEXT_RENEWAL - timedelta(**left))

    bought = purchase_seats(account.billing_admin, "core", 10)

    assert (bought.share_numerator, bought.share_denominator) == share
    assert (bought.days_left, bought.days_in_term) == (days, 31)
    assert (bought.amount_now, bought.amount_at_renewal) == (amount, 50_000)


def test_r22b_no_more_seats_are_free_by_cancelling_than_are_wanted() -> None:
    account = an_account(core=10)
    giving_back.schedule_removal(account.by, "core", 6)

    preview = preview_purchase(account.billing_admin, "core", 2)

    assert preview.free_by_cancelling == 2


def test_r22b_what_was_bought_beside_a_removal_stays_when_it_takes_effect(hands: Hands) -> None:
    account = an_account(core=10)
    giving_back.schedule_removal(account.by, "core", 4)
    purchase_seats(account.by, "core", 6)
    admin = account.billing_admin
    hands.move_to(NEXT_RENEWAL)

    preview_purchase(admin, "core", 1)

    assert account.numbers("core") == (12, 0, 0)


def test_r32_a_purchase_carries_the_numbers_after_it() -> None:
    account = an_account(core=3)
    account.user(seats=["core"])
    giving_back.schedule_removal(account.by, "core", 1)
    account.promise("core", minimum=2)

    purchase_seats(account.billing_admin, "core", 4)

    (event,) = account.events()
    assert event["data"]["pool"] == {
        "id": account.pool("core")["id"],
        "seat_type": "core",
        "purchased": 7,
        "assigned": 1,
        "unassigned": 6,
        "scheduled_removal": 1,
        "quantity_at_renewal": 6,
        "renews_at": "2026-04-02T09:00:00.000Z",
        "minimum": 2,
    }


def test_r32_a_purchase_that_leaves_the_pool_low_tells_no_replenishment() -> None:
    account = an_account(core=1)
    account.promise("core", low_mark=3)
    account.user(seats=["core"])
    admin = account.billing_admin

    purchase_seats(admin, "core", 3)

    assert account.happened() == ["seats.purchased"]


def test_r32_the_cause_of_a_replenishment_is_the_purchase() -> None:
    account = an_account(core=1)
    account.user(seats=["core"])

    purchase_seats(account.billing_admin, "core", 1)

    bought, replenished = account.events()
    assert (replenished["type"], replenished["data"]["cause"]) == ("pool.replenished", bought["id"])


def test_r32_a_pool_that_was_emptied_is_replenished_as_often_as_it_was_exhausted(
    hands: Hands,
) -> None:
    account = an_account(core=2)
    giving_back.schedule_removal(account.by, "core", 2)
    hands.move_to(NEXT_RENEWAL)

    purchase_seats(account.by, "core", 3)

    happened = account.happened()
    assert account.numbers("core") == (3, 0, 0)
    assert happened.count("pool.exhausted") == happened.count("pool.replenished")


def test_r17_seats_that_were_just_bought_can_be_assigned() -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user()
    purchase_seats(account.by, "core", 1)

    assigning.assign_seat(account.user_admin, priya, "core")

    assert account.numbers("core") == (2, 2, 0)
    assert account.seats_of(priya) == ["core"]


def test_r5_the_refusal_of_a_type_that_is_not_sold_says_why() -> None:
    account = an_account()

    with pytest.raises(SeatTypeNotAvailable) as refusal:
        purchase_seats(account.billing_admin, "sales", 1)

    assert refusal.value.facts == {
        "seat_type": "sales",
        "because": "no subscription of the account sells it at its tier",
    }
    assert Pool.select().where(Pool.seat_type == "sales").count() == 0


@pytest.mark.parametrize("quantity", [-1, 0, 100_001])
def test_r17_a_purchase_is_of_one_to_a_hundred_thousand_seats_at_every_door(quantity: int) -> None:
    account = an_account()

    with pytest.raises(Unacceptable, match="between 1 and 100000"):
        purchase_seats(account.by, "core", quantity)
    with pytest.raises(Unacceptable):
        preview_purchase(account.by, "core", quantity)

    assert account.numbers("core") == (10, 0, 0)
    assert account.happened() == []
