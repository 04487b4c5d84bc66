"""One tenant never sees, reaches or hears of another; asked of every route there is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask

from licensing.api import fields
from licensing.api.fields import EXAMPLE_ID
from licensing.api.kit import Blueprint, Response, build_api
from licensing.operations import assigning, giving_back, requesting
from licensing.queries import users as user_queries
from licensing.rules.permissions import SEE_USERS, Actor
from tests.http import Calling, calling, document, signed_in
from tests.swapping import (
    METHODS,
    Place,
    Request,
    content_of,
    operations,
    places,
    request_of,
    swapped,
)
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
        path = rule.rule.replace("<id:", "<")
        if path.startswith("/v1/accounts/<account_id>"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, path


def _body_of(app: Flask, method: str, rule: str) -> tuple[Any, str]:
    """The documented example of a route's body, None where it takes none; and its media type."""
    path = rule.replace("<", "{").replace(">", "}")
    described = document(app)["paths"][path][method.lower()]
    content_type, content = content_of(described)
    return content.get("example"), content_type


def _full_of_canaries(bird: str = CANARY) -> AnAccount:
    """A tenant with one thing of every kind, whose every name would give it away."""
    account = an_account(name=f"{bird} company", external_id=f"{bird}-1")
    priya = account.user(f"{bird} Priya", seats=["core"], external_id=f"{bird}-2")
    noah = account.user(f"{bird} Noah", email=f"{bird}@example.com", metadata={"is": bird})
    assigning.transfer_seat(account.by, account.seat(priya, "core"), noah)
    assigning.assign_seat(account.by, priya, "core")
    giving_back.schedule_removal(account.by, "core", 2)
    requesting.ask_for_seat(account.by, "core", f"{bird} note", account.user())
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
        body, content_type = _body_of(app, method, rule)
        answers[f"{method} {rule}"] = caller.send(method, filled, body, headers, content_type)
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
        pytest.param(f"seat-table?search={CANARY}", id="the seats table by name"),
        pytest.param("seat-table?search=c", id="the seats table by a letter"),
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


@dataclass
class Tenants:
    """Two tenants with one thing of each kind, and everybody who may act for the first alone."""

    own: AnAccount
    other: AnAccount
    own_ids: dict[str, str]
    foreign_ids: dict[str, str]
    bound: list[Calling]
    unbound: Calling


def _things(app: Flask, account: AnAccount) -> dict[str, str]:
    """An id of each kind of thing, by its prefix; endpoints, keys and a replay among them."""
    api = calling(app, account)
    ids = _ids(app, account)
    wanted = {"url": f"https://{CANARY}.example.com/", "event_types": ["*"]}
    endpoint = api.post("/v1/webhook-endpoints", wanted | {"account_id": account.id}).json["id"]
    api.post(f"/v1/webhook-endpoints/{endpoint}/enable")
    part = {"account_id": account.id, "from_sequence": 1}
    replay = api.post(f"/v1/webhook-endpoints/{endpoint}/replay", part, key="replay")
    assert replay.status_code in (200, 201, 202), replay.json
    return {
        "acc": account.id,
        "usr": ids["user_id"],
        "seat": ids["seat_id"],
        "pool": ids["pool_id"],
        "sub": ids["subscription_id"],
        "rem": ids["removal_id"],
        "req": ids["request_id"],
        "evt": ids["event_id"],
        "whe": endpoint,
        "rpl": replay.json["id"],
        "key": api.get("/v1/api-keys").json["items"][0]["id"],
    }


def _two_tenants(app: Flask) -> Tenants:
    own, other = _full_of_canaries("own"), _full_of_canaries()
    own_ids, foreign_ids = _things(app, own), _things(app, other)
    admin = signed_in(app, own, own.super_admin.id)
    own.from_here(), other.from_here()
    unbound = calling(app, own, bound=False)
    return Tenants(own, other, own_ids, foreign_ids, [calling(app, own), admin], unbound)


