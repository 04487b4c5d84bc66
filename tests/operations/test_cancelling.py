"""Subscriptions that end with their term, and what follows for pools and holders (R25)."""

import pytest

from licensing.operations import assigning, buying, cancelling, giving_back, tiers
from licensing.operations.foreseeing import shown
from licensing.queries import pools as queries
from licensing.rules.refusals import (
    NotFound,
    PermissionDenied,
    SubscriptionCancelling,
    SubscriptionEnded,
)
from licensing.scheduler import work_through
from tests.world import NEXT_RENEWAL, AnAccount, Hands, a_legacy_account, an_account


def _subscription(account: AnAccount, seat_type: str = "core") -> str:
    return str(account.pool(seat_type)["subscription_id"])


def _marketing_and_sales() -> AnAccount:
    """A monthly marketing subscription with core seats, and sales with seats of its own."""
    account = an_account(core=3)
    account.subscribe("sales", seats={"sales": 2})
    return account


def test_r25_a_cancelled_subscription_goes_on_until_its_term_is_over(hands: Hands) -> None:
    account = an_account()
    priya = account.user(seats=["core"])

    subscription, _ = cancelling.cancel(account.billing_admin, _subscription(account))
    hands.move_to(NEXT_RENEWAL)
    hands.move(milliseconds=-1)
    buying.purchase_seats(account.billing_admin, "core", 1)

    assert subscription.status == "cancelling"
    assert queries.subscription(account.by, subscription.id)["renews_at"] is None
    assert account.seats_of(priya) == ["core"]
    assert account.numbers("core") == (11, 1, 0)


def test_r25_at_its_end_the_pool_closes_and_holders_fall_to_the_free_tools(hands: Hands) -> None:
    account = an_account(core=4)
    priya, viewer = account.user(seats=["core"]), account.user()
    partner = account.user(partner_eligible=True, seats=["partner"])
    giving_back.schedule_removal(account.by, "core", 1)
    subscription_id = _subscription(account)
    cancelling.cancel(account.by, subscription_id)
    account.from_here()
    hands.move_to(NEXT_RENEWAL)

    work_through()

    assert [account.seats_of(user) for user in (priya, viewer)] == [["free"], ["free"]]
    assert account.seats_of(partner) == ["partner"]
    assert account.pools() == {}
    ended = queries.subscription(account.by, subscription_id)
    assert (ended["status"], ended["ended_at"]) == ("ended", "2026-04-02T09:00:00.000Z")
    assert account.happened() == [
        "subscription.ended",
        "seat_removal.cancelled",
        "seat.unassigned",
        "seat.assigned",
        "pool.closed",
        "seat.unassigned",
        "seat.assigned",
    ]


def test_r25_everything_that_follows_names_its_cause_and_the_date_it_took_effect(
    hands: Hands,
) -> None:
    account = an_account(core=4)
    account.user(seats=["core"])
    cancelling.cancel(account.by, _subscription(account))
    account.from_here()
    hands.move(days=50)

    work_through()

    ended, taken, given, closed, *_ = (event for event in account.events())
    assert [event["type"] for event in (taken, given, closed)] == [
        "seat.unassigned",
        "seat.assigned",
        "pool.closed",
    ]
    assert (taken["data"]["cause"], given["data"]["cause"]) == (ended["id"], taken["id"])
    assert closed["data"]["cause"] == ended["id"]
    assert taken["data"]["reason"] == closed["data"]["reason"] == "subscription_ended"
    assert {event["data"]["effective_at"] for event in (ended, taken, given, closed)} == {
        "2026-04-02T09:00:00.000Z"
    }


def test_r25_a_pool_that_another_subscription_sells_moves_there(hands: Hands) -> None:
    account = an_account(core=5)
    priya = account.user(seats=["core"])
    hands.move(days=10)
    account.subscribe("sales", seats={"sales": 1})
    removal = giving_back.schedule_removal(account.by, "core", 2)
    marketing = _subscription(account)
    cancelling.cancel(account.by, marketing)
    account.from_here()
    hands.move_to(NEXT_RENEWAL)

    work_through()

    assert account.seats_of(priya) == ["core"]
    assert account.numbers("core") == (5, 1, 2)
    assert _subscription(account) == _subscription(account, "sales") != marketing
    moved = next(e["data"] for e in account.events() if e["type"] == "pool.moved")
    assert moved["previous"] == {
        "subscription_id": marketing,
        "renews_at": "2026-04-02T09:00:00.000Z",
    }
    assert moved["pool"]["renews_at"] == "2026-04-12T09:00:00.000Z"
    told = queries.removal(account.by, removal.id)
    assert (told["status"], told["effective_at"]) == ("scheduled", "2026-04-12T09:00:00.000Z")
    assert account.events()[2]["type"] == "seat_removal.scheduled"

    hands.move(days=10)
    work_through()
    assert account.numbers("core") == (3, 1, 0)


def test_r25_two_that_end_at_once_do_not_hand_pools_to_each_other(hands: Hands) -> None:
    account = _marketing_and_sales()
    for seat_type in ("core", "sales"):
        cancelling.cancel(account.by, _subscription(account, seat_type))
    account.from_here()
    hands.move_to(NEXT_RENEWAL)

    work_through()

    assert account.pools() == {}
    assert account.happened().count("pool.closed") == 2
    assert "pool.moved" not in account.happened()


