"""A request on its way through the kit: a small application with views made for the purpose."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from licensing import db
from licensing.api import fields, health
from licensing.api.checking import response_schema_errors
from licensing.api.documenting import document
from licensing.api.kit import (
    Blueprint,
    Page,
    Request,
    Response,
    build_api,
    refuse_undeclared,
    window_of,
)
from licensing.api.operation import UndeclaredOperation
from licensing.api.request_refusals import Unauthenticated
from licensing.rules.permissions import (
    ANYBODY,
    CHANGE_SEATS,
    NOBODY_IN_PARTICULAR,
    SEE_ENTITLEMENTS,
    Actor,
    ActorType,
    Permission,
    Scope,
)
from licensing.rules.refusals import NoSeatAvailable, PreconditionFailed
from licensing.settings import Settings

SEATS = "/v1/accounts/acc_1/seats"
ORIGIN = "https://app.example.com"
CALLERS = {
    "Bearer service": Actor(ActorType.API_KEY, "key_1", scopes=frozenset({Scope.SEATS})),
    "Bearer bound": Actor(ActorType.API_KEY, "key_2", "acc_1", scopes=frozenset({Scope.SEATS})),
    "Bearer reader": Actor(ActorType.API_KEY, "key_3", scopes=frozenset({Scope.READ})),
    "Bearer user": Actor(ActorType.USER, "usr_1", "acc_1"),
    "Bearer admin": Actor(ActorType.USER, "usr_2", "acc_1", frozenset({Permission.MANAGE_USERS})),
}


def who_is_it(authorization: str | None) -> Actor:
    """The authenticator of these tests."""
    if authorization not in CALLERS:
        raise Unauthenticated
    return CALLERS[authorization]


class SeatRequest(Request):
    user_id = fields.Id("usr", required=True, description="Who gets the seat")
    note = fields.Text(max=20, description="Anything", example="new")


class SeatPatch(Request):
    note = fields.Text(max=20, description="Anything", example="new")


class SeatQuery(Request):
    user_id = fields.Id("usr", description="Only those of this user")


class Holder(Response):
    id = fields.Id("usr", description="The user")


class SeatResponse(Response):
    id = fields.Id("seat", description="The seat")
    holder = fields.Nested(Holder, description="Who holds it")
    version = fields.Version()


def a_seat(seat_id: str = "seat_1", user_id: str = "usr_1") -> dict[str, Any]:
    return {"id": seat_id, "holder": {"id": user_id}, "version": 7}


@contextmanager
def no_database(service: Settings) -> Iterator[None]:
    """Inside the block, the database cannot be reached."""
    db.close()
    db.open_database(Settings(database_url="sqlite:////nowhere/at/all.db"))
    try:
        yield
    finally:
        db.open_database(service)


class Stage:
    """An application with a few operations, and what has reached their views."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.app = Flask("tiny", static_folder=None)
        api = build_api(self.app, (ORIGIN,), who_is_it)
        api.register_blueprint(self.seats())
        api.register_blueprint(health.blp)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def send(self, method: str, path: str = SEATS, by: str = "service", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {by}"} | more.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **more)

    def seats(self) -> Blueprint:
        blp = Blueprint("seats", __name__, description="Seats")

        @blp.get("/accounts/<account_id>/seats")
        @blp.needs(CHANGE_SEATS)
        @blp.lists(SeatResponse, SeatQuery)
        def list_seats(actor: Actor, query: dict[str, Any]) -> Page:
            """List seats

            All of them."""
            self.seen.append(window_of(query))
            return Page([a_seat()], "more")

        @blp.get("/accounts/<account_id>/seats/<seat_id>")
        @blp.needs(CHANGE_SEATS)
        @blp.gives(200, SeatResponse)
        def get_seat(actor: Actor, seat_id: str) -> dict[str, Any]:
            """Read a seat

            Just one."""
            return a_seat(seat_id)

        @blp.post("/accounts/<account_id>/seats")
        @blp.needs(CHANGE_SEATS)
        @blp.takes(SeatRequest)
        @blp.gives(201, SeatResponse, location="/v1/accounts/{account_id}/seats/{id}")
        @blp.refuses(NoSeatAvailable)
        def assign_seat(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
            """Assign a seat

            To a user."""
            self.seen.append((actor, body))
            return a_seat(user_id=body["user_id"])

        @blp.post("/accounts/<account_id>/purchases")
        @blp.needs(CHANGE_SEATS)
        @blp.takes(SeatRequest, required=False, largest=100)
        @blp.idempotent("required")
        @blp.gives(201, SeatResponse)
        def purchase_seats(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
            """Buy

            With money."""
            return a_seat()

        @blp.post("/accounts/<account_id>/answers")
        @blp.needs(CHANGE_SEATS)
        @blp.idempotent("none")
        @blp.gives(200, SeatResponse)
        def ask_again(actor: Actor) -> dict[str, Any]:
            """Ask

            Again and again."""
            self.seen.append("asked")
            return a_seat()

        @blp.patch("/accounts/<account_id>/seats/<seat_id>")
        @blp.needs(CHANGE_SEATS)
        @blp.patches(SeatPatch, if_match="required")
        @blp.gives(200, SeatResponse)
        def change_seat(
            actor: Actor, seat_id: str, body: dict[str, Any], if_match: int | None
        ) -> dict[str, Any]:
            """Change a seat

            Somehow."""
            if if_match != 7:
                raise PreconditionFailed("seat", 7)
            return a_seat(seat_id)

        @blp.delete("/accounts/<account_id>/seats/<seat_id>")
        @blp.needs(CHANGE_SEATS)
        @blp.asks(SeatQuery)
        @blp.gives(204)
        @blp.gives(200, SeatResponse, location="/elsewhere/{id}")
        def unassign_seat(actor: Actor, seat_id: str, query: dict[str, Any]) -> Any:
            """Take a seat back

            Or not."""
            if query:
                return a_seat(seat_id), {"Paid-Until": "soon"}, 200
            return None, {"Paid-Until": "later"}

        @blp.get("/accounts/<account_id>/users/<user_id>/entitlements")
        @blp.needs(SEE_ENTITLEMENTS)
        @blp.gives(200, Holder)
        def get_entitlements(actor: Actor, user_id: str) -> dict[str, Any]:
            """Read entitlements

            Of a user."""
            return {"id": user_id}

        @blp.get("/open")
        @blp.needs(NOBODY_IN_PARTICULAR)
        @blp.gives(200, Holder, shown_as={"text/csv": lambda shown: f"id\n{shown['id']}\n"})
        def get_open(actor: Actor) -> dict[str, Any]:
            """Read what is open

            To anybody."""
            self.seen.append(actor)
            return {"id": actor.id}

        return blp


@pytest.fixture
def stage() -> Stage:
    return Stage()


# --- who asks ------------------------------------------------------------------------------------


def test_without_a_token_the_answer_is_401_and_says_what_is_wanted(stage: Stage) -> None:
    answer = stage.client.get(SEATS)

    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="seatkeeper"'


def test_a_token_that_is_not_valid_is_named_as_the_reason(stage: Stage) -> None:
    answer = stage.send("GET", by="forged")

    assert answer.headers["WWW-Authenticate"].endswith('error="invalid_token"')


@pytest.mark.parametrize(
    ("by", "path", "status"),
    [
        pytest.param("service", SEATS, 200, id="a key with the scope"),
        pytest.param("bound", SEATS, 200, id="a key of the account"),
        pytest.param("bound", "/v1/accounts/acc_2/seats", 404, id="a key of another account"),
        pytest.param("reader", SEATS, 403, id="a key without the scope"),
        pytest.param("admin", SEATS, 200, id="a user with the permission"),
        pytest.param("admin", "/v1/accounts/acc_2/seats", 404, id="a user of another account"),
        pytest.param("user", SEATS, 403, id="a user without the permission"),
        pytest.param(
            "user", "/v1/accounts/acc_1/users/usr_1/entitlements", 200, id="a user about himself"
        ),
        pytest.param(
            "user", "/v1/accounts/acc_1/users/usr_2/entitlements", 403, id="a user about another"
        ),
    ],
)
def test_who_may_do_it(stage: Stage, by: str, path: str, status: int) -> None:
    assert stage.send("GET", path, by=by).status_code == status


def test_the_actor_acts_in_the_account_of_the_path_and_knows_the_request(stage: Stage) -> None:
    stage.send("POST", json={"user_id": "usr_1"}, headers={"X-Request-Id": "mine"})

    ((actor, _),) = stage.seen
    assert (actor.account_id, actor.request_id) == ("acc_1", "mine")


def test_who_may_not_learns_nothing_of_the_rest_of_the_request(stage: Stage) -> None:
    answer = stage.send(
        "POST", f"{SEATS}?typo=1", by="reader", data=b"{", headers={"If-Match": "*"}
    )

    assert answer.status_code == 403


def test_whoever_needs_no_token_may_do_nothing_else(stage: Stage) -> None:
    assert stage.client.get("/v1/open").status_code == 200

    (actor,) = stage.seen
    assert (actor.scopes, actor.permissions, actor.type) == (set(), set(), ActorType.API_KEY)


@pytest.mark.parametrize("value", ["%00", "%ff%fe", "%ed%a0%80", "a" * 65, "a%20b", "..%2fx"])
def test_an_odd_identifier_in_the_path_is_not_found(stage: Stage, value: str) -> None:
    assert stage.send("GET", f"{SEATS}/{value}").status_code == 404


# --- what comes in -------------------------------------------------------------------------------


def test_a_request_id_is_taken_if_it_is_well_formed_and_made_otherwise(stage: Stage) -> None:
    taken = stage.client.get("/v1/open", headers={"X-Request-Id": "A-b_1"})
    made = stage.client.get("/v1/nowhere", headers={"X-Request-Id": "no good"})

    assert taken.headers["X-Request-Id"] == "A-b_1"
    assert re.fullmatch(r"req_[0-9a-f]{32}", made.headers["X-Request-Id"])
    assert made.json["request_id"] == made.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limt=5", "/limt"),
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=1_0", "/limit"),
        ("limit=%D9%A1", "/limit"),
        ("limit=100000000000000000000", "/limit"),
        ("limit=5&limit=5", "/limit"),
        ("include_total=yes", "/include_total"),
        ("cursor=%00", "/cursor"),
    ],
)
def test_a_wrong_query_parameter_is_named(stage: Stage, query: str, pointer: str) -> None:
    answer = stage.send("GET", f"{SEATS}?{query}")

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert [(e["location"], e["pointer"]) for e in answer.json["errors"]] == [("query", pointer)]


def test_an_operation_without_query_parameters_takes_none(stage: Stage) -> None:
    assert stage.send("GET", f"{SEATS}/seat_1?a=1").status_code == 422


@pytest.mark.parametrize("query", ["limit=%ff", "%ff=1", "%ed%a0%80=1"])
def test_a_query_that_is_not_utf_8_is_malformed(stage: Stage, query: str) -> None:
    answer = stage.send("GET", f"{SEATS}?{query}")

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_query")


def test_the_view_of_a_list_gets_its_filters_and_a_window(stage: Stage) -> None:
    answer = stage.send("GET", f"{SEATS}?user_id=usr_1&limit=5&include_total=true")

    ((query),) = stage.seen
    assert (query["user_id"], query["window"].limit) == ("usr_1", 5)
    assert query["window"].include_total
    assert answer.json == {"items": [a_seat()], "next_cursor": "more"}


def test_the_body_reaches_the_view_as_its_schema_reads_it(stage: Stage) -> None:
    stage.send("POST", json={"user_id": " usr_1 ", "note": "e\u0301"})

    ((_, body),) = stage.seen
    assert body == {"user_id": "usr_1", "note": "\u00e9"}


def test_every_mistake_in_a_body_is_listed_with_a_pointer(stage: Stage) -> None:
    answer = stage.send("POST", json={"note": 5, "a/b": 1})

    pointers = {error["pointer"] for error in answer.json["errors"]}
    assert answer.status_code == 422
    assert pointers == {"/user_id", "/note", "/a~1b"}


def test_a_name_that_is_no_text_at_all_is_refused_like_any_other(stage: Stage) -> None:
    answer = stage.send("POST", data=rb'{"\ud800": 1}', content_type="application/json")

    assert answer.status_code == 422
    assert {"/\\ud800", "/user_id"} == {error["pointer"] for error in answer.json["errors"]}


def test_the_largest_body_is_the_operations_own(stage: Stage) -> None:
    body = {"user_id": "usr_1", "note": "x" * 90}

    refused = stage.send(
        "POST", "/v1/accounts/acc_1/purchases", json=body, headers={"Idempotency-Key": "k"}
    )

    assert (refused.status_code, refused.json["limit"]) == (413, 100)
    assert stage.send("POST", json=body).status_code == 422


def test_a_body_that_is_not_required_may_be_left_out(stage: Stage) -> None:
    key = {"Idempotency-Key": "k"}

    assert stage.send("POST", "/v1/accounts/acc_1/purchases", headers=key).status_code == 422
    assert stage.send("POST").json["code"] == "body_required"


@pytest.mark.parametrize("content_type", ["application/merge-patch+json", "application/json"])
def test_a_patch_may_be_sent_as_either_type(stage: Stage, content_type: str) -> None:
    answer = stage.send(
        "PATCH",
        f"{SEATS}/seat_1",
        data=b'{"note": "a"}',
        content_type=content_type,
        headers={"If-Match": '"v7"'},
    )

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v7"')


def test_a_merge_patch_is_no_body_of_a_post(stage: Stage) -> None:
    answer = stage.send("POST", data=b"{}", content_type="application/merge-patch+json")

    assert answer.status_code == 415


# --- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", ["*", '"v7", "v8"', "v7", '"v0"', '"7"', "", '"v٧"'])
def test_if_match_takes_one_strong_etag(stage: Stage, sent: str) -> None:
    environ = {"HTTP_IF_MATCH": sent.encode().decode("latin-1")}

    answer = stage.send("PATCH", f"{SEATS}/seat_1", json={}, environ_overrides=environ)

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_header")


def test_a_stale_version_is_refused_with_the_present_one(stage: Stage) -> None:
    answer = stage.send("PATCH", f"{SEATS}/seat_1", json={}, headers={"If-Match": '"v6"'})

    assert (answer.status_code, answer.json["code"]) == (412, "precondition_failed")
    assert (answer.headers["ETag"], answer.json["version"]) == ('"v7"', 7)


def test_a_version_has_to_be_sent_where_it_is_required(stage: Stage) -> None:
    answer = stage.send("PATCH", f"{SEATS}/seat_1", json={})

    assert (answer.status_code, answer.json["code"]) == (428, "precondition_required")


@pytest.mark.parametrize("known", ['"v7"', '"v6", "v7"', "*"])
def test_what_the_caller_knows_is_not_sent_again(stage: Stage, known: str) -> None:
    answer = stage.send("GET", f"{SEATS}/seat_1", headers={"If-None-Match": known})

    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == '"v7"'
    assert "Content-Type" not in answer.headers


def test_what_has_changed_is_sent(stage: Stage) -> None:
    answer = stage.send("GET", f"{SEATS}/seat_1", headers={"If-None-Match": '"v6"'})

    assert (answer.status_code, answer.json) == (200, a_seat())


# --- repeating -----------------------------------------------------------------------------------


def test_a_repeated_request_is_answered_like_the_first_and_done_once(stage: Stage) -> None:
    key, body = {"Idempotency-Key": '"a key"'}, {"user_id": "usr_1", "note": "a"}

    first = stage.send("POST", json=body, headers=key)
    second = stage.send("POST", json=dict(reversed(body.items())), headers=key)

    assert (second.status_code, second.data) == (201, first.data)
    assert second.headers["Location"] == first.headers["Location"] == f"{SEATS}/seat_1"
    assert (first.headers.get("Idempotency-Replayed"), len(stage.seen)) == (None, 1)
    assert second.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    "other",
    [
        {"json": {"user_id": "usr_2"}},
        {"json": {"user_id": "usr_1"}, "path": "/v1/accounts/acc_1/purchases"},
    ],
    ids=["another body", "another path"],
)
def test_a_key_is_good_for_one_request(stage: Stage, other: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "k"}
    stage.send("POST", json={"user_id": "usr_1"}, headers=key)

    answer = stage.send("POST", headers=key, **other)

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")


