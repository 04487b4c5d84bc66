"""Tiers, cancelling, suspending and migrating over HTTP (R3, R25, R25b)."""

from typing import Any

import pytest
from flask import Flask

from tests.http import Calling, calling, signed_in
from tests.world import NEXT_RENEWAL, AnAccount, Hands, a_legacy_account, an_account


def _path(account: AnAccount) -> str:
    return f"subscriptions/{account.pool('core')['subscription_id']}"


def _refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_r25_moving_up_is_answered_with_the_subscription(app: Flask) -> None:
    account = an_account()

    answer = calling(app, account).post(f"{_path(account)}/tier", {"tier": "enterprise"}, key="up")

    assert answer.status_code == 200
    assert (answer.json["tier"], answer.json["pending_tier"]) == ("enterprise", None)
    assert answer.headers["ETag"] == f'"v{answer.json["version"]}"'


def test_r25_moving_down_says_from_when_on(app: Flask) -> None:
    account = an_account(currency="EUR")
    api = calling(app, account)

    preview = api.post(f"{_path(account)}/tier/preview", {"tier": "starter"})
    answer = api.post(f"{_path(account)}/tier", {"tier": "starter"}, key="down")

    assert (preview.status_code, preview.json["tier"]) == (200, "starter")
    assert preview.json["effective_at"] == answer.json["renews_at"]
    assert preview.json["pools"][0]["amount_at_renewal"] == {"amount": 15_000, "currency": "EUR"}
    assert (answer.json["tier"], answer.json["pending_tier"]) == ("professional", "starter")


def test_r25_cancel_and_resume(app: Flask) -> None:
    account = an_account()
    account.user(seats=["core"])
    api = calling(app, account)
    path = f"{_path(account)}/cancellation"

    preview = api.post(f"{path}/preview")
    cancelled = api.post(path, key="cancel")
    back = api.send("DELETE", f"{path}/preview")
    resumed = api.delete(path)

    assert (preview.json["status"], preview.json["pools"][0]["outcome"]) == ("ended", "closes")
    assert preview.json["users"][0]["seat_types_after"] == ["free"]
    assert (cancelled.json["status"], cancelled.json["renews_at"]) == ("cancelling", None)
    assert (back.json["status"], back.json["users"]) == ("active", [])
    assert (resumed.status_code, resumed.json["status"]) == (200, "active")


def test_r25b_suspend_and_reactivate(app: Flask) -> None:
    account = an_account()
    viewer = account.user()
    api = calling(app, account)
    path = f"{_path(account)}/suspension"

    suspended = api.post(path, {"reason": "unpaid since March"}, key="suspend")
    refused = api.post("seats", {"user_id": viewer, "seat_type": "core"})
    reactivated = api.delete(path)

    assert suspended.json["suspended_at"] == "2026-03-02T09:00:00.000Z"
    assert suspended.json["suspension_reason"] == "unpaid since March"
    assert _refusal(refused) == (409, "subscription_suspended")
    assert refused.json["product"] == "marketing"
    assert reactivated.json["suspended_at"] is None
    assert api.post("seats", {"user_id": viewer, "seat_type": "core"}).status_code == 201


def test_r3_migrate_after_a_look(app: Flask) -> None:
    account = a_legacy_account()
    rosa = account.user("Rosa")
    api = calling(app, account)

    preview = api.post("migration/preview")
    migrated = api.post("migration")

    assert preview.json["users"] == [
        {
            "user_id": rosa,
            "email": preview.json["users"][0]["email"],
            "name": "Rosa",
            "seat_types": [],
            "seat_types_after": ["view_only"],
        }
    ]
    assert (migrated.status_code, migrated.json["pricing_model"]) == (200, "seat_based")
    assert account.seats_of(rosa) == ["view_only"]


def _cancelled(api: Calling, path: str) -> None:
    assert api.post(f"{path}/cancellation", key="first").status_code == 200


def _suspended(api: Calling, path: str) -> None:
    assert api.post(f"{path}/suspension", key="first").status_code == 200


