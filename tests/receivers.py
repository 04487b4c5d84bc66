"""Receivers of webhooks on loopback: one that answers, one that follows a script, a canary."""

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, BinaryIO, Self

SECONDS_TO_WAIT = 10.0
LOOPBACK = "127.0.0.1"
BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


@dataclass(frozen=True)
class Received:
    """A request as it came in; header names in lower case, the time on the monotonic clock."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What a receiver answers; it waits for `after`, where there is such an event."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: threading.Event | None = None

    def on_the_wire(self) -> bytes:
        """The answer as bytes."""
        headers = dict(self.headers)
        if self.status not in BODILESS:
            headers.setdefault("Content-Length", str(len(self.body)))
        lines = [f"HTTP/1.1 {self.status} as asked", *(f"{n}: {v}" for n, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


class RawReceiver:
    """
    A server that hands every connection to `script`, in a thread of its own, and closes it after.

    A script may end with the `OSError` of a connection that the other side, or `stop`, has closed.
    """

    def __init__(
        self, script: Callable[[socket.socket], None], host: str = LOOPBACK, port: int = 0
    ) -> None:
        self._script = script
        self._address = (host, port)
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.connections = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens, or did."""
        return self._address[1]

    @property
    def host(self) -> str:
        """Its host and port, as the operator would allow them."""
        return f"{self._address[0]}:{self.port}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}/"

    def start(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.create_server(self._address, backlog=128)
        self._address = self._listener.getsockname()[:2]
        self._run(self._accept, self._listener)

    def stop(self) -> None:
        """Go away: nothing listens any more, and open connections are closed."""
        with self._changed:
            listener, self._listener = self._listener, None
            for connection in self._open:
                _shut(connection)
        if listener is not None:
            _shut(listener)
        while self._threads:
            self._threads.pop(0).join()

    def wait_for_connections(self, n: int, seconds: float = SECONDS_TO_WAIT) -> None:
        """Wait until `n` connections were accepted."""
        with self._changed:
            came = self._changed.wait_for(lambda: self.connections >= n, seconds)
        assert came, f"{self.connections} of {n} connections came in {seconds} s"

    def wait_until_left(self, seconds: float = SECONDS_TO_WAIT) -> None:
        """Wait until no connection is open any more."""
        with self._changed:
            left = self._changed.wait_for(lambda: not self._open, seconds)
        assert left, f"{len(self._open)} connections are open after {seconds} s"

    def _run(self, work: Callable[[socket.socket], None], sock: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(sock,), name="receiver")
        with self._changed:
            self._threads = [one for one in self._threads if one.is_alive()]
            self._threads.append(thread)
            thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with listener, suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with self._changed:
                    if self._listener is not listener:
                        connection.close()
                        return
                    self.connections += 1
                    self._open.add(connection)
                    self._changed.notify_all()
                self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._script(connection)
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()


class Canary(RawReceiver):
    """A listener that nobody is to reach: it counts its connections and says nothing."""

    def __init__(self, host: str = LOOPBACK, port: int = 0) -> None:
        super().__init__(lambda connection: None, host, port)


class Receiver(RawReceiver):
    """
    A receiver of webhooks: HTTP/1.1, keeps connections alive, notes every request.

    Attributes:
        answer: a status, or a function of the request; may be set at any time.
        answers_challenge: whether `webhook.verification` is answered with its challenge.
    """

    def __init__(self, answer: int | Callable[[Received], Answer] = 204) -> None:
        super().__init__(self._converse)
        self.answer = answer
        self.answers_challenge = True
        self._requests: list[Received] = []

    @property
    def requests(self) -> list[Received]:
        """What has come in so far, oldest first."""
        with self._changed:
            return list(self._requests)

    @property
    def events(self) -> list[Any]:
        """The events of a log among them, read as JSON."""
        read = [request.json for request in self.requests]
        return [event for event in read if not event["type"].startswith("webhook.")]

    def forget(self) -> None:
        """Forget what has come in."""
        with self._changed:
            self._requests.clear()

    def wait_for(self, n: int, seconds: float = SECONDS_TO_WAIT) -> list[Received]:
        """Wait until `n` requests came in; returns all that did."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self._requests) >= n, seconds)
        assert came, f"{len(self.requests)} of {n} requests came in {seconds} s"
        return self.requests

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as incoming:
            while request := read_request(incoming):
                with self._changed:
                    self._requests.append(request)
                    self._changed.notify_all()
                answer = self._answer_to(request)
                if answer.after is not None:
                    answer.after.wait(SECONDS_TO_WAIT)
                connection.sendall(answer.on_the_wire())

    def _answer_to(self, request: Received) -> Answer:
        challenge = _challenge(request.body) if self.answers_challenge else None
        if challenge is not None:
            return Answer(200, {"Content-Type": "text/plain"}, challenge.encode())
        return Answer(self.answer) if isinstance(self.answer, int) else self.answer(request)


def read_request(incoming: BinaryIO) -> Received | None:
    """Read one request; None where the connection ended before there was a whole one."""
    line = incoming.readline()
    headers = {}
    while (header := incoming.readline()).strip():
        name, _, value = header.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    if not header:
        return None
    length = int(headers.get("content-length", 0))
    body = incoming.read(length)
    return Received(line.split()[1].decode(), headers, body) if len(body) == length else None


def _challenge(body: bytes) -> str | None:
    try:
        told = json.loads(body)
        return str(told["data"]["challenge"]) if told["type"] == "webhook.verification" else None
    except (ValueError, TypeError, KeyError):
        return None


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
