"""What is posted, what an outcome says, and which connections are used again (promises 4 and 8)."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.receivers import LOOPBACK, Answer, Canary, RawReceiver, Received, Receiver
from tests.webhooks.scripts import hear, hold
from webhooks import connections
from webhooks import transport as sending
from webhooks.outcomes import meaning
from webhooks.rules import Verdict
from webhooks.transport import Failure, Outcome, Transport

BODY = b'{"id":"evt_1","name":"\xc3\x9c"}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SECONDS = 5.0


@pytest.fixture(autouse=True)
def service() -> None:
    """No database is needed here."""


@pytest.fixture(autouse=True)
def published() -> None:
    """Nothing is told here."""


@pytest.fixture
def transport() -> Iterator[Transport]:
    """A transport that may send to loopback."""
    with closing(Transport(frozenset({LOOPBACK}))) as transport:
        yield transport


def test_what_is_posted_arrives_byte_for_byte(transport: Transport) -> None:
    sent = {"content-type": "application/json", "User-Agent": "Seatkeeper/1", "X-Own": "a b"}

    with Receiver() as receiver:
        outcome = transport.post(receiver.url + "hook/../a?b=%20&c", sent, BODY)

    assert (outcome.status, outcome.failure, outcome.detail) == (204, None, "")
    assert [(r.path, r.body) for r in receiver.requests] == [("/hook/../a?b=%20&c", BODY)]
    assert receiver.requests[0].headers == {
        "host": receiver.host,
        "accept-encoding": "identity",
        "content-length": str(len(BODY)),
        "content-type": "application/json",
        "user-agent": "Seatkeeper/1",
        "x-own": "a b",
    }


def test_an_outcome_says_what_was_answered_and_how_long_each_phase_took(
    transport: Transport,
) -> None:
    def answer(request: Received) -> Answer:
        return Answer(
            429,
            {
                "Retry-After": "7",
                "RETRY-AFTER": "9",
                "Webhook-Delivery": "abort-message",
                "Content-Type": "text/plain",
                "webhook-challenge": "abc",
            },
            b"slower, please",
        )

    with Receiver(answer) as receiver:
        outcome = transport.post(receiver.url, {}, BODY)

    assert (outcome.status, outcome.retry_after, outcome.control) == (429, "7", "abort-message")
    assert (outcome.content_type, outcome.body) == ("text/plain", b"slower, please")
    assert outcome.headers["webhook-challenge"] == "abc"
    assert list(outcome.milliseconds) == ["dns", "connect", "first_byte", "body", "total"]
    assert (outcome.reused, outcome.resent) == (False, False)


def test_a_receiver_that_is_gone_and_comes_back(transport: Transport) -> None:
    with Receiver() as receiver:
        receiver.stop()
        away = transport.post(receiver.url, {}, BODY)
        receiver.start()
        back = transport.post(receiver.url, {}, BODY)

    assert (away.status, away.failure) == (None, Failure.CONNECT)
    assert away.detail == "Connection refused"
    assert list(away.milliseconds) == ["dns", "connect", "total"]
    assert back.status == 204


def test_an_address_that_is_not_allowed_is_refused_in_words(transport: Transport) -> None:
    outcome = transport.post("https://example.com:22/", {}, BODY)

    assert (outcome.status, outcome.failure) == (None, Failure.ADDRESS_REFUSED)
    assert outcome.detail == "its port is neither 443 nor 8443"


def _promised(status: int) -> Verdict:
    """Promise 4, as it is written."""
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if status in (401, 403, 404, 405, 408, 421, 425) or 300 <= status < 400 or status >= 500:
        return Verdict.ENDPOINT_TROUBLE
    if status == 410:
        return Verdict.GONE
    return Verdict.SLOW_DOWN if status == 429 else Verdict.MESSAGE_TROUBLE


def test_every_status_is_an_answer_and_means_what_is_promised(transport: Transport) -> None:
    with Receiver() as receiver:
        for status in [*range(200, 600), 600, 999]:
            receiver.answer = lambda request, status=status: Answer(status, body=b"said")

            outcome = transport.post(receiver.url, {}, BODY)

            assert (outcome.status, outcome.failure) == (status, None)
            assert meaning(outcome) is _promised(status), status
        assert receiver.connections < 10


def test_an_interim_status_alone_is_no_answer(transport: Transport) -> None:
    for status in range(100, 200):

        def script(connection: socket.socket, status: int = status) -> None:
            hear(connection)
            connection.sendall(f"HTTP/1.1 {status} Wait\r\n\r\n".encode())

        with RawReceiver(script) as receiver:
            outcome = transport.post(receiver.url, {}, BODY)

        assert (outcome.status, outcome.failure) == (None, Failure.RESET)
        assert meaning(outcome) is Verdict.ENDPOINT_TROUBLE


def test_503_with_retry_after_asks_for_time(transport: Transport) -> None:
    with Receiver(lambda request: Answer(503, {"Retry-After": "5"})) as receiver:
        outcome = transport.post(receiver.url, {}, BODY)

    assert meaning(outcome) is Verdict.SLOW_DOWN


@pytest.mark.parametrize("failure", Failure)
def test_a_failure_is_trouble_of_the_endpoint_unless_it_was_we_who_refused(
    failure: Failure,
) -> None:
    means = {meaning(Outcome(status, failure)) for status in (None, 200, 410, 429)}

    refused = failure is Failure.ADDRESS_REFUSED
    assert means == {Verdict.BLOCKED if refused else Verdict.ENDPOINT_TROUBLE}


def test_a_connection_is_used_again(transport: Transport) -> None:
    with Receiver() as receiver:
        outcomes = [transport.post(receiver.url, {}, BODY) for _ in range(3)]

        assert receiver.connections == 1

    assert [outcome.reused for outcome in outcomes] == [False, True, True]
    assert list(outcomes[2].milliseconds) == ["first_byte", "body", "total"]


def test_a_connection_is_retired_when_it_is_old() -> None:
    with Receiver() as receiver, closing(Transport(frozenset({LOOPBACK}), oldest=0)) as transport:
        outcomes = [transport.post(receiver.url, {}, BODY) for _ in range(3)]

        assert receiver.connections == 3

    assert not any(outcome.reused or outcome.resent for outcome in outcomes)


def test_a_connection_that_was_not_used_for_a_while_is_not_used_again(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as receiver:
        transport.post(receiver.url, {}, BODY)
        monkeypatch.setattr(connections, "SECONDS_UNUSED", 0)
        outcome = transport.post(receiver.url, {}, BODY)

        assert (receiver.connections, outcome.reused) == (2, False)


def test_connections_that_nobody_uses_are_closed(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS_BETWEEN_TIDYING", 0)
    with Receiver() as quiet, Receiver() as busy:
        transport.post(quiet.url, {}, BODY)
        transport.post(busy.url, {}, BODY)
        still_used = transport.post(busy.url, {}, BODY)
        monkeypatch.setattr(connections, "SECONDS_UNUSED", 0)
        transport.post(busy.url, {}, BODY)

        quiet.wait_until_left()

    assert still_used.reused


def test_only_the_hosts_that_were_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "HOSTS_KEPT", 2)
    with (
        Receiver() as first,
        Receiver() as second,
        Receiver() as third,
        closing(Transport(frozenset({LOOPBACK}))) as transport,
    ):
        for receiver in (first, second, first, third):
            transport.post(receiver.url, {}, BODY)

        second.wait_until_left()
        kept = transport.post(first.url, {}, BODY)

    assert kept.reused


@pytest.mark.parametrize(
    "ambiguous",
    [
        Answer(200, {"Connection": "close"}),
        Answer(200, {"Transfer-Encoding": "chunked", "Content-Length": "9"}, b"0\r\n\r\n"),
        Answer(204, {"Content-Length": "2"}, b"ok"),
        Answer(204, {"Transfer-Encoding": "chunked"}, b"2\r\nok\r\n0\r\n\r\n"),
        Answer(200, {"Content-Length": "2", "content-length": "2"}, b"ok"),
        Answer(200, {"Content-Length": "70000"}, b"a" * 70000),
    ],
    ids=["closes", "chunks and a length", "204 and a body", "204 in chunks", "twice", "too long"],
)
def test_a_connection_is_not_used_again_where_it_is_in_doubt_what_comes_next(
    transport: Transport, ambiguous: Answer
) -> None:
    with Receiver(lambda request: ambiguous) as receiver:
        outcomes = [transport.post(receiver.url, {}, BODY) for _ in range(2)]

    assert [(o.status, o.failure) for o in outcomes] == [(ambiguous.status, None)] * 2
    assert not any(outcome.reused for outcome in outcomes)


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(transport: Transport) -> None:
    def answers_once(connection: socket.socket) -> None:
        hear(connection)
        connection.sendall(OK)

    with RawReceiver(answers_once) as receiver:
        transport.post(receiver.url, {}, BODY)
        receiver.wait_until_left()
        outcome = transport.post(receiver.url, {}, BODY)

    assert (outcome.status, outcome.failure) == (200, None)
    assert (outcome.reused, outcome.resent) == (False, False)


class ClosesOnTheSecond:
    """Answers the first request of its first connection, and something else the second."""

    def __init__(self, second: bytes, others: bytes = OK) -> None:
        self.second = second
        self.others = others
        self.heard = 0

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection."""
        is_first = self.heard == 0
        self._answer(connection, OK if is_first else self.others)
        if is_first:
            self._answer(connection, self.second)

    def _answer(self, connection: socket.socket, text: bytes) -> None:
        hear(connection)
        self.heard += 1
        connection.sendall(text)


