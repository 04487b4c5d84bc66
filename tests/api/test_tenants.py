"""One tenant never sees, reaches or hears of another; asked of every route there is."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from licensing.operations import assigning, giving_back, requesting
from tests.http import Calling, calling, document, signed_in
from tests.world import AnAccount, an_account

CANARY = "canary"
LISTS = (
    "users",
    "seats",
    "pools",
    "subscriptions",
    "purchases",
    "removals",
    "transfers",
    "seat-requests",
    "events",
)


def _routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Method and rule of every route below an account, from the routing itself."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/v1/accounts/<account_id>"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.rule


def _body_of(app: Flask, method: str, rule: str) -> Any:
    """The documented example of a route's body, None where it takes none."""
    path = rule.replace("<", "{").replace(">", "}")
    described = document(app)["paths"][path][method.lower()]
    content = described.get("requestBody", {}).get("content", {})
    example = content.get("application/json", {}).get("example")
    # The clock of the tests stands before the date of this one's example.
    return {} if rule.endswith("/activity") else example


def _full_of_canaries() -> AnAccount:
    """A tenant with one thing of every kind, whose every name would give it away."""
    account = an_account(name=f"{CANARY} company", external_id=f"{CANARY}-1")
    priya = account.user(f"{CANARY} Priya", seats=["core"], external_id=f"{CANARY}-2")
    noah = account.user(f"{CANARY} Noah", email=f"{CANARY}@example.com", metadata={"is": CANARY})
    assigning.transfer_seat(account.by, account.seat(priya, "core"), noah)
    assigning.assign_seat(account.by, priya, "core")
    giving_back.schedule_removal(account.by, "core", 2)
    requesting.ask_for_seat(account.by, "core", f"{CANARY} note", account.user())
    account.from_here()
    return account


def _ids(app: Flask, account: AnAccount) -> dict[str, str]:
    """An id of each kind of thing, by the name of the path parameter that takes it."""
    api = calling(app, account)
    first = {name: api.get(name).json["items"][0]["id"] for name in LISTS}
    return {
        "user_id": first["users"],
        "seat_id": first["seats"],
        "pool_id": first["pools"],
        "subscription_id": first["subscriptions"],
        "removal_id": first["removals"],
        "request_id": first["seat-requests"],
        "event_id": first["events"],
        "feature": "contacts",
    }


def _send_everything(
    app: Flask, caller: Calling, account_id: str, ids: dict[str, str], only: str = ""
) -> dict[str, Any]:
    """The answer of every route that has `only` in it, with valid bodies and headers."""
    answers = {}
    for number, (method, rule) in enumerate(_routes(app)):
        if only not in rule:
            continue
        filled = re.sub(r"<(\w+)>", lambda m: ({"account_id": account_id} | ids)[m[1]], rule)
        headers = {"If-Match": '"v1"', "Idempotency-Key": f"try-{number}"}
        body = _body_of(app, method, rule)
        answers[f"{method} {rule}"] = caller.send(method, filled, body, headers)
    return answers


def _told(answer: Any) -> str:
    """Everything that an answer says: body and headers."""
    return f"{answer.text} {answer.headers}"


@pytest.mark.parametrize("who", ["a bound key", "a super admin"])
def test_the_whole_of_another_account_does_not_exist(app: Flask, who: str) -> None:
    account, other = an_account(), _full_of_canaries()
    caller = calling(app, account)
    if who == "a super admin":
        caller = signed_in(app, account, account.super_admin.id)
    before = calling(app, other).get("pools").json

    answers = _send_everything(app, caller, other.id, _ids(app, other))

    assert len(answers) > 30
    assert {name: a.status_code for name, a in answers.items() if a.status_code != 404} == {}
    assert {a.json["code"] for a in answers.values()} == {"not_found"}
    assert all(CANARY not in _told(answer) for answer in answers.values())
    assert other.events() == []
    assert calling(app, other).get("pools").json == before


def test_an_account_that_exists_and_one_that_does_not_answer_alike(app: Flask) -> None:
    account, other = an_account(), an_account()
    ids = _ids(app, _full_of_canaries())
    caller = calling(app, account)

    existing = _send_everything(app, caller, other.id, ids)
    missing = _send_everything(app, caller, "acc_none", ids)

    def shape(answers: dict[str, Any]) -> list[tuple[int, str]]:
        return [(answer.status_code, answer.json["detail"]) for answer in answers.values()]

    assert shape(existing) == [
        (status, detail.replace("acc_none", other.id)) for status, detail in shape(missing)
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "user_id",
        "seat_id",
        "pool_id",
        "subscription_id",
        "removal_id",
        "request_id",
        "event_id",
    ],
)
def test_an_id_of_another_tenant_is_not_found_in_the_path(app: Flask, kind: str) -> None:
    account, other = an_account(), _full_of_canaries()
    foreign = _ids(app, other)
    caller = calling(app, account, bound=False)

    answers = _send_everything(app, caller, account.id, foreign, only=f"<{kind}>")

    assert answers
    assert {name: a.status_code for name, a in answers.items() if a.status_code != 404} == {}
    assert all(CANARY not in _told(answer) for answer in answers.values())
    assert (account.events(), other.events()) == ([], [])