def _attempts(app: Flask, tenants: Tenants) -> Iterator[tuple[Place, Calling, Request]]:
    """Each place with the id of the other tenant, sent by each caller for whom that is foreign."""
    described = {d["operationId"]: (path, m, d) for path, m, d in operations(document(app))}
    for number, place in enumerate(places(document(app))):
        path, method, operation = described[place.operation]
        if place.kind not in tenants.foreign_ids or not set(_kinds_in(path)) <= {
            *tenants.own_ids,
            None,
        }:
            continue
        in_account = path.startswith("/v1/accounts/{account_id}")
        callers = [*tenants.bound]
        if in_account and place.kind != "acc":
            callers.append(tenants.unbound)
        for turn, caller in enumerate(callers):
            key = f"swap-{number}-{turn}"
            request = _own_request(path, method, operation, tenants, key)
            foreign = tenants.foreign_ids[place.kind]
            yield place, caller, swapped(request, place, tenants.own_ids, foreign)


# Where the example would be refused for another reason: it is for another action, or names
# somebody more than the one whose id is taken.
BODIES: dict[str, Any] = {
    "recordActivities": {"lines": [{"user_id": f"usr_{EXAMPLE_ID}"}]},
    "updateUser": {"status": "deactivated"},
    "queryEntitlements": {"user_ids": [f"usr_{EXAMPLE_ID}"], "features": ["contacts"]},
    "batchSeats": {
        "changes": [
            {
                "action": "transfer",
                "user_id": f"usr_{EXAMPLE_ID}",
                "to_user_id": f"usr_{EXAMPLE_ID}",
                "seat_type": "core",
            }
        ]
    },
}


def _own_request(
    path: str, method: str, described: dict[str, Any], tenants: Tenants, key: str
) -> Request:
    body = BODIES.get(described["operationId"])
    return request_of(path, method, described, tenants.own_ids, key, body)


def _send(caller: Calling, sent: Request) -> Any:
    path = sent.path + sent.query
    return caller.send(sent.method, path, sent.body, sent.headers, sent.content_type)


def _kinds_in(path: str) -> list[str | None]:
    names = {"clock_id": "clk"}
    return [names.get(name) for name in re.findall(r"{(\w+)}", path)]


def _complaints(app: Flask, tenants: Tenants) -> tuple[list[str], int]:
    """Where the id of the other tenant was taken, or told something; and how often it was tried."""
    found, tried = [], 0
    for place, caller, sent in _attempts(app, tenants):
        answer = _send(caller, sent)
        tried += 1
        if not _is_nothing(answer):
            found.append(f"{place}: {answer.status_code} {answer.text[:300]}")
        if CANARY in _told(answer):
            found.append(f"{place}: a canary")
    return found, tried


def _is_nothing(answer: Any) -> bool:
    """Whether an answer says that what was named is not there, or not for this caller."""
    if _is_missing(answer):
        return True
    if answer.status_code == 200:
        return answer.json == {"events": 0} or answer.json.get("items") == []
    return answer.json["code"] == "permission_denied"


def _is_missing(answer: Any) -> bool:
    """Whether an answer says that what was named is not there, as a whole or line by line."""
    if answer.status_code not in (200, 409):
        return bool(answer.status_code == 404)
    told = answer.json
    if told.get("not_found"):
        return told["items"] == []
    # A batch that is refused as a whole lists problems; one that goes on tells them by line.
    problems = [line.get("problem", line) or {} for line in told.get("lines", [])]
    return {problem.get("code") for problem in problems} == {"not_found"}


def test_no_place_of_any_request_takes_an_id_of_another_tenant(app: Flask) -> None:
    tenants = _two_tenants(app)
    before = calling(app, tenants.other).get("snapshot").json
    tenants.own.from_here(), tenants.other.from_here()

    complaints, tried = _complaints(app, tenants)

    assert "\n".join(complaints) == ""
    assert tried > 200
    assert (tenants.own.happened(), tenants.other.happened()) == ([], [])
    assert calling(app, tenants.other).get("snapshot").json == before


