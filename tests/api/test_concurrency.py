"""Versions over HTTP (RFC 9110): what is known is not sent again, a change overwrites none."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.http import Calling, calling, document
from tests.webhooks import rows
from tests.world import AnAccount, an_account

# For each PATCH: the path, a change of something, and whether it needs a condition.
CHANGES: dict[str, tuple[str, dict[str, Any], bool]] = {
    "updateAccount": ("/v1/accounts/{account_id}", {"name": "Acme & Sons"}, False),
    "updateUser": ("users/{user_id}", {"name": "Priya R."}, False),
    "changeSeat": ("seats/{seat_id}", {"seat_type": "sales"}, False),
    "updatePool": ("pools/{pool_id}", {"minimum": 1}, True),
    "updateWebhookEndpoint": (
        "/v1/webhook-endpoints/{endpoint_id}",
        {"description": "Billing"},
        True,
    ),
    "updateSubscription": ("subscriptions/{subscription_id}", {"external_id": "sub-1"}, True),
}
CONDITIONAL = [pytest.param(*CHANGES[name], id=name) for name in CHANGES]
NO_STRONG_ETAG = [
    pytest.param("", id="empty"),
    pytest.param("*", id="any version"),
    pytest.param("v1", id="without quotes"),
    pytest.param('"1"', id="without a v"),
    pytest.param('"v0"', id="a version that cannot be"),
    pytest.param('"v-1"', id="a negative one"),
    pytest.param('"v1', id="half of one"),
    pytest.param('"v1", "v2"', id="two of them"),
    pytest.param('"v' + "9" * 30 + '"', id="endless"),
    pytest.param('"v\u0661"', id="another script's digit"),
]


def _scene(account: AnAccount) -> dict[str, str]:
    account.subscribe("sales", seats={"sales": 1})
    priya = account.user("Priya", seats=["core"])
    pool = account.pool("core")
    return {
        "account_id": account.id,
        "user_id": priya,
        "seat_id": account.seat(priya, "core"),
        "pool_id": pool["id"],
        "subscription_id": pool["subscription_id"],
        "endpoint_id": rows.endpoint("whe_seen", account_id=account.id).id,
    }


def _filled(path: str, scene: dict[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda m: scene[m[1]], path)


def _etag(api: Calling, path: str) -> str:
    return str(api.get(path).headers["ETag"])


def test_the_table_has_every_patch(app: Flask) -> None:
    patches = {
        operations["patch"]["operationId"]
        for operations in document(app)["paths"].values()
        if "patch" in operations
    }

    assert set(CHANGES) == patches


@pytest.mark.parametrize(("path", "change", "required"), CONDITIONAL)
def test_a_change_of_what_was_seen_gives_the_next_version(
    app: Flask, path: str, change: dict[str, Any], required: bool
) -> None:
    account = an_account()
    path, api = _filled(path, _scene(account)), calling(app, account)
    seen = _etag(api, path)

    answer = api.patch(path, change, seen)

    assert answer.status_code == 200
    assert answer.headers["ETag"] == f'"v{answer.json["version"]}"' != seen
    assert _etag(api, path) == answer.headers["ETag"]


@pytest.mark.parametrize(("path", "change", "required"), CONDITIONAL)
def test_a_change_of_what_has_changed_is_refused_with_the_present_version(
    app: Flask, path: str, change: dict[str, Any], required: bool
) -> None:
    account = an_account()
    path, api = _filled(path, _scene(account)), calling(app, account)
    present = _etag(api, path)
    account.from_here()

    for stale in ('"v999"', '"v999999999999999999"'):
        answer = api.patch(path, change, stale)

        assert (answer.status_code, answer.json["code"]) == (412, "precondition_failed")
        assert answer.headers["ETag"] == present
        assert f'"v{answer.json["version"]}"' == present
    assert (_etag(api, path), account.happened()) == (present, [])


@pytest.mark.parametrize(("path", "change", "required"), CONDITIONAL)
def test_a_change_without_a_condition_is_refused_where_one_is_needed(
    app: Flask, path: str, change: dict[str, Any], required: bool
) -> None:
    account = an_account()
    path, api = _filled(path, _scene(account)), calling(app, account)
    account.from_here()

    answer = api.patch(path, change)

    if required:
        assert (answer.status_code, answer.json["code"]) == (428, "precondition_required")
        assert account.happened() == []
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize("tag", NO_STRONG_ETAG)
@pytest.mark.parametrize(("path", "change", "required"), CONDITIONAL)
def test_a_condition_that_is_no_strong_etag_is_malformed(
    app: Flask, path: str, change: dict[str, Any], required: bool, tag: str
) -> None:
    account = an_account()
    path, api = _filled(path, _scene(account)), calling(app, account)
    account.from_here()
    headers = {"If-Match": tag.encode().decode("latin-1")}

    answer = api.send("PATCH", path, change, headers)

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_header")
    assert (answer.json["header"], account.happened()) == ("If-Match", [])


@pytest.mark.parametrize(("path", "change", "required"), CONDITIONAL)
def test_a_read_of_what_is_known_has_no_body(
    app: Flask, path: str, change: dict[str, Any], required: bool
) -> None:
    account = an_account()
    path, api = _filled(path, _scene(account)), calling(app, account)
    seen = _etag(api, path)

    for known in (seen, f"W/{seen}", f'"other", {seen}', f'{seen},"v999"', "*"):
        answer = api.get(path, **{"If-None-Match": known})

        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == seen
        assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(("path", "change", "required"), CONDITIONAL)
def test_a_read_of_what_is_not_known_has_a_body(
    app: Flask, path: str, change: dict[str, Any], required: bool
) -> None:
    account = an_account()
    path, api = _filled(path, _scene(account)), calling(app, account)
    seen = _etag(api, path)
    api.patch(path, change, seen)

    for unknown in (seen, '"v999"', "v1", "", "nonsense, more nonsense"):
        answer = api.get(path, **{"If-None-Match": unknown})

        assert answer.status_code == 200
        assert answer.headers["ETag"] == f'"v{answer.json["version"]}"'


def test_of_two_who_saw_the_same_version_one_wins(app: Flask) -> None:
    account = an_account()
    pool = account.pool("core")
    api, path = calling(app, account), f"pools/{pool['id']}"
    seen = _etag(api, path)

    answers = [api.patch(path, {"minimum": minimum}, seen) for minimum in (1, 2)]

    assert [answer.status_code for answer in answers] == [200, 412]
    assert account.pool("core")["minimum"] == 1


@pytest.mark.parametrize("number", ["purchased", "assigned", "scheduled_removal"])
def test_r28_a_pool_has_a_new_version_with_each_of_its_numbers(app: Flask, number: str) -> None:
    account = an_account()
    priya = account.user("Priya")
    api, path = calling(app, account), f"pools/{account.pool('core')['id']}"
    seen = _etag(api, path)
    count = {"seat_type": "core", "quantity": 1}

    if number == "purchased":
        api.post("purchases", count, key="a")
    elif number == "assigned":
        api.post("seats", {"user_id": priya, "seat_type": "core"})
    else:
        api.post("removals", count)

    assert _etag(api, path) != seen
    assert api.patch(path, {"minimum": 1}, seen).status_code == 412


def test_r15_a_transferred_seat_has_a_new_version(app: Flask) -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    api, path = calling(app, account), f"seats/{account.seat(priya, 'core')}"
    seen = _etag(api, path)

    api.post("transfers", {"seat_id": account.seat(priya, "core"), "to_user_id": noah})

    assert api.patch(path, {"seat_type": "sales"}, seen).status_code == 412


def test_a_removal_tells_its_version(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    made = api.post("removals", {"seat_type": "core", "quantity": 2})
    path = f"removals/{made.json['id']}"

    known = api.get(path, **{"If-None-Match": made.headers["ETag"]})
    reduced = api.post(f"{path}/cancellation", {"quantity": 1})

    assert known.status_code == 304
    assert reduced.headers["ETag"] == _etag(api, path) != made.headers["ETag"]


def test_what_is_not_found_has_no_version(app: Flask) -> None:
    account = an_account()

    answer = calling(app, account).get("users/usr_none", **{"If-None-Match": "*"})

    assert answer.status_code == 404
    assert "ETag" not in answer.headers
