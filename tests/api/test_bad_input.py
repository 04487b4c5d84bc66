"""Whatever is sent, the answer is a problem with a code from the list, never a 5xx."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from licensing.api import problems
from licensing.rules.permissions import Scope
from tests.http import a_client, calling, document
from tests.world import an_account

CODES = {kind.code for kind in problems.all_refusals()}
# What is sent in place of each member of each body.
VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    2**31,
    2**53 + 1,
    10**17,
    1.5,
    "",
    " ",
    "12",
    "x" * 5000,
    "nul\u0000",
    "bidi\u202e",
    "new\nline",
    "🪑" * 300,
    "%00",
    "'; DROP TABLE seats; --",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30T00:00:00Z",
    "2026-01-01T00:00:00",
    [],
    [None],
    {},
    {"x": {"y": 1}},
]
RAW = [
    pytest.param(b"", 400, "body_required", id="nothing"),
    pytest.param(b"{", 400, "malformed_json", id="half an object"),
    pytest.param(b'{"a": 1} x', 400, "malformed_json", id="something behind it"),
    pytest.param(b"\xef\xbb\xbf{}", 400, "malformed_json", id="a byte order mark"),
    pytest.param(b'{"a": "\xff"}', 400, "malformed_json", id="no UTF-8"),
    pytest.param('{"a": 1}'.encode("utf-16"), 400, "malformed_json", id="UTF-16"),
    pytest.param(b'{"a": NaN}', 400, "malformed_json", id="NaN"),
    pytest.param(b'{"a": 1e400}', 400, "malformed_json", id="a float too large"),
    pytest.param(b'{"a": 1, "a": 2}', 400, "duplicate_key", id="a member twice"),
    pytest.param(b"[" * 3000 + b"]" * 3000, 400, "too_deep", id="nested very deep"),
    pytest.param(b'{"a":' * 30 + b"1" + b"}" * 30, 400, "too_deep", id="nested deep"),
    pytest.param(b'{"a": ' + b"9" * 5000 + b"}", 422, "validation_failed", id="endless digits"),
    pytest.param(b"[]", 422, "body_must_be_object", id="a list"),
    pytest.param(b"null", 422, "body_must_be_object", id="null"),
    pytest.param(b'"text"', 422, "body_must_be_object", id="a text"),
    pytest.param(b'{"\\ud800": 1}', 422, "validation_failed", id="half a character as a name"),
    pytest.param(b"{" + b" " * 70_000 + b"}", 413, "payload_too_large", id="too large"),
]


def _with_bodies(app: Flask) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and documented example of every operation that takes a body."""
    found = []
    for path, operations in document(app)["paths"].items():
        for method, operation in operations.items():
            if method != "parameters" and "requestBody" in operation:
                content = operation["requestBody"]["content"]
                found.append((method.upper(), path, content["application/json"]["example"]))
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client with a key that may do everything."""
    account = an_account()
    account.user("Priya", seats=["core"])
    api = calling(app, account, Scope.ADMIN, bound=False)
    client = a_client(app)
    headers = api.headers | {"If-Match": '"v1"'}
    client.environ_base |= {f"HTTP_{n.upper().replace('-', '_')}": v for n, v in headers.items()}
    client.environ_base["account"] = account.id
    return client


def _filled(client: FlaskClient, path: str) -> str:
    account_id = str(client.environ_base["account"])
    return re.sub(r"{\w+}", "x_1", path.replace("{account_id}", account_id))


def _is_a_problem(answer: Any) -> bool:
    return (
        400 <= answer.status_code < 500
        and answer.mimetype == "application/problem+json"
        and answer.json["code"] in CODES
    )


@pytest.mark.parametrize(("raw", "status", "code"), RAW)
def test_a_body_that_is_no_proper_object_is_refused_everywhere(
    app: Flask, client: FlaskClient, raw: bytes, status: int, code: str
) -> None:
    for method, path, _ in _with_bodies(app):
        answer = client.open(
            _filled(client, path),
            method=method,
            data=raw,
            content_type="application/json",
            headers={"Idempotency-Key": "k"} if method == "POST" else {},
        )

        optional = raw == b"" and path.endswith(("/cancellation", "/rotation"))
        assert optional or (answer.status_code, answer.json["code"]) == (status, code), path


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_of_another_type_is_refused_everywhere(
    app: Flask, client: FlaskClient, content_type: str | None
) -> None:
    for method, path, example in _with_bodies(app):
        answer = client.open(
            _filled(client, path),
            method=method,
            data=json.dumps(example),
            content_type=content_type,
            headers={"Idempotency-Key": "k"} if method == "POST" else {},
        )

        assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type"), path


def test_a_compressed_or_endless_body_is_refused_everywhere(
    app: Flask, client: FlaskClient
) -> None:
    for method, path, example in _with_bodies(app):
        key = {"Idempotency-Key": "k"} if method == "POST" else {}
        options: dict[str, Any] = {
            "method": method,
            "data": json.dumps(example),
            "content_type": "application/json",
        }
        filled = _filled(client, path)
        gzip = client.open(filled, headers=key | {"Content-Encoding": "gzip"}, **options)
        chunked = client.open(
            filled,
            headers=key | {"Transfer-Encoding": "chunked"},
            environ_overrides={"CONTENT_LENGTH": ""},
            **options,
        )

        assert (gzip.status_code, gzip.json["code"]) == (415, "unsupported_encoding"), path
        assert (chunked.status_code, chunked.json["code"]) == (411, "length_required"), path


def test_any_value_for_any_member_is_answered_without_a_5xx(
    app: Flask, client: FlaskClient
) -> None:
    sent = 0
    for method, path, example in _with_bodies(app):
        for member in [*example, "unknown_member"]:
            for value in VALUES:
                answer = client.open(
                    _filled(client, path),
                    method=method,
                    data=json.dumps(example | {member: value}),
                    content_type="application/json",
                    headers={"Idempotency-Key": f"k{sent}"} if method == "POST" else {},
                )
                sent += 1

                assert answer.status_code < 300 or _is_a_problem(answer), (path, member, value)
                assert member != "unknown_member" or answer.status_code == 422

    assert sent > 1500


@pytest.mark.parametrize(
    "value", ["%00", "%ff", "..%2f..%2fetc", "x" * 300, "%E2%80%AE", "9223372036854775808", "'"]
)
def test_any_value_in_any_path_is_answered_with_a_problem(
    app: Flask, client: FlaskClient, value: str
) -> None:
    for path, operations in document(app)["paths"].items():
        for place in re.findall(r"{\w+}", path):
            for method in set(operations) - {"parameters"}:
                answer = client.open(
                    re.sub(r"{\w+}", "x_1", path.replace(place, value)), method=method.upper()
                )

                assert _is_a_problem(answer), (method, path, place)
                assert answer.status_code == 404 or method in ("post", "patch")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/accounts/", "/v1//accounts", "/favicon.ico"])
def test_unknown_paths_are_problems(app: Flask, path: str) -> None:
    answer = a_client(app).get(path)

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert _is_a_problem(answer)


def test_unknown_methods_are_problems_that_say_which_are_known(app: Flask) -> None:
    for method in ("PUT", "TRACE", "BREW"):
        answer = a_client(app).open("/v1/accounts", method=method)

        assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
        assert {"GET", "POST"} <= set(re.split(r",\s*", answer.headers["Allow"]))
