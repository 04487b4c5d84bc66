"""Every door obeys the same rules (R33): at each of them, a full pool stays full (R11)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from licensing.operations import assigning, users
from licensing.rules.refusals import NoSeatAvailable
from tests.http import calling
from tests.world import AnAccount, an_account

Door = Callable[[AnAccount, str], Any]
DOORS: dict[str, Door] = {
    "assigning": lambda a, user: assigning.assign_seat(a.by, user, "core"),
    "changing the type": lambda a, user: assigning.change_seat(
        a.by, a.seat(user, "view_only"), "core"
    ),
    "making a user with a seat": lambda a, _: users.create_user(
        a.by, "new@example.com", "New", seat_types=("core",)
    ),
    "adding an active user with a seat": lambda a, _: users.create_user(
        a.by, "new@example.com", "New", status="active", seat_types=("core",)
    ),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
def test_r33_no_door_leads_past_a_full_pool(door: Door) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user("Priya")

    with pytest.raises(NoSeatAvailable):
        door(account, priya)

    assert account.numbers("core") == (1, 1, 0)
    assert account.happened() == []


def test_r33_nor_does_any_door_of_the_api(app: Flask) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user("Priya")
    api = calling(app, account)
    newcomer = {"email": "new@example.com", "name": "New", "seat_types": ["core"]}

    answers = [
        api.post("seats", {"user_id": priya, "seat_type": "core"}),
        api.patch(f"seats/{account.seat(priya, 'view_only')}", {"seat_type": "core"}),
        api.post("users", newcomer),
        api.post("users", newcomer | {"status": "active"}),
    ]

    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {
        (409, "no_seat_available")
    }


@pytest.mark.parametrize("query", ["", "?on_error=continue"])
@pytest.mark.parametrize("form", ["application/json", "text/csv"])
def test_r33_nor_does_a_batch_in_any_form(app: Flask, form: str, query: str) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user("Priya")
    api = calling(app, account)
    line = {"action": "assign", "user_id": priya, "seat_type": "core"}
    table = f"{','.join(line)}\n{','.join(line.values())}\n"

    answer = api.client.post(
        f"/v1/accounts/{account.id}/seat-batches{query}",
        data=table if form == "text/csv" else json.dumps({"changes": [line]}),
        content_type=form,
        headers=api.headers,
    )

    (refused,) = answer.json["lines"]
    assert refused.get("code", (refused.get("problem") or {}).get("code")) == "no_seat_available"
    assert account.numbers("core") == (1, 1, 0)
    assert account.happened() == []


def test_r33_coming_back_and_accepting_need_no_second_seat() -> None:
    account = an_account(core=2)
    priya = account.user("Priya", seats=["core"])
    felix = account.user("Felix", status="invited", seats=["core"])
    account.deactivate(priya)

    users.update_user(account.by, priya, {"status": "active"})
    users.accept_invitation(account.by, felix)

    assert account.numbers("core") == (2, 2, 0)
