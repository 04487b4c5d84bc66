"""API keys and session tokens over HTTP (R10)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Scope
from licensing.sessions import LONGEST, mint
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


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"name": ""}, "/name", id="no name"),
        pytest.param({"scopes": []}, "/scopes", id="no scope"),
        pytest.param({"scopes": ["root"]}, "/scopes/0", id="an unknown scope"),
        pytest.param({"scopes": "read"}, "/scopes", id="no list"),
        pytest.param({"expires_at": "2026-03-02T09:00:00Z"}, "/expires_at", id="ended already"),
        pytest.param({"token": "sk_a_b"}, "/token", id="a token of one's own"),
    ],
)
def test_what_is_no_key_is_refused_at_the_member(
    app: Flask, changes: dict[str, Any], pointer: str
) -> None:
    api = calling(app, an_account())

    answer = api.post("/v1/api-keys", {"name": "x", "scopes": ["read"]} | changes)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert len(api.get("/v1/api-keys").json["items"]) == 1


def test_a_bound_key_makes_keys_for_its_own_account(app: Flask) -> None:
    account, other = an_account(), an_account()
    api = calling(app, account)

    own = api.post("/v1/api-keys", {"name": "x", "scopes": ["admin"]})
    foreign = api.post("/v1/api-keys", {"name": "x", "scopes": ["read"], "account_id": other.id})

    assert own.json["account_id"] == account.id
    assert (foreign.status_code, foreign.json["code"]) == (404, "not_found")
    assert {key["account_id"] for key in api.get("/v1/api-keys").json["items"]} == {account.id}


def test_a_key_works_until_it_expires(app: Flask, hands: Hands) -> None:
    account = an_account()
    body = {"name": "x", "scopes": ["read"], "expires_at": "2026-03-02T10:00:00Z"}
    api = calling(app, account)
    made = api.post("/v1/api-keys", body).json
    reader = Calling(a_client(app), made["token"], account.id)

    hands.move(seconds=3599)
    before = reader.get("pools")
    hands.move(seconds=1)
    after, rotated = reader.get("pools"), api.post(f"/v1/api-keys/{made['id']}/rotation")

    assert (before.status_code, after.status_code) == (200, 401)
    assert (rotated.status_code, rotated.json["key_status"]) == (409, "expired")


@pytest.mark.parametrize("seconds", [-1, 14 * 24 * 3600 + 1, True, 1.5, "60", None])
def test_an_overlap_is_fourteen_days_at_most(app: Flask, seconds: Any) -> None:
    account = an_account()
    api = calling(app, account)
    key = api.post("/v1/api-keys", {"name": "x", "scopes": ["read"]}).json

    answer = api.post(f"/v1/api-keys/{key['id']}/rotation", {"overlap_seconds": seconds})

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert Calling(a_client(app), key["token"], account.id).get("pools").status_code == 200


def test_without_an_overlap_the_former_token_ends_at_once(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    key = api.post("/v1/api-keys", {"name": "x", "scopes": ["read"]}).json

    rotated = api.post(f"/v1/api-keys/{key['id']}/rotation", {"overlap_seconds": 0}).json

    answers = [
        Calling(a_client(app), made["token"], account.id).get("pools") for made in (key, rotated)
    ]
    assert [answer.status_code for answer in answers] == [401, 200]
    assert (rotated["id"], rotated["version"]) == (key["id"], key["version"] + 1)


def test_a_second_rotation_ends_the_oldest_token(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    made = [api.post("/v1/api-keys", {"name": "x", "scopes": ["read"]}).json]

    for _ in range(2):
        made.append(api.post(f"/v1/api-keys/{made[0]['id']}/rotation").json)

    callers = [Calling(a_client(app), key["token"], account.id) for key in made]
    assert [caller.get("pools").status_code for caller in callers] == [401, 200, 200]


def test_a_key_is_revoked_once_and_stays_in_the_list(app: Flask, hands: Hands) -> None:
    account = an_account()
    api = calling(app, account)
    key = api.post("/v1/api-keys", {"name": "x", "scopes": ["read"]}).json

    first = api.delete(f"/v1/api-keys/{key['id']}")
    hands.move(days=1)
    again = api.delete(f"/v1/api-keys/{key['id']}")

    (listed,) = [k for k in api.get("/v1/api-keys").json["items"] if k["id"] == key["id"]]
    assert (first.status_code, again.status_code) == (204, 204)
    assert listed["revoked_at"] == "2026-03-02T09:00:00.000Z"


def test_an_unknown_key_is_not_found(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)

    for answer in (api.delete("/v1/api-keys/key_0"), api.post("/v1/api-keys/key_0/rotation")):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("seconds", [300, 12 * 3600])
def test_a_session_ends_when_its_time_is_over(app: Flask, hands: Hands, seconds: int) -> None:
    account = an_account()
    body = {"account_id": account.id, "user_id": account.user(), "expires_in": seconds}
    made = calling(app, account).post("/v1/session-tokens", body)
    browser = Calling(a_client(app), made.json["token"], account.id)

    hands.move(seconds=seconds - 1)
    before = browser.get("pools")
    hands.move(seconds=1)
    after = browser.get("pools")

    assert made.status_code == 201
    assert (before.status_code, after.status_code) == (200, 401)


@pytest.mark.parametrize("status", ["invited", "deactivated"])
def test_r13_only_an_active_user_gets_a_session(app: Flask, status: str) -> None:
    account = an_account()
    priya = account.user("Priya", status="invited" if status == "invited" else "active")
    if status == "deactivated":
        account.deactivate(priya)
    body = {"account_id": account.id, "user_id": priya}

    answer = calling(app, account).post("/v1/session-tokens", body)

    assert (answer.status_code, answer.json["code"]) == (409, "user_not_active")
    assert answer.json["user_status"] == status


def test_r14_the_session_of_a_deleted_user_is_over(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = signed_in(app, account, priya)

    calling(app, account).delete(f"users/{priya}")

    assert api.get("pools").status_code == 401


def test_a_changed_session_token_is_nobody(app: Flask) -> None:
    account = an_account()
    token, _ = mint(account.id, account.user(), LONGEST)
    header, claims, signature = token.split(".")
    changed = [
        f"{header}.{claims}.",
        f"{header}.{claims[:-4]}AAAA.{signature}",
        f"{header}.{claims}.{signature[::-1]}",
        f"eyJhbGciOiJub25lIn0.{claims}.",
        token + "x",
    ]

    answers = [Calling(a_client(app), forged, account.id).get("pools") for forged in changed]

    assert [answer.status_code for answer in answers] == [401] * len(changed)
    assert Calling(a_client(app), token, account.id).get("pools").status_code == 200