def test_what_a_reused_connection_did_not_answer_at_all_is_sent_once_more(
    transport: Transport,
) -> None:
    script = ClosesOnTheSecond(b"")
    with RawReceiver(script) as receiver:
        transport.post(receiver.url, {}, BODY)
        outcome = transport.post(receiver.url, {}, BODY)

    assert (outcome.status, outcome.failure) == (200, None)
    assert (outcome.reused, outcome.resent) == (True, True)
    assert (script.heard, receiver.connections) == (3, 2)


def test_it_is_sent_once_more_and_not_twice(transport: Transport) -> None:
    script = ClosesOnTheSecond(b"", others=b"")
    with RawReceiver(script) as receiver:
        transport.post(receiver.url, {}, BODY)
        outcome = transport.post(receiver.url, {}, BODY)

    assert (outcome.status, outcome.failure) == (None, Failure.RESET)
    assert (script.heard, receiver.connections) == (3, 2)


@pytest.mark.parametrize("said", [b"H", b"HTTP/1.1 100 Wait\r\n\r\n", OK[:-2]])
def test_what_was_answered_in_part_is_not_sent_again(transport: Transport, said: bytes) -> None:
    script = ClosesOnTheSecond(said)
    with RawReceiver(script) as receiver:
        transport.post(receiver.url, {}, BODY)
        outcome = transport.post(receiver.url, {}, BODY)

    assert (outcome.status, outcome.failure, outcome.resent) == (None, Failure.RESET, False)
    assert (script.heard, receiver.connections) == (2, 1)


