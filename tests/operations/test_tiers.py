"""Moving a subscription between tiers: up at once, down at the renewal (R25)."""

import pytest

from licensing.operations import giving_back, tiers
from licensing.operations.foreseeing import shown
from licensing.queries import pools as queries
from licensing.rules.refusals import (
    NotSold,
    Unknown,
)
from tests.world import (
    NEXT_RENEWAL,
    AnAccount,
    Hands,
    a_free_account,
    an_account,
    in_which_starter_sells_no_sales,
)


def _with_sales(tier: str = "professional", sales: int = 4, core: int = 0) -> AnAccount:
    account = a_free_account()
    if core:
        account.subscribe("marketing", seats={"core": core})
    account.subscribe("sales", tier, seats={"sales": sales})
    return account


def _sales(account: AnAccount) -> str:
    return str(account.pool("sales")["subscription_id"])


def test_r25_up_takes_effect_at_once(hands: Hands) -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    hands.move(days=1)

    subscription, pools = tiers.change_tier(account.billing_admin, subscription_id, "enterprise")

    assert (subscription.tier, subscription.pending_tier) == ("enterprise", None)
    assert [pool.seat_type for pool in pools] == ["core"]
    assert account.happened() == ["subscription.tier_changed"]
    changed = account.events()[0]["data"]
    assert changed["previous"] == {"tier": "professional"}
    assert changed["effective_at"] == "2026-03-03T09:00:00.000Z"


def test_r25_down_waits_for_the_renewal(hands: Hands) -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]

    subscription, _ = tiers.change_tier(account.billing_admin, subscription_id, "starter")
    scheduled = account.events()[-1]["data"]
    hands.move_to(NEXT_RENEWAL)
    account.from_here()
    account.user()

    assert (subscription.tier, subscription.pending_tier) == ("professional", "starter")
    assert scheduled["effective_at"] == "2026-04-02T09:00:00.000Z"
    now = queries.subscription(account.by, subscription_id)
    assert (now["tier"], now["pending_tier"], now["term"]["number"]) == ("starter", None, 2)


def test_r25_the_change_is_told_after_the_renewal_that_brought_it(hands: Hands) -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    giving_back.schedule_removal(account.by, "core", 2)
    tiers.change_tier(account.by, subscription_id, "starter")
    account.from_here()
    hands.move(days=40)

    giving_back.schedule_removal(account.by, "core", 1)

    assert account.happened() == [
        "subscription.renewed",
        "seat_removal.applied",
        "subscription.tier_changed",
        "seat_removal.scheduled",
    ]
    renewed, _, changed, _ = (event for event in account.events())
    assert changed["data"]["cause"] == renewed["id"]
    assert changed["data"]["effective_at"] == "2026-04-02T09:00:00.000Z"
    assert changed["data"]["previous"] == {"tier": "professional", "pending_tier": "starter"}


def test_r25_asking_for_the_tier_it_has_takes_a_scheduled_change_back() -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    tiers.change_tier(account.by, subscription_id, "starter")
    account.from_here()

    subscription, _ = tiers.change_tier(account.by, subscription_id, "professional")
    tiers.change_tier(account.by, subscription_id, "professional")

    assert subscription.pending_tier is None
    assert account.happened() == ["subscription.updated"]


def test_r32_scheduling_the_same_change_again_tells_nothing() -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    tiers.change_tier(account.by, subscription_id, "starter")
    account.from_here()

    tiers.change_tier(account.by, subscription_id, "starter")

    assert account.happened() == []


def test_r25_moving_up_takes_back_what_was_scheduled() -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    tiers.change_tier(account.by, subscription_id, "starter")

    subscription, _ = tiers.change_tier(account.by, subscription_id, "enterprise")

    assert (subscription.tier, subscription.pending_tier) == ("enterprise", None)


def test_r25_a_pool_that_the_lower_tier_does_not_sell_closes(hands: Hands) -> None:
    with in_which_starter_sells_no_sales():
        account = _with_sales()
        priya, noah = account.user(seats=["sales"]), account.user(seats=["sales"])
        giving_back.schedule_removal(account.by, "sales", 1)
        tiers.change_tier(account.by, _sales(account), "starter")
        account.from_here()
        hands.move_to(NEXT_RENEWAL)

        account.user()

        assert account.seats_of(priya) == account.seats_of(noah) == ["view_only"]
        closed = next(e["data"] for e in account.log() if e["type"] == "pool.closed")
        assert closed["previous"] == {"status": "open", "purchased": 3, "assigned": 2}
        assert (closed["pool"]["purchased"], closed["object"]["status"]) == (0, "closed")
        assert account.pools() == {}


def test_r25_holders_get_what_the_catalogue_says_that_seats_become(hands: Hands) -> None:
    with in_which_starter_sells_no_sales(becomes="core"):
        account = _with_sales(core=2)
        priya = account.user(seats=["sales"])
        both = account.user(seats=["sales", "core"])
        sales_seat = account.seat(priya, "sales")
        tiers.change_tier(account.by, _sales(account), "starter")
        hands.move_to(NEXT_RENEWAL)

        account.user()

        assert account.seats_of(priya) == account.seats_of(both) == ["core"]
        assert account.seat(priya, "core") == sales_seat
        assert account.numbers("core") == (3, 2, 0)


def test_r25_a_preview_names_who_would_lose_what_and_changes_nothing() -> None:
    with in_which_starter_sells_no_sales():
        account = _with_sales(core=2)
        priya = account.user("Priya", seats=["sales"], email="priya@example.com")
        account.user(seats=["core"])
        before = account.log()

        foreseen = shown(tiers.preview_tier(account.by, _sales(account), "starter"))

        assert account.log() == before
        assert foreseen["effective_at"] == "2026-04-02T09:00:00.000Z"
        assert [(p["seat_type"], p["outcome"]) for p in foreseen["pools"]] == [("sales", "closes")]
        (loser,) = foreseen["users"]
        assert (loser["user_id"], loser["email"]) == (priya, "priya@example.com")
        assert loser["seat_types"] == ["sales"]
        assert loser["seat_types_after"] == ["view_only"]
        assert {"feature": "deals", "level": "edit", "level_after": "view"} in loser["features"]


def test_r25_a_preview_of_moving_up_says_what_it_costs(hands: Hands) -> None:
    account = an_account(core=10, currency="EUR")
    hands.move(days=15, hours=12)

    foreseen = shown(
        tiers.preview_tier(account.by, account.pool("core")["subscription_id"], "enterprise")
    )

    (core,) = foreseen["pools"]
    assert core["outcome"] == "stays"
    assert core["amount_now"] == {"amount": 12_500, "currency": "EUR"}
    assert core["amount_at_renewal"] == {"amount": 70_000, "currency": "EUR"}


@pytest.mark.parametrize(
    ("tier", "refusal"),
    [
        pytest.param("free", NotSold, id="not sold"),
        pytest.param("platinum", Unknown, id="unknown"),
    ],
)
def test_r25_a_tier_that_is_not_sold_is_refused(tier: str, refusal: type[Exception]) -> None:
    account = an_account()

    for ask in (tiers.change_tier, tiers.preview_tier):
        with pytest.raises(refusal):
            ask(account.by, account.pool("core")["subscription_id"], tier)
    assert account.happened() == []
