"""Users in bulk, and their activity, over HTTP (R9, R16, R27)."""

import json
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from licensing.rules.permissions import Scope
from tests.http import Calling, calling
from tests.world import an_account

HEADER = "email,name,permissions,seat_types,partner_eligible,external_id,status"


def sent(api: Calling, path: str, text: str, content_type: str = "text/csv") -> TestResponse:
    return api.client.post(
        f"/v1/accounts/{api.account_id}/{path}",
        data=text.encode(),
        content_type=content_type,
        headers=api.headers,
    )


def test_r16_users_come_as_csv_or_as_json(app: Flask) -> None:
    account = an_account(core=4)
    account.subscribe("sales", seats={"core": 1, "sales": 2})
    api = calling(app, account)
    rows = [
        HEADER,
        "priya@example.com,Priya,manage_users; modify_billing,core;sales,,crm-1,active",
        '"noah@example.com","Becker, Noah",,,true,,',
    ]
    lines: list[dict[str, Any]] = [
        {
            "email": "lena@example.com",
            "name": "Lena",
            "permissions": ["manage_users"],
            "seat_types": ["core"],
        },
        {"email": "felix@example.com", "name": "Felix", "status": "active", "seat_types": []},
    ]

    rehearsed = sent(api, "user-batches?dry_run=true", "\r\n".join(rows))
    assert account.happened() == []
    as_csv = sent(api, "user-batches", "\r\n".join(rows))
    as_json = api.post("user-batches", {"lines": lines})

    assert [a.status_code for a in (rehearsed, as_csv, as_json)] == [200, 200, 200]
    numbers = {name: as_csv.json[name] for name in ("applied", "changed", "unchanged", "refused")}
    assert numbers == {"applied": True, "changed": 2, "unchanged": 0, "refused": 0}
    priya, noah = (line["user"] for line in as_csv.json["lines"])
    assert priya["permissions"] == ["manage_users", "modify_billing"]
    assert [seat["seat_type"] for seat in priya["seats"]] == ["core", "sales"]
    assert (noah["name"], noah["status"], noah["partner_eligible"]) == (
        "Becker, Noah",
        "invited",
        True,
    )
    assert api.get(f"users/{priya['id']}").json == priya
    assert rehearsed.json["lines"][0] == {
        "line": 1,
        "outcome": "changed",
        "user": None,
        "problem": None,
    }
    (lena, felix) = (line["user"] for line in as_json.json["lines"])
    assert ([s["seat_type"] for s in lena["seats"]], len(felix["seats"])) == (["core"], 1)


def test_r16_what_is_wrong_with_a_line_is_told(app: Flask) -> None:
    account = an_account(core=1)
    account.user(email="taken@example.com")
    api = calling(app, account)
    rows = [
        HEADER,
        "taken@example.com,T,,,,,",
        "a@example.com,A,,core,,,",
        "b@example.com,B,,core,,,",
    ]

    whole = sent(api, "user-batches", "\n".join(rows))
    part = sent(api, "user-batches?on_error=continue", "\n".join(rows))
    malformed = sent(api, "user-batches", f"{HEADER}\nx,,,core;;,perhaps,,gone\n")
    unknown = sent(api, "user-batches", "email,title\n")

    assert (whole.status_code, whole.json["code"]) == (409, "batch_refused")
    assert [(line["line"], line["code"]) for line in whole.json["lines"]] == [
        (1, "email_taken"),
        (3, "no_seat_available"),
    ]
    assert [line["outcome"] for line in part.json["lines"]] == ["refused", "changed", "refused"]
    assert part.json["lines"][2]["problem"]["purchased"] == 1
    pointers = {error["pointer"] for error in malformed.json["errors"]}
    assert pointers == {
        f"/lines/0/{n}" for n in ("email", "name", "partner_eligible", "status")
    } | {
        "/lines/0/seat_types/1",
        "/lines/0/seat_types/2",
    }
    assert all(error["detail"].startswith("Line 2: ") for error in malformed.json["errors"])
    assert "there is no column 'title'" in unknown.text


