"""Every error is a problem (RFC 9457) with a code from one list, whoever raised it."""

import logging
from collections.abc import Callable
from typing import Any

import peewee
import pytest
from flask import Flask
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.exceptions import ImATeapot, RequestEntityTooLarge

from app import create_app
from licensing import settings
from licensing.api import auth, docs, problems
from licensing.api.kit import build_api
from licensing.api.request_refusals import MalformedHeader, Unauthenticated, ValidationFailed
from licensing.db import Busy
from licensing.idempotency import IdempotencyInProgress, IdempotencyKeyReused
from licensing.queries.cursors import InvalidCursor
from licensing.rules.refusals import (
    NoSeatAvailable,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    Unacceptable,
    Unknown,
)

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}


def answer_to(error: Exception, method: str = "GET", takes: str = "GET", **more: Any) -> Any:
    """How an application answers when a view that takes one method raises this."""
    app = Flask("raising", static_folder=None)
    api = build_api(app)
    app.add_url_rule("/it", "it", _raising(error), methods=[takes])
    api.register_blueprint(docs.blp)
    return app.test_client().open(more.pop("path", "/it"), method=method, **more)


def _raising(error: Exception) -> Callable[[], None]:
    def view() -> None:
        raise error

    return view


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (PermissionDenied("scope", "seats"), 403, "permission_denied"),
        (NotFound("seat", "seat_1"), 404, "not_found"),
        (NoSeatAvailable("core", 3, 3), 409, "no_seat_available"),
        (PreconditionFailed("pool", 7), 412, "precondition_failed"),
        (Unacceptable("quantity", "is odd"), 422, "validation_failed"),
        (Unknown("tier", "gold", ["free"]), 422, "validation_failed"),
        (IdempotencyKeyReused("k"), 422, "idempotency_key_reused"),
        (IdempotencyInProgress("k"), 409, "idempotency_in_progress"),
        (InvalidCursor(), 400, "invalid_cursor"),
        (MalformedHeader("If-Match", "it is odd"), 400, "malformed_header"),
        (Unauthenticated(), 401, "unauthenticated"),
        (Busy(), 503, "unavailable"),
        (peewee.OperationalError("gone"), 503, "unavailable"),
        (peewee.InterfaceError("gone"), 503, "unavailable"),
        (MaxConnectionsExceeded("full"), 503, "unavailable"),
        (ImATeapot(), 418, "bad_request"),
        (ZeroDivisionError("secret"), 500, "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_error_is_a_problem(refusal: Exception, status: int, code: str) -> None:
    answer = answer_to(refusal)

    expected = 400 if code == "bad_request" else status
    assert (answer.status_code, answer.json["status"]) == (expected, expected)
    assert answer.content_type == "application/problem+json"
    assert answer.json.keys() >= MEMBERS
    assert answer.json["code"] == code
    assert answer.json["type"] == f"/problems/{code}"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert answer.json["instance"] == "/it"


def test_a_refusal_tells_the_numbers_behind_it() -> None:
    answer = answer_to(NoSeatAvailable("core", purchased=3, assigned=2)).json

    assert (answer["seat_type"], answer["purchased"], answer["assigned"]) == ("core", 3, 2)
    assert "{" not in answer["detail"]


def test_what_can_never_be_right_points_to_the_member() -> None:
    wrong = Unacceptable("quantity", "is odd")
    places = {
        method: answer_to(wrong, method, takes=method).json["errors"]
        for method in ("GET", "DELETE", "POST", "PATCH")
    }

    def mistake(location: str) -> list[dict[str, str]]:
        return [{"location": location, "pointer": "/quantity", "detail": str(wrong)}]

    assert places == {
        "GET": mistake("query"),
        "DELETE": mistake("query"),
        "POST": mistake("body"),
        "PATCH": mistake("body"),
    }


def test_a_stale_version_comes_with_the_present_etag() -> None:
    assert answer_to(PreconditionFailed("pool", 7)).headers["ETag"] == '"v7"'


@pytest.mark.parametrize("error", [Busy(), IdempotencyInProgress("k")])
def test_what_passes_says_when_to_try_again(error: Exception) -> None:
    assert answer_to(error).headers["Retry-After"] == "1"


def test_a_bug_tells_nothing_to_the_caller_and_everything_to_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = answer_to(ZeroDivisionError("secret"), headers={"X-Request-Id": "mine"})

    assert "secret" not in answer.text
    assert "request mine failed" in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text


def test_an_unknown_path_is_a_problem() -> None:
    answer = answer_to(Busy(), path="/nowhere")

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/problems//x", "/problems/%2fx", "/problems//"])
def test_no_path_is_answered_with_a_page_that_redirects(path: str) -> None:
    answer = answer_to(Busy(), path=path)

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "TRACE", "BREW"])
def test_a_wrong_method_learns_the_right_ones(method: str) -> None:
    answer = answer_to(Busy(), method)

    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_codes_that_several_refusals_share_have_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for kind in problems.all_refusals():
        statuses.setdefault(kind.code, set()).add(problems.status_of(kind))

    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}


def test_every_refusal_has_a_sentence_and_an_advice() -> None:
    for kind in problems.all_refusals():
        sentence, advice = kind.paragraphs()

        assert sentence.endswith("."), kind
        assert advice.endswith("."), kind


