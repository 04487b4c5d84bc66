"""Users over HTTP (R8, R13, R14, R31)."""

from flask import Flask

from licensing.rules.permissions import Scope
from tests.http import calling, signed_in
from tests.world import an_account


def test_a_user_is_invited_with_a_seat(app: Flask) -> None:
    account = an_account(core=1)
    api = calling(app, account)
    body = {
        "email": "Felix@Example.com",
        "name": "Felix",
        "seat_types": ["core"],
        "permissions": ["manage_users"],
        "metadata": {"team": "north"},
    }

    answer = api.post("users", body)

    assert answer.status_code == 201
    assert (answer.json["status"], answer.json["invitation"]) == ("invited", "pending")
    assert [seat["seat_type"] for seat in answer.json["seats"]] == ["core"]
    assert api.get(answer.headers["Location"]).json == answer.json


def test_an_address_is_taken_in_any_case(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", email="priya@example.com")

    answer = calling(app, account).post("users", {"email": "PRIYA@example.com", "name": "P"})

    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
    assert answer.json["user_id"] == priya


def test_users_are_found_by_address_status_and_external_id(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", email="priya@example.com", external_id="crm-1")
    felix = account.user("Felix", status="invited")
    api = signed_in(app, account, priya)

    def found(query: str) -> list[str]:
        return [user["id"] for user in api.get(f"users?{query}").json["items"]]

    assert found("email=PRIYA@example.com") == [priya]
    assert found("external_id=crm-1") == [priya]
    assert found("status=invited") == [felix]
    assert found("") == [priya, felix]


def test_r13_an_invitation_is_accepted(app: Flask) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    api = calling(app, account, Scope.USERS)

    accepted = api.post(f"users/{felix}/acceptance")
    again = api.post(f"users/{felix}/acceptance")

    assert accepted.json["status"] == "active"
    assert again.json == accepted.json


def test_r13_nothing_to_accept(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")

    answer = calling(app, account).post(f"users/{priya}/acceptance")

    assert (answer.status_code, answer.json["code"]) == (409, "invitation_not_pending")


def test_r13_a_user_is_deactivated_and_the_seat_handed_on(app: Flask) -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    body = {"status": "deactivated", "transfer_to": noah}

    answer = calling(app, account).patch(f"users/{priya}", body)

    assert (answer.json["status"], answer.json["seats"]) == ("deactivated", [])
    assert account.seats_of(noah) == ["core"]


def test_r31_null_removes_a_key_of_the_metadata(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", metadata={"team": "north", "desk": "4"})
    api = calling(app, account)

    one = api.patch(f"users/{priya}", {"metadata": {"desk": None}})
    all_of_them = api.patch(f"users/{priya}", {"metadata": None, "external_id": "crm-1"})

    assert one.json["metadata"] == {"team": "north"}
    assert (all_of_them.json["metadata"], all_of_them.json["external_id"]) == ({}, "crm-1")


def test_r10_the_last_super_admin_stays(app: Flask) -> None:
    account = an_account()
    admin = account.super_admin
    api = signed_in(app, account, admin.id)

    for answer in (
        api.patch(f"users/{admin.id}", {"permissions": []}),
        api.patch(f"users/{admin.id}", {"status": "deactivated"}),
        api.delete(f"users/{admin.id}"),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "last_super_admin")


def test_r14_a_holder_of_paid_seats_is_deleted_only_with_them(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    api = calling(app, account)

    refused = api.delete(f"users/{priya}")
    deleted = api.delete(f"users/{priya}?take_seats=true")

    assert (refused.status_code, refused.json["code"]) == (409, "user_holds_paid_seats")
    assert refused.json["seats"][0]["seat_type"] == "core"
    assert deleted.status_code == 204
    assert api.get(f"users/{priya}").status_code == 404
    assert account.numbers("core") == (1, 0, 0)


def test_r14_or_hands_them_on(app: Flask) -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    answer = calling(app, account).delete(f"users/{priya}?transfer_to={noah}")

    assert answer.status_code == 204
    assert account.seats_of(noah) == ["core"]


def test_r27_activity_is_reported_by_a_service(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account, Scope.USERS)

    answer = api.post(f"users/{priya}/activity", {"at": "2026-03-01T10:00:00+02:00"})

    assert answer.status_code == 204
    assert account.shown(priya)["last_active_at"] == "2026-03-01T08:00:00.000Z"