@pytest.mark.parametrize(
    ("before", "tier", "code"),
    [
        pytest.param(None, "free", "not_sold", id="a tier that is not sold"),
        pytest.param(_cancelled, "starter", "subscription_cancelling", id="down while it ends"),
        pytest.param(_suspended, "enterprise", "subscription_suspended", id="up while unpaid"),
    ],
)
def test_r25_a_change_of_tier_can_be_refused(app: Flask, before: Any, tier: str, code: str) -> None:
    account = an_account()
    api, path = calling(app, account), _path(account)
    if before:
        before(api, path)

    answers = [
        api.post(f"{path}/tier", {"tier": tier}, key="change"),
        api.post(f"{path}/tier/preview", {"tier": tier}),
    ]

    assert [_refusal(answer) for answer in answers] == [(409, code)] * 2


def test_r25_a_tier_that_does_not_exist_is_a_mistake_in_the_body(app: Flask) -> None:
    account = an_account()

    answer = calling(app, account).post(f"{_path(account)}/tier", {"tier": "platinum"}, key="x")

    assert _refusal(answer) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"] == "/tier"


def test_r25_what_has_ended_is_over(app: Flask, hands: Hands) -> None:
    account = an_account()
    api, path = calling(app, account), _path(account)
    _cancelled(api, path)
    hands.move_to(NEXT_RENEWAL)

    answers = [
        api.post(f"{path}/tier", {"tier": "enterprise"}, key="1"),
        api.post(f"{path}/cancellation", key="2"),
        api.delete(f"{path}/cancellation"),
        api.post(f"{path}/suspension", key="3"),
        api.delete(f"{path}/suspension"),
    ]

    assert [_refusal(answer) for answer in answers] == [(409, "subscription_ended")] * 5


def test_r10_users_change_tiers_and_cancel_but_never_suspend(app: Flask) -> None:
    account = an_account()
    path = _path(account)
    admin = signed_in(app, account, account.billing_admin.id)
    viewer = signed_in(app, account, account.user())

    assert admin.post(f"{path}/tier", {"tier": "enterprise"}, key="1").status_code == 200
    for answer in (
        viewer.post(f"{path}/tier", {"tier": "starter"}, key="2"),
        viewer.post(f"{path}/cancellation", key="3"),
        admin.post(f"{path}/suspension", key="4"),
    ):
        assert _refusal(answer) == (403, "permission_denied")


def test_r18_a_change_of_tier_needs_a_key_and_happens_once(app: Flask) -> None:
    account = an_account()
    api, path = calling(app, account), f"{_path(account)}/tier"

    without = api.post(path, {"tier": "enterprise"})
    first = api.post(path, {"tier": "enterprise"}, key="once")
    again = api.post(path, {"tier": "enterprise"}, key="once")

    assert _refusal(without) == (400, "idempotency_key_required")
    assert again.data == first.data
    assert again.headers["Idempotency-Replayed"] == "true"
    assert account.happened() == ["subscription.tier_changed"]


def test_r24_an_annual_term_can_be_billed_by_the_month(app: Flask, hands: Hands) -> None:
    account = an_account(currency="EUR")
    api = calling(app, account)
    order = {
        "product": "sales",
        "tier": "professional",
        "interval": "year",
        "billing_interval": "month",
        "seats": [{"seat_type": "sales", "quantity": 2}],
    }
    checked_out = api.post("subscriptions", order, key="order")
    hands.move(days=15, hours=12)

    quoted = api.post("purchases/preview", {"seat_type": "sales", "quantity": 1}).json

    assert (checked_out.json["billing_interval"], checked_out.json["interval"]) == ("month", "year")
    # 900.00 a year is 75.00 a month, of which half is left; the term is still the commitment.
    assert quoted["amount_now"] == {"amount": 3_750, "currency": "EUR"}
    assert quoted["billed_until"] == "2026-04-02T09:00:00.000Z"
    assert quoted["amount_per_billing_period"] == {"amount": 7_500, "currency": "EUR"}
    assert quoted["amount_at_renewal"] == {"amount": 90_000, "currency": "EUR"}
    assert quoted["term_share"]["days_in_term"] == 365


def test_r24_billing_periods_have_to_fill_the_term(app: Flask) -> None:
    order = {
        "product": "sales",
        "tier": "starter",
        "interval": "month",
        "interval_count": 12,
        "billing_interval": "month",
        "billing_interval_count": 5,
        "seats": [],
    }

    answer = calling(app, an_account()).post("subscriptions", order, key="order")

    assert _refusal(answer) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"] == "/billing_interval"