def test_a_key_belongs_to_who_sent_it(stage: Stage) -> None:
    key = {"Idempotency-Key": "k"}
    stage.send("POST", json={"user_id": "usr_1"}, headers=key)

    assert stage.send("POST", by="admin", json={"user_id": "usr_2"}, headers=key).status_code == 201


@pytest.mark.parametrize("sent", ["", "a" * 256, '"a', '"a","b"', "a,b", "a, b", "é", '"a\\"b"'])
def test_an_idempotency_key_is_one_and_well_formed(stage: Stage, sent: str) -> None:
    answer = stage.send("POST", json={"user_id": "usr_1"}, headers={"Idempotency-Key": sent})

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_header")
    assert stage.seen == []


def test_two_idempotency_keys_are_none(stage: Stage) -> None:
    # As granian and Werkzeug's own server join a header that was sent twice.
    environ = {"HTTP_IDEMPOTENCY_KEY": "a,b"}

    answer = stage.send("POST", json={"user_id": "usr_1"}, environ_overrides=environ)

    assert answer.json["code"] == "malformed_header"


def test_money_is_not_spent_without_an_idempotency_key(stage: Stage) -> None:
    answer = stage.send("POST", "/v1/accounts/acc_1/purchases", json={"user_id": "usr_1"})

    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_required")