def test_what_was_not_answered_in_time_is_not_sent_again(transport: Transport) -> None:
    def answers_once(connection: socket.socket) -> None:
        hear(connection)
        connection.sendall(OK)
        hold(connection)

    with RawReceiver(answers_once) as receiver:
        transport.post(receiver.url, {}, BODY)
        outcome = transport.post(receiver.url, {}, BODY, 0.1)

        assert receiver.connections == 1

    assert (outcome.failure, outcome.reused, outcome.resent) == (Failure.TIMEOUT, True, False)


def test_many_threads_share_a_transport(transport: Transport) -> None:
    with Receiver(lambda request: Answer(200, body=request.body)) as receiver:

        def post(n: int) -> bytes:
            return transport.post(receiver.url, {}, b"%d" % n).body

        with ThreadPoolExecutor(8) as threads:
            answered = list(threads.map(post, range(200)))

        assert receiver.connections <= 8

    assert answered == [b"%d" % n for n in range(200)]


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def test_the_environment_has_no_say(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {LOOPBACK} login spy password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Canary() as proxy, Receiver() as receiver:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.url)

        outcome = transport.post(receiver.url, {}, BODY)

        assert (outcome.status, proxy.connections) == (204, 0)
        assert "authorization" not in receiver.requests[0].headers
        # The library by itself would have gone to the proxy.
        with pytest.raises(requests.ConnectionError):
            requests.post(receiver.url, data=BODY, timeout=SECONDS)
        proxy.wait_for_connections(1)


def test_no_cookie_is_kept(transport: Transport) -> None:
    with Receiver(lambda request: Answer(200, {"Set-Cookie": "a=b; Path=/"})) as receiver:
        for _ in range(2):
            transport.post(receiver.url, {}, BODY)

    assert [request.headers.get("cookie") for request in receiver.requests] == [None, None]
