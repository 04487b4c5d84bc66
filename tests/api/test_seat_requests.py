"""Asking for seats over HTTP, and the account's default seat type (R10, R11, R17, R18, R32)."""

from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import calling, signed_in
from tests.world import an_account


def test_r11_a_user_asks_an_administrator_approves_and_the_seat_is_there(app: Flask) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.viewer.id
    admin = account.actor(Permission.MANAGE_USERS, Permission.MODIFY_BILLING).id
    user, boss = signed_in(app, account, priya), signed_in(app, account, admin)

    asked = user.post("seat-requests", {"seat_type": "core", "note": "For the fair"})
    path = f"seat-requests/{asked.json['id']}"

    assert asked.status_code == 201
    assert asked.headers["Location"] == f"/v1/accounts/{account.id}/{path}"
    assert asked.json == user.get(path).json
    assert user.get(path, **{"If-None-Match": asked.headers["ETag"]}).status_code == 304
    assert user.get("seat-requests?status=open").json["items"] == [asked.json]

    full = boss.post(f"{path}/approval", {}, key="a")
    unkeyed = boss.post(f"{path}/approval", {"buy": True})
    cost = boss.post("purchases/preview", {"seat_type": "core", "quantity": 1})
    bought = boss.post(f"{path}/approval", {"buy": True}, key="b")
    again = boss.post(f"{path}/approval", {"buy": True}, key="b")

    assert (full.status_code, full.json["code"]) == (409, "no_seat_available")
    assert (unkeyed.status_code, unkeyed.json["code"]) == (400, "idempotency_key_required")
    assert cost.json["purchased_after"] == 2
    assert (bought.status_code, bought.json["status"]) == (200, "approved")
    assert bought.json["decided_by"] == {"type": "user", "id": admin}
    assert (again.json, again.headers["Idempotency-Replayed"]) == (bought.json, "true")
    assert account.numbers("core") == (2, 2, 0)
    assert boss.get("purchases").json["items"][-1]["id"] == bought.json["purchase_id"]
    assert account.seat(priya, "core") == bought.json["seat_id"]


def test_r10_what_each_may_see_and_decide(app: Flask) -> None:
    account = an_account()
    user, other = (signed_in(app, account, account.viewer.id) for _ in range(2))
    seats = calling(app, account, Scope.SEATS)
    request = user.post("seat-requests", {"seat_type": "core"}).json
    path = f"seat-requests/{request['id']}"

    refused = [
        user.post(f"{path}/approval"),
        user.post(f"{path}/decline"),
        user.post("seat-requests", {"seat_type": "core", "user_id": account.user()}),
        user.get(f"seat-requests?user_id={account.user()}"),
        calling(app, account, Scope.READ).post(f"{path}/decline"),
        seats.post(f"{path}/approval", {"buy": True}, key="b"),
    ]
    hidden = [other.get(path), other.post(f"{path}/withdrawal")]
    unnamed = seats.post("seat-requests", {"seat_type": "core"})

    assert {answer.status_code for answer in refused} == {403}
    assert {answer.status_code for answer in hidden} == {404}
    assert (unnamed.status_code, unnamed.json["errors"][0]["pointer"]) == (422, "/user_id")
    assert other.get("seat-requests").json["items"] == []
    assert calling(app, account, Scope.READ).get("seat-requests").json["items"] == [request]


def test_r32_declined_with_a_note_withdrawn_and_asked_again(app: Flask) -> None:
    account = an_account()
    user = signed_in(app, account, account.viewer.id)
    api = calling(app, account)

    first = user.post("seat-requests", {"seat_type": "core"}).json["id"]
    declined = api.post(f"seat-requests/{first}/decline", {"note": "In April"})
    late = user.post(f"seat-requests/{first}/withdrawal")
    second = user.post("seat-requests", {"seat_type": "core"}).json["id"]
    withdrawn = user.post(f"seat-requests/{second}/withdrawal")

    assert (declined.json["status"], declined.json["decision_note"]) == ("declined", "In April")
    assert (late.status_code, late.json["code"]) == (409, "seat_request_not_open")
    assert late.json["request_status"] == "declined"
    assert (withdrawn.json["status"], withdrawn.json["version"]) == ("withdrawn", 2)
    shown = [item["status"] for item in user.get("seat-requests").json["items"]]
    assert shown == ["declined", "withdrawn"]


def test_r8_the_default_seat_type_is_set_by_patch_and_taken_away_by_null(app: Flask) -> None:
    account = an_account(core=1)
    api = calling(app, account)
    path = f"/v1/accounts/{account.id}"

    unknown = api.patch(path, {"default_seat_type": "golden"})
    set_to = api.patch(path, {"default_seat_type": "core"})
    names = ("a", "b", "c")
    made = [
        api.post("users", {"name": n, "email": f"{n}@example.com", "status": "active"})
        for n in names
    ]
    taken = api.patch(path, {"default_seat_type": None})

    assert unknown.json["errors"][0]["pointer"] == "/default_seat_type"
    assert (set_to.json["default_seat_type"], taken.json["default_seat_type"]) == ("core", None)
    held = [[seat["seat_type"] for seat in user.json["seats"]] for user in made]
    assert held == [["core"], ["view_only"], ["view_only"]]
