"""Seats over HTTP (R8, R11, R12, R15)."""

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import calling, signed_in
from tests.world import Hands, an_account, in_which_sales_includes_core


def test_r11_a_seat_is_assigned_and_shown(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user("Priya")
    api = calling(app, account)

    answer = api.post("seats", {"user_id": priya, "seat_type": "core"})

    assert answer.status_code == 201
    assert answer.json["user_id"] == priya
    assert answer.headers["Location"] == f"/v1/accounts/{account.id}/seats/{answer.json['id']}"
    assert answer.headers["ETag"] == '"v1"'
    assert api.get(f"seats/{answer.json['id']}").json == answer.json


def test_r11_no_seat_is_left(app: Flask) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user("Priya")

    answer = calling(app, account).post("seats", {"user_id": priya, "seat_type": "core"})

    assert answer.status_code == 409
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == "no_seat_available"
    assert (answer.json["purchased"], answer.json["assigned"]) == (1, 1)
    assert account.happened() == []


@pytest.mark.parametrize(
    ("seat_type", "status", "code"),
    [
        pytest.param("sales", 409, "seat_type_not_available", id="not sold to this account"),
        pytest.param("partner", 409, "user_not_eligible", id="not eligible"),
        pytest.param("view_only", 409, "exclusive_seat", id="cannot stand beside"),
        pytest.param("gold", 422, "validation_failed", id="unknown"),
    ],
)
def test_every_refusal_has_its_code(app: Flask, seat_type: str, status: int, code: str) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    answer = calling(app, account).post("seats", {"user_id": priya, "seat_type": seat_type})

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert account.happened() == []


def test_r32_assigning_what_is_held_answers_the_same(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)
    body = {"user_id": priya, "seat_type": "core"}

    first = api.post("seats", body)
    account.from_here()
    again = api.post("seats", body)

    assert (again.status_code, again.json) == (first.status_code, first.json)
    assert account.happened() == []


def test_r13_a_deactivated_user_gets_and_loses_nothing(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    account.deactivate(priya)
    api = calling(app, account)
    seat_id = account.seat(priya, "core")

    for answer in (
        api.post("seats", {"user_id": priya, "seat_type": "core"}),
        api.delete(f"seats/{seat_id}"),
        api.patch(f"seats/{seat_id}", {"seat_type": "view_only"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "user_deactivated")


def test_r13_the_holder_of_an_expired_invitation_gets_nothing(app: Flask, hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    hands.move(days=14)

    answer = calling(app, account).post("seats", {"user_id": felix, "seat_type": "core"})

    assert (answer.status_code, answer.json["code"]) == (409, "invitation_expired")
    assert answer.json["expired_at"] == "2026-03-16T09:00:00.000Z"


def test_an_unknown_user_or_seat_is_not_found(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account)

    for answer in (
        api.post("seats", {"user_id": "usr_nobody", "seat_type": "core"}),
        api.get("seats/seat_none"),
        api.delete("seats/seat_none"),
        api.patch("seats/seat_none", {"seat_type": "core"}),
        api.post("transfers", {"seat_id": "seat_none", "to_user_id": priya}),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_r8_a_seat_is_changed_to_another_type(app: Flask) -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={"sales": 1})
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")

    answer = calling(app, account).patch(f"seats/{seat_id}", {"seat_type": "sales"}, '"v1"')

    assert answer.status_code == 200
    assert (answer.json["id"], answer.json["seat_type"]) == (seat_id, "sales")
    assert answer.headers["ETag"] == '"v2"'


def test_r12_taking_a_seat_back_says_until_when_it_is_paid_for(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    answer = calling(app, account).delete(f"seats/{account.seat(priya, 'core')}")

    assert answer.status_code == 204
    assert answer.headers["Paid-Until"] == "2026-04-02T09:00:00.000Z"
    assert account.numbers("core") == (1, 0, 0)


def test_r12_a_free_seat_is_paid_for_never(app: Flask) -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    answer = calling(app, account).delete(f"seats/{account.seat(dana, 'partner')}")

    assert answer.status_code == 204
    assert "Paid-Until" not in answer.headers


def test_r8_the_viewing_seat_stays(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")

    answer = calling(app, account).delete(f"seats/{account.seat(priya, 'view_only')}")

    assert (answer.status_code, answer.json["code"]) == (409, "seat_required")


def test_r12_taking_back_and_giving_back_answers_the_removal(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    answer = calling(app, account).delete(f"seats/{account.seat(priya, 'core')}?give_back=true")

    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["quantity"]) == ("scheduled", 1)
    assert account.numbers("core") == (1, 0, 1)


def test_r12_and_needs_both_permissions(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    path = f"seats/{account.seat(priya, 'core')}?give_back=true"
    admin = account.actor(Permission.MANAGE_USERS)

    by_user = signed_in(app, account, admin.id).delete(path)
    by_service = calling(app, account, Scope.SEATS).delete(path)

    assert (by_user.status_code, by_user.json["missing"]) == (403, "modify_billing")
    assert (by_service.status_code, by_service.json["missing"]) == (403, "billing")
    assert account.seats_of(priya) == ["core"]


def test_r15_the_only_core_seat_is_transferred(app: Flask) -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    api = calling(app, account)
    seat_id = account.seat(priya, "core")

    answer = api.post("transfers", {"seat_id": seat_id, "to_user_id": noah})

    assert answer.status_code == 201
    assert answer.json["seat_id"] == seat_id
    assert account.seat(noah, "core") == seat_id
    assert api.get("transfers").json["items"] == [answer.json]


@pytest.mark.parametrize(
    ("receiver", "code"),
    [
        pytest.param("self", "transfer_to_self", id="to oneself"),
        pytest.param("holder", "already_assigned", id="to a holder"),
        pytest.param("deactivated", "user_deactivated", id="to a deactivated user"),
        pytest.param("stranger", "not_found", id="to another tenant's user"),
    ],
)
def test_r15_four_transfers_are_refused_in_four_ways(app: Flask, receiver: str, code: str) -> None:
    account, other = an_account(), an_account()
    priya = account.user("Priya", seats=["core"])
    users = {
        "self": priya,
        "holder": account.user(seats=["core"]),
        "deactivated": account.user(),
        "stranger": other.user(),
    }
    account.deactivate(users["deactivated"])
    body = {"seat_id": account.seat(priya, "core"), "to_user_id": users[receiver]}

    answer = calling(app, account).post("transfers", body)

    assert answer.json["code"] == code
    assert account.happened() == []


def test_the_held_seats_are_listed_and_filtered(app: Flask) -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user(seats=["core"])
    viewer = account.user()
    api = signed_in(app, account, viewer)

    everything = api.get("seats").json["items"]
    of_priya = api.get(f"seats?user_id={priya}").json["items"]
    viewing = api.get("seats?seat_type=view_only").json["items"]
    of_pool = api.get(f"seats?pool_id={account.pool('core')['id']}").json["items"]

    assert [seat["user_id"] for seat in everything] == [priya, noah, viewer]
    assert [seat["user_id"] for seat in of_priya] == [priya]
    assert [seat["user_id"] for seat in viewing] == [viewer]
    assert [seat["user_id"] for seat in of_pool] == [priya, noah]


def test_r10_a_viewer_assigns_nothing(app: Flask) -> None:
    account = an_account()
    viewer = account.user()

    answer = signed_in(app, account, viewer).post("seats", {"user_id": viewer, "seat_type": "core"})

    assert (answer.status_code, answer.json["missing"]) == (403, "manage_users")


def test_r11_a_seat_says_who_assigned_it_and_from_which_pool(app: Flask) -> None:
    account = an_account()
    priya, admin = account.user("Priya"), account.user_admin.id
    body = {"user_id": priya, "seat_type": "core"}

    seat = signed_in(app, account, admin).post("seats", body).json

    assert seat["assigned_by"] == {"type": "user", "id": admin}
    assert seat["pool_id"] == account.pool("core")["id"]
    assert seat["assigned_at"] == "2026-03-02T09:00:00.000Z"
    assert account.seats_of(priya) == ["core"]


def test_r8_a_free_seat_is_of_no_pool(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")

    (seat,) = calling(app, account).get(f"seats?user_id={priya}").json["items"]

    assert (seat["seat_type"], seat["pool_id"]) == ("view_only", None)


def test_r8_a_seat_that_a_held_one_includes_is_not_assigned(app: Flask) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    priya = account.user("Priya", seats=["sales"])
    api = calling(app, account)

    with in_which_sales_includes_core():
        answer = api.post("seats", {"user_id": priya, "seat_type": "core"})

    assert (answer.status_code, answer.json["code"]) == (409, "included_in_held_seat")
    assert account.happened() == []


@pytest.mark.parametrize(
    ("seat_type", "status", "code"),
    [
        pytest.param("sales", 409, "no_seat_available", id="none is left"),
        pytest.param("service", 409, "seat_type_not_available", id="not sold to this account"),
        pytest.param("partner", 409, "user_not_eligible", id="not eligible"),
        pytest.param("gold", 422, "validation_failed", id="unknown"),
    ],
)
def test_r8_a_seat_that_cannot_be_changed_stays(
    app: Flask, seat_type: str, status: int, code: str
) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    account.user(seats=["sales"])
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")

    answer = calling(app, account).patch(f"seats/{seat_id}", {"seat_type": seat_type})

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert (account.seats_of(priya), account.happened()) == (["core"], [])


def test_r8_a_seat_is_not_changed_to_one_that_is_held(app: Flask) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 2})
    priya = account.user("Priya", seats=["core", "sales"])
    seat_id = account.seat(priya, "core")

    answer = calling(app, account).patch(f"seats/{seat_id}", {"seat_type": "sales"})

    assert (answer.status_code, answer.json["code"]) == (409, "already_assigned")
    assert answer.json["seat_id"] == account.seat(priya, "sales")
    assert account.happened() == []


@pytest.mark.parametrize("body", [{}, {"user_id": "usr_1"}, {"seat_type": None}])
def test_only_the_type_of_a_seat_is_changed(app: Flask, body: dict[str, str | None]) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    answer = calling(app, account).patch(f"seats/{account.seat(priya, 'core')}", body)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert account.happened() == []


def test_r12_a_seat_that_was_taken_back_is_gone(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    api = calling(app, account)
    path = f"seats/{account.seat(priya, 'core')}"
    api.delete(path)
    account.from_here()

    for answer in (api.get(path), api.delete(path), api.patch(path, {"seat_type": "core"})):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert account.seats_of(priya) == ["view_only"]
    assert account.happened() == []


def test_r12_give_back_false_only_takes_the_seat_back(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    api = calling(app, account, Scope.SEATS)

    answer = api.delete(f"seats/{account.seat(priya, 'core')}?give_back=false")

    assert (answer.status_code, answer.data) == (204, b"")
    assert account.numbers("core") == (1, 0, 0)


def test_r19_below_the_minimum_a_seat_is_neither_taken_nor_given_back(app: Flask) -> None:
    account = an_account(core=2)
    account.promise("core", minimum=2)
    priya = account.user("Priya", seats=["core"])

    answer = calling(app, account).delete(f"seats/{account.seat(priya, 'core')}?give_back=true")

    assert (answer.status_code, answer.json["code"]) == (409, "below_minimum")
    assert account.seats_of(priya) == ["core"]
    assert (account.numbers("core"), account.happened()) == ((2, 1, 0), [])


def test_r12_a_free_seat_is_not_given_back(app: Flask) -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    answer = calling(app, account).delete(f"seats/{account.seat(dana, 'partner')}?give_back=true")

    assert (answer.status_code, answer.json["code"]) == (409, "not_enough_unassigned_seats")
    assert (account.seats_of(dana), account.happened()) == (["partner"], [])


def test_r15_a_free_seat_is_not_transferred(app: Flask) -> None:
    account = an_account()
    priya, noah = account.user("Priya"), account.user("Noah")
    body = {"seat_id": account.seat(priya, "view_only"), "to_user_id": noah}

    answer = calling(app, account).post("transfers", body)

    assert (answer.status_code, answer.json["code"]) == (409, "seat_type_not_transferable")
    assert account.happened() == []


def test_r13_a_seat_is_transferred_to_no_expired_invitation(app: Flask, hands: Hands) -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    felix = account.user("Felix", status="invited")
    hands.move(days=14)
    body = {"seat_id": account.seat(priya, "core"), "to_user_id": felix}

    answer = calling(app, account).post("transfers", body)

    assert (answer.status_code, answer.json["code"]) == (409, "invitation_expired")
    assert account.seats_of(priya) == ["core"]


def test_a_closed_account_moves_no_seat(app: Flask) -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    seat_id = account.seat(priya, "core")
    account.close()
    api = calling(app, account)

    for answer in (
        api.post("seats", {"user_id": noah, "seat_type": "core"}),
        api.patch(f"seats/{seat_id}", {"seat_type": "view_only"}),
        api.delete(f"seats/{seat_id}"),
        api.post("transfers", {"seat_id": seat_id, "to_user_id": noah}),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "account_closed")
    assert account.happened() == []