def test_r25_who_holds_something_paid_elsewhere_keeps_that(hands: Hands) -> None:
    account = _marketing_and_sales()
    both, only = account.user(seats=["core", "sales"]), account.user(seats=["sales"])
    cancelling.cancel(account.by, _subscription(account, "sales"))
    hands.move_to(NEXT_RENEWAL)

    work_through()

    assert account.seats_of(both) == ["core"]
    assert account.seats_of(only) == ["view_only"]


def test_r25_the_deactivated_lose_a_closed_seat_and_get_one_when_they_return(hands: Hands) -> None:
    account = _marketing_and_sales()
    hannah = account.user(seats=["sales"])
    account.deactivate(hannah)
    cancelling.cancel(account.by, _subscription(account, "sales"))
    hands.move_to(NEXT_RENEWAL)

    work_through()

    assert account.seats_of(hannah) == []


def test_r25_holders_of_a_legacy_account_are_left_without(hands: Hands) -> None:
    account = a_legacy_account()
    otto = account.user(seats=["sales"])
    cancelling.cancel(account.by, _subscription(account, "sales"))
    hands.move_to(NEXT_RENEWAL)

    work_through()

    assert account.seats_of(otto) == []


def test_r25_a_preview_tells_exactly_what_then_happens(hands: Hands) -> None:
    account = _marketing_and_sales()
    users = [account.user(seats=["sales"]), account.user(seats=["core"]), account.user()]
    subscription_id = _subscription(account, "sales")

    foreseen = shown(cancelling.preview_cancellation(account.by, subscription_id))
    before = {user: account.seats_of(user) for user in users}
    assert account.happened() == []
    cancelling.cancel(account.by, subscription_id)
    hands.move_to(NEXT_RENEWAL)
    work_through()

    assert (foreseen["status"], foreseen["effective_at"]) == ("ended", "2026-04-02T09:00:00.000Z")
    assert [(p["seat_type"], p["outcome"]) for p in foreseen["pools"]] == [("sales", "closes")]
    after = {line["user_id"]: line["seat_types_after"] for line in foreseen["users"]}
    assert {user: account.seats_of(user) for user in users} == before | {
        user: seats for user, seats in after.items() if user in users
    }


def test_r25_resumed_in_time_it_renews(hands: Hands) -> None:
    account = an_account()
    subscription_id = _subscription(account)
    cancelling.cancel(account.by, subscription_id)
    account.from_here()

    foreseen = shown(cancelling.preview_resumption(account.by, subscription_id))
    subscription, _ = cancelling.resume(account.billing_admin, subscription_id)
    hands.move_to(NEXT_RENEWAL)
    work_through()

    assert (foreseen["status"], foreseen["users"]) == ("active", [])
    assert subscription.status == "active"
    assert account.numbers("core") == (10, 0, 0)
    assert queries.subscription(account.by, subscription_id)["term"]["number"] == 2


def test_r25_too_late_it_cannot_be_resumed(hands: Hands) -> None:
    account = an_account()
    subscription_id = _subscription(account)
    cancelling.cancel(account.by, subscription_id)
    hands.move_to(NEXT_RENEWAL)

    for ask in (
        cancelling.resume,
        cancelling.cancel,
        cancelling.preview_cancellation,
        cancelling.preview_resumption,
    ):
        with pytest.raises(SubscriptionEnded):
            ask(account.by, subscription_id)


def test_r32_cancelling_and_resuming_again_tells_nothing() -> None:
    account = an_account()
    subscription_id = _subscription(account)

    cancelling.resume(account.by, subscription_id)
    cancelling.cancel(account.by, subscription_id)
    cancelling.cancel(account.by, subscription_id)
    cancelling.resume(account.by, subscription_id)
    cancelling.resume(account.by, subscription_id)

    assert account.happened() == ["subscription.cancellation_scheduled", "subscription.resumed"]


def test_r25_no_lower_tier_is_scheduled_on_what_ends_anyway() -> None:
    account = an_account()
    subscription_id = _subscription(account)
    cancelling.cancel(account.by, subscription_id)

    with pytest.raises(SubscriptionCancelling):
        tiers.change_tier(account.by, subscription_id, "starter")


def test_r25_a_scheduled_tier_is_still_there_when_resumed(hands: Hands) -> None:
    account = an_account()
    subscription_id = _subscription(account)
    tiers.change_tier(account.by, subscription_id, "starter")
    cancelling.cancel(account.by, subscription_id)
    cancelling.resume(account.by, subscription_id)
    hands.move_to(NEXT_RENEWAL)

    work_through()

    assert queries.subscription(account.by, subscription_id)["tier"] == "starter"


def test_r4_after_its_end_an_account_can_begin_again(hands: Hands) -> None:
    account = an_account()
    priya = account.user(seats=["core"])
    cancelling.cancel(account.by, _subscription(account))
    hands.move_to(NEXT_RENEWAL)
    work_through()

    account.subscribe("marketing", seats={"core": 2})
    assert account.seats_of(priya) == ["view_only"]
    assigning.assign_seat(account.by, priya, "core")

    assert account.numbers("core") == (2, 1, 0)


def test_r10_cancelling_needs_the_billing_permission() -> None:
    account = an_account()
    subscription_id = _subscription(account)
    asks = (
        cancelling.cancel,
        cancelling.resume,
        cancelling.preview_cancellation,
        cancelling.preview_resumption,
    )

    for ask in asks:
        with pytest.raises(PermissionDenied):
            ask(account.user_admin, subscription_id)
        with pytest.raises(NotFound):
            ask(account.by, "sub_of_nobody")
    with pytest.raises(NotFound):
        cancelling.cancel(an_account().by, subscription_id)
