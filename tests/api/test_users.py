"""Users over HTTP (R8, R13, R14, R31)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import calling, signed_in
from tests.world import Hands, an_account

NOAH = {"name": "Noah", "email": "noah@example.com"}


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


def test_r8_an_active_user_of_a_paying_account_gets_the_viewing_seat(app: Flask) -> None:
    account = an_account()

    answer = calling(app, account).post("users", NOAH | {"status": "active"})

    assert (answer.json["status"], answer.json["invitation"]) == ("active", None)
    assert [seat["seat_type"] for seat in answer.json["seats"]] == ["view_only"]
    assert answer.headers["ETag"] == f'"v{answer.json["version"]}"'


def test_r13_an_invitation_says_until_when_it_can_be_accepted(app: Flask) -> None:
    account = an_account()

    answer = calling(app, account).post("users", NOAH)

    assert answer.json["invitation_expires_at"] == "2026-03-16T09:00:00.000Z"
    assert answer.json["seats"] == []


@pytest.mark.parametrize(
    ("by", "granted"),
    [
        pytest.param(Permission.MANAGE_USERS, [Permission.MANAGE_USERS], id="what one has"),
        pytest.param(Permission.MANAGE_USERS, [], id="nothing"),
        pytest.param(Permission.SUPER_ADMIN, list(Permission), id="everything"),
    ],
)
def test_r10_a_user_adds_another_with_permissions(
    app: Flask, by: Permission, granted: list[Permission]
) -> None:
    account = an_account()
    api = signed_in(app, account, account.actor(by).id)

    answer = api.post("users", NOAH | {"permissions": granted})

    assert answer.status_code == 201
    assert answer.json["permissions"] == sorted(granted)


def test_a_permission_that_is_named_twice_is_held_once(app: Flask) -> None:
    account = an_account()
    twice = ["manage_users", "manage_users"]
    api = calling(app, account)

    made = api.post("users", NOAH | {"permissions": twice})
    changed = api.patch(f"users/{made.json['id']}", {"permissions": twice})

    assert made.json["permissions"] == ["manage_users"]
    assert changed.json == made.json


def test_a_user_who_cannot_have_the_seat_is_not_added_either(app: Flask) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    api = calling(app, account)

    answer = api.post("users", NOAH | {"seat_types": ["core"]})

    assert (answer.status_code, answer.json["code"]) == (409, "no_seat_available")
    assert api.get("users?email=noah@example.com").json["items"] == []
    assert account.happened() == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"name": None}, "/name", id="no name"),
        pytest.param({"name": "  "}, "/name", id="a blank name"),
        pytest.param({"name": "x" * 201}, "/name", id="a name too long"),
        pytest.param({"email": "noah"}, "/email", id="no address"),
        pytest.param({"email": "a@b@c"}, "/email", id="two at signs"),
        pytest.param({"status": "deactivated"}, "/status", id="deactivated from the start"),
        pytest.param({"permissions": ["root"]}, "/permissions/0", id="an unknown permission"),
        pytest.param({"permissions": "manage_users"}, "/permissions", id="no list"),
        pytest.param({"seat_types": ["gold"]}, "/seat_type", id="an unknown seat type"),
        pytest.param({"partner_eligible": "yes"}, "/partner_eligible", id="no boolean"),
        pytest.param({"metadata": {"a b": "x"}}, "/metadata", id="a key with a space"),
        pytest.param({"id": "usr_1"}, "/id", id="an id of one's own"),
    ],
)
def test_what_is_no_user_is_refused_at_the_member(
    app: Flask, changes: dict[str, Any], pointer: str
) -> None:
    account = an_account()

    answer = calling(app, account).post("users", NOAH | changes)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert account.happened() == []


def test_r31_an_external_id_is_taken_once(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", external_id="crm-1")
    noah = account.user("Noah")
    api = calling(app, account)

    for answer in (
        api.post("users", NOAH | {"external_id": "crm-1"}),
        api.patch(f"users/{noah}", {"external_id": "crm-1"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "external_id_taken")
        assert answer.json["id"] == priya
    assert account.happened() == []


def test_an_address_changes_unless_another_has_it(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", email="priya@example.com")
    account.user("Noah", email="noah@example.com")
    api = calling(app, account)

    own = api.patch(f"users/{priya}", {"email": "PRIYA@example.com"})
    taken = api.patch(f"users/{priya}", {"email": "Noah@example.com"})

    assert (own.status_code, own.json["email"]) == (200, "PRIYA@example.com")
    assert (taken.status_code, taken.json["code"]) == (409, "email_taken")
    assert account.happened() == ["user.updated"]


def test_r32_setting_what_is_set_tells_nothing(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", permissions=frozenset({Permission.MANAGE_USERS}))
    api = calling(app, account)
    before = api.get(f"users/{priya}").json
    same = {name: before[name] for name in ("name", "email", "permissions", "status", "metadata")}

    answer = api.patch(f"users/{priya}", same)

    assert (answer.status_code, answer.json) == (200, before)
    assert account.happened() == []


def test_r7_losing_eligibility_ends_the_seat(app: Flask) -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    answer = calling(app, account).patch(f"users/{dana}", {"partner_eligible": False})

    assert [seat["seat_type"] for seat in answer.json["seats"]] == ["view_only"]


def test_r13_an_expired_invitation_is_given_again(app: Flask, hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    api = calling(app, account)
    hands.move(days=14)

    expired = api.post(f"users/{felix}/acceptance")
    again = api.patch(f"users/{felix}", {"status": "invited"})
    accepted = api.post(f"users/{felix}/acceptance")

    assert (expired.status_code, expired.json["code"]) == (409, "invitation_expired")
    assert (again.json["invitation"], accepted.json["invitation"]) == ("pending", "accepted")
    assert accepted.json["status"] == "active"


def test_r13_deactivating_the_invited_revokes_the_invitation(app: Flask) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    api = calling(app, account)

    answer = api.patch(f"users/{felix}", {"status": "deactivated"})
    refused = api.patch(f"users/{felix}", {"status": "active"})

    assert (answer.json["invitation"], answer.json["seats"]) == ("revoked", [])
    assert (refused.status_code, refused.json["code"]) == (409, "invitation_not_pending")
    assert account.numbers("core") == (1, 0, 0)


@pytest.mark.parametrize(
    ("seats", "left", "assigned"),
    [
        pytest.param("keep", ["core"], 1, id="kept"),
        pytest.param("take_back", [], 0, id="taken back"),
    ],
)
def test_r13_deactivating_says_what_becomes_of_the_seats(
    app: Flask, seats: str, left: list[str], assigned: int
) -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    body = {"status": "deactivated", "seats": seats}

    answer = calling(app, account).patch(f"users/{priya}", body)

    assert [seat["seat_type"] for seat in answer.json["seats"]] == left
    assert account.numbers("core") == (1, assigned, 0)


def test_r14_a_user_without_paid_seats_is_deleted_at_once(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", email="priya@example.com")
    api = calling(app, account)

    deleted = api.delete(f"users/{priya}")
    made_again = api.post("users", {"name": "Priya", "email": "priya@example.com"})

    assert (deleted.status_code, deleted.data) == (204, b"")
    assert api.delete(f"users/{priya}").status_code == 404
    assert made_again.status_code == 201


@pytest.mark.parametrize("query", ["take_seats=1", "take_seats=True", "take_seats=", "force=true"])
def test_r14_a_deletion_is_asked_for_as_the_contract_says(app: Flask, query: str) -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    answer = calling(app, account).delete(f"users/{priya}?{query}")

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert account.happened() == []


@pytest.mark.parametrize(
    ("at", "status", "known"),
    [
        pytest.param("2026-03-02T08:59:59Z", 204, "2026-03-02T08:59:59.000Z", id="later"),
        pytest.param("2026-02-01T00:00:00Z", 204, "2026-03-01T00:00:00.000Z", id="older"),
        pytest.param("2026-03-02T09:00:01Z", 422, "2026-03-01T00:00:00.000Z", id="in the future"),
        pytest.param("2026-03-02", 422, "2026-03-01T00:00:00.000Z", id="a date"),
    ],
)
def test_r27_the_latest_activity_is_kept(app: Flask, at: str, status: int, known: str) -> None:
    account = an_account()
    priya = account.user("Priya")
    api = calling(app, account, Scope.USERS)
    api.post(f"users/{priya}/activity", {"at": "2026-03-01T00:00:00Z"})

    answer = api.post(f"users/{priya}/activity", {"at": at})

    assert answer.status_code == status
    assert account.shown(priya)["last_active_at"] == known
    assert account.happened() == []


def test_r27_activity_without_a_date_is_now(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")

    answer = calling(app, account).post(f"users/{priya}/activity", {})

    assert answer.status_code == 204
    assert account.shown(priya)["last_active_at"] == "2026-03-02T09:00:00.000Z"


def test_a_closed_account_changes_no_user(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya")
    felix = account.user("Felix", status="invited")
    account.close()
    api = calling(app, account)

    for answer in (
        api.post("users", NOAH),
        api.patch(f"users/{priya}", {"name": "P."}),
        api.delete(f"users/{priya}"),
        api.post(f"users/{felix}/acceptance"),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "account_closed")
    assert account.happened() == []


def test_an_unknown_user_is_not_found(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)

    for answer in (
        api.get("users/usr_none"),
        api.patch("users/usr_none", {"name": "N."}),
        api.delete("users/usr_none"),
        api.post("users/usr_none/acceptance"),
        api.post("users/usr_none/activity", {}),
    ):
        assert (answer.status_code, answer.json["kind"]) == (404, "user")
