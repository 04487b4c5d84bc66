"""Whatever a receiver answers, it costs no more than the deadline and 64 KiB (promise 8)."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.receivers import LOOPBACK, Canary, RawReceiver
from tests.webhooks.scripts import drips, endless, half_close, hold, reset, says
from webhooks.answers import LONGEST_BODY
from webhooks.exchanges import Exchange
from webhooks.transport import Failure, Outcome, Transport

Script = Callable[[socket.socket], None]
Post = Callable[..., Outcome]
SECONDS = 5.0
SHORT = 0.15
BODY = b'{"id":"evt_1"}'
OK = b"HTTP/1.1 200 OK\r\n"
ENDS = b"\r\n"
TWO = b"Content-Length: 2\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture(autouse=True)
def service() -> None:
    """No database is needed here."""


@pytest.fixture(autouse=True)
def published() -> None:
    """Nothing is told here."""


@pytest.fixture(scope="module")
def transport() -> Iterator[Transport]:
    """A transport that may send to loopback."""
    with closing(Transport(frozenset({LOOPBACK}))) as transport:
        yield transport


@pytest.fixture
def post(transport: Transport) -> Post:
    """Post to a receiver that follows a script."""

    def post(script: Script, body: bytes = BODY, seconds: float = SECONDS) -> Outcome:
        with RawReceiver(script) as receiver:
            return transport.post(receiver.url, {}, body, seconds)

    return post


def _with_headers(count: int) -> bytes:
    return OK + b"".join(b"X-%d: 1\r\n" % n for n in range(count - 1)) + TWO + b"ok"


def _never_reads(connection: socket.socket) -> None:
    """Accept, and take nothing from the connection until the other side has closed it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    threading.Event().wait(2 * SHORT)


