"""What the server answers to bytes that no client library sends."""

import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.serving import Served

BODY = b'{"name":"Acme"}'
CHUNKS = b"f\r\n" + BODY + b"\r\n0\r\n\r\n"


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def _answer(running: Served, request: bytes, then_ends: bool = False) -> str:
    """Send bytes as they are; returns all that is answered until the connection is closed."""
    address = ("127.0.0.1", urlsplit(running.address).port)
    with closing(socket.create_connection(address, timeout=20)) as connection:
        connection.sendall(request)
        if then_ends:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode()


def _post(running: Served, *lines: str, body: bytes = BODY) -> bytes:
    head = (
        *("POST /v1/accounts HTTP/1.1", "Host: x", f"Authorization: Bearer {running.key}"),
        *("Content-Type: application/json", "Connection: close", *lines, "", ""),
    )
    return "\r\n".join(head).encode() + body


@pytest.mark.parametrize(
    ("lines", "body", "status", "code"),
    [
        pytest.param(["Content-Length: 15"], BODY, 201, "", id="as it should be"),
        pytest.param([], b"", 400, "body_required", id="none"),
        pytest.param(["Transfer-Encoding: chunked"], CHUNKS, 411, "length_required", id="chunks"),
        pytest.param(
            ["Content-Length: 15", "Transfer-Encoding: chunked"],
            CHUNKS,
            411,
            "length_required",
            id="a length and chunks",
        ),
        pytest.param(
            ["Transfer-Encoding: gzip, chunked"], CHUNKS, 411, "length_required", id="compressed"
        ),
        pytest.param(["Transfer-Encoding: identity"], BODY, 400, "", id="another coding"),
        pytest.param(["Content-Length: 15", "Content-Length: 16"], BODY, 400, "", id="two lengths"),
        pytest.param(["Content-Length: -1"], BODY, 400, "", id="a negative length"),
        pytest.param(["Content-Length: +15"], BODY, 400, "", id="a length with a sign"),
        pytest.param(
            ["Content-Length: 99999999999"], b"{}", 413, "payload_too_large", id="too large"
        ),
    ],
)
def test_lengths_and_lies(
    demo: Served, lines: list[str], body: bytes, status: int, code: str
) -> None:
    answer = _answer(demo, _post(demo, *lines, body=body))

    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert f'"code":"{code}"' in answer or not code


def test_what_follows_a_body_is_no_request(demo: Served) -> None:
    hidden = b"GET /v1/catalogue HTTP/1.1\r\nHost: x\r\n\r\n"

    answer = _answer(demo, _post(demo, "Content-Length: 15", body=BODY + hidden))

    assert answer.startswith("HTTP/1.1 201 ")
    assert answer.count("HTTP/1.1") == 1


def test_a_body_that_is_cut_off_changes_nothing(demo: Served) -> None:
    answer = _answer(demo, _post(demo, "Content-Length: 40"), then_ends=True)

    assert answer.startswith("HTTP/1.1 400 ")
    assert '"code":"body_incomplete"' in answer


@pytest.mark.parametrize("path", ["/livez", "/v1/accounts", "/nowhere", "/docs"])
def test_safe_headers_arrive_once_and_no_server_is_named(demo: Served, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    head = _answer(demo, request.encode()).partition("\r\n\r\n")[0].lower()

    for name in (
        *("cache-control", "content-security-policy", "cross-origin-resource-policy"),
        *("referrer-policy", "x-content-type-options", "x-request-id"),
    ):
        assert head.count(f"\r\n{name}: ") == 1, name
    assert "\r\nserver: seatkeeper" in head
    assert "frame-ancestors 'none'" in head
    assert "granian" not in head
