"""Every error is a problem (RFC 9457) with a code from one list, whoever raised it."""

import logging
from collections.abc import Callable
from typing import Any

import peewee
import pytest
from flask import Flask
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.exceptions import ImATeapot

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


def answer_to(error: Exception, method: str = "GET", **more: Any) -> Any:
    """How an application answers when a view raises this."""
    app = Flask("raising", static_folder=None)
    api = build_api(app)
    app.add_url_rule("/it", "it", _raising(error))
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
    (error,) = answer_to(Unacceptable("quantity", "is odd")).json["errors"]

    assert (error["location"], error["pointer"]) == ("body", "/quantity")


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
