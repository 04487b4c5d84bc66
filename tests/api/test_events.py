"""The log over HTTP (R29)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import calling, nobody, signed_in
from tests.world import AnAccount, an_account


def test_r29_the_log_is_read_in_order_without_a_gap(app: Flask) -> None:
    account = an_account()
    account.user(seats=["core"])

    events = calling(app, account).get("events").json["items"]

    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events][:3] == [
        "account.created",
        "subscription.started",
        "seats.purchased",
    ]


def test_r29_from_a_sequence_on(app: Flask) -> None:
    account = an_account()
    account.user()
    api = calling(app, account)

    rest = api.get("events?after=3").json["items"]

    assert rest[0]["sequence"] == 4
    assert api.get("events?after=9000").json["items"] == []


def test_r29_of_some_types_one_user_or_one_seat(app: Flask) -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user()
    seat_id = account.seat(priya, "core")
    api = calling(app, account)
    api.post("transfers", {"seat_id": seat_id, "to_user_id": noah})

    def types(query: str) -> list[str]:
        return [event["type"] for event in api.get(f"events?{query}").json["items"]]

    assert types("type=seat.transferred,account.created") == ["account.created", "seat.transferred"]
    assert types(f"seat_id={seat_id}") == ["seat.assigned", "seat.transferred"]
    assert "seat.transferred" in types(f"user_id={priya}")
    assert "seat.transferred" in types(f"user_id={noah}")
    assert types(f"user_id={noah}&seat_id={seat_id}") == ["seat.transferred"]


def test_r29_who_what_when_why_before_and_after(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    admin = account.super_admin
    signed_in(app, account, admin.id).send(
        "POST", "seats", {"user_id": priya, "seat_type": "core"}, {"X-Request-Id": "order-66"}
    )

    event = account.events()[0]
    shown = calling(app, account).get(f"events/{event['id']}").json

    assert shown == event
    assert shown["data"]["actor"] == {"type": "user", "id": admin.id}
    assert shown["data"]["request_id"] == "order-66"
    assert shown["data"]["reason"] == "requested"
    assert shown["data"]["object"]["user_id"] == priya
    assert shown["data"]["pool"]["assigned"] == 1


def test_r10_the_log_is_for_super_admins_and_readers(app: Flask) -> None:
    account = an_account()

    by_admin = signed_in(app, account, account.super_admin.id).get("events")
    by_user_admin = signed_in(app, account, account.user_admin.id).get("events")
    by_reader = calling(app, account, Scope.READ).get("events")
    by_biller = calling(app, account, Scope.BILLING).get("events")

    assert (by_admin.status_code, by_reader.status_code) == (200, 200)
    assert (by_user_admin.status_code, by_user_admin.json["missing"]) == (403, "super_admin")
    assert (by_biller.status_code, by_biller.json["missing"]) == (403, "read")


def test_an_unknown_event_is_not_found(app: Flask) -> None:
    account = an_account()

    assert calling(app, account).get("events/evt_none").status_code == 404


def _full_of_events() -> AnAccount:
    account = an_account()
    for _ in range(4):
        account.user(seats=["core"])
    return account


@pytest.mark.parametrize("permission", [Permission.MANAGE_USERS, Permission.MODIFY_BILLING, None])
def test_r10_nobody_but_a_super_admin_reads_the_log(
    app: Flask, permission: Permission | None
) -> None:
    account = an_account()
    api = signed_in(app, account, account.actor(*filter(None, [permission])).id)
    event_id = account.log()[0]["id"]

    for answer in (api.get("events"), api.get(f"events/{event_id}")):
        assert (answer.status_code, answer.json["missing"]) == (403, "super_admin")
    assert nobody(app, account).get("events").status_code == 401


def test_r29_the_log_is_followed_by_the_last_sequence_that_is_known(app: Flask) -> None:
    account = _full_of_events()
    api = calling(app, account, Scope.READ)
    followed: list[dict[str, Any]] = []

    while page := api.get(f"events?limit=3&after={len(followed)}").json["items"]:
        followed += page

    assert followed == account.log()


def test_r29_a_cursor_goes_on_with_the_same_filters(app: Flask) -> None:
    account = _full_of_events()
    api = calling(app, account, Scope.READ)
    filters = "after=2&type=seat.assigned,user.created"
    whole = api.get(f"events?{filters}").json["items"]

    first = api.get(f"events?{filters}&limit=2").json
    rest = api.get(f"events?{filters}&limit=200&cursor={first['next_cursor']}").json
    other = api.get(f"events?after=3&cursor={first['next_cursor']}")

    assert first["items"] + rest["items"] == whole
    assert (other.status_code, other.json["code"]) == (400, "invalid_cursor")


def test_r29_an_unknown_type_has_no_events(app: Flask) -> None:
    account = _full_of_events()

    answer = calling(app, account).get("events?type=seat.stolen")

    assert (answer.status_code, answer.json["items"]) == (200, [])


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        pytest.param("after=-1", "/after", id="a negative sequence"),
        pytest.param("after=1.5", "/after", id="a fraction"),
        pytest.param("after=x", "/after", id="no number"),
        pytest.param("after=9007199254740993", "/after", id="more than 2 to the 53rd"),
        pytest.param("after=1&after=2", "/after", id="twice"),
        pytest.param("type=", "/type", id="no type"),
        pytest.param("user_id=%00", "/user_id", id="a NUL"),
        pytest.param("seat_id=" + "x" * 65, "/seat_id", id="an id too long"),
        pytest.param("before=9", "/before", id="an unknown parameter"),
    ],
)
def test_r29_a_filter_that_is_none_is_refused(app: Flask, query: str, pointer: str) -> None:
    answer = calling(app, an_account()).get(f"events?{query}")

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_r29_a_type_of_nothing_but_commas_is_not_the_whole_log(app: Flask) -> None:
    answer = calling(app, an_account()).get("events?type=,")

    assert (answer.status_code, answer.json.get("code")) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"] == "/type"


def test_r32_a_refused_command_is_not_in_the_log(app: Flask) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user("Priya")
    api = calling(app, account)
    before = api.get("events").json

    api.post("seats", {"user_id": priya, "seat_type": "core"})

    assert api.get("events").json == before