def test_r16_a_batch_has_at_most_a_thousand_lines_and_a_mebibyte(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    lines = [{"email": f"u{n}@example.com", "name": "x" * 60} for n in range(1000)]

    many = api.post("user-batches?dry_run=true", {"lines": lines})
    too_many = api.post("user-batches", {"lines": [*lines, lines[0]]})
    too_large = sent(
        api, "user-batches", json.dumps({"lines": []}) + " " * 2**20, "application/json"
    )
    none = [api.post(path, {"lines": []}) for path in ("user-batches", "activity")]

    assert (many.status_code, many.json["changed"]) == (200, 1000)
    assert too_many.json["errors"][0]["pointer"] == "/lines"
    assert (too_large.status_code, too_large.json["code"]) == (413, "payload_too_large")
    assert [answer.status_code for answer in none] == [422, 422]


def test_r27_activity_of_many_is_noted_and_told_by_line(app: Flask) -> None:
    account = an_account()
    priya = account.user(email="priya@example.com")
    api = calling(app, account, Scope.USERS)
    lines = [
        {"user_id": priya, "at": "2026-03-01T09:00:00Z"},
        {"email": "PRIYA@example.com", "at": "2026-02-01T09:00:00Z"},
        {"email": "nobody@example.com"},
        {"user_id": priya, "at": "2027-01-01T00:00:00Z"},
    ]

    as_json = api.post("activity", {"lines": lines})
    as_csv = sent(api, "activity", f"user_id,at\n{priya},2026-03-02T08:00:00Z\n")
    both = api.post("activity", {"lines": [{"user_id": priya, "email": "p@example.com"}, {}]})

    assert as_json.status_code == 200
    assert {k: as_json.json[k] for k in ("changed", "unchanged", "refused")} == {
        "changed": 1,
        "unchanged": 1,
        "refused": 2,
    }
    codes = [line["problem"] and line["problem"]["code"] for line in as_json.json["lines"]]
    assert codes == [None, None, "not_found", "validation_failed"]
    assert as_csv.json["changed"] == 1
    assert {error["pointer"] for error in both.json["errors"]} == {
        "/lines/0/email",
        "/lines/1/user_id",
    }
    assert api.get(f"users/{priya}").json["last_active_at"] == "2026-03-02T08:00:00.000Z"
    assert account.happened() == []


def test_r27_who_is_at_work_can_be_changed_and_is_seen_to_be_active(app: Flask) -> None:
    account = an_account()
    priya = account.user()
    api = calling(app, account)
    seen = api.get(f"users/{priya}").headers["ETag"]

    api.post(f"users/{priya}/activity", {})
    active = api.get(f"users/{priya}", **{"If-None-Match": seen})
    unchanged = api.get(f"users/{priya}", **{"If-None-Match": active.headers["ETag"]})
    changed = api.patch(f"users/{priya}", {"name": "Priya R."}, if_match=seen)
    again = api.patch(f"users/{priya}", {"name": "P"}, if_match=active.headers["ETag"])

    assert (active.status_code, unchanged.status_code) == (200, 304)
    assert (changed.status_code, again.status_code) == (200, 412)


def test_r9_entitlements_are_asked_again_for_nothing_while_they_stand(app: Flask) -> None:
    account = an_account()
    priya = account.user()
    api = calling(app, account)
    body = {"user_ids": [priya]}
    paths = (f"users/{priya}/entitlements", f"users/{priya}/entitlements/contacts")
    query = "entitlements/query"

    first = [*(api.get(path) for path in paths), api.post(query, body)]

    def asked_again() -> list[int]:
        known = [{"If-None-Match": answer.headers["ETag"]} for answer in first]
        gets = [api.get(path, **tag) for path, tag in zip(paths, known[:2], strict=True)]
        return [a.status_code for a in (*gets, api.send("POST", query, body, known[2]))]

    assert {answer.headers["Cache-Control"] for answer in first} == {"private, max-age=5"}
    assert {answer.headers["Vary"] for answer in first} == {"Authorization, Origin"}
    assert asked_again() == [304, 304, 304]
    api.post("seats", {"user_id": priya, "seat_type": "core"})
    assert asked_again() == [200, 200, 200]
