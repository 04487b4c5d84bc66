"""Certificates are verified, for the host that was asked for (promise 9)."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme

from tests.receivers import LOOPBACK, RawReceiver
from tests.webhooks.scripts import hear, hold, reset
from webhooks.transport import Failure, Outcome, Transport

HOST = "hooks.example.com"
BODY = b"{}"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SECONDS = 5.0
Script = Callable[[socket.socket], None]


@pytest.fixture(autouse=True)
def service() -> None:
    """No database is needed here."""


@pytest.fixture(autouse=True)
def published() -> None:
    """Nothing is told here."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that the system trusts."""
    return trustme.CA()


@pytest.fixture
def transport(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Iterator[Transport]:
    """A transport for which the host is on loopback and its authority is the system's."""

    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (LOOPBACK, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with authority.cert_pem.tempfile() as file:
        monkeypatch.setenv("SSL_CERT_FILE", file)
        with closing(Transport(frozenset({HOST}))) as transport:
            yield transport


def _server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def _serves(context: ssl.SSLContext, script: Script) -> Script:
    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            script(secured)

    return serve


def _answers(connection: socket.socket) -> None:
    hear(connection)
    connection.sendall(OK)


def _post(transport: Transport, script: Script, seconds: float = SECONDS) -> Outcome:
    with RawReceiver(script) as receiver:
        return transport.post(f"https://{HOST}:{receiver.port}/", {}, BODY, seconds)


def test_a_certificate_for_the_host_from_a_known_authority_is_good(
    transport: Transport, authority: trustme.CA
) -> None:
    asked: list[bytes] = []

    def answers_twice(connection: socket.socket) -> None:
        for _ in range(2):
            asked.append(connection.recv(65536))
            connection.sendall(OK)

    with RawReceiver(_serves(_server(authority.issue_cert(HOST)), answers_twice)) as receiver:
        url = f"https://{HOST}:{receiver.port}/"
        outcomes = [transport.post(url, {}, BODY, SECONDS) for _ in range(2)]

        assert f"Host: {HOST}:{receiver.port}\r\n".encode() in asked[0]
        assert asked[0].endswith(BODY)

    assert [(o.status, o.failure, o.reused) for o in outcomes] == [
        (200, None, False),
        (200, None, True),
    ]
    assert list(outcomes[0].milliseconds) == [
        "dns",
        "connect",
        "tls",
        "first_byte",
        "body",
        "total",
    ]


def test_a_chain_of_certificates_is_good_and_needs_all_its_links(
    transport: Transport, authority: trustme.CA
) -> None:
    certificate = authority.create_child_ca().issue_cert(HOST)
    without_link = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key, leaf = certificate.private_key_pem, certificate.cert_chain_pems[0]
    with key.tempfile() as key_file, leaf.tempfile() as leaf_file:
        without_link.load_cert_chain(leaf_file, key_file)

    whole = _post(transport, _serves(_server(certificate), _answers))
    broken = _post(transport, _serves(without_link, _answers))

    assert (whole.status, whole.failure) == (200, None)
    assert (broken.status, broken.failure) == (None, Failure.TLS)
    assert broken.detail == "unable to get local issuer certificate"


def _expired(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert(HOST, not_after=datetime(2020, 1, 1, tzinfo=UTC))


def _not_yet_valid(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert(HOST, not_before=datetime(2990, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("certificate", "detail"),
    [
        (_expired, "certificate has expired"),
        (_not_yet_valid, "certificate is not yet valid"),
        (lambda authority: authority.issue_cert("other.example.com"), "Hostname mismatch"),
        (lambda authority: authority.issue_cert(LOOPBACK), "Hostname mismatch"),
        (lambda authority: authority.issue_cert("*.com"), "Hostname mismatch"),
        (lambda _: trustme.CA().issue_cert(HOST), "unable to get local issuer certificate"),
    ],
    ids=["expired", "not yet", "another host", "the address", "too wide", "unknown authority"],
)
def test_any_other_certificate_is_not(
    transport: Transport,
    authority: trustme.CA,
    certificate: Callable[[trustme.CA], trustme.LeafCert],
    detail: str,
) -> None:
    heard: list[bytes] = []

    def script(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))

    outcome = _post(transport, _serves(_server(certificate(authority)), script))

    assert (outcome.status, outcome.failure) == (None, Failure.TLS)
    assert outcome.detail.startswith(detail)
    assert [said for said in heard if said] == []


def test_a_certificate_that_signs_itself_is_not(transport: Transport) -> None:
    itself, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with itself.private_key_pem.tempfile() as key, itself.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)

    outcome = _post(transport, _serves(context, _answers))

    assert (outcome.failure, outcome.detail) == (Failure.TLS, "self-signed certificate")


def test_old_versions_of_tls_are_not_spoken(transport: Transport, authority: trustme.CA) -> None:
    context = _server(authority.issue_cert(HOST))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    outcome = _post(transport, _serves(context, _answers))

    assert (outcome.status, outcome.failure) == (None, Failure.TLS)


def test_a_receiver_that_wants_a_certificate_of_ours_fails(
    transport: Transport, authority: trustme.CA
) -> None:
    context = _server(authority.issue_cert(HOST))
    # In the later version the handshake is over before the receiver has looked.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)

    outcome = _post(transport, _serves(context, _answers))

    assert (outcome.status, outcome.failure) == (None, Failure.TLS)


def test_bytes_that_are_not_secured_are_no_answer(
    transport: Transport, authority: trustme.CA
) -> None:
    def slips_in(connection: socket.socket) -> None:
        hear(connection)
        socket.socket.sendall(connection, OK)
        hold(connection)

    outcome = _post(transport, _serves(_server(authority.issue_cert(HOST)), slips_in))

    assert (outcome.status, outcome.failure) == (None, Failure.TLS)


def _speaks_plainly(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    hold(connection)


def _resets_when_greeted(connection: socket.socket) -> None:
    connection.recv(1)
    reset(connection)


def _drips_a_handshake(connection: socket.socket) -> None:
    # The beginning of a record that promises 16 KiB.
    for byte in b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + b"\x00" * 20:
        connection.sendall(bytes([byte]))
        threading.Event().wait(0.02)
    hold(connection)


@pytest.mark.parametrize(
    ("script", "seconds"),
    [
        (_speaks_plainly, SECONDS),
        (lambda connection: None, SECONDS),
        (_resets_when_greeted, SECONDS),
        (hold, 0.15),
        (_drips_a_handshake, 0.15),
    ],
    ids=["plain HTTP", "closes", "resets", "hangs", "drips"],
)
def test_a_handshake_that_does_not_come_to_its_end_fails(
    transport: Transport, script: Script, seconds: float
) -> None:
    outcome = _post(transport, script, seconds)

    assert (outcome.status, outcome.failure) == (None, Failure.TLS)
    assert outcome.detail


def _drips_an_answer(connection: socket.socket) -> None:
    hear(connection)
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
            connection.sendall(bytes([byte]))
            threading.Event().wait(0.02)


def test_the_deadline_holds_inside_tls_too(transport: Transport, authority: trustme.CA) -> None:
    server = _server(authority.issue_cert(HOST))

    dripped = _post(transport, _serves(server, _drips_an_answer), 0.3)
    silent = _post(transport, _serves(server, hold), 0.15)

    assert (dripped.status, dripped.failure) == (None, Failure.TIMEOUT)
    assert (silent.status, silent.failure) == (None, Failure.TIMEOUT)


def test_a_secured_connection_that_breaks_off_fails(
    transport: Transport, authority: trustme.CA
) -> None:
    def breaks_off(connection: socket.socket) -> None:
        hear(connection)
        connection.sendall(OK[:-2])
        reset(connection)

    outcome = _post(transport, _serves(_server(authority.issue_cert(HOST)), breaks_off))

    assert (outcome.status, outcome.failure) == (None, Failure.RESET)
