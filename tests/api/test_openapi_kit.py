"""The contract that the kit writes: complete, valid, and the same again in OpenAPI 3.0."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from enum import StrEnum
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from licensing import __version__
from licensing.api import docs, fields, health
from licensing.api.kit import Blueprint, Page, Request, Response, build_api
from licensing.api.openapi import as_3_0, document
from licensing.rules.permissions import CHANGE_SEATS, SEE, Actor
from licensing.rules.refusals import AlreadyAssigned, NoSeatAvailable, RemovalNotPending

SEATS = "/v1/accounts/{account_id}/seats"
SEAT = f"{SEATS}/{{seat_id}}"


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"


class ThingRequest(Request):
    name = fields.Text(max=20, required=True, description="Its name", example="Chair")
    mood = fields.Choice(Mood, allow_none=True, description="How it is")


class ThingPatch(Request):
    name = fields.Text(max=20, description="Its name", example="Chair")


class ThingQuery(Request):
    mood = fields.Choice(Mood, description="Only those")


class Part(Response):
    size = fields.Integer(min=1, max=9, description="How large", example=3)


class ThingResponse(Response):
    id = fields.Id("seat", description="The thing")
    mood = fields.Choice(Mood, allow_none=True, description="How it is")
    parts = fields.ListOf(
        fields.Nested(Part, description="A part"), max=5, description="What it is made of"
    )
    best = fields.Nested(Part, allow_none=True, description="The best part")
    version = fields.Version()


blp = Blueprint("things", __name__, description="Things")


@blp.get("/accounts/<account_id>/seats")
@blp.needs(SEE)
@blp.lists(ThingResponse, ThingQuery)
def list_things(actor: Actor, query: dict[str, Any]) -> Page:
    """List things

    All of them.
    """
    return Page([], None)


@blp.post("/accounts/<account_id>/seats")
@blp.needs(CHANGE_SEATS)
@blp.takes(ThingRequest)
@blp.gives(201, ThingResponse, location="/v1/accounts/{account_id}/seats/{id}")
@blp.refuses(NoSeatAvailable, AlreadyAssigned)
def make_thing(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Make a thing

    A new one,
    of wood.

    Or of steel.
    """
    return {}


@blp.get("/accounts/<account_id>/seats/<seat_id>")
@blp.needs(SEE)
@blp.gives(200, ThingResponse, shown_as={"text/csv": lambda shown: ",".join(shown)})
def get_thing(actor: Actor, seat_id: str) -> dict[str, Any]:
    """Read a thing

    Just one.
    """
    return {}


@blp.patch("/accounts/<account_id>/seats/<seat_id>")
@blp.needs(CHANGE_SEATS)
@blp.patches(ThingPatch, if_match="required")
@blp.gives(200, ThingResponse)
def change_thing(
    actor: Actor, seat_id: str, body: dict[str, Any], if_match: int | None
) -> dict[str, Any]:
    """Change a thing

    In place.
    """
    return {}


@blp.delete("/accounts/<account_id>/seats/<seat_id>")
@blp.needs(CHANGE_SEATS)
@blp.gives(204)
@blp.gives(200, ThingResponse)
@blp.refuses(RemovalNotPending)
def remove_thing(actor: Actor, seat_id: str) -> None:
    """Remove a thing

    For good.
    """


