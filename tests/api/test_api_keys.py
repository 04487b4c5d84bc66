"""API keys and session tokens over HTTP (R10)."""

import pytest
from flask import Flask

from licensing.rules.permissions import Scope
from tests.http import Calling, a_client, calling, signed_in
from tests.world import Hands, an_account


def test_a_key_is_made_and_its_token_shown_once(app: Flask) -> None:
    account = an_account()
    api = calling(app, account, Scope.ADMIN, bound=False)
    body = {"name": "reader", "scopes": ["read"], "account_id": account.id}

    made = api.post("/v1/api-keys", body)

    reader = Calling(a_client(app), made.json["token"], account.id)
    assert made.status_code == 201
    assert reader.get("pools").status_code == 200
    assert reader.post("removals", {"seat_type": "core", "quantity": 1}).status_code == 403
    listed = api.get("/v1/api-keys").json["items"]
    assert made.json["id"] in [key["id"] for key in listed]
    assert all("token" not in key for key in listed)


def test_a_revoked_key_ends_at_once(app: Flask) -> None:
    account = an_account()
    api = calling(app, account, bound=False)
    made = api.post("/v1/api-keys", {"name": "lost", "scopes": ["read"]}).json
    lost = Calling(a_client(app), made["token"], account.id)

    revoked = api.delete(f"/v1/api-keys/{made['id']}")

    assert revoked.status_code == 204
    assert lost.get("pools").status_code == 401
    rotated = api.post(f"/v1/api-keys/{made['id']}/rotation")
    assert (rotated.status_code, rotated.json["code"]) == (409, "key_not_live")


def test_a_rotated_key_works_with_both_tokens_for_the_overlap(app: Flask, hands: Hands) -> None:
    account = an_account()
    api = calling(app, account, bound=False)
    made = api.post("/v1/api-keys", {"name": "billing", "scopes": ["read"]}).json

    rotated = api.post(f"/v1/api-keys/{made['id']}/rotation", {"overlap_seconds": 60}).json

    old = Calling(a_client(app), made["token"], account.id)
    new = Calling(a_client(app), rotated["token"], account.id)
    assert (old.get("pools").status_code, new.get("pools").status_code) == (200, 200)
    hands.move(seconds=60)
    assert (old.get("pools").status_code, new.get("pools").status_code) == (401, 200)


def test_a_back_end_makes_a_session_for_its_user(app: Flask) -> None:
    account = an_account()
    admin = account.user_admin
    body = {"account_id": account.id, "user_id": admin.id, "expires_in": 300}

    made = calling(app, account, Scope.ACCOUNTS).post("/v1/session-tokens", body)

    browser = Calling(a_client(app), made.json["token"], account.id)
    assert made.json["expires_at"] == "2026-03-02T09:05:00.000Z"
    assert browser.get(f"users/{admin.id}").json["permissions"] == ["manage_users"]


@pytest.mark.parametrize("seconds", [0, 299, 12 * 3600 + 1])
def test_a_session_lasts_five_minutes_to_twelve_hours(app: Flask, seconds: int) -> None:
    account = an_account()
    body = {"account_id": account.id, "user_id": account.user(), "expires_in": seconds}

    answer = calling(app, account).post("/v1/session-tokens", body)

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/expires_in")


def test_r13_a_deactivated_user_has_no_session(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = signed_in(app, account, priya)
    account.deactivate(priya)
    body = {"account_id": account.id, "user_id": priya}

    made = calling(app, account).post("/v1/session-tokens", body)

    assert (made.status_code, made.json["code"]) == (409, "user_not_active")
    assert api.get("pools").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("Basic dXNlcjpwYXNz", id="another scheme"),
        pytest.param("Bearer", id="no token"),
        pytest.param("Bearer sk_1_2", id="a wrong key"),
        pytest.param("Bearer " + "x" * 5000, id="endless"),
        pytest.param("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", id="an unsigned token"),
        pytest.param("Bearer sk_ü_x", id="not ASCII"),
    ],
)
def test_whoever_has_no_valid_token_is_told_what_is_wanted(app: Flask, header: str) -> None:
    account = an_account()
    headers = {"Authorization": header.encode().decode("latin-1")}

    answer = a_client(app).get(f"/v1/accounts/{account.id}/pools", headers=headers)

    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="seatkeeper"')
