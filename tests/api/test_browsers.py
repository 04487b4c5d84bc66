"""What browsers and single-page apps find."""

import json
import re
from pathlib import Path

import pytest
from flask import Flask, Response

from licensing.api.kit import build_api
from licensing.callers import Callers
from tests.http import a_client, calling
from tests.world import an_account

APP = "https://app.example.com"


def _preflight(app: Flask, origin: str) -> dict[str, str]:
    answer = a_client(app).options(
        "/v1/accounts",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": (
                "authorization, if-match, idempotency-key, traceparent, x-other"
            ),
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
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Server"] == "seatkeeper"
        assert "Strict-Transport-Security" not in headers
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


def _fails() -> None:
    raise RuntimeError("a bug")


def _small_app(**callers: int) -> Flask:
    """A service with few routes, which lets the page in."""
    app = Flask("small")
    build_api(app, (APP,), callers=Callers(**callers))
    app.add_url_rule("/bug", "bug", _fails)
    app.add_url_rule("/varies", "varies", lambda: Response("{}", headers={"Vary": "Accept"}))
    return app


def test_a_page_can_read_errors_of_every_kind(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    huge = {"user_id": "x" * 70_000}
    answers = {
        400: api.send("POST", "seats", headers={"Origin": APP}),
        401: a_client(app).get("/v1/accounts", headers={"Origin": APP}),
        404: a_client(app).get("/v1/nothing", headers={"Origin": APP}),
        405: a_client(app).put("/v1/accounts", headers={"Origin": APP}),
        411: api.send("POST", "seats", headers={"Origin": APP, "Transfer-Encoding": "chunked"}),
        413: api.send("POST", "seats", huge, {"Origin": APP}),
        415: api.send("POST", "seats", {}, {"Origin": APP}, content_type="text/plain"),
        422: api.send("POST", "seats", {}, {"Origin": APP}),
        500: _small_app().test_client().get("/bug", headers={"Origin": APP}),
    }

    assert {status: answer.status_code for status, answer in answers.items()} == {
        status: status for status in answers
    }
    for answer in answers.values():
        assert answer.mimetype == "application/problem+json"
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
        assert answer.headers.getlist("Vary") == ["Origin"]
        assert answer.headers["Cache-Control"] == "no-store"


def test_no_cache_gives_a_page_what_was_for_another_origin(app: Flask) -> None:
    account = an_account()
    asked = f"users/{account.user()}/entitlements"

    without_origin = [
        a_client(app).get("/openapi.json"),
        calling(app, account).get(asked),
        _small_app().test_client().get("/varies"),
    ]

    assert [answer.headers.getlist("Vary") for answer in without_origin] == [
        ["Origin"],
        ["Authorization, Origin"],
        ["Accept, Origin"],
    ]


def test_browsers_are_told_to_come_by_https_where_that_is_set() -> None:
    answer = _small_app(hsts_seconds=31536000).test_client().get("/v1/nothing")

    told = answer.headers["Strict-Transport-Security"]
    assert told == "max-age=31536000; includeSubDomains"


def test_an_answer_with_a_secret_is_kept_by_nobody(app: Flask) -> None:
    account = an_account()
    api = calling(app, account, bound=False)
    priya = account.user()
    made = [
        api.post("/v1/api-keys", {"name": "x", "scopes": ["read"]}, key="a"),
        api.post("/v1/api-keys", {"name": "x", "scopes": ["read"]}, key="a"),
        api.post("/v1/session-tokens", {"account_id": account.id, "user_id": priya}),
    ]

    assert all(answer.json["token"] for answer in made)
    assert {answer.headers["Cache-Control"] for answer in made} == {"no-store"}


def test_a_preflight_is_remembered_for_ten_minutes(app: Flask) -> None:
    headers = _preflight(app, APP)

    assert headers["Access-Control-Max-Age"] == "600"
    assert "traceparent" in headers["Access-Control-Allow-Headers"]
    assert "x-other" not in headers["Access-Control-Allow-Headers"]
    assert "X-Request-Id" in headers


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param(TRACE, True, id="well-formed"),
        pytest.param("01" + TRACE[2:], True, id="a later version"),
        pytest.param("ff" + TRACE[2:], False, id="no version"),
        pytest.param(TRACE.upper(), False, id="in capitals"),
        pytest.param(TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32), False, id="0"),
        pytest.param(TRACE.replace("00f067aa0ba902b7", "0" * 16), False, id="no parent"),
        pytest.param(TRACE[:-3], False, id="cut"),
        pytest.param(TRACE + "-x", False, id="more"),
        pytest.param(f"{TRACE}, {TRACE}", False, id="twice"),
        pytest.param("", False, id="empty"),
    ],
)
def test_a_trace_goes_on_in_the_log_if_it_is_well_formed(app: Flask, sent: str, kept: bool) -> None:
    account = an_account()
    body = {"user_id": account.user(), "seat_type": "core"}

    answer = calling(app, account).send("POST", "seats", body, {"traceparent": sent})

    assert answer.status_code == 201
    told = {event["data"].get("traceparent") for event in account.events()}
    assert told == ({sent} if kept else {None})


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
        "RateLimit",
        "RateLimit-Policy",
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
