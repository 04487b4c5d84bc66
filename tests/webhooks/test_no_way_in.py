"""Nothing inside is connected to, whatever a name server answers (promise 9)."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from ipaddress import IPv4Network
from typing import Any

import pytest

from tests.receivers import LOOPBACK, Canary, Receiver
from webhooks import addresses, connections, resolving
from webhooks.transport import Failure, Outcome, Transport

HOST = "hooks.example.com"
BODY = b"{}"
SECONDS = 5.0
OTHER = "127.0.0.2"
CLOSED = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 nothing is bound
    "10.0.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "fd00:ec2::254",
    "ff02::1",
    "4000::1",
]
# What some resolvers read as loopback, whatever the rules for names say.
SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "0",
    "0.0.0.0",  # noqa: S104 nothing is bound
    "127.0.0.2",
    "127.127.127.127",
]

Resolve = Callable[..., None]


@pytest.fixture(autouse=True)
def service() -> None:
    """No database is needed here."""


@pytest.fixture(autouse=True)
def published() -> None:
    """Nothing is told here."""


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    """Something inside, on a port that the rules do not keep anybody from."""
    with Canary() as canary:
        monkeypatch.setattr(addresses, "PORTS", (canary.port,))
        yield canary


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Let the name servers answer these addresses, or do something else."""

    def resolve(*found: str | Callable[[], list[str]]) -> None:
        def answer(host: str, port: int, **_: Any) -> list[Any]:
            all_found: list[str] = []
            for one in found:
                all_found += one() if callable(one) else [one]
            return [_answer(address, port) for address in all_found]

        monkeypatch.setattr(socket, "getaddrinfo", answer)

    return resolve


def _answer(address: str, port: int) -> Any:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sockaddr = (address, port, 0, 0) if ":" in address else (address, port)
    return family, socket.SOCK_STREAM, 6, "", sockaddr


@pytest.fixture(scope="module")
def transport() -> Iterator[Transport]:
    """A transport as an operator has it who allows nothing special."""
    with closing(Transport(frozenset())) as transport:
        yield transport


def _post(transport: Transport, port: int, host: str = HOST) -> Outcome:
    return transport.post(f"https://{host}:{port}/", {}, BODY, SECONDS)


@pytest.mark.parametrize("address", CLOSED)
def test_promise_9_a_host_with_an_address_inside_is_not_connected_to(
    transport: Transport, canary: Canary, resolve: Resolve, address: str
) -> None:
    resolve(address)

    outcome = _post(transport, canary.port)

    assert (outcome.status, outcome.failure) == (None, Failure.ADDRESS_REFUSED)
    assert outcome.detail == "its host has an address that is not public"
    assert canary.connections == 0


@pytest.mark.parametrize("place", [0, 7, 19])
def test_promise_9_one_address_inside_among_twenty_is_enough(
    transport: Transport, canary: Canary, resolve: Resolve, place: int
) -> None:
    found = [f"198.51.{n}.1" for n in range(101, 120)]
    found.insert(place, LOOPBACK)
    resolve(*found)

    outcome = _post(transport, canary.port)

    assert outcome.failure is Failure.ADDRESS_REFUSED
    assert canary.connections == 0


def test_promise_9_without_the_check_the_canary_would_be_reached(
    transport: Transport, canary: Canary, resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "refuse_unless_public", lambda address: None)
    resolve(LOOPBACK)

    outcome = _post(transport, canary.port)

    canary.wait_for_connections(1)
    assert outcome.failure is Failure.TLS


@pytest.mark.parametrize("host", SPELLINGS)
def test_promise_9_no_spelling_of_loopback_is_connected_to(
    transport: Transport, canary: Canary, host: str
) -> None:
    outcome = _post(transport, canary.port, host=host)
    unnoticed = canary.connections
    # Where it is allowed, the same spelling leads there.
    with closing(Transport(frozenset({host.lower().rstrip(".")}))) as allowing:
        _post(allowing, canary.port, host=host)

    assert (outcome.failure, unnoticed) == (Failure.ADDRESS_REFUSED, 0)
    if not host.startswith("127.") or host in (LOOPBACK, "127.1"):
        canary.wait_for_connections(1)


