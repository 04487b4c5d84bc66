"""Seats over HTTP (R8, R11, R12, R15)."""

from flask import Flask

from tests.http import calling, signed_in
from tests.world import an_account


def test_r11_a_seat_is_assigned_and_shown(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user("Priya")
    api = calling(app, account)

    answer = api.post("seats", {"user_id": priya, "seat_type": "core"})

    assert answer.status_code == 201
    assert answer.json["user_id"] == priya
    assert answer.headers["Location"] == f"/v1/accounts/{account.id}/seats/{answer.json['id']}"
    assert api.get(f"seats/{answer.json['id']}").json == answer.json


def test_r11_no_seat_is_left(app: Flask) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user("Priya")

    answer = calling(app, account).post("seats", {"user_id": priya, "seat_type": "core"})

    assert answer.status_code == 409
    assert answer.json["code"] == "no_seat_available"
    assert (answer.json["purchased"], answer.json["assigned"]) == (1, 1)


def test_r10_a_viewer_assigns_nothing(app: Flask) -> None:
    account = an_account()
    viewer = account.user()

    answer = signed_in(app, account, viewer).post("seats", {"user_id": viewer, "seat_type": "core"})

    assert (answer.status_code, answer.json["missing"]) == (403, "manage_users")