def test_an_id_of_another_tenant_is_not_found_in_a_body_or_a_query(app: Flask) -> None:
    account, other = an_account(), _full_of_canaries()
    foreign = _ids(app, other)
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")
    api = calling(app, account)

    answers = [
        api.post("seats", {"user_id": foreign["user_id"], "seat_type": "core"}),
        api.post("transfers", {"seat_id": foreign["seat_id"], "to_user_id": priya}),
        api.post("transfers", {"seat_id": seat_id, "to_user_id": foreign["user_id"]}),
        api.patch(f"users/{priya}", {"status": "deactivated", "transfer_to": foreign["user_id"]}),
        api.delete(f"users/{priya}?transfer_to={foreign['user_id']}"),
        api.post("seat-requests", {"user_id": foreign["user_id"], "seat_type": "core"}),
        api.post("/v1/session-tokens", {"account_id": other.id, "user_id": foreign["user_id"]}),
        api.post("/v1/session-tokens", {"account_id": account.id, "user_id": foreign["user_id"]}),
        api.post("/v1/api-keys", {"name": "x", "scopes": ["read"], "account_id": other.id}),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert all(CANARY not in _told(answer) for answer in answers)
    assert (account.events(), other.events()) == ([], [])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("seats?user_id={}", "user_id", id="seats of a user"),
        pytest.param("seats?pool_id={}", "pool_id", id="seats of a pool"),
        pytest.param("events?user_id={}", "user_id", id="events of a user"),
        pytest.param("events?seat_id={}", "seat_id", id="events of a seat"),
        pytest.param("seat-requests?user_id={}", "user_id", id="requests of a user"),
    ],
)
def test_a_filter_by_an_id_of_another_tenant_finds_nothing(
    app: Flask, path: str, kind: str
) -> None:
    account, other = an_account(), _full_of_canaries()
    foreign = _ids(app, other)

    answer = calling(app, account).get(path.format(foreign[kind]))

    assert (answer.status_code, answer.json["items"]) == (200, [])


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"users?external_id={CANARY}-2", id="users by external id"),
        pytest.param(f"users?email={CANARY}@example.com", id="users by address"),
        pytest.param(f"/v1/accounts?external_id={CANARY}-1", id="accounts by external id"),
    ],
)
def test_a_look_up_by_a_name_of_another_tenant_finds_nothing(app: Flask, path: str) -> None:
    account, _ = an_account(), _full_of_canaries()

    answer = calling(app, account).get(path)

    assert (answer.status_code, answer.json["items"]) == (200, [])


@pytest.mark.parametrize("path", [*LISTS, "/v1/accounts", "/v1/api-keys"])
def test_a_list_never_shows_another_tenant(app: Flask, path: str) -> None:
    account, other = an_account(), _full_of_canaries()
    calling(app, other)

    answer = calling(app, account).get(f"{path}?limit=200&include_total=true")

    assert answer.status_code == 200
    assert answer.json["total"] == len(answer.json["items"])
    assert CANARY not in _told(answer)
    assert other.id not in _told(answer)


def test_a_cursor_of_another_tenant_is_not_taken(app: Flask) -> None:
    account, other = an_account(), _full_of_canaries()
    for _ in range(2):
        account.user()

    for path in ("users", "events"):
        cursor = calling(app, other).get(f"{path}?limit=1").json["next_cursor"]
        answer = calling(app, account).get(f"{path}?limit=1&cursor={cursor}")

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor")


def test_addresses_and_external_ids_of_another_tenant_are_free_to_use(app: Flask) -> None:
    account, _ = an_account(), _full_of_canaries()
    body = {"name": "P", "email": f"{CANARY}@example.com", "external_id": f"{CANARY}-2"}

    answer = calling(app, account).post("users", body)

    assert answer.status_code == 201


def test_r31_a_taken_external_id_does_not_tell_whose_account_has_it(app: Flask) -> None:
    account, other = an_account(), _full_of_canaries()
    admin = signed_in(app, account, account.super_admin.id)

    answer = admin.patch(f"/v1/accounts/{account.id}", {"external_id": f"{CANARY}-1"})

    assert (answer.status_code, answer.json["code"]) == (409, "external_id_taken")
    assert other.id not in _told(answer)
    assert account.events() == []


def test_a_key_of_one_tenant_is_neither_revoked_nor_rotated_by_another(app: Flask) -> None:
    account, other = an_account(), an_account()
    foreign = calling(app, other)
    key_id = foreign.get("/v1/api-keys").json["items"][0]["id"]
    api = calling(app, account)

    revoked = api.delete(f"/v1/api-keys/{key_id}")
    rotated = api.post(f"/v1/api-keys/{key_id}/rotation")

    assert (revoked.status_code, rotated.status_code) == (404, 404)
    assert foreign.get("pools").status_code == 200


def test_r18_a_stored_answer_is_not_given_to_another_tenant(app: Flask) -> None:
    account, other = an_account(), an_account()
    body = {"seat_type": "core", "quantity": 1}
    first = calling(app, other).post("purchases", body, key="order-1")

    answer = calling(app, account).post("purchases", body, key="order-1")

    assert answer.json["account_id"] == account.id
    assert answer.json["id"] != first.json["id"]
    assert "Idempotency-Replayed" not in answer.headers
