"""
Reading an answer under the deadline, and no more of it than it may have (promise 8).

The standard library parses; it gets its bytes from a reader that never waits longer than the
exchange lasts, and that says so when a connection ends in the middle.
"""

import http.client
import io
import socket
from typing import Any

from webhooks.exchanges import Exchange, Phase

LONGEST_HEAD = 32 * 1024
LONGEST_BODY = 64 * 1024
# Of a body in chunks, their sizes and what follows them take room, too.
LONGEST_ON_THE_WIRE = 2 * LONGEST_BODY
MOST_INTERIM_ANSWERS = 5
BODILESS = (http.client.NO_CONTENT, http.client.NOT_MODIFIED)


class Reader(io.RawIOBase):
    """The bytes of one answer."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
        self._incoming = sock.makefile("rb", buffering=0)
        self._exchange = exchange
        self._in_head = True
        self._may_end = False
        self._room = LONGEST_HEAD

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for some bytes, until the deadline at the most."""
        if self.is_full:
            return self._no_more()
        self._sock.settimeout(self._exchange.left())
        count: int = self._incoming.readinto(memoryview(buffer)[: self._room]) or 0
        self._room -= count
        if count and self._exchange.phase is Phase.FIRST_BYTE:
            self._exchange.enter(Phase.BODY)
        if not count and not self._may_end:
            # For the standard library, a head that was cut off would be one that is complete.
            raise ConnectionResetError
        return count

    def go_on_with_the_body(self, ends_when_closed: bool) -> None:
        """Make room for the body; one that says its length is cut off by the connection's end."""
        self._in_head = False
        self._may_end = ends_when_closed
        self._room = LONGEST_ON_THE_WIRE

    def close(self) -> None:
        """Let go of the socket."""
        self._incoming.close()
        super().close()

    @property
    def is_full(self) -> bool:
        """Whether there is no room for more."""
        return self._room == 0

    def _no_more(self) -> int:
        if self._in_head:
            raise http.client.HTTPException("its headers are too long")
        return 0


class Answer(http.client.HTTPResponse):
    """An answer whose head has been read; its body is as it came, never decompressed."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        super().__init__(sock, method="POST")
        self.fp.close()
        self._reader = Reader(sock, exchange)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self._reader.go_on_with_the_body(self.length is None and not self.chunked)

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MOST_INTERIM_ANSWERS + 1):
            line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if line[1] >= http.client.OK:
                return line
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException(f"more than {MOST_INTERIM_ANSWERS} interim answers")

    def read_body(self) -> bytes:
        """Read the body, up to 64 KiB of it."""
        try:
            return self.read(LONGEST_BODY + 1)[:LONGEST_BODY]
        except http.client.IncompleteRead as broken:
            if self._reader.is_full:
                return broken.partial[:LONGEST_BODY]
            raise

    @property
    def ends_clearly(self) -> bool:
        """Whether all of it was read and there is no doubt where it ends."""
        lengths = self.headers.get_all("content-length", [])
        codings = self.headers.get_all("transfer-encoding", [])
        if self.status in BODILESS and (codings or lengths not in ([], ["0"])):
            return False
        return self.isclosed() and len(lengths) + len(codings) <= 1
