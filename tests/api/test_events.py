"""The log over HTTP (R29)."""

from flask import Flask

from licensing.rules.permissions import Scope
from tests.http import calling, signed_in
from tests.world import an_account


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
