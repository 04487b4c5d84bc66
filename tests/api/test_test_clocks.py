"""Test clocks over HTTP (R26)."""

from flask import Flask

from licensing.rules.permissions import Scope
from licensing.scheduler import work_through
from tests.http import calling
from tests.world import an_account

CLOCK = {"name": "Renewals", "now": "2026-01-31T09:00:00Z"}


def test_r26_a_clock_is_made_moved_and_deleted(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)

    made = api.post("/v1/test-clocks", CLOCK)
    path = made.headers["Location"]
    moved = api.post(f"{path}/advance", {"to": "2026-02-28T09:00:00Z"})
    again = api.post(f"{path}/advance", {"to": "2026-03-01T09:00:00Z"})
    work_through()
    arrived = api.get(path)
    deleted = api.delete(path)

    assert (made.status_code, made.json["status"]) == (201, "ready")
    assert (moved.status_code, moved.json["status"]) == (200, "advancing")
    assert (again.status_code, again.json["code"]) == (409, "test_clock_advancing")
    assert again.json["advancing_to"] == "2026-02-28T09:00:00.000Z"
    assert (arrived.json["status"], arrived.json["now"]) == ("ready", "2026-02-28T09:00:00.000Z")
    assert (deleted.status_code, api.get(path).status_code) == (204, 404)


def test_r26_too_far_says_how_far(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)
    path = api.post("/v1/test-clocks", CLOCK).headers["Location"]

    answer = api.post(f"{path}/advance", {"to": "2029-01-31T09:00:00Z"})

    assert (answer.status_code, answer.json["code"]) == (409, "advance_too_far")
    assert answer.json["furthest"] == "2028-01-31T09:00:00.000Z"


def test_r26_backwards_is_a_mistake_in_the_body(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)
    path = api.post("/v1/test-clocks", CLOCK).headers["Location"]

    answer = api.post(f"{path}/advance", {"to": "2026-01-30T09:00:00Z"})

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/to")


def test_r26_an_account_names_its_clock_and_keeps_it(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)
    clock_id = api.post("/v1/test-clocks", CLOCK).json["id"]

    account = api.post("/v1/accounts", {"name": "On test", "test_clock_id": clock_id})
    unknown = api.post("/v1/accounts", {"name": "On test", "test_clock_id": "clk_x"})
    rebound = api.patch(f"/v1/accounts/{account.json['id']}", {"test_clock_id": None})

    assert account.json["test_clock_id"] == clock_id
    assert account.json["created_at"] == "2026-01-31T09:00:00.000Z"
    assert (unknown.status_code, unknown.json["code"]) == (404, "not_found")
    assert rebound.status_code == 422


def test_r10_a_key_that_is_bound_to_an_account_has_no_clocks(app: Flask) -> None:
    api = calling(app, an_account(), Scope.ADMIN)

    for answer in (api.post("/v1/test-clocks", CLOCK), api.get("/v1/test-clocks")):
        assert (answer.status_code, answer.json["code"]) == (403, "permission_denied")
