"""Buying seats over HTTP (R10, R17, R18, R22b)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import calling, signed_in
from tests.world import Hands, a_free_account, a_legacy_account, an_account

BUY = {"seat_type": "core", "quantity": 5}


def test_r10_who_may_modify_billing_buys(app: Flask) -> None:
    account = an_account(core=1)
    by_user = signed_in(app, account, account.actor(Permission.MODIFY_BILLING).id)
    by_service = calling(app, account, Scope.BILLING)
    account.from_here()

    answers = [by_user.post("purchases", BUY, key="a"), by_service.post("purchases", BUY, key="b")]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json["purchased_after"] for answer in answers] == [6, 11]
    assert account.happened() == ["seats.purchased", "seats.purchased"]


def test_r10_who_manages_users_does_not(app: Flask) -> None:
    account = an_account(core=1)
    api = signed_in(app, account, account.actor(Permission.MANAGE_USERS).id)
    account.from_here()

    answer = api.post("purchases", BUY, key="a")

    assert (answer.status_code, answer.json["missing"]) == (403, "modify_billing")
    assert (account.numbers("core"), account.happened()) == ((1, 0, 0), [])


def test_r17_a_preview_changes_nothing_and_foretells_the_purchase(app: Flask, hands: Hands) -> None:
    account = an_account(core=1)
    hands.move(days=10)
    api = calling(app, account)

    foretold = api.post("purchases/preview", BUY).json
    after_preview = account.numbers("core"), account.happened()
    bought = api.post("purchases", BUY, key="a").json

    assert after_preview == ((1, 0, 0), [])
    assert foretold.pop("free_by_cancelling") == 0
    assert foretold == {name: bought[name] for name in foretold}


def test_r17_only_the_rest_of_the_term_is_paid_for(app: Flask, hands: Hands) -> None:
    account = an_account(core=1)
    hands.move(days=21)

    answer = calling(app, account).post("purchases/preview", BUY).json

    assert answer["term_share"] == {
        "numerator": 10,
        "denominator": 31,
        "days_left": 10,
        "days_in_term": 31,
    }
    at_renewal, now = answer["amount_at_renewal"], answer["amount_now"]
    assert now["currency"] == at_renewal["currency"] == "USD"
    assert now["amount"] == (2 * at_renewal["amount"] * 10 + 31) // (2 * 31)


def test_r17_without_a_price_there_is_no_amount(app: Flask) -> None:
    account = an_account(core=1, currency="CHF")

    answer = calling(app, account).post("purchases/preview", BUY)

    assert answer.status_code == 200
    assert (answer.json["amount_now"], answer.json["amount_at_renewal"]) == (None, None)


def test_r17_a_pool_that_is_not_there_yet_has_no_id_in_the_preview(app: Flask) -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={})
    api = calling(app, account)
    body = {"seat_type": "sales", "quantity": 2}

    preview = api.post("purchases/preview", body)
    bought = api.post("purchases", body, key="a")

    assert (preview.json["pool_id"], preview.json["purchased_before"]) == (None, 0)
    assert bought.json["pool_id"] == account.pool("sales")["id"]
    assert account.numbers("sales") == (2, 0, 0)


def test_r22b_the_preview_says_what_cancelling_a_removal_would_give(app: Flask) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    api.post("removals", {"seat_type": "core", "quantity": 3})

    preview = api.post("purchases/preview", BUY)
    api.post("purchases", BUY, key="a")

    assert preview.json["free_by_cancelling"] == 3
    assert account.numbers("core") == (15, 0, 3)


def test_r17_purchases_are_listed_those_of_the_checkout_too(app: Flask) -> None:
    account = an_account(core=3)
    api = calling(app, account)
    bought = api.post("purchases", BUY, key="a").json

    listed = api.get("purchases").json["items"]

    assert [(item["purchased_before"], item["quantity"]) for item in listed] == [(0, 3), (3, 5)]
    assert listed[1] == bought


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"seat_type": "core"}, id="no quantity"),
        pytest.param({"quantity": 1}, id="no seat type"),
        pytest.param(BUY | {"quantity": 0}, id="nothing"),
        pytest.param(BUY | {"quantity": -1}, id="less than nothing"),
        pytest.param(BUY | {"quantity": 100_001}, id="more than one purchase may have"),
        pytest.param(BUY | {"quantity": True}, id="a boolean"),
        pytest.param(BUY | {"quantity": 1.9}, id="a fraction"),
        pytest.param(BUY | {"quantity": "5"}, id="a text"),
        pytest.param(BUY | {"quantity": None}, id="null"),
        pytest.param(BUY | {"seat_type": "gold"}, id="an unknown type"),
        pytest.param(BUY | {"seat_type": "partner"}, id="a type that is free of charge"),
        pytest.param(BUY | {"price": 1}, id="a price of one's own"),
    ],
)
@pytest.mark.parametrize("path", ["purchases", "purchases/preview"])
def test_r17_what_cannot_be_bought_is_refused(app: Flask, path: str, body: dict[str, Any]) -> None:
    account = an_account(core=1)

    answer = calling(app, account).post(path, body, key="a")

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert (account.numbers("core"), account.happened()) == ((1, 0, 0), [])


def test_r2_a_legacy_account_buys_no_core_seat(app: Flask) -> None:
    account = a_legacy_account()

    answer = calling(app, account).post("purchases", BUY, key="a")

    assert (answer.status_code, answer.json["code"]) == (409, "seat_type_not_available")
    assert account.happened() == []


def test_r5_an_account_without_a_subscription_buys_nothing(app: Flask) -> None:
    account = a_free_account()

    answer = calling(app, account).post("purchases", BUY, key="a")

    assert (answer.status_code, answer.json["code"]) == (409, "seat_type_not_available")
    assert account.happened() == []


def test_r17_a_pool_has_a_largest_size(app: Flask) -> None:
    account = an_account(core=100_000)
    api = calling(app, account)
    body = {"seat_type": "core", "quantity": 100_000}
    for number in range(9):
        assert api.post("purchases", body, key=f"order-{number}").status_code == 201
    account.from_here()

    answers = [
        api.post("purchases", BUY, key="one-too-many"),
        api.post("purchases/preview", BUY),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json["code"]) == (409, "pool_too_large")
        assert (answer.json["quantity"], answer.json["maximum"]) == (1_000_005, 1_000_000)
    assert (account.numbers("core"), account.happened()) == ((1_000_000, 0, 0), [])


def test_a_closed_account_buys_nothing(app: Flask) -> None:
    account = an_account(core=1)
    account.close()
    api = calling(app, account)

    for answer in (api.post("purchases", BUY, key="a"), api.post("purchases/preview", BUY)):
        assert (answer.status_code, answer.json["code"]) == (409, "account_closed")
    assert account.happened() == []