def test_where_no_key_is_taken_every_request_is_a_new_one(stage: Stage) -> None:
    for _ in range(2):
        stage.send("POST", "/v1/accounts/acc_1/answers", headers={"Idempotency-Key": "k"})

    assert stage.seen == ["asked", "asked"]


# --- what goes out -------------------------------------------------------------------------------


def test_what_was_made_has_a_location_and_a_version(stage: Stage) -> None:
    answer = stage.send("POST", json={"user_id": "usr_9"})

    assert (answer.status_code, answer.json) == (201, a_seat(user_id="usr_9"))
    assert answer.headers["Location"] == f"{SEATS}/seat_1"
    assert (answer.headers["ETag"], answer.content_type) == ('"v7"', "application/json")


def test_nothing_to_say_has_no_body_and_its_own_headers(stage: Stage) -> None:
    answer = stage.send("DELETE", f"{SEATS}/seat_1")

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Paid-Until"] == "later"
    assert "Location" not in answer.headers


def test_another_outcome_has_its_own_status_headers_and_location(stage: Stage) -> None:
    answer = stage.send("DELETE", f"{SEATS}/seat_1?user_id=usr_1")

    assert (answer.status_code, answer.json) == (200, a_seat())
    assert (answer.headers["Paid-Until"], answer.headers["Location"]) == (
        "soon",
        "/elsewhere/seat_1",
    )


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("image/png", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv;q=0.5, application/json", "application/json"),
    ],
)
def test_the_caller_chooses_the_form(stage: Stage, accept: str, content_type: str) -> None:
    answer = stage.client.get("/v1/open", headers={"Accept": accept})

    assert answer.content_type == content_type
    assert "Accept" in answer.headers["Vary"]
    assert "anonymous" in answer.text