@pytest.fixture
def only_loopback_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything pass but 127.0.0.1, so that there is something "public" to connect to."""
    monkeypatch.setattr(addresses, "CLOSED_V4", (IPv4Network("127.0.0.1/32"),))


@pytest.mark.usefixtures("only_loopback_is_inside")
def test_promise_9_what_was_checked_is_what_is_connected_to(
    transport: Transport, canary: Canary, resolve: Resolve
) -> None:
    answers = iter([[OTHER], [LOOPBACK], [LOOPBACK]])
    resolve(lambda: next(answers))
    with Canary(OTHER, canary.port) as checked:
        _post(transport, canary.port)
        later = _post(transport, canary.port)

        assert (checked.connections, canary.connections) == (1, 0)

    assert later.failure is Failure.ADDRESS_REFUSED


@pytest.mark.usefixtures("only_loopback_is_inside")
def test_promise_9_whom_the_system_connected_to_is_checked_too(
    transport: Transport, canary: Canary, resolve: Resolve
) -> None:
    # Linux takes this one for loopback.
    resolve("0.0.0.0")  # noqa: S104 nothing is bound

    outcome = _post(transport, canary.port)

    assert outcome.failure is Failure.ADDRESS_REFUSED


def test_promise_9_a_connection_is_given_up_in_time_so_that_a_moved_host_is_noticed(
    resolve: Resolve,
) -> None:
    with (
        Receiver() as receiver,
        closing(Transport(frozenset({HOST}), oldest=0)) as transport,
    ):
        url = f"http://{HOST}:{receiver.port}/"
        resolve(LOOPBACK)
        there = transport.post(url, {}, BODY, SECONDS)
        resolve(OTHER)
        moved = transport.post(url, {}, BODY, SECONDS)

    assert (there.status, moved.failure) == (204, Failure.CONNECT)


def test_promise_9_the_next_address_is_tried_where_one_does_not_answer(resolve: Resolve) -> None:
    resolve("::1", OTHER, LOOPBACK)
    with (
        Receiver() as receiver,
        closing(Transport(frozenset({HOST}))) as transport,
    ):
        outcome = transport.post(f"http://{HOST}:{receiver.port}/", {}, BODY, SECONDS)

    assert outcome.status == 204
    assert receiver.requests[0].headers["host"] == f"{HOST}:{receiver.port}"


def _nothing() -> list[str]:
    return []


def _unknown() -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _fails() -> list[str]:
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def _label_too_long() -> list[str]:
    raise UnicodeError("label empty or too long")


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (_nothing, Failure.CONNECT),
        (_unknown, Failure.DNS),
        (_fails, Failure.DNS),
        (_label_too_long, Failure.DNS),
    ],
)
def test_promise_9_a_host_that_cannot_be_found(
    transport: Transport, resolve: Resolve, answer: Callable[[], list[str]], failure: Failure
) -> None:
    resolve(answer)

    outcome = _post(transport, 443)

    assert (outcome.status, outcome.failure) == (None, failure)
    assert outcome.detail


def test_promise_9_a_name_server_that_is_silent_holds_up_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    answers = threading.Event()

    def silent_for_some(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        if host == "silent.example.com":
            answers.wait(2 * SECONDS)
        return [_answer(LOOPBACK, port)]

    monkeypatch.setattr(socket, "getaddrinfo", silent_for_some)
    with Receiver() as receiver:
        allowed = frozenset({"silent.example.com", HOST})
        with closing(Transport(allowed)) as transport:
            url = f"http://silent.example.com:{receiver.port}/"
            silent = [transport.post(url, {}, BODY, 0.1) for _ in range(3)]
            other = transport.post(f"http://{HOST}:{receiver.port}/", {}, BODY, SECONDS)
            answers.set()
            again = transport.post(url, {}, BODY, SECONDS)

    assert [outcome.failure for outcome in silent] == [Failure.DNS] * 3
    assert (other.status, again.status) == (204, 204)
    # It was asked once while it was silent.
    assert asked[:2] == ["silent.example.com", HOST]
    for thread in threading.enumerate():
        if thread.name == "webhook-resolver":
            thread.join()


def test_promise_9_so_many_hosts_at_once_are_not_looked_up(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, resolve: Resolve
) -> None:
    monkeypatch.setattr(resolving, "MOST_LOOKUPS", 0)
    resolve(LOOPBACK)

    outcome = _post(transport, 443)

    assert (outcome.failure, outcome.detail) == (Failure.DNS, "the host cannot be looked up")
