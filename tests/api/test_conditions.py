"""Conditional reads and changes (RFC 9110), and lists."""

import pytest
from flask import Flask

from licensing.rules.permissions import Scope
from tests.http import calling, signed_in
from tests.world import an_account


def test_a_read_of_what_is_known_is_answered_in_short(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)
    etag = api.get(f"users/{priya}").headers["ETag"]

    known = api.get(f"users/{priya}", **{"If-None-Match": f'"v900", {etag}'})
    account.deactivate(priya)
    changed = api.get(f"users/{priya}", **{"If-None-Match": etag})

    assert (known.status_code, known.data, known.headers["ETag"]) == (304, b"", etag)
    assert changed.status_code == 200


def test_a_user_has_a_new_version_when_the_seats_change(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)
    before = api.get(f"users/{priya}").headers["ETag"]

    api.post("seats", {"user_id": priya, "seat_type": "core"})

    assert api.get(f"users/{priya}").headers["ETag"] != before


def test_a_change_of_what_has_changed_is_refused_with_the_current_version(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)
    old = api.get(f"users/{priya}").headers["ETag"]
    new = api.patch(f"users/{priya}", {"name": "P."}, old).headers["ETag"]

    stale = api.patch(f"users/{priya}", {"name": "Q."}, old)

    assert (stale.status_code, stale.json["code"]) == (412, "precondition_failed")
    assert stale.headers["ETag"] == new
    assert account.shown(priya)["name"] == "P."


def test_r27_a_user_who_is_at_work_can_be_changed_and_is_seen_to_be(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)
    before = api.get(f"users/{priya}").headers["ETag"]
    api.post(f"users/{priya}/activity", {})

    read = api.get(f"users/{priya}", **{"If-None-Match": before})
    api.post(f"users/{priya}/activity", {})
    known = api.get(f"users/{priya}", **{"If-None-Match": read.headers["ETag"]})
    changed = [api.patch(f"users/{priya}", {"name": "P."}, before)]
    changed += [api.patch(f"users/{priya}", {"name": "Q."}, read.headers["ETag"])]

    assert (read.status_code, read.json["last_active_at"]) == (200, "2026-03-02T09:00:00.000Z")
    assert known.status_code == 304
    assert [answer.status_code for answer in changed] == [200, 412]


@pytest.mark.parametrize("what", ["pools", "subscriptions"])
def test_what_the_contract_is_made_of_is_changed_on_a_condition_only(app: Flask, what: str) -> None:
    account = an_account()
    api = calling(app, account)
    pool = account.pool("core")
    path = f"{what}/{pool['id'] if what == 'pools' else pool['subscription_id']}"

    without = api.patch(path, {"external_id": "x"})
    stale = api.patch(path, {"external_id": "x"}, '"v900"')

    assert (without.status_code, without.json["code"]) == (428, "precondition_required")
    assert (stale.status_code, stale.json["code"]) == (412, "precondition_failed")


@pytest.mark.parametrize(
    "tag", ["*", "v1", 'w/"v1"', '"1"', '"v1", "v2"', '"v0"', '"v1.2"', "W/", ""]
)
def test_a_condition_that_is_no_etag_is_refused(app: Flask, tag: str) -> None:
    account = an_account()
    path = f"users/{account.user()}"

    answer = calling(app, account).send("PATCH", path, {"name": "X"}, {"If-Match": tag})

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_header")


def test_a_stale_change_is_answered_with_all_that_a_page_needs_to_go_on(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)
    seen = api.get(f"users/{priya}")
    newer = api.patch(f"users/{priya}", {"name": "P."}, seen.headers["ETag"])

    stale = api.patch(f"users/{priya}", {"name": "Q."}, seen.headers["ETag"])
    again = api.patch(f"users/{priya}", {"name": "Q."}, stale.headers["ETag"])

    assert (stale.status_code, stale.json["version"]) == (412, newer.json["version"])
    assert stale.headers["ETag"] == newer.headers["ETag"] == f'"v{newer.json["version"]}"'
    assert (again.status_code, again.json["name"]) == (200, "Q.")