NO_ANSWER = {
    "closes at once": (lambda connection: None, Failure.RESET),
    "closes before it answers": (says(), Failure.RESET),
    "resets before it answers": (says(then=reset), Failure.RESET),
    "closes its half before it answers": (says(then=half_close), Failure.RESET),
    "reads and says nothing": (says(then=hold), Failure.TIMEOUT),
    "closes within the status line": (says(b"HTTP/1.1 20"), Failure.RESET),
    "stops within the status line": (says(b"HTTP/1.1 20", then=hold), Failure.TIMEOUT),
    "closes after the status line": (says(OK), Failure.RESET),
    "resets after the status line": (says(OK, then=reset), Failure.RESET),
    "stops after the status line": (says(OK, then=hold), Failure.TIMEOUT),
    "closes within a header": (says(OK, b"Content-Le"), Failure.RESET),
    "closes before the empty line": (says(OK, b"Content-Length: 0\r\n"), Failure.RESET),
    "says 100 and closes": (says(INTERIM), Failure.RESET),
    "says 100 and stops": (says(INTERIM, then=hold), Failure.TIMEOUT),
    "says 101": (says(b"HTTP/1.1 101 Switching\r\n\r\n", then=hold), Failure.TIMEOUT),
    "says 100 six times": (says(INTERIM * 6, OK, TWO, b"ok"), Failure.BAD_ANSWER),
    "says 100 for ever": (endless(INTERIM), Failure.BAD_ANSWER),
    "speaks HTTP/0.9": (says(b"hello\n"), Failure.BAD_ANSWER),
    "speaks HTTP/2": (says(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\n"), Failure.BAD_ANSWER),
    "speaks HTTP/2 first": (says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Failure.BAD_ANSWER),
    "speaks HTTP/9": (says(b"HTTP/9.9 200 OK\r\n\r\n"), Failure.BAD_ANSWER),
    "speaks SMTP": (says(b"220 mail.example.com ESMTP\r\n"), Failure.BAD_ANSWER),
    "speaks TLS": (says(b"\x15\x03\x01\x00\x02\x02\x46\n"), Failure.BAD_ANSWER),
    "says an empty line": (says(b"\r\n"), Failure.BAD_ANSWER),
    "says no status": (says(b"HTTP/1.1\r\n\r\n"), Failure.BAD_ANSWER),
    "says 000": (says(b"HTTP/1.1 000 No\r\n\r\n"), Failure.BAD_ANSWER),
    "says 99": (says(b"HTTP/1.1 99 No\r\n\r\n"), Failure.BAD_ANSWER),
    "says 1000": (says(b"HTTP/1.1 1000 No\r\n\r\n"), Failure.BAD_ANSWER),
    "says -200": (says(b"HTTP/1.1 -200 No\r\n\r\n"), Failure.BAD_ANSWER),
    "says OK for a status": (says(b"HTTP/1.1 OK 200\r\n\r\n"), Failure.BAD_ANSWER),
    "has a line without end": (endless(b"a" * 4096), Failure.BAD_ANSWER),
    "has zeros without end": (endless(b"\x00" * 4096), Failure.BAD_ANSWER),
    "has headers without end": (endless(b"X: 1\r\n", OK), Failure.BAD_ANSWER),
    "has 5,000 headers": (says(_with_headers(5000)), Failure.BAD_ANSWER),
    "has 101 headers": (says(_with_headers(101)), Failure.BAD_ANSWER),
    "has a header of 1 MB": (says(OK, b"X: " + b"a" * 2**20), Failure.BAD_ANSWER),
    "has 33 KiB of headers": (
        says(OK, *[b"X: %b\r\n" % (b"a" * 1024)] * 33, TWO, b"ok"),
        Failure.BAD_ANSWER,
    ),
}


@pytest.mark.parametrize(("script", "failure"), NO_ANSWER.values(), ids=NO_ANSWER.keys())
def test_promise_8_a_receiver_that_does_not_answer_fails(
    post: Post, script: Script, failure: Failure
) -> None:
    outcome = post(script, seconds=SHORT if failure is Failure.TIMEOUT else SECONDS)

    assert (outcome.status, outcome.failure) == (None, failure), outcome
    assert outcome.detail
    assert not outcome.resent


def test_a_receiver_that_resets_at_once_fails_while_or_after_it_is_connected_to(post: Post) -> None:
    outcome = post(reset)

    assert outcome.status is None
    assert outcome.failure in (Failure.CONNECT, Failure.RESET)


NOT_WHOLE = {
    "closes within the body": (says(OK, TWO, b"o"), Failure.RESET),
    "closes before the body": (says(OK, TWO), Failure.RESET),
    "resets within the body": (says(OK, TWO, b"o", then=reset), Failure.RESET),
    "closes its half within the body": (says(OK, TWO, b"o", then=half_close), Failure.RESET),
    "stops within the body": (says(OK, TWO, b"o", then=hold), Failure.TIMEOUT),
    "stops, with a negative length": (
        says(OK, b"Content-Length: -1\r\n\r\n", b"ok", then=hold),
        Failure.TIMEOUT,
    ),
    "closes within a chunk": (says(CHUNKED, b"5\r\nab"), Failure.RESET),
    "closes between chunks": (says(CHUNKED, b"2\r\nok\r\n"), Failure.RESET),
    "closes before the last line": (says(CHUNKED, b"2\r\nok\r\n0"), Failure.RESET),
    "has a chunk of no size": (says(CHUNKED, b"\r\nok\r\n0\r\n\r\n"), Failure.BAD_ANSWER),
    "has a chunk of a wrong size": (says(CHUNKED, b"zz\r\nok\r\n0\r\n\r\n"), Failure.BAD_ANSWER),
    "has a chunk of less than nothing": (
        says(CHUNKED, b"-5\r\nok\r\n0\r\n\r\n"),
        Failure.BAD_ANSWER,
    ),
    "has a chunk that is longer than said": (
        says(CHUNKED, b"1\r\nok\r\n0\r\n\r\n"),
        Failure.BAD_ANSWER,
    ),
    "has an endless size of a chunk": (endless(b"0" * 4096, CHUNKED), Failure.BAD_ANSWER),
}


@pytest.mark.parametrize(("script", "failure"), NOT_WHOLE.values(), ids=NOT_WHOLE.keys())
def test_promise_8_an_answer_that_is_cut_off_does_not_count(
    post: Post, script: Script, failure: Failure
) -> None:
    outcome = post(script, seconds=SHORT if failure is Failure.TIMEOUT else SECONDS)

    assert (outcome.status, outcome.failure) == (200, failure), outcome


ANSWERS = {
    "an answer without a body": (says(OK, b"Content-Length: 0\r\n\r\n"), b""),
    "an answer with a body": (says(OK, TWO, b"ok"), b"ok"),
    "a status without words": (says(b"HTTP/1.1 200\r\n", TWO, b"ok"), b"ok"),
    "bare line feeds": (says(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), b"ok"),
    "HTTP/1.0, until it closes": (says(b"HTTP/1.0 200 OK\r\n\r\n", b"ok"), b"ok"),
    "until it closes": (says(OK, ENDS, b"ok"), b"ok"),
    "until it closes its half": (says(OK, ENDS, b"ok", then=half_close), b"ok"),
    "a negative length, until it closes": (says(OK, b"Content-Length: -1\r\n\r\n", b"ok"), b"ok"),
    "a length in words, until it closes": (says(OK, b"Content-Length: two\r\n\r\n", b"ok"), b"ok"),
    "more than it said": (says(OK, TWO, b"okay"), b"ok"),
    "two lengths": (
        says(OK, b"Content-Length: 2\r\n", b"Content-Length: 3\r\n\r\n", b"ok!"),
        b"ok",
    ),
    "chunks": (says(CHUNKED, b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n"), b"ok"),
    "chunks with extensions": (says(CHUNKED, b"2;a=b\r\nok\r\n0;c\r\n\r\n"), b"ok"),
    "chunks with a trailer": (says(CHUNKED, b"2\r\nok\r\n0\r\nX: 1\r\n\r\n"), b"ok"),
    "chunks and a length": (
        says(OK, b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        b"ok",
    ),
    "100 five times first": (says(INTERIM * 5, OK, TWO, b"ok"), b"ok"),
    "103 first": (says(b"HTTP/1.1 103 Hints\r\nLink: <a>\r\n\r\n", OK, TWO, b"ok"), b"ok"),
    "99 headers": (says(_with_headers(99)), b"ok"),
    "31 KiB of headers": (says(OK, *[b"X: %b\r\n" % (b"a" * 1024)] * 30, TWO, b"ok"), b"ok"),
    "zeros in a header": (says(OK, b"X: a\x00b\r\n", TWO, b"ok"), b"ok"),
    "a lone CR in a header": (says(OK, b"X: a\rb\r\n", TWO, b"ok"), b"ok"),
    "bytes in a header": (says(OK, b"X: \xff\xfe\xe2\x82\xac\r\n", TWO, b"ok"), b"ok"),
    "a folded header": (says(OK, b"X: a\r\n b\r\n", TWO, b"ok"), b"ok"),
    "a line that is no header": (says(OK, b"nonsense\r\n", TWO, b"ok"), b"ok"),
    "a header without a name": (says(OK, b": nonsense\r\n", TWO, b"ok"), b"ok"),
    "a reset after the answer": (says(OK, TWO, b"ok", then=reset), b"ok"),
}


@pytest.mark.parametrize(("script", "body"), ANSWERS.values(), ids=ANSWERS.keys())
def test_promise_8_an_answer_counts_however_odd_it_is(
    post: Post, script: Script, body: bytes
) -> None:
    outcome = post(script)

    assert (outcome.status, outcome.failure, outcome.body) == (200, None, body), outcome


TOO_LONG = {
    "one byte too many": says(OK, b"Content-Length: 65537\r\n\r\n", b"a" * 65537),
    "a gigabyte, it says": endless(b"a" * 4096, OK + b"Content-Length: 1000000000\r\n\r\n"),
    "bytes without end": endless(b"a" * 4096, OK + b"\r\n"),
    "a chunk without end": endless(b"a" * 4096, CHUNKED + b"fffffffffffffffffff\r\n"),
    "chunks without end": endless(b"1000\r\n" + b"a" * 4096 + b"\r\n", CHUNKED),
    "a body, then a reset": says(
        OK, b"Content-Length: 99999\r\n\r\n", b"a" * 70000, then=lambda c: reset(c) or hold(c)
    ),
}


@pytest.mark.parametrize("script", TOO_LONG.values(), ids=TOO_LONG.keys())
def test_promise_8_an_answer_that_is_too_long_counts_and_is_not_read_to_its_end(
    post: Post, script: Script
) -> None:
    outcome = post(script)

    assert (outcome.status, outcome.failure) == (200, None), outcome
    assert outcome.body == b"a" * LONGEST_BODY


WRAPPED_WITHOUT_END = {
    "chunks of one byte": endless(b"1\r\na\r\n" * 1000, CHUNKED),
    "a trailer without end": endless(
        b"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 100, CHUNKED + b"0\r\n"
    ),
    "less than nothing without end": endless(b"a" * 4096, CHUNKED + b"-1\r\n"),
}


@pytest.mark.parametrize("script", WRAPPED_WITHOUT_END.values(), ids=WRAPPED_WITHOUT_END.keys())
def test_promise_8_what_wraps_a_body_is_not_read_without_end_either(
    post: Post, script: Script
) -> None:
    outcome = post(script)

    assert (outcome.status, outcome.failure) == (200, None), outcome
    assert len(outcome.body) <= LONGEST_BODY


def test_promise_8_64_kib_are_read_to_the_last_byte(post: Post) -> None:
    outcome = post(says(OK, b"Content-Length: 65536\r\n\r\n", b"a" * 65535 + b"z"))

    assert outcome.body == b"a" * 65535 + b"z"


def test_promise_8_nothing_is_decompressed(post: Post) -> None:
    bomb = gzip.compress(gzip.compress(b"\x00" * 10_000_000))
    asked = []

    def script(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
        connection.sendall(head + bomb)

    outcome = post(script)

    assert outcome.body == bomb
    assert b"accept-encoding: identity\r\n" in asked[0].lower()


def _drip_of(text: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in text]


DRIPS = {
    "the status line": _drip_of(b"HTTP/1.1 200 OK\r\n\r\n"),
    "a header": [OK, *_drip_of(b"X-Long: aaaaaaaaaa\r\n"), ENDS],
    "interim answers": [*[INTERIM] * 5, OK, b"Content-Length: 0\r\n", *[b"X: 1\r\n"] * 10, ENDS],
    "a body": [OK, b"Content-Length: 20\r\n\r\n", *_drip_of(b"a" * 20)],
    "a body until it closes": [OK, ENDS, *_drip_of(b"a" * 20)],
    "chunks": [CHUNKED, *[b"1\r\n", b"a\r\n"] * 9, b"0\r\n", ENDS],
    "the size of a chunk": [CHUNKED, *_drip_of(b"00000000000000001"), b"\r\na\r\n0\r\n\r\n"],
    "a trailer": [CHUNKED, b"0\r\n", *[b"X: 1\r\n"] * 18, ENDS],
}


@pytest.mark.parametrize("pieces", DRIPS.values(), ids=DRIPS.keys())
def test_promise_8_dripping_does_not_move_the_deadline(post: Post, pieces: list[bytes]) -> None:
    outcome = post(drips(pieces), seconds=SHORT)

    assert outcome.failure is Failure.TIMEOUT


@pytest.mark.parametrize("pieces", DRIPS.values(), ids=DRIPS.keys())
def test_promise_8_a_deadline_for_each_wait_alone_would_not_do(
    post: Post, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Exchange, "left", lambda exchange, most=SECONDS: min(most, SECONDS))

    outcome = post(drips(pieces), seconds=SHORT)

    assert (outcome.status, outcome.failure) == (200, None)


def test_promise_8_a_receiver_that_takes_nothing_does_not_hold_up_the_sender(post: Post) -> None:
    outcome = post(_never_reads, body=b"a" * 16_000_000, seconds=SHORT)

    assert (outcome.status, outcome.failure) == (None, Failure.TIMEOUT)


def test_promise_8_an_answer_to_a_body_that_was_not_read_counts(post: Post) -> None:
    def script(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        hold(connection)

    outcome = post(script, body=b"a" * 1_000_000)

    assert (outcome.status, outcome.failure) == (413, None)


def test_promise_8_what_a_receiver_says_is_not_repeated_in_our_words(post: Post) -> None:
    said = [post(says(text)) for text in (b"<script>\x00\n", b"HTTP/\xff\x00 200 a\r\n\r\n")]

    assert {outcome.detail for outcome in said} == {"the answer is not HTTP, or too long"}


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_promise_8_no_redirect_is_followed(transport: Transport, status: int) -> None:
    with Canary() as canary:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {canary.url}\r\n\r\n".encode()
        with RawReceiver(endless(b"a" * 4096, head)) as receiver:
            outcome = transport.post(receiver.url, {}, BODY, SECONDS)
        followed = canary.connections
        # It would have been seen.
        transport.post(canary.url, {}, BODY, SECONDS)
        canary.wait_for_connections(1)

    assert (outcome.status, outcome.failure, followed) == (status, None, 0)
    assert len(outcome.body) == LONGEST_BODY


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_promise_8_no_thread_and_no_socket_is_left_behind() -> None:
    cases = [*NO_ANSWER.values(), *NOT_WHOLE.values(), *ANSWERS.values()]
    scripts = [script for script, came_of_it in cases if came_of_it is not Failure.TIMEOUT]
    threads, files = threading.active_count(), _open_files()

    with closing(Transport(frozenset({LOOPBACK}))) as transport:
        for n in range(200):
            with RawReceiver(scripts[n % len(scripts)]) as receiver:
                transport.post(receiver.url, {}, BODY, SECONDS)

    assert threading.active_count() == threads
    assert _open_files() == files
