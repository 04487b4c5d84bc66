"""Whatever is sent, the answer is a problem with a code from the list, never a 5xx."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from licensing.api import problems
from licensing.operations import test_clocks
from licensing.rules.permissions import Scope, system
from tests.http import a_client, calling, document
from tests.webhooks import rows
from tests.world import START, an_account

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
LARGER_BODIES = (
    "/seat-batches",
    "/user-batches",
    "/{account_id}/activity",
    "/entitlements/query",
)
REQUIRED_QUERIES = ("/seat-days", "/inactive-seats")
OPTIONAL_BODIES = (
    "/cancellation",
    "/rotation",
    "/suspension",
    "/secret",
    "/recover",
    "/approval",
    "/decline",
)
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
                found.append((method.upper(), path, next(iter(content.values()))["example"]))
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

        optional = raw == b"" and path.endswith(OPTIONAL_BODIES)
        # Some may be larger than the others; their own tests have their bounds.
        optional = optional or (status == 413 and path.endswith(LARGER_BODIES))
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


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/accounts/", "/v1//accounts", "/favicon.ico"])
def test_unknown_paths_are_problems(app: Flask, path: str) -> None:
    answer = a_client(app).get(path)

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert _is_a_problem(answer)


# Texts that are odd, and JSON's other kinds: sent for each member of each body, at real things.
ODD = [
    pytest.param("half \ud800", id="half a character"),
    pytest.param("half \udfff", id="the other half"),
    pytest.param("a\u0000b", id="a NUL"),
    pytest.param("a\u001fb", id="a control character"),
    pytest.param("a\u0085b", id="a control character of the upper half"),
    pytest.param("a\u2066b", id="an isolate"),
    pytest.param("a\u2028b", id="a line separator"),
    pytest.param("\u200b", id="a space of no width"),
    pytest.param("\u0301" * 100, id="accents on nothing"),
    pytest.param("e\u0301", id="an accent apart"),
    pytest.param("\U0001f4ba" * 64, id="64 astral characters"),
    pytest.param("%s%n{0}${x}", id="placeholders"),
    pytest.param("\\x00", id="an escaped NUL"),
    pytest.param(True, id="true"),
    pytest.param(False, id="false"),
    pytest.param(1.0, id="a whole fraction"),
    pytest.param("1", id="a number as text"),
    pytest.param(2**63, id="2 to the 63rd"),
    pytest.param(-(2**63) - 1, id="less than 64 bits hold"),
    pytest.param(999_999_999_999_999_999, id="eighteen digits"),
    pytest.param([["a"]], id="a list in a list"),
    pytest.param(["a"] * 1000, id="a long list"),
    pytest.param({"a": {"b": {"c": None}}}, id="objects in objects"),
    pytest.param({"\ud800": "x"}, id="half a character as a name"),
    pytest.param({"": ""}, id="an empty name"),
    pytest.param("2026-03-02T09:00:60Z", id="a leap second"),
    pytest.param("2026-03-02T24:00:00Z", id="hour 24"),
    pytest.param("1999-12-31T23:59:59Z", id="too early"),
    pytest.param("+02026-03-02T09:00:00Z", id="a year with a sign"),
]


def _at_real_things(app: Flask, client: FlaskClient) -> dict[str, str]:
    """Ids of things that exist, by the name of the path parameter that takes them."""
    account_id = str(client.environ_base["account"])
    inside = f"/v1/accounts/{account_id}"
    headers = {"Idempotency-Key": "scene"}
    body = {"seat_type": "core", "quantity": 1}
    removal = client.post(f"{inside}/removals", json=body, headers=headers).json
    return {
        "account_id": account_id,
        "user_id": client.get(f"{inside}/users").json["items"][0]["id"],
        "seat_id": client.get(f"{inside}/seats").json["items"][0]["id"],
        "pool_id": client.get(f"{inside}/pools").json["items"][0]["id"],
        "subscription_id": client.get(f"{inside}/subscriptions").json["items"][0]["id"],
        "removal_id": removal["id"],
        "endpoint_id": rows.endpoint("whe_of_the_corpus").id,
        "event_id": "evt_none",
        "replay_id": "rpl_none",
        "key_id": client.get("/v1/api-keys").json["items"][0]["id"],
        "clock_id": test_clocks.create_clock(system(), "Renewals", START).id,
        "request_id": "req_none",
    }


@pytest.mark.parametrize("value", ODD)
def test_an_odd_value_for_a_member_of_what_exists_is_no_5xx(
    app: Flask, client: FlaskClient, value: Any
) -> None:
    ids = _at_real_things(app, client)

    for method, path, example in _with_bodies(app):
        for member in example:
            answer = client.open(
                path.format_map(ids),
                method=method,
                data=json.dumps(
                    {member: value} if method == "PATCH" else example | {member: value}
                ),
                content_type="application/json",
                headers={"Idempotency-Key": f"{path}{member}"} if method == "POST" else {},
            )

            assert answer.status_code < 300 or _is_a_problem(answer), (path, member)


@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        pytest.param({"Accept": "application/xml"}, {200}, id="another form is wanted"),
        pytest.param({"Accept": ";;;,,,q=x"}, {200}, id="a form that is none"),
        pytest.param({"If-None-Match": '"' * 5000}, {200}, id="endless quotes"),
        pytest.param({"Idempotency-Key": ""}, {200}, id="a key that a read does not need"),
        pytest.param({"Content-Length": "-1"}, {200}, id="a negative length"),
        pytest.param({"Content-Length": "x"}, {200}, id="a length that is none"),
        pytest.param({"Content-Type": "a/b/c; =;"}, {200}, id="a type that is none"),
        pytest.param({"X-Request-Id": "\x01\xff"}, {200}, id="a request id that is none"),
        pytest.param({"Range": "bytes=9-1"}, {200}, id="a range that is none"),
        pytest.param({"Host": "evil.example.com"}, {200}, id="another host"),
        pytest.param({"Cookie": "a=\xff"}, {200}, id="a cookie"),
        pytest.param({"Authorization": "Bearer \xff"}, {401}, id="a token that is no ASCII"),
        pytest.param({"Authorization": "Bearer a, Bearer b"}, {401}, id="two tokens"),
        pytest.param({"Authorization": "Bearer " + "a" * 8192}, {401}, id="an endless token"),
        pytest.param({"Authorization": "Basic Og=="}, {401}, id="a password"),
    ],
)
def test_an_odd_header_does_no_harm(
    client: FlaskClient, headers: dict[str, str], statuses: set[int]
) -> None:
    answer = client.get(f"/v1/accounts/{client.environ_base['account']}/users", headers=headers)

    assert answer.status_code in statuses
    assert answer.status_code == 200 or _is_a_problem(answer)


@pytest.mark.parametrize("length", ["-1", "x", "", "9" * 30])
def test_a_length_that_is_none_is_no_5xx(app: Flask, client: FlaskClient, length: str) -> None:
    for method, path, example in _with_bodies(app):
        answer = client.open(
            _filled(client, path),
            method=method,
            data=json.dumps(example),
            content_type="application/json",
            headers={"Idempotency-Key": "k"} if method == "POST" else {},
            environ_overrides={"CONTENT_LENGTH": length},
        )

        assert answer.status_code < 300 or _is_a_problem(answer), path


def test_a_nested_member_twice_is_refused_too(client: FlaskClient) -> None:
    answer = client.post(
        "/v1/accounts",
        data=b'{"name": "Acme", "metadata": {"a": "1", "\\u0061": "2"}}',
        content_type="application/json",
    )

    assert (answer.status_code, answer.json["code"]) == (400, "duplicate_key")
