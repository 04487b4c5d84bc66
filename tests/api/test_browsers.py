"""What browsers and single-page apps find."""

import re

import pytest
from flask import Flask

from tests.http import a_client, calling
from tests.world import an_account

APP = "https://app.example.com"


def _preflight(app: Flask, origin: str) -> dict[str, str]:
    answer = a_client(app).options(
        "/v1/accounts",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization, if-match, idempotency-key",
        },
    )
    return dict(answer.headers)


def test_a_single_page_app_on_the_list_is_let_in(app: Flask) -> None:
    headers = _preflight(app, APP)

    assert headers["Access-Control-Allow-Origin"] == APP
    assert "PATCH" in headers["Access-Control-Allow-Methods"]
    allowed = headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("authorization", "if-match", "idempotency-key"))
    assert "Access-Control-Allow-Credentials" not in headers
    assert "Origin" in headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        f"{APP}.evil.com",
        f"{APP}:8443",
        "http://app.example.com",
        "https://appXexample.com",
        "null",
    ],
)
def test_no_other_origin_is(app: Flask, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in _preflight(app, origin)


def test_the_headers_that_a_page_needs_are_exposed(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)

    answer = api.get("pools", Origin=APP)

    exposed = answer.headers["Access-Control-Expose-Headers"]
    for name in ("ETag", "Location", "X-Request-Id", "Idempotency-Replayed", "Retry-After"):
        assert name in exposed


def test_every_answer_has_safe_headers(app: Flask) -> None:
    client = a_client(app)

    for path in ("/livez", "/v1/nothing", "/openapi.json", "/docs", "/docs/start.js"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"]
        assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        pytest.param("order-66_A", True, id="well-formed"),
        pytest.param("a" * 65, False, id="too long"),
        pytest.param("a b", False, id="with a space"),
        pytest.param("a\u00fc", False, id="not ASCII"),
    ],
)
def test_a_request_id_is_taken_if_it_is_well_formed(app: Flask, sent: str, taken: bool) -> None:
    headers = {"X-Request-Id": sent.encode().decode("latin-1")}

    answer = a_client(app).get("/v1/nothing", headers=headers)

    assert (answer.headers["X-Request-Id"] == sent) is taken
    assert answer.headers["X-Request-Id"] == answer.json["request_id"]


def test_the_documentation_needs_no_other_host(app: Flask) -> None:
    client = a_client(app)
    page = client.get("/docs").text

    files = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert len(files) == 4
    for file in files:
        assert file.startswith("/docs/")
        with client.get(file) as answer:
            assert answer.status_code == 200
    assert client.get("/docs/assets/../../__init__.py").status_code == 404


def test_the_contract_is_served(app: Flask) -> None:
    contract = a_client(app).get("/openapi.json")

    assert contract.json["openapi"] == "3.1.1"
    assert contract.json["info"]["title"] == "Seatkeeper"