def test_the_same_requests_are_good_with_ids_of_ones_own(app: Flask) -> None:
    """Else they would not be found for another reason than whose ids they are."""
    tenants = _two_tenants(app)
    named = {place.operation for place in places(document(app))}
    answers = {}
    for path, method, described in sorted(
        operations(document(app)), key=lambda o: METHODS.index(o[1])
    ):
        if described["operationId"] in named and "{clock_id}" not in path:
            sent = _own_request(path, method, described, tenants, described["operationId"])
            answers[sent.operation] = _send(tenants.bound[0], sent)

    assert {id for id, answer in answers.items() if _is_missing(answer)} == set()
    assert len(answers) > 60


def _leaking(other: AnAccount) -> Flask:
    """A service with one operation that forgets to ask whose the user is."""

    class Shown(Response):
        """A user."""

        name = fields.Text(max=100, description="The name", example="Priya")

    def get_user(actor: Actor, user_id: str) -> dict[str, Any]:
        """Get a user

        Of any account.
        """
        return {"name": user_queries.user(other.by, user_id)["name"]}

    app, blp = Flask("leaking"), Blueprint("leaking", __name__)
    api = build_api(app)
    view = blp.needs(SEE_USERS)(blp.gives(200, Shown)(get_user))
    blp.get("/accounts/<account_id>/users/<user_id>")(view)
    api.register_blueprint(blp)
    return app


@pytest.mark.owner  # any other role would be shown nothing
def test_an_operation_that_leaks_is_found(app: Flask) -> None:
    tenants = _two_tenants(app)
    leaking = _leaking(tenants.other)
    for caller in (*tenants.bound, tenants.unbound):
        caller.client = leaking.test_client(use_cookies=False)

    complaints, tried = _complaints(leaking, tenants)

    assert tried == 5  # two for the account and three for the user
    assert len([text for text in complaints if text.endswith("a canary")]) == 3


def test_no_list_takes_a_cursor_of_another_tenant(app: Flask) -> None:
    tenants = _two_tenants(app)
    theirs = calling(app, tenants.other)
    for _ in range(2):
        tenants.other.user(), tenants.own.user()
    tried = []
    for path, method, described in operations(document(app)):
        names = {parameter.get("name") for parameter in described["parameters"]}
        if "cursor" not in names or path.startswith("/v1/test-clocks"):
            continue  # clocks belong to no tenant
        request = _own_request(path, method, described, tenants, "none")
        foreign = request.path
        for kind, id in tenants.own_ids.items():
            foreign = foreign.replace(id, tenants.foreign_ids[kind])
        window = f"{request.query}&limit=1"
        first = theirs.get(f"{foreign}{window}")
        assert first.status_code == 200, first.text
        cursor = first.json["next_cursor"]
        if cursor:
            answer = tenants.bound[0].get(f"{request.path}{window}&cursor={cursor}")
            assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor"), path
            tried.append(path)

    assert len(tried) >= 4


def test_no_post_is_answered_with_what_another_tenant_was(app: Flask) -> None:
    tenants = _two_tenants(app)
    theirs = calling(app, tenants.other)
    mirrored = replace(tenants, own_ids=tenants.foreign_ids)
    tried = []
    for path, method, described in operations(document(app)):
        if method != "post" or not path.startswith("/v1/accounts/{account_id}"):
            continue
        key = described["operationId"]
        first = _send(theirs, _own_request(path, method, described, mirrored, key))
        answer = _send(tenants.bound[0], _own_request(path, method, described, tenants, key))
        assert "Idempotency-Replayed" not in answer.headers, path
        assert CANARY not in _told(answer), path
        tried += [path] if first.status_code < 300 else []

    assert len(tried) >= 5
