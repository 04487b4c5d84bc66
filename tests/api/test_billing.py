"""Subscriptions, pools, purchases and removals over HTTP (R4, R17 to R21, R28)."""

from flask import Flask

from tests.http import calling, signed_in
from tests.world import a_free_account, an_account

CHECKOUT = {
    "product": "marketing",
    "tier": "professional",
    "interval": "month",
    "seats": [{"seat_type": "core", "quantity": 3}],
}


def test_r4_a_checkout_is_previewed_and_done(app: Flask) -> None:
    account = a_free_account()
    buyer = account.super_admin
    api = signed_in(app, account, buyer.id)

    preview = api.post("subscriptions/preview", CHECKOUT)
    answer = api.post("subscriptions", CHECKOUT, key="order-1")

    assert preview.json["purchases"][0]["purchased_after"] == 3
    assert answer.status_code == 201
    assert answer.json["term"] == preview.json["term"]
    assert api.get(answer.headers["Location"]).json == answer.json
    assert account.seats_of(buyer.id) == ["core"]


def test_r4_what_cannot_be_checked_out_says_why(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)

    def code(**changes: object) -> tuple[int, str]:
        answer = api.post("subscriptions/preview", CHECKOUT | {"product": "content"} | changes)
        return answer.status_code, answer.json["code"]

    assert code(product="marketing") == (409, "already_subscribed")
    assert code(tier="free") == (409, "not_sold")
    assert code(tier="gold") == (422, "validation_failed")
    assert code(seats=[{"seat_type": "sales", "quantity": 1}]) == (409, "seat_type_not_available")
    assert code(seats=CHECKOUT["seats"] * 2) == (422, "validation_failed")
    assert code(starts_at="2099-01-01T00:00:00Z") == (422, "validation_failed")


def test_r4_fewer_than_the_included_seats_are_refused(app: Flask) -> None:
    account = a_free_account()

    answer = calling(app, account).post("subscriptions/preview", CHECKOUT | {"seats": []})

    assert (answer.status_code, answer.json["code"]) == (409, "below_minimum")
    assert (answer.json["quantity"], answer.json["minimum"]) == (0, 1)


def test_r31_a_subscription_is_found_and_changed(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    (subscription,) = api.get("subscriptions").json["items"]
    path = f"subscriptions/{subscription['id']}"

    changed = api.patch(path, {"external_id": "sub-1"}, api.get(path).headers["ETag"])

    assert changed.json["external_id"] == "sub-1"
    assert api.get("subscriptions?external_id=sub-1").json["items"] == [changed.json]


def test_r28_a_pool_shows_every_number(app: Flask) -> None:
    account = an_account(core=10)
    account.user(seats=["core"])
    api = calling(app, account)
    api.post("removals", {"seat_type": "core", "quantity": 4})

    (pool,) = api.get("pools").json["items"]

    assert {name: pool[name] for name in ("purchased", "assigned", "unassigned")} == {
        "purchased": 10,
        "assigned": 1,
        "unassigned": 9,
    }
    assert (pool["scheduled_removal"], pool["quantity_at_renewal"]) == (4, 6)
    assert (pool["renews_at"], pool["minimum"]) == ("2026-04-02T09:00:00.000Z", 0)
    assert api.get(f"pools/{pool['id']}").json == pool


def test_r19_the_minimum_is_set_by_the_billing_system(app: Flask) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    pool = account.pool("core")
    path = f"pools/{pool['id']}"

    changed = api.patch(path, {"minimum": 8, "low_mark": 2}, f'"v{pool["version"]}"')
    too_high = api.patch(path, {"minimum": 11}, changed.headers["ETag"])

    assert (changed.json["minimum"], changed.json["low_mark"]) == (8, 2)
    assert (too_high.status_code, too_high.json["code"]) == (409, "below_minimum")


def test_r17_seats_are_previewed_and_bought(app: Flask) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    body = {"seat_type": "core", "quantity": 5}

    preview = api.post("purchases/preview", body)
    answer = api.post("purchases", body, key="order-1")

    assert answer.status_code == 201
    assert preview.json["amount_now"] == answer.json["amount_now"]
    assert answer.json["term_share"] == {
        "numerator": 1,
        "denominator": 1,
        "days_left": 31,
        "days_in_term": 31,
    }
    assert account.numbers("core") == (15, 0, 0)
    assert api.get("purchases").json["items"][-1] == answer.json


def test_r17_what_is_free_or_not_sold_is_not_bought(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)

    free = api.post("purchases", {"seat_type": "view_only", "quantity": 1}, key="a")
    unsold = api.post("purchases", {"seat_type": "sales", "quantity": 1}, key="b")

    assert (free.status_code, free.json["errors"][0]["pointer"]) == (422, "/seat_type")
    assert (unsold.status_code, unsold.json["code"]) == (409, "seat_type_not_available")


def test_r21_a_removal_is_scheduled_reduced_and_cancelled(app: Flask) -> None:
    account = an_account(core=10)
    api = calling(app, account)

    scheduled = api.post("removals", {"seat_type": "core", "quantity": 4})
    path = f"removals/{scheduled.json['id']}"
    reduced = api.post(f"{path}/cancellation", {"quantity": 1})
    cancelled = api.post(f"{path}/cancellation")
    again = api.post(f"{path}/cancellation")

    assert scheduled.status_code == 201
    assert (reduced.json["quantity"], reduced.json["requested_quantity"]) == (3, 4)
    assert cancelled.json["status"] == "cancelled"
    assert (again.status_code, again.json["code"]) == (409, "removal_not_pending")
    assert api.get(path).json == cancelled.json
    assert api.get("removals?status=scheduled").json["items"] == []


def test_r19_more_than_is_unassigned_is_refused_with_both_numbers(app: Flask) -> None:
    account = an_account(core=3)
    account.user(seats=["core"])

    answer = calling(app, account).post("removals", {"seat_type": "core", "quantity": 3})

    assert (answer.status_code, answer.json["code"]) == (409, "not_enough_unassigned_seats")
    assert (answer.json["requested"], answer.json["unassigned"]) == (3, 2)