def test_every_answer_is_safe_for_browsers(stage: Stage) -> None:
    for answer in (stage.client.get("/v1/open"), stage.client.get("/nowhere")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_listed_origin_may_ask_and_read_the_headers(stage: Stage) -> None:
    asking = {"Access-Control-Request-Method": "POST"}
    asking["Access-Control-Request-Headers"] = "Idempotency-Key, If-Match"

    preflight = stage.client.options(SEATS, headers={"Origin": ORIGIN} | asking)
    refused = stage.client.get(SEATS, headers={"Origin": ORIGIN})

    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "If-Match" in preflight.headers["Access-Control-Allow-Headers"]
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "ETag" in refused.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in refused.headers


@pytest.mark.parametrize("origin", [f"{ORIGIN}.evil", "https://xapp.example.com", "null"])
def test_another_origin_is_not_let_in(stage: Stage, origin: str) -> None:
    answer = stage.client.get(SEATS, headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in answer.headers


# --- health --------------------------------------------------------------------------------------


def test_life_does_not_depend_on_the_database_but_readiness_does(
    stage: Stage, service: Settings
) -> None:
    with no_database(service):
        alive, ready = stage.client.get("/livez"), stage.client.get("/readyz")

    assert alive.status_code == 200
    assert (ready.status_code, ready.json["code"]) == (503, "unavailable")
    assert ready.headers["Retry-After"] == "1"


def test_with_its_database_the_service_is_ready(stage: Stage) -> None:
    assert stage.client.get("/readyz").json == {"status": "ok"}


def test_without_a_database_an_operation_is_unavailable(stage: Stage, service: Settings) -> None:
    with no_database(service):
        answer = stage.send("GET")

    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")


# --- what has to be declared ---------------------------------------------------------------------


def test_a_route_that_declares_nothing_stops_the_start() -> None:
    app = Flask("undeclared", static_folder=None)
    build_api(app)
    app.add_url_rule("/secrets", "secrets", lambda: "all of them")

    with pytest.raises(UndeclaredOperation, match="/secrets"):
        refuse_undeclared(app)


def test_an_application_of_declared_operations_starts(stage: Stage) -> None:
    refuse_undeclared(stage.app)


class Undescribed(Response):
    id = fields.Id("usr", description="")


class WithoutExample(Request):
    text = fields.Text(max=5, description="Some text")


def _view(doc: str | None) -> Callable[..., Any]:
    def view(actor: Actor) -> None:
        """Replaced."""

    view.__doc__ = doc
    return view


@pytest.mark.parametrize(
    ("decorators", "doc", "missing"),
    [
        pytest.param(("gives",), "Do\n\nIt.", "a need", id="no need"),
        pytest.param(("needs",), "Do\n\nIt.", "a success", id="no success"),
        pytest.param(("needs", "gives"), "Do", "description", id="no description"),
        pytest.param(("needs", "gives"), None, "a summary", id="no docstring"),
        pytest.param(("needs", "answers"), "Do\n\nIt.", "id has no description", id="a field"),
        pytest.param(("needs", "gives", "takes"), "Do\n\nIt.", "text has no example", id="a body"),
        pytest.param(("needs", "gives", "asks"), "Do\n\nIt.", "text has no example", id="a query"),
    ],
)
def test_an_operation_that_lacks_something_is_not_registered(
    decorators: tuple[str, ...], doc: str | None, missing: str
) -> None:
    blp = Blueprint("b", __name__, description="b")
    declarations = {
        "needs": blp.needs(ANYBODY),
        "gives": blp.gives(204),
        "answers": blp.gives(200, Undescribed),
        "takes": blp.takes(WithoutExample),
        "asks": blp.asks(WithoutExample),
    }
    view = _view(doc)
    for name in decorators:
        view = declarations[name](view)

    with pytest.raises(UndeclaredOperation, match=missing):
        blp.post("/things")(view)


# --- checking answers in tests -------------------------------------------------------------------


def test_an_answer_as_documented_has_no_errors() -> None:
    assert response_schema_errors(SeatResponse, a_seat()) == []


@pytest.mark.parametrize(
    ("answer", "pointer"),
    [
        pytest.param(a_seat() | {"more": 1}, "/more", id="an undocumented member"),
        pytest.param(a_seat() | {"holder": {"id": "u", "x": 1}}, "/holder/x", id="a nested one"),
        pytest.param(a_seat() | {"holder": {}}, "/holder/id", id="a missing member"),
        pytest.param(a_seat() | {"version": "7"}, "/version", id="a wrong type"),
        pytest.param(a_seat() | {"version": 0}, "/version", id="out of bounds"),
        pytest.param([], "", id="no object"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_found(answer: Any, pointer: str) -> None:
    assert [error["pointer"] for error in response_schema_errors(SeatResponse, answer)] == [pointer]


def test_items_of_lists_are_checked_too() -> None:
    class PageResponse(Response):
        items = fields.ListOf(
            fields.Nested(Holder, description="One"), max=5, description="The items"
        )

    errors = response_schema_errors(PageResponse(), {"items": [{"id": "u"}, {"id": "u", "x": 1}]})

    assert [error["pointer"] for error in errors] == ["/items/1/x"]


def test_a_declared_operation_can_be_documented(stage: Stage) -> None:
    declared = stage.app.view_functions["seats.assign_seat"].declared  # type: ignore[attr-defined]

    assert document(declared)["operationId"] == "assignSeat"