@blp.post("/accounts/<account_id>/purchases")
@blp.needs(CHANGE_SEATS)
@blp.takes(ThingRequest)
@blp.idempotent("required")
@blp.gives(201, ThingResponse)
def buy_thing(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Buy a thing

    With money.
    """
    return {}


def _documented() -> Flask:
    app = Flask("documented", static_folder=None)
    api = build_api(app, open_endpoints=docs.OPEN_ENDPOINTS)
    for registered in (blp, health.blp, docs.blp):
        api.register_blueprint(registered)
    docs.add_pages(app)
    return app


@pytest.fixture(scope="module")
def app() -> Flask:
    """An application whose contract is looked at."""
    return _documented()


@pytest.fixture(scope="module")
def contract(app: Flask) -> dict[str, Any]:
    return document(app)


def operations(contract: dict[str, Any]) -> list[dict[str, Any]]:
    methods = ("get", "post", "patch", "delete")
    return [path[m] for path in contract["paths"].values() for m in methods if m in path]


def parameter_names(operation: dict[str, Any]) -> list[str]:
    return [
        p["name"] if "name" in p else p["$ref"].rsplit("/")[-1] for p in operation["parameters"]
    ]


def test_the_contract_is_valid_in_both_versions(contract: dict[str, Any]) -> None:
    validate(contract)
    validate(as_3_0(contract))

    assert (contract["openapi"], as_3_0(contract)["openapi"]) == ("3.1.1", "3.0.3")


def test_the_contract_says_what_it_is_of(contract: dict[str, Any]) -> None:
    assert contract["info"]["title"] == "Seatkeeper"
    assert contract["info"]["version"] == __version__
    assert contract["servers"][0]["url"] == "/"
    assert [tag["name"] for tag in contract["tags"]] == ["health", "problems", "things"]


def test_the_contract_is_the_same_every_time(app: Flask, contract: dict[str, Any]) -> None:
    assert json.dumps(document(app)) == json.dumps(contract)


def test_those_who_ask_for_it_first_and_at_once_get_all_of_it(contract: dict[str, Any]) -> None:
    app, together = _documented(), threading.Barrier(4)

    def ask(_: int) -> str:
        together.wait(timeout=5)
        return json.dumps(document(app))

    with ThreadPoolExecutor(4) as threads:
        answers = set(threads.map(ask, range(4)))

    assert answers == {json.dumps(contract)}


def test_an_operation_is_named_and_told_by_its_view(contract: dict[str, Any]) -> None:
    made = contract["paths"][SEATS]["post"]

    assert (made["operationId"], made["summary"]) == ("makeThing", "Make a thing")
    assert made["description"].startswith("A new one, of wood.\n\nOr of steel.\n\n**Needs**")


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        pytest.param(SEATS, "get", "200 400 401 403 404 422 429 503", id="a list"),
        pytest.param(SEATS, "post", "201 400 401 403 404 409 411 413 415 422 429 503", id="a POST"),
        pytest.param(SEAT, "get", "200 304 400 401 403 404 422 429 503", id="a GET with an ETag"),
        pytest.param(
            SEAT, "patch", "200 400 401 403 404 411 412 413 415 422 428 429 503", id="a PATCH"
        ),
        pytest.param(SEAT, "delete", "200 204 400 401 403 404 409 422 429 503", id="a DELETE"),
        pytest.param("/livez", "get", "200 400 422 503", id="life"),
    ],
)
def test_every_status_is_documented(
    contract: dict[str, Any], path: str, method: str, statuses: str
) -> None:
    assert " ".join(sorted(contract["paths"][path][method]["responses"])) == statuses


@pytest.mark.parametrize(
    ("path", "method", "names"),
    [
        (SEATS, "get", ["limit", "cursor", "include_total", "mood"]),
        (SEATS, "post", ["IdempotencyKey"]),
        ("/v1/accounts/{account_id}/purchases", "post", ["IdempotencyKeyRequired"]),
        (SEAT, "get", ["IfNoneMatch"]),
        (SEAT, "patch", ["IfMatchRequired"]),
    ],
)
def test_every_parameter_is_documented(
    contract: dict[str, Any], path: str, method: str, names: list[str]
) -> None:
    assert sorted(parameter_names(contract["paths"][path][method])) == sorted(names)


def test_every_answer_documents_its_headers(contract: dict[str, Any]) -> None:
    made = contract["paths"][SEATS]["post"]["responses"]

    assert set(made["201"]["headers"]) == {
        "ETag",
        "Idempotency-Replayed",
        "Location",
        "RateLimit",
        "RateLimit-Policy",
        "X-Request-Id",
    }
    assert set(made["409"]["headers"]) == {"Retry-After", "X-Request-Id"}
    shared = contract["components"]["responses"]
    assert "WWW-Authenticate" in shared["Unauthenticated"]["headers"]
    assert "Retry-After" in shared["Unavailable"]["headers"]
    assert {"Retry-After", "RateLimit"} <= set(shared["RateLimited"]["headers"])
    assert "ETag" in shared["PreconditionFailed"]["headers"]
    assert all("X-Request-Id" in response["headers"] for response in shared.values())


def test_a_conflict_documents_its_codes(contract: dict[str, Any]) -> None:
    conflict = contract["paths"][SEATS]["post"]["responses"]["409"]

    examples = conflict["content"]["application/problem+json"]["examples"]
    assert set(examples) == {"no_seat_available", "already_assigned", "idempotency_in_progress"}
    assert all(f"`{code}`" in conflict["description"] for code in examples)


def test_errors_are_problems(contract: dict[str, Any]) -> None:
    for operation in operations(contract):
        for status, response in operation["responses"].items():
            name = response.get("$ref", "").rsplit("/")[-1]
            found = contract["components"]["responses"][name] if name else response
            if int(status) >= 400:
                assert list(found["content"]) == ["application/problem+json"]


def test_every_operation_has_examples(contract: dict[str, Any]) -> None:
    for operation in operations(contract):
        bodies = [r.get("content", {}) for s, r in operation["responses"].items() if s < "300"]
        bodies.append(operation.get("requestBody", {}).get("content", {}))
        for content in bodies:
            assert all("example" in shown for shown in content.values()), operation["operationId"]


def test_an_example_is_put_together_from_those_of_the_fields(contract: dict[str, Any]) -> None:
    shown = contract["paths"][SEAT]["get"]["responses"]["200"]["content"]

    assert shown["application/json"]["example"]["parts"] == [{"size": 3}]
    assert shown["application/json"]["example"]["mood"] is None
    assert shown["text/csv"]["example"] == "id,mood,parts,best,version"


def test_a_patch_is_documented_as_what_it_is(contract: dict[str, Any]) -> None:
    body = contract["paths"][SEAT]["patch"]["requestBody"]

    assert set(body["content"]) == {"application/merge-patch+json"}
    assert "`application/json` is taken" in body["description"]


def test_requests_are_closed_and_answers_may_grow(contract: dict[str, Any]) -> None:
    schemas = contract["components"]["schemas"]

    assert schemas["ThingRequest"]["additionalProperties"] is False
    assert schemas["ThingRequest"]["required"] == ["name"]
    assert "additionalProperties" not in schemas["Thing"]
    assert set(schemas["Thing"]["required"]) == {"id", "mood", "parts", "best", "version"}


def test_a_page_is_a_component_of_its_own(contract: dict[str, Any]) -> None:
    page = contract["components"]["schemas"]["ThingPage"]

    assert set(page["required"]) == {"items", "next_cursor"}
    assert page["properties"]["items"]["items"]["$ref"].endswith("/Thing")
    assert "null" in page["properties"]["next_cursor"]["type"]


def test_an_enumeration_is_a_named_component_and_can_be_null(contract: dict[str, Any]) -> None:
    schemas = contract["components"]["schemas"]

    assert schemas["Mood"] == {"type": "string", "enum": ["good", "bad"]}
    assert {"type": "null"} in schemas["Thing"]["properties"]["mood"]["anyOf"]


def test_no_component_has_a_number_for_a_name(contract: dict[str, Any]) -> None:
    names = [name for found in contract["components"].values() for name in found]

    assert [name for name in names if name[-1].isdigit()] == []


def test_only_what_needs_no_token_says_so(contract: dict[str, Any]) -> None:
    assert contract["security"] == [{"bearer": []}]
    assert contract["paths"]["/livez"]["get"]["security"] == []
    assert "security" not in contract["paths"][SEATS]["post"]


# --- OpenAPI 3.0 ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        pytest.param(
            {"type": ["string", "null"]}, {"type": "string", "nullable": True}, id="nullable"
        ),
        pytest.param({"type": ["string"]}, {"type": "string"}, id="a list of one type"),
        pytest.param(
            {"type": ["string", "integer", "null"]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"enum": [None]}]},
            id="several types",
        ),
        pytest.param({"const": "a"}, {"enum": ["a"]}, id="a constant"),
        pytest.param({"examples": ["a", "b"]}, {"example": "a"}, id="examples of a schema"),
        pytest.param(
            {"examples": {"a": {"value": {"const": 1}}}},
            {"examples": {"a": {"value": {"const": 1}}}},
            id="examples of a media type",
        ),
        pytest.param(
            {"anyOf": [{"$ref": "#/a"}, {"type": "null"}]},
            {"anyOf": [{"$ref": "#/a"}, {"enum": [None]}]},
            id="a nullable reference",
        ),
        pytest.param(
            {"anyOf": [{"$ref": "#/a"}, {"$ref": "#/b"}, {"type": "null"}]},
            {"anyOf": [{"$ref": "#/a"}, {"$ref": "#/b"}, {"enum": [None]}]},
            id="a nullable choice",
        ),
        pytest.param(
            {"$ref": "#/a", "description": "d"},
            {"allOf": [{"$ref": "#/a"}], "description": "d"},
            id="a reference with a sibling",
        ),
        pytest.param({"$ref": "#/a"}, {"$ref": "#/a"}, id="a reference alone"),
        pytest.param(
            {"exclusiveMinimum": 0, "exclusiveMaximum": 9},
            {
                "minimum": 0,
                "exclusiveMinimum": True,
                "maximum": 9,
                "exclusiveMaximum": True,
            },
            id="exclusive bounds",
        ),
        pytest.param(
            {"properties": {"type": {"type": ["string", "null"]}, "example": {"const": 1}}},
            {
                "properties": {
                    "type": {"type": "string", "nullable": True},
                    "example": {"enum": [1]},
                }
            },
            id="members that are called like keywords",
        ),
        pytest.param(
            {"example": {"type": ["string", "null"], "const": 1}},
            {"example": {"type": ["string", "null"], "const": 1}},
            id="an example that looks like a schema",
        ),
    ],
)
def test_what_3_0_cannot_say_is_said_in_its_own_way(
    contract: dict[str, Any], newer: dict[str, Any], older: dict[str, Any]
) -> None:
    described = contract | {"components": {"schemas": {"It": newer}}}

    assert as_3_0(described)["components"]["schemas"]["It"] == older


def test_3_0_has_no_webhooks_and_leaves_the_contract_as_it_was(contract: dict[str, Any]) -> None:
    described = contract | {"webhooks": {"a": {}}}
    before = deepcopy(described)

    assert "webhooks" not in as_3_0(described)
    assert described == before


# --- pages ---------------------------------------------------------------------------------------


def test_the_contract_is_served(app: Flask, contract: dict[str, Any]) -> None:
    answer = app.test_client().get("/openapi.json")

    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == contract


def test_the_documentation_asks_no_other_host(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/docs")

    assert "http" not in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        with client.get(path) as asset:
            assert (path[0], asset.status_code) == ("/", 200)


def test_there_is_no_inline_script(app: Flask) -> None:
    page = app.test_client().get("/docs").text

    assert page.count("<script") == page.count("<script src=")
    assert "onload" not in page


@pytest.mark.parametrize("name", ["nope.js", "..%2f__init__.py", "%2e%2e/__init__.py"])
def test_nothing_but_the_assets_is_served(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/docs/assets/{name}").status_code == 404
