"""What browsers and single-page apps find."""

import json
import re
from pathlib import Path

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


@pytest.mark.parametrize("origin", ["https://APP.example.com", "https://app.example.com/", "", "*"])
def test_an_origin_is_compared_exactly(app: Flask, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in _preflight(app, origin)


def test_an_answer_to_an_origin_that_is_not_on_the_list_cannot_be_read(app: Flask) -> None:
    account = an_account()

    answer = calling(app, account).get("pools", Origin="https://evil.example.com")

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Expose-Headers" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/accounts", "/v1/accounts?limit=0", "/livez", "/openapi.json"]
)
def test_a_page_can_read_errors_too(app: Flask, path: str) -> None:
    answer = a_client(app).get(path, headers={"Origin": APP})

    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_every_header_that_an_answer_can_have_is_exposed(app: Flask) -> None:
    answer = calling(app, an_account()).get("pools", Origin=APP)

    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {
        "ETag",
        "Idempotency-Replayed",
        "Location",
        "Paid-Until",
        "Retry-After",
        "WWW-Authenticate",
        "X-Request-Id",
    }


def test_a_preflight_needs_no_token_and_tells_nothing(app: Flask) -> None:
    account = an_account()

    answer = a_client(app).options(
        f"/v1/accounts/{account.id}/users",
        headers={"Origin": APP, "Access-Control-Request-Method": "POST"},
    )

    assert (answer.status_code, answer.data) == (200, b"")
    assert {"POST", "DELETE"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))


def test_no_answer_sets_a_cookie(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)

    for answer in (api.get("pools"), api.post("users", {}), api.get("/docs"), api.get("/livez")):
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("sent", ["", "a/b", "a,b", "<script>", "a\tb", "../x", "a" * 5000])
def test_a_request_id_that_is_not_well_formed_is_replaced(app: Flask, sent: str) -> None:
    answer = a_client(app).get("/livez", headers={"X-Request-Id": sent})

    made = answer.headers["X-Request-Id"]
    assert made != sent
    assert re.fullmatch(r"req_[0-9a-f]{32}", made)


def test_every_request_has_an_id_of_its_own(app: Flask) -> None:
    client = a_client(app)

    made = {client.get("/livez").headers["X-Request-Id"] for _ in range(5)}

    assert len(made) == 5


def test_the_documentation_names_no_other_host(app: Flask) -> None:
    client = a_client(app)

    texts = [client.get(path).text for path in ("/docs", "/docs/start.js")]

    for text in texts:
        assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text) == []
    policy = client.get("/docs").headers["Content-Security-Policy"]
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


def test_the_contract_is_served_as_it_was_committed(app: Flask) -> None:
    file = Path(__file__).parents[2] / "openapi" / "openapi.json"
    committed = json.loads(file.read_text(encoding="utf-8"))

    served = a_client(app).get("/openapi.json")

    assert served.mimetype == "application/json"
    assert served.json == committed
