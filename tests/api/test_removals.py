"""Giving seats back over HTTP (R10, R19 to R23)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import calling, signed_in
from tests.world import Hands, a_free_account, an_account

GIVE_BACK = {"seat_type": "core", "quantity": 4}


def test_r20_a_removal_shows_both_terms_and_its_date(app: Flask) -> None:
    account = an_account(core=10)
    buyer = account.actor(Permission.MODIFY_BILLING)

    answer = signed_in(app, account, buyer.id).post("removals", GIVE_BACK)

    assert answer.status_code == 201
    assert (answer.json["current_quantity"], answer.json["renewal_quantity"]) == (10, 6)
    assert answer.json["effective_at"] == "2026-04-02T09:00:00.000Z"
    assert answer.json["applied_at"] is None
    assert answer.json["requested_by"] == {"type": "user", "id": buyer.id}
    assert answer.headers["ETag"] == '"v1"'
    assert calling(app, account).get(answer.headers["Location"]).json == answer.json


def test_r21_a_second_removal_adds_to_the_first(app: Flask) -> None:
    account = an_account(core=10)
    api = calling(app, account)

    first = api.post("removals", GIVE_BACK).json
    second = api.post("removals", GIVE_BACK).json

    assert account.numbers("core") == (10, 0, 8)
    listed = api.get("removals").json["items"]
    assert [item["id"] for item in listed] == [first["id"], second["id"]]
    assert {item["renewal_quantity"] for item in listed} == {2}


def test_r22_an_assignment_shrinks_the_removal(app: Flask) -> None:
    account = an_account(core=4)
    priya = account.user("Priya")
    api = calling(app, account)
    removal = api.post("removals", GIVE_BACK).json

    api.post("seats", {"user_id": priya, "seat_type": "core"})

    shown = api.get(f"removals/{removal['id']}").json
    assert (shown["quantity"], shown["requested_quantity"], shown["status"]) == (3, 4, "scheduled")
    assert account.numbers("core") == (4, 1, 3)


def test_r23_an_applied_removal_is_over(app: Flask, hands: Hands) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    removal = api.post("removals", GIVE_BACK).json
    hands.move(days=31)
    api.post("removals", {"seat_type": "core", "quantity": 1})
    account.from_here()

    shown = api.get(f"removals/{removal['id']}").json
    refused = api.post(f"removals/{removal['id']}/cancellation")

    assert (shown["status"], shown["effective_at"]) == ("applied", "2026-04-02T09:00:00.000Z")
    assert shown["applied_at"] == "2026-04-02T09:00:00.000Z"
    assert (refused.status_code, refused.json["code"]) == (409, "removal_not_pending")
    assert refused.json["removal_status"] == "applied"
    assert account.happened() == []


def test_removals_are_found_by_their_status(app: Flask) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    first, second = api.post("removals", GIVE_BACK).json, api.post("removals", GIVE_BACK).json
    api.post(f"removals/{first['id']}/cancellation")

    def found(status: str) -> list[str]:
        return [item["id"] for item in api.get(f"removals?status={status}").json["items"]]

    assert found("scheduled") == [second["id"]]
    assert found("cancelled") == [first["id"]]
    assert found("applied") == []


def test_r21_a_cancelled_removal_leaves_every_seat(app: Flask) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    removal = api.post("removals", GIVE_BACK).json

    answer = api.post(f"removals/{removal['id']}/cancellation", {"quantity": 4})

    assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
    assert answer.headers["ETag"] == f'"v{answer.json["version"]}"'
    assert account.numbers("core") == (10, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"quantity": 5}, id="more than it has"),
        pytest.param({"quantity": 0}, id="nothing"),
        pytest.param({"quantity": -1}, id="less than nothing"),
        pytest.param({"quantity": True}, id="a boolean"),
        pytest.param({"quantity": None}, id="null"),
        pytest.param({"all": True}, id="an unknown member"),
    ],
)
def test_r21_what_cannot_be_cancelled_is_refused(app: Flask, body: dict[str, Any]) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    removal = api.post("removals", GIVE_BACK).json
    account.from_here()

    answer = api.post(f"removals/{removal['id']}/cancellation", body)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert (account.numbers("core"), account.happened()) == ((10, 0, 4), [])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"seat_type": "core"}, id="no quantity"),
        pytest.param({"quantity": 1}, id="no seat type"),
        pytest.param(GIVE_BACK | {"quantity": 0}, id="nothing"),
        pytest.param(GIVE_BACK | {"quantity": 100_001}, id="more than one removal may have"),
        pytest.param(GIVE_BACK | {"quantity": 1.0}, id="a fraction"),
        pytest.param(GIVE_BACK | {"seat_type": "gold"}, id="an unknown type"),
        pytest.param(GIVE_BACK | {"effective_at": "2026-03-02T09:00:00Z"}, id="a date"),
    ],
)
def test_r19_what_is_no_removal_is_refused(app: Flask, body: dict[str, Any]) -> None:
    account = an_account(core=10)

    answer = calling(app, account).post("removals", body)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert (account.numbers("core"), account.happened()) == ((10, 0, 0), [])


def test_r19_what_is_scheduled_already_cannot_be_given_back_again(app: Flask) -> None:
    account = an_account(core=10)
    account.user(seats=["core"])
    api = calling(app, account)
    api.post("removals", GIVE_BACK)
    account.from_here()

    answer = api.post("removals", {"seat_type": "core", "quantity": 6})

    assert (answer.status_code, answer.json["code"]) == (409, "not_enough_unassigned_seats")
    numbers = {name: answer.json[name] for name in ("requested", "unassigned", "scheduled_removal")}
    assert numbers == {"requested": 6, "unassigned": 9, "scheduled_removal": 4}
    assert (account.numbers("core"), account.happened()) == ((10, 1, 4), [])


def test_r19_a_pool_never_goes_below_its_minimum(app: Flask) -> None:
    account = an_account(core=10)
    account.promise("core", minimum=7)

    answer = calling(app, account).post("removals", GIVE_BACK)

    assert (answer.status_code, answer.json["code"]) == (409, "below_minimum")
    assert (answer.json["quantity"], answer.json["minimum"]) == (6, 7)
    assert (account.numbers("core"), account.happened()) == ((10, 0, 0), [])


def test_r19_without_a_pool_there_is_nothing_to_give_back(app: Flask) -> None:
    account = a_free_account()

    answer = calling(app, account).post("removals", GIVE_BACK)

    assert (answer.status_code, answer.json["code"]) == (409, "not_enough_unassigned_seats")
    assert (answer.json["requested"], answer.json["unassigned"]) == (4, 0)


def test_r10_who_manages_users_sees_and_schedules_no_removal(app: Flask) -> None:
    account = an_account(core=10)
    api = signed_in(app, account, account.user_admin.id)
    account.from_here()

    for answer in (
        api.get("removals"),
        api.post("removals", GIVE_BACK),
        api.post("removals/rem_none/cancellation"),
    ):
        assert (answer.status_code, answer.json["missing"]) == (403, "modify_billing")
    assert account.happened() == []


def test_an_unknown_removal_is_not_found(app: Flask) -> None:
    api = calling(app, an_account(), Scope.BILLING)

    for answer in (api.get("removals/rem_none"), api.post("removals/rem_none/cancellation")):
        assert (answer.status_code, answer.json["kind"]) == (404, "removal")


def test_a_closed_account_gives_nothing_back(app: Flask) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    removal = api.post("removals", GIVE_BACK).json
    account.close()

    for answer in (
        api.post("removals", GIVE_BACK),
        api.post(f"removals/{removal['id']}/cancellation"),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "account_closed")
    assert api.get(f"removals/{removal['id']}").json["status"] == "cancelled"
    assert account.happened() == []