@pytest.mark.parametrize("code", sorted({kind.code for kind in problems.all_refusals()}))
def test_the_type_of_every_problem_can_be_opened(code: str) -> None:
    as_json = answer_to(Busy(), path=f"/problems/{code}")
    as_html = answer_to(Busy(), path=f"/problems/{code}", headers={"Accept": "text/html,*/*;q=0.8"})

    assert (as_json.status_code, as_json.json["code"]) == (200, code)
    assert all(meaning["detail"] and meaning["advice"] for meaning in as_json.json["meanings"])
    assert as_html.content_type == "text/html; charset=utf-8"
    assert code in as_html.text


def test_a_code_that_does_not_exist_is_not_found() -> None:
    answer = answer_to(Busy(), path="/problems/%3Cscript%3E", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_validation_lists_its_errors_and_nothing_else() -> None:
    error = {"location": "body", "pointer": "/a", "detail": "Wrong."}

    answer = answer_to(ValidationFailed([error]))

    assert answer.json["errors"] == [error]
    assert answer.json.keys() == MEMBERS | {"errors"}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Token sk_a_b",
        "Bearer sk_a_b,Bearer sk_a_b",
        "Bearer sk_a_b, c",
        "Bearer sk_é_b",
        "Bearer " + "a" * 4097,
        "Bearer sk_",
        "Bearer sk_unknown_secret",
        "bearer not.a.jwt",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSJ9.",
        "Bearer \x00",
    ],
)
def test_nothing_but_a_valid_token_is_somebody(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        auth.authenticate(header)


def _product() -> Any:
    """The whole application, with one more route that has a bug."""
    product = create_app(settings.current())
    product.config["TESTING"] = False
    product.add_url_rule("/v1/broken", "broken", _raising(ZeroDivisionError("secret")))
    return product.test_client()


def test_an_unexpected_exception_tells_nothing_but_where_to_look() -> None:
    answer = _product().get("/v1/broken", headers={"X-Request-Id": "mine"})

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert answer.mimetype == "application/problem+json"
    assert answer.json.keys() == MEMBERS
    assert answer.json["request_id"] == answer.headers["X-Request-Id"] == "mine"
    for told in ("secret", "ZeroDivisionError", "Traceback", ".py"):
        assert told not in answer.text


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        pytest.param("/v1/accounts", {"GET", "HEAD", "OPTIONS", "POST"}, id="a list"),
        pytest.param("/v1/catalogue", {"GET", "HEAD", "OPTIONS"}, id="what is only read"),
        pytest.param("/v1/session-tokens", {"OPTIONS", "POST"}, id="what is only made"),
        pytest.param("/v1/api-keys/key_1", {"DELETE", "OPTIONS"}, id="what is only ended"),
        pytest.param("/livez", {"GET", "HEAD", "OPTIONS"}, id="beside the versioned API"),
        pytest.param("/openapi.json", {"GET", "HEAD", "OPTIONS"}, id="the contract"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "TRACE", "CONNECT", "PROPFIND"])
def test_every_path_tells_which_methods_it_knows(path: str, allowed: set[str], method: str) -> None:
    answer = _product().open(path, method=method)

    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed
    assert answer.json["method"] == method


@pytest.mark.parametrize(
    "path",
    ["/v2/accounts", "/v1/webhooks", "/v1/accounts/", "/docs/", "/docs/assets/", "/static/x"],
)
def test_every_path_that_is_none_is_a_problem(path: str) -> None:
    answer = _product().get(path)

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert answer.mimetype == "application/problem+json"
    assert answer.json["instance"] == path


def test_what_the_framework_finds_too_large_is_a_problem() -> None:
    answer = answer_to(RequestEntityTooLarge(), "GET")

    assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")
    assert answer.json["limit"] == 64 * 1024


def test_every_code_has_a_page_in_the_whole_application() -> None:
    client = _product()

    for kind in problems.all_refusals():
        answer = client.get(f"/problems/{kind.code}")

        assert (answer.status_code, answer.json["status"]) == (200, problems.status_of(kind))
        assert kind.paragraphs()[0] in [meaning["detail"] for meaning in answer.json["meanings"]]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("no_seat_available", 409),
        ("already_assigned", 409),
        ("user_deactivated", 409),
        ("user_holds_paid_seats", 409),
        ("not_enough_unassigned_seats", 409),
        ("below_minimum", 409),
        ("removal_not_pending", 409),
        ("seat_type_not_available", 409),
        ("user_not_eligible", 409),
        ("last_super_admin", 409),
        ("permission_denied", 403),
        ("not_found", 404),
        ("unauthenticated", 401),
        ("validation_failed", 422),
        ("malformed_json", 400),
        ("unsupported_media_type", 415),
        ("payload_too_large", 413),
        ("precondition_failed", 412),
        ("precondition_required", 428),
        ("unavailable", 503),
        ("invalid_cursor", 400),
        ("idempotency_key_required", 400),
        ("idempotency_key_reused", 422),
        ("idempotency_in_progress", 409),
    ],
)
def test_the_codes_that_were_promised_have_their_status(code: str, status: int) -> None:
    assert problems.explained(code)["status"] == status