def test_an_etag_that_a_proxy_made_weak_is_as_good(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)
    weak = "W/" + api.get(f"users/{priya}").headers["ETag"]

    known = api.get(f"users/{priya}", **{"If-None-Match": weak})
    done = api.patch(f"users/{priya}", {"name": "P."}, weak)
    stale = api.patch(f"users/{priya}", {"name": "Q."}, weak)

    assert (known.status_code, done.status_code, stale.status_code) == (304, 200, 412)


def test_what_is_known_may_be_one_of_several_tags(app: Flask) -> None:
    account = an_account()
    path = f"users/{account.user()}"
    api = calling(app, account)
    etag = api.get(path).headers["ETag"]
    known = ("*", etag, f"W/{etag}", f'"x", W/{etag}', f'"x",{etag},"y"', f"  {etag}  ")
    unknown = ('"v900"', etag.strip('"'), f"{etag}x", "w/" + etag, '"x" "y"', "", ",,", "W/")

    statuses = [api.get(path, **{"If-None-Match": tag}).status_code for tag in (*known, *unknown)]

    assert statuses == [304] * len(known) + [200] * len(unknown)


def test_a_list_is_walked_through_without_repeats_while_it_grows(app: Flask) -> None:
    account = an_account()
    users = [account.user() for _ in range(5)]
    api = calling(app, account)
    seen, cursor = [], ""

    while True:
        page = api.get(f"users?limit=2{cursor}").json
        seen += [user["id"] for user in page["items"]]
        if len(users) < 8:
            users.append(account.user())
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert seen == users


def test_the_total_is_counted_when_asked_for(app: Flask) -> None:
    account = an_account()
    for _ in range(3):
        account.user()
    api = calling(app, account)

    assert "total" not in api.get("users?limit=1").json
    assert api.get("users?limit=1&include_total=true").json["total"] == 3


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1.5",
        "limit=100000000000000000000",
        "limit=٣",
        "limit=1&limit=2",
        "limti=3",
        "include_total=yes",
        "status=gone",
        "email=%00",
        "email=",
    ],
)
def test_a_query_that_is_not_as_the_contract_says_is_refused(app: Flask, query: str) -> None:
    account = an_account()

    answer = calling(app, account).get(f"users?{query}")

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["location"] == "query"
    assert answer.json["errors"][0]["pointer"] == "/" + query.partition("=")[0]


def test_a_query_that_is_no_utf_8_is_refused(app: Flask) -> None:
    account = an_account()

    answer = calling(app, account).get("users?email=%ff%fe")

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_query")


def test_a_cursor_is_good_for_its_list_its_filters_and_its_tenant_only(app: Flask) -> None:
    account, other = an_account(), an_account()
    for stage in (account, other):
        stage.user()
        stage.user()
    api = calling(app, account, bound=False)
    cursor = api.get("users?limit=1").json["next_cursor"]

    answers = [
        api.get(f"users?limit=1&status=active&cursor={cursor}"),
        api.get(f"seats?limit=1&cursor={cursor}"),
        api.get(f"/v1/accounts/{other.id}/users?limit=1&cursor={cursor}"),
        api.get(f"users?cursor={cursor[:-2]}AA"),
        api.get("users?cursor=nonsense"),
        api.get("users?cursor=%3D%3D"),
    ]

    assert [(a.status_code, a.json["code"]) for a in answers] == [(400, "invalid_cursor")] * 6
    assert api.get(f"users?limit=1&cursor={cursor}").status_code == 200


def test_an_empty_list_of_an_account_that_does_not_exist_is_not_found(app: Flask) -> None:
    account = an_account()
    api = calling(app, account, Scope.READ, Scope.USERS, Scope.BILLING, Scope.SEATS, bound=False)
    api.account_id = "acc_none"

    for path in ("users", "seats", "pools", "subscriptions", "events", "purchases", "removals"):
        assert api.get(path).status_code == 404


def test_a_viewer_walks_through_the_lists_that_are_open_to_him(app: Flask) -> None:
    account = an_account()
    api = signed_in(app, account, account.user())

    for path in ("users", "seats", "pools", "subscriptions"):
        assert api.get(path).status_code == 200
