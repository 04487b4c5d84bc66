"""Subscriptions over HTTP: checkout, terms, look-up (R4, R10, R24, R31)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import calling, signed_in
from tests.world import Hands, a_free_account, a_legacy_account, an_account

ORDER: dict[str, Any] = {
    "product": "marketing",
    "tier": "professional",
    "interval": "month",
    "seats": [{"seat_type": "core", "quantity": 3}],
}


def test_r10_who_may_modify_billing_checks_out(app: Flask) -> None:
    account = a_free_account()
    buyer = account.actor(Permission.MODIFY_BILLING)

    answer = signed_in(app, account, buyer.id).post("subscriptions", ORDER, key="a")

    assert answer.status_code == 201
    assert account.seats_of(buyer.id) == ["core"]


def test_r10_who_manages_users_does_not(app: Flask) -> None:
    account = a_free_account()
    api = signed_in(app, account, account.user_admin.id)
    account.from_here()

    answers = [
        api.post("subscriptions", ORDER, key="a"),
        api.post("subscriptions/preview", ORDER),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json["missing"]) == (403, "modify_billing")
    assert account.happened() == []


def test_r4_a_preview_changes_nothing(app: Flask) -> None:
    account = a_free_account()
    priya = account.user("Priya")
    api = calling(app, account)

    answer = api.post("subscriptions/preview", ORDER)

    assert (answer.status_code, answer.json["ends_free_tools"]) == (200, True)
    assert answer.json["purchases"][0]["pool_id"] is None
    assert api.get("subscriptions").json["items"] == []
    assert (account.seats_of(priya), account.happened()) == (["free"], [])


def test_r4_the_free_seats_end_with_the_first_checkout(app: Flask) -> None:
    account = a_free_account()
    priya = account.user("Priya")

    answer = calling(app, account).post("subscriptions", ORDER, key="a")

    assert answer.status_code == 201
    assert account.seats_of(priya) == ["view_only"]
    assert account.numbers("core") == (3, 0, 0)


def test_r4_a_second_product_adds_its_seats_to_the_pool_that_exists(app: Flask) -> None:
    account = an_account(core=10)
    pool = account.pool("core")
    api = calling(app, account)

    preview = api.post("subscriptions/preview", ORDER | {"product": "content"})
    answer = api.post("subscriptions", ORDER | {"product": "content"}, key="a")

    assert (preview.json["ends_free_tools"], answer.json["pools"]) == (False, [])
    assert preview.json["purchases"][0]["pool_id"] == pool["id"]
    assert account.pool("core")["subscription_id"] == pool["subscription_id"]
    assert account.numbers("core") == (13, 0, 0)


@pytest.mark.parametrize(
    ("term", "ends_at"),
    [
        pytest.param({"interval": "month"}, "2026-04-02T09:00:00.000Z", id="a month"),
        pytest.param(
            {"interval": "month", "interval_count": 3}, "2026-06-02T09:00:00.000Z", id="a quarter"
        ),
        pytest.param({"interval": "year"}, "2027-03-02T09:00:00.000Z", id="a year"),
    ],
)
def test_r24_a_term_is_as_long_as_its_interval(
    app: Flask, term: dict[str, Any], ends_at: str
) -> None:
    account = a_free_account()

    answer = calling(app, account).post("subscriptions", ORDER | term, key="a").json

    assert (answer["term"]["number"], answer["term"]["ends_at"]) == (1, ends_at)
    assert (answer["anchor"], answer["renews_at"]) == ("2026-03-02T09:00:00.000Z", ends_at)


def test_r24_an_imported_subscription_is_in_a_later_term(app: Flask) -> None:
    account = a_free_account()
    body = ORDER | {"starts_at": "2026-01-15T00:00:00+01:00"}

    answer = calling(app, account).post("subscriptions", body, key="a").json

    assert answer["anchor"] == "2026-01-14T23:00:00.000Z"
    assert answer["term"]["number"] == 2
    assert answer["renews_at"] == "2026-03-14T23:00:00.000Z"


def test_r24_a_read_after_the_renewal_date_needs_no_job_to_have_run(
    app: Flask, hands: Hands
) -> None:
    account = an_account()
    api = calling(app, account)
    hands.move(days=31)
    api.post("purchases", {"seat_type": "core", "quantity": 1}, key="a")

    (subscription,) = api.get("subscriptions").json["items"]

    assert subscription["term"]["number"] == 2
    assert subscription["renews_at"] == "2026-05-02T09:00:00.000Z"


def test_r31_a_checkout_carries_the_host_products_own_names(app: Flask) -> None:
    account = a_free_account()
    api = calling(app, account)
    body = ORDER | {"external_id": "sub-1", "metadata": {"offer": "spring"}}

    made = api.post("subscriptions", body, key="a").json
    taken = api.post("subscriptions", body | {"product": "content"}, key="b")

    assert (made["external_id"], made["metadata"]) == ("sub-1", {"offer": "spring"})
    assert (taken.status_code, taken.json["code"]) == (409, "external_id_taken")
    assert taken.json["id"] == made["id"]
    assert api.get("subscriptions?external_id=sub-2").json["items"] == []


def test_r31_only_its_own_names_are_changed_of_a_subscription(app: Flask) -> None:
    account = an_account()
    api = signed_in(app, account, account.billing_admin.id)
    account.from_here()
    path = f"subscriptions/{account.pool('core')['subscription_id']}"
    etag = api.get(path).headers["ETag"]

    changed = api.patch(path, {"metadata": {"po": "4711"}}, etag)
    again = api.patch(path, {"metadata": {"po": "4711"}}, changed.headers["ETag"])
    refused = api.patch(path, {"tier": "enterprise"}, changed.headers["ETag"])

    assert (changed.status_code, changed.json["metadata"]) == (200, {"po": "4711"})
    assert again.json == changed.json
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/tier")
    assert account.happened() == ["subscription.updated"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"product": "gold"}, "/product", id="an unknown product"),
        pytest.param({"tier": "gold"}, "/tier", id="an unknown tier"),
        pytest.param({"interval": "week"}, "/interval", id="an unknown interval"),
        pytest.param({"interval_count": 0}, "/interval_count", id="no interval"),
        pytest.param({"interval_count": 121}, "/interval_count", id="too many intervals"),
        pytest.param({"seats": None}, "/seats", id="no list of seats"),
        pytest.param({"seats": [{"seat_type": "core"}]}, "/seats/0/quantity", id="no quantity"),
        pytest.param(
            {"seats": [{"seat_type": "core", "quantity": 0}]}, "/seats/0/quantity", id="no seats"
        ),
        pytest.param(
            {"seats": [{"seat_type": "core", "quantity": 1, "free": True}]},
            "/seats/0/free",
            id="an unknown member of a line",
        ),
        pytest.param({"starts_at": "2026-03-02"}, "/starts_at", id="a date"),
        pytest.param({"starts_at": "2026-03-02T09:00:01Z"}, "/starts_at", id="a later start"),
        pytest.param({"status": "active"}, "/status", id="an unknown member"),
    ],
)
@pytest.mark.parametrize("path", ["subscriptions", "subscriptions/preview"])
def test_r4_what_is_no_order_is_refused_at_the_member(
    app: Flask, path: str, changes: dict[str, Any], pointer: str
) -> None:
    account = a_free_account()

    answer = calling(app, account).post(path, ORDER | changes, key="a")

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert account.happened() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({}, "already_subscribed", id="the same product again"),
        pytest.param({"product": "content", "tier": "free"}, "not_sold", id="a tier not sold"),
        pytest.param(
            {"product": "content", "seats": [{"seat_type": "service", "quantity": 1}]},
            "seat_type_not_available",
            id="a seat that it does not sell",
        ),
    ],
)
@pytest.mark.parametrize("path", ["subscriptions", "subscriptions/preview"])
def test_r4_what_cannot_be_checked_out_changes_nothing(
    app: Flask, path: str, changes: dict[str, Any], code: str
) -> None:
    account = an_account()

    answer = calling(app, account).post(path, ORDER | changes, key="a")

    assert (answer.status_code, answer.json["code"]) == (409, code)
    assert account.happened() == []
    assert len(calling(app, account).get("subscriptions").json["items"]) == 1


def test_r4_too_few_and_too_many_seats_are_refused(app: Flask) -> None:
    account = a_free_account()
    api = calling(app, account)
    line = {"seat_type": "core", "quantity": 100_001}

    none = api.post("subscriptions", ORDER | {"seats": []}, key="a")
    too_many = api.post("subscriptions", ORDER | {"seats": [line]}, key="b")

    assert (none.status_code, none.json["code"]) == (409, "below_minimum")
    assert (too_many.status_code, too_many.json["code"]) == (422, "validation_failed")
    assert account.happened() == []


def test_r2_a_legacy_account_gets_no_core_seat(app: Flask) -> None:
    account = a_legacy_account()

    answer = calling(app, account).post("subscriptions", ORDER, key="a")

    assert (answer.status_code, answer.json["code"]) == (409, "seat_type_not_available")
    assert account.happened() == []


def test_a_closed_account_subscribes_to_nothing(app: Flask) -> None:
    account = an_account()
    account.close()
    api = calling(app, account)
    path = f"subscriptions/{account.pool('core')['subscription_id']}"
    body = ORDER | {"product": "content"}

    for answer in (
        api.post("subscriptions", body, key="a"),
        api.post("subscriptions/preview", body),
        api.patch(path, {"external_id": "x"}, '"v1"'),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "account_closed")
    assert account.happened() == []


def test_an_unknown_subscription_is_not_found(app: Flask) -> None:
    api = calling(app, an_account())

    for answer in (
        api.get("subscriptions/sub_none"),
        api.patch("subscriptions/sub_none", {"external_id": "x"}, '"v1"'),
    ):
        assert (answer.status_code, answer.json["kind"]) == (404, "subscription")


def test_a_reading_key_reads_and_does_not_buy(app: Flask) -> None:
    account = an_account()
    api = calling(app, account, Scope.READ)

    read = api.get(f"subscriptions/{account.pool('core')['subscription_id']}")
    bought = api.post("subscriptions", ORDER, key="a")

    assert (read.status_code, read.json["status"]) == (200, "active")
    assert (bought.status_code, bought.json["missing"]) == (403, "billing")
