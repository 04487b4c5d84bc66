"""What a user may do, over HTTP (R5 to R7, R9)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import Calling, calling, nobody, signed_in
from tests.world import Hands, a_free_account, an_account


def _everything_is_none(features: dict[str, str]) -> bool:
    return set(features.values()) == {"none"}


def test_r9_a_user_asks_about_oneself_without_any_permission(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    api = signed_in(app, account, priya)

    every, one = api.get(f"users/{priya}/entitlements"), api.get(f"users/{priya}/entitlements/blog")

    assert (every.status_code, one.status_code) == (200, 200)
    assert every.json["user_id"] == priya
    assert every.json["features"]["blog"] == one.json["level"]


@pytest.mark.parametrize(
    ("permission", "status"),
    [
        pytest.param(Permission.MANAGE_USERS, 200, id="who manages users"),
        pytest.param(Permission.SUPER_ADMIN, 200, id="a super admin"),
        pytest.param(Permission.MODIFY_BILLING, 403, id="not who only buys"),
    ],
)
def test_r9_who_may_ask_about_others(app: Flask, permission: Permission, status: int) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    api = signed_in(app, account, account.actor(permission).id)

    answers = [api.get(f"users/{priya}/entitlements{of}") for of in ("", "/contacts")]

    assert [answer.status_code for answer in answers] == [status, status]


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        pytest.param(Scope.READ, 200, id="a reading key"),
        pytest.param(Scope.ADMIN, 200, id="an admin key"),
        pytest.param(Scope.USERS, 403, id="not a key for users"),
        pytest.param(Scope.SEATS, 403, id="not a key for seats"),
    ],
)
def test_r9_which_keys_may_ask(app: Flask, scope: Scope, status: int) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    api = calling(app, account, scope)

    answers = [api.get(f"users/{priya}/entitlements{of}") for of in ("", "/contacts")]

    assert [answer.status_code for answer in answers] == [status, status]


def test_r9_nobody_asks_without_a_token(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")

    answer = nobody(app, account).get(f"users/{priya}/entitlements")

    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


def test_r6_a_viewing_seat_reads_but_not_what_is_closed_to_it(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")

    answer = calling(app, account).get(f"users/{priya}/entitlements").json

    assert answer["seat_types"] == ["view_only"]
    assert answer["features"]["contacts"] == "view"
    assert (answer["features"]["forms"], answer["reasons"]["forms"]) == ("none", "seat_type")
    assert "edit" not in answer["features"].values()


def test_r5_advanced_features_need_the_special_seat(app: Flask) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah", seats=["sales"])
    api = calling(app, account)

    of_priya = api.get(f"users/{priya}/entitlements/forecasting").json
    of_noah = api.get(f"users/{noah}/entitlements/forecasting").json

    assert (of_priya["level"], of_priya["reason"]) == ("none", "seat_type")
    assert (of_noah["level"], of_noah["reason"]) == ("edit", None)


def test_r7_a_partner_may_do_everything_that_the_account_has(app: Flask) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    answer = calling(app, account).get(f"users/{dana}/entitlements").json

    assert answer["features"]["forecasting"] == "edit"
    assert answer["features"]["social_posts"] == "edit"
    assert answer["features"]["attribution"] == "none"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        pytest.param("deactivated", "deactivated", id="a deactivated user"),
        pytest.param("invited", "not_accepted", id="an invited user"),
        pytest.param("closed", "account_closed", id="a user of a closed account"),
    ],
)
def test_r9_whoever_is_not_in_use_may_do_nothing(app: Flask, state: str, reason: str) -> None:
    account = an_account()
    status = "invited" if state == "invited" else "active"
    priya = account.user("Priya", seats=["core"], status=status)
    if state == "deactivated":
        account.deactivate(priya)
    if state == "closed":
        account.close()

    answer = calling(app, account).get(f"users/{priya}/entitlements").json

    assert _everything_is_none(answer["features"])
    assert set(answer["reasons"].values()) == {reason}
    assert set(answer["reasons"]) == set(answer["features"])


def test_r9_every_level_is_the_same_asked_one_by_one(app: Flask) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    priya = account.user("Priya", seats=["core"])
    api = calling(app, account, Scope.READ)

    every = api.get(f"users/{priya}/entitlements").json
    one_by_one = [api.get(f"users/{priya}/entitlements/{f}").json for f in every["features"]]

    assert {one["feature"]: one["level"] for one in one_by_one} == every["features"]
    assert {one["feature"]: one["reason"] for one in one_by_one if one["reason"]} == every[
        "reasons"
    ]


def test_r9_a_new_seat_counts_at_once(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)
    before = api.get(f"users/{priya}/entitlements/email_campaigns").json["level"]

    api.post("seats", {"user_id": priya, "seat_type": "core"})

    after = api.get(f"users/{priya}/entitlements/email_campaigns").json["level"]
    assert (before, after) == ("view", "edit")


def test_r4_a_free_account_has_the_free_tools_only(app: Flask) -> None:
    account = a_free_account()
    priya = account.user("Priya")

    answer = calling(app, account).get(f"users/{priya}/entitlements").json

    assert answer["seat_types"] == ["free"]
    assert answer["features"]["contacts"] == "edit"
    assert answer["reasons"]["email_campaigns"] == "not_subscribed"


def test_r13_an_invitation_that_is_over_still_allows_nothing(app: Flask, hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited", seats=["core"])
    hands.move(days=20)

    answer = calling(app, account).get(f"users/{felix}/entitlements/contacts").json

    assert (answer["level"], answer["reason"]) == ("none", "not_accepted")


@pytest.mark.parametrize("path", ["usr_none/entitlements", "usr_none/entitlements/contacts"])
def test_the_entitlements_of_an_unknown_user_are_not_found(app: Flask, path: str) -> None:
    account = an_account()

    answer = calling(app, account).get(f"users/{path}")

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert answer.json["kind"] == "user"


def test_an_unknown_feature_is_not_found(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    answer = signed_in(app, account, priya).get(f"users/{priya}/entitlements/levitation")

    assert (answer.status_code, answer.json["kind"]) == (404, "feature")


def _query(api: Calling, *user_ids: str, **more: Any) -> Any:
    return api.post("entitlements/query", {"user_ids": list(user_ids)} | more)


def test_r9_many_users_are_answered_as_each_one_alone(app: Flask) -> None:
    account = an_account(core=10)
    account.subscribe("sales", seats={"sales": 3})
    people = [
        account.user("Priya", seats=["core"]),
        account.user("Noah", seats=["sales"]),
        account.user("Mei"),
        account.user("Felix", status="invited"),
    ]
    account.deactivate(people[2])
    api = calling(app, account)

    answer = _query(api, *reversed(people)).json

    assert answer["not_found"] == []
    assert answer["items"] == [
        api.get(f"users/{user_id}/entitlements").json for user_id in reversed(people)
    ]


def test_r9_many_users_can_be_asked_about_some_features(app: Flask) -> None:
    account = an_account(core=10)
    priya = account.user("Priya", seats=["core"])
    every = calling(app, account).get(f"users/{priya}/entitlements").json["features"]

    (item,) = _query(calling(app, account), priya, features=["contacts"]).json["items"]

    assert item["features"] == {"contacts": every["contacts"]}


def test_r9_users_of_another_account_are_not_found_among_many(app: Flask) -> None:
    account, other = an_account(core=1), an_account(core=1)
    priya, stranger = account.user("Priya"), other.user("Canary")

    answer = _query(calling(app, account), stranger, priya, "usr_none")

    assert [item["user_id"] for item in answer.json["items"]] == [priya]
    assert answer.json["not_found"] == [stranger, "usr_none"]
    assert "Canary" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"user_ids": []}, 422, "validation_failed"),
        ({"user_ids": ["usr_1"] * 501}, 422, "validation_failed"),
        ({"user_ids": ["usr_1"], "features": []}, 422, "validation_failed"),
        ({"user_ids": ["usr_1"], "features": ["teleporting"]}, 404, "not_found"),
        ({"user_ids": "usr_1"}, 422, "validation_failed"),
        ({}, 422, "validation_failed"),
    ],
)
def test_r9_what_cannot_be_asked_about_many_is_refused(
    app: Flask, body: dict[str, Any], status: int, code: str
) -> None:
    answer = calling(app, an_account()).post("entitlements/query", body)

    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_r9_a_user_asks_about_oneself_only(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user("Priya")

    assert _query(signed_in(app, account, priya), priya).status_code == 403


@pytest.mark.parametrize("path", ["entitlements", "entitlements/contacts"])
def test_r9_a_page_may_use_an_answer_again_for_a_while(app: Flask, path: str) -> None:
    account = an_account(core=1)
    priya = account.user("Priya")
    api = calling(app, account)
    path = f"users/{priya}/{path}"

    first = api.get(path)
    same = api.get(path, **{"If-None-Match": first.headers["ETag"]})
    api.post("seats", {"user_id": priya, "seat_type": "core"})
    other = api.get(path, **{"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "private, max-age=5"
    assert "Authorization" in first.headers["Vary"]
    assert (same.status_code, same.data) == (304, b"")
    assert same.headers["ETag"] == first.headers["ETag"] != other.headers["ETag"]
    assert other.status_code == 200
