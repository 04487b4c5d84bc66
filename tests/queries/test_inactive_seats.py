"""Seats of inactive users, and what giving them back would save (R13, R19, R27)."""

from datetime import timedelta
from typing import Any

import pytest

from licensing.operations import activity, cancelling, tiers
from licensing.queries import inactive_seats
from licensing.queries.cursors import InvalidCursor, Window
from licensing.rules.refusals import PermissionDenied
from tests.world import START, AnAccount, Hands, an_account

LONG_AGO = timedelta(days=30)


def listed(account: AnAccount, hands: Hands, **window: Any) -> Any:
    return inactive_seats.inactive_seats(
        account.by, Window(**{"limit": 200} | window), hands.now - LONG_AGO
    )


def ids(page: Any) -> list[str]:
    return [item["user_id"] for item in page.items]


def _scene(hands: Hands) -> tuple[AnAccount, dict[str, str]]:
    """Some who were active once, some never, at different times; some not long ago."""
    account = an_account(core=20)
    account.subscribe("sales", seats={"sales": 5})
    people = {}
    for day, name in enumerate(("Ada", "Bea", "Cleo", "Dora", "Eve", "Fay")):
        people[name] = account.user(name, seats=["core", "sales"] if name == "Eve" else ["core"])
        hands.move(days=1)
        if day % 2:
            activity.record_activity(account.by, people[name])
    people["Viewer"] = account.user("Viewer")
    hands.move(days=60)
    activity.record_activity(account.by, people["Ada"])
    people["New"] = account.user("New", seats=["core"])
    return account, people


def test_r27_the_longest_inactive_come_first_the_never_active_by_their_assignment(
    hands: Hands,
) -> None:
    account, people = _scene(hands)

    page = listed(account, hands, include_total=True)

    # Bea was active on the day on which Cleo's seat was assigned, Dora on that of Eve's.
    assert [item["inactive_since"][8:10] for item in page.items] == [
        "04",
        "04",
        "06",
        "06",
        "06",
        "08",
    ]
    by_day = [sorted(ids(page)[:2]), sorted(ids(page)[2:5]), ids(page)[5:]]
    assert by_day == [
        sorted([people["Bea"], people["Cleo"]]),
        sorted([people["Dora"], people["Eve"], people["Eve"]]),
        [people["Fay"]],
    ]
    assert page.total == 6
    fay = page.items[-1]
    assert (fay["name"], fay["status"], fay["last_active_at"]) == (
        "Fay",
        "active",
        "2026-03-08T09:00:00.000Z",
    )


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_r27_the_pages_are_the_list(hands: Hands, limit: int) -> None:
    account, _ = _scene(hands)
    whole = listed(account, hands).items
    found, cursor = [], None

    while True:
        page = listed(account, hands, limit=limit, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == limit

    assert found == whole
    cursor = listed(account, hands, limit=1).next_cursor
    with pytest.raises(InvalidCursor):
        inactive_seats.inactive_seats(account.by, Window(cursor=cursor), hands.now)


def test_r19_no_more_can_be_given_back_than_the_minimum_leaves(hands: Hands) -> None:
    account, people = _scene(hands)
    account.promise("core", minimum=18)
    account.deactivate(people["Eve"])

    page = listed(account, hands)

    core, sales = page.beside["pools"]
    assert (core["inactive"], core["held_by_deactivated"], core["can_be_given_back"]) == (5, 1, 2)
    assert (sales["inactive"], sales["held_by_deactivated"], sales["can_be_given_back"]) == (
        1,
        1,
        0,
    )
    price = page.items[0]["saving"]["amount"]
    assert core["saving"] == page.beside["total_saving"] == {"amount": 2 * price, "currency": "USD"}
    assert sales["saving"]["amount"] == 0
    assert listed(
        account, hands, limit=1, cursor=listed(account, hands, limit=1).next_cursor
    ).beside == {
        "pools": None,
        "total_saving": None,
    }


def test_r25_what_does_not_renew_saves_nothing_and_a_tier_to_come_has_its_own_price(
    hands: Hands,
) -> None:
    account, _ = _scene(hands)
    core, sales = account.pool("core"), account.pool("sales")
    before = listed(account, hands).beside["pools"][0]["saving"]["amount"]

    cancelling.cancel(account.by, sales["subscription_id"])
    tiers.change_tier(account.by, core["subscription_id"], "starter")

    page = listed(account, hands)
    shown = {pool["seat_type"]: pool["saving"]["amount"] for pool in page.beside["pools"]}
    assert shown["sales"] == 0
    assert 0 < shown["core"] < before


def test_r17_without_a_price_nothing_is_said_of_money(hands: Hands) -> None:
    account, _ = _scene(hands)
    account_without = an_account(core=2, currency="CHF")
    account_without.user(seats=["core"])
    hands.move(days=40)

    page = listed(account_without, hands)

    assert [item["saving"] for item in page.items] == [None]
    assert page.beside["pools"][0]["saving"] is None
    assert page.beside["total_saving"] is None
    assert listed(account, hands).beside["total_saving"] is not None


def test_r10_it_takes_billing_and_nobody_sees_another_tenant(hands: Hands) -> None:
    account, other = an_account(), an_account()
    account.user(seats=["core"])
    hands.move(days=60)

    assert listed(other, hands).items == []
    assert listed(other, hands).beside == {
        "pools": [],
        "total_saving": {"amount": 0, "currency": "USD"},
    }
    with pytest.raises(PermissionDenied, match="modify_billing"):
        inactive_seats.inactive_seats(account.user_admin, Window(), START)
