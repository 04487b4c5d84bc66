"""The past over HTTP: figures of pools, seat-days, inactive seats, the log (R27 to R29)."""

import csv
from io import StringIO
from typing import Any

import pytest
from flask import Flask

from licensing.operations import assigning
from licensing.operations.deactivating import delete_user
from licensing.rules.permissions import Scope
from tests.http import Calling, calling
from tests.world import AnAccount, Hands, an_account

MARCH = "from=2026-03-01&to=2026-04-01"
SINCE = "inactive_since=2026-04-01T00:00:00Z"


def _scene(app: Flask, hands: Hands) -> tuple[AnAccount, Calling]:
    account = an_account(core=5, time_zone="Europe/Berlin")
    for name in ("=cmd|'/c calc'!A1", "Zoë", "Noah"):
        account.user(name, seats=["core"])
    hands.move(days=40)
    return account, calling(app, account, Scope.READ)


def _file(api: Calling, path: str) -> list[dict[str, str]]:
    answer = api.get(path, Accept="text/csv")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    return list(csv.DictReader(StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_r29_the_history_of_a_pool_is_ready_for_a_chart(app: Flask, hands: Hands) -> None:
    account, api = _scene(app, hands)
    path = f"pools/{account.pool('core')['id']}/history"

    shown = api.get(f"{path}?from=2026-03-01&to=2026-04-01&interval=month").json
    by_default = api.get(path).json

    assert (shown["seat_type"], shown["interval"]) == ("core", "month")
    assert [(point["at"], point["assigned"]) for point in shown["items"]] == [
        ("2026-02-28T23:00:00.000Z", 0),
        ("2026-03-31T22:00:00.000Z", 3),
    ]
    assert by_default["items"][0]["at"] == "2026-03-12T09:00:00.000Z"
    assert by_default["items"][-1]["at"] == "2026-04-11T09:00:00.000Z"
    assert len(by_default["items"]) == 32


def test_r29_seat_days_as_a_file_that_a_spreadsheet_can_open(app: Flask, hands: Hands) -> None:
    _, api = _scene(app, hands)
    page = api.get(f"seat-days?{MARCH}").json

    lines = _file(api, f"seat-days?{MARCH}")

    assert [line["user_id"] for line in lines] == [item["user_id"] for item in page["items"]]
    assert {line["seat_days"] for line in lines} == {"29.5833"}
    assert lines[0]["name"] == "'=cmd|'/c calc'!A1"
    assert (lines[0]["numerator"], lines[0]["denominator"]) == ("355", "12")


def test_r27_inactive_seats_as_a_file(app: Flask, hands: Hands) -> None:
    _, api = _scene(app, hands)

    lines = _file(api, f"inactive-seats?{SINCE}")

    assert [(line["seat_type"], line["saving"], line["currency"]) for line in lines] == [
        ("core", "5000", "USD")
    ] * 3
    assert [line["last_active_at"] for line in lines] == [""] * 3


def test_r29_the_log_as_a_file_has_what_was_before_and_after(app: Flask, hands: Hands) -> None:
    account, api = _scene(app, hands)
    seat_id = api.get("seats").json["items"][0]["id"]
    assigning.change_seat(account.by, seat_id, "view_only")

    (changed,) = _file(api, "events?type=seat.changed&limit=1")

    assert '"seat_type":"core"' in changed["previous"]
    assert '"seat_type":"view_only"' in changed["object"]
    newest = _file(api, "events?order=newest")
    assert [int(line["sequence"]) for line in newest] == list(range(len(account.log()), 0, -1))


def test_r29_the_filters_of_the_log_in_the_query(app: Flask, hands: Hands) -> None:
    account, api = _scene(app, hands)
    admin = account.super_admin
    hands.move(days=1)
    assigning.take_back(admin, api.get("seats").json["items"][0]["id"])

    def sequences(query: str) -> list[int]:
        return [event["sequence"] for event in api.get(f"events?{query}").json["items"]]

    last = len(account.log())
    assert sequences(f"actor_id={admin.id}&type=seat.*") == sequences(
        "from=2026-04-12T00:00:00Z&type=seat.*"
    )
    assert sequences("to=2026-03-02T09:00:00Z") == []
    assert sequences("order=newest&limit=2") == [last, last - 1]
    assert sequences("type=seats.*") == [3]


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        pytest.param("events?type=*", "/type", id="all nouns"),
        pytest.param("events?type=seat.*x", "/type", id="half a pattern"),
        pytest.param("events?from=2026-03-01", "/from", id="a date for an instant"),
        pytest.param("events?order=random", "/order", id="no order"),
        pytest.param("pools/{}/history?from=2026-02-30", "/from", id="no day"),
        pytest.param("pools/{}/history?from=1999-12-31", "/from", id="too early"),
        pytest.param("pools/{}/history?from=2026-03-01T00:00:00", "/from", id="no zone"),
        pytest.param("pools/{}/history?from=٢٠٢٦-٠٣-٠١", "/from", id="other digits"),
        pytest.param("pools/{}/history?interval=hour", "/interval", id="no interval"),
        pytest.param("pools/{}/history?from=2026-03-02&to=2026-03-01", "/to", id="backwards"),
        pytest.param("pools/{}/history?from=2000-01-01", "/interval", id="too many points"),
        pytest.param("seat-days?from=2026-03-01", "/to", id="no end"),
        pytest.param("seat-days?from=2001-01-01&to=2026-03-01", "/to", id="too long"),
        pytest.param("inactive-seats", "/inactive_since", id="since when"),
        pytest.param("inactive-seats?inactive_since=2026-03-01", "/inactive_since", id="a date"),
    ],
)
def test_a_question_about_the_past_that_is_none_is_refused(
    app: Flask, path: str, pointer: str
) -> None:
    account = an_account()

    answer = calling(app, account).get(path.format(account.pool("core")["id"]))

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    (error,) = answer.json["errors"]
    assert (error["location"], error["pointer"]) == ("query", pointer)


@pytest.mark.parametrize(
    "path", [f"seat-days?{MARCH}", f"inactive-seats?{SINCE}", "events?order=newest"]
)
def test_a_cursor_is_good_for_its_own_question_only(app: Flask, hands: Hands, path: str) -> None:
    _, api = _scene(app, hands)
    cursor = api.get(f"{path}&limit=1").json["next_cursor"]
    other: dict[str, Any] = {
        "seat-days": "seat-days?from=2026-03-01&to=2026-04-02",
        "inactive-seats": "inactive-seats?inactive_since=2026-04-02T00:00:00Z",
        "events": "events?order=oldest",
    }

    answer = api.get(f"{other[path.partition('?')[0]]}&cursor={cursor}")

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor")
    assert api.get(f"{path}&limit=1&cursor={cursor}").status_code == 200


def test_r10_deleted_users_are_shown_to_whoever_sees_usage(app: Flask, hands: Hands) -> None:
    account, api = _scene(app, hands)
    gone = api.get(f"seat-days?{MARCH}").json["items"][1]
    delete_user(account.by, gone["user_id"], take_seats=True)

    assert gone in api.get(f"seat-days?{MARCH}").json["items"]
