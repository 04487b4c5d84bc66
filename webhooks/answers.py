"""
Reading an answer under the deadline, and no more of it than it may have (promise 8).

The standard library parses; it gets its bytes from a reader that never waits longer than the
exchange lasts, and that says so when a connection ends in the middle.
"""

import http.client
import io
import select
import socket
import ssl
from typing import Any

from webhooks.exchanges import Exchange, Phase
from webhooks.heads import Head, read_head

LONGEST_HEAD = 32 * 1024
LONGEST_BODY = 64 * 1024
# Of a body in chunks, their sizes and what follows them take room, too.
LONGEST_ON_THE_WIRE = 2 * LONGEST_BODY
MOST_INTERIM_ANSWERS = 5
MOST_HEADERS = 100
BODILESS = (http.client.NO_CONTENT, http.client.NOT_MODIFIED)


class Reader(io.RawIOBase):
    """The bytes of one answer."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
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
        count = self._received(memoryview(buffer)[: self._room])
        self._room -= count
        if count and self._exchange.phase is Phase.FIRST_BYTE:
            self._exchange.enter(Phase.BODY)
        if not count and not self._may_end:
            # For the standard library, a head that was cut off would be one that is complete.
            raise ConnectionResetError
        return count

    def _received(self, buffer: memoryview) -> int:
        # What TLS has decrypted already is not seen on the socket.
        if not (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            self._exchange.wait(self._sock, select.POLLIN)
        while True:
            try:
                return self._sock.recv_into(buffer)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._exchange.wait(self._sock, select.POLLIN)
            except ssl.SSLWantWriteError:
                self._exchange.wait(self._sock, select.POLLOUT)

    def go_on_with_the_body(self, ends_when_closed: bool) -> None:
        """Make room for the body; one that says its length is cut off by the connection's end."""
        self._in_head = False
        self._may_end = ends_when_closed
        self._room = LONGEST_ON_THE_WIRE

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What the standard library reads from."""
        return io.BufferedReader(self)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for more."""
        return self._room == 0

    def _no_more(self) -> int:
        if self._in_head:
            raise http.client.HTTPException("its headers are too long")
        return 0


class Answer(http.client.HTTPResponse):
    """
    An answer whose head has been read; its body is as it came, never decompressed.

    `head` are its headers.
    """

    head: Head

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._reader = Reader(sock, exchange)
        super().__init__(self._reader, method="POST")  # type: ignore[arg-type]

    def begin(self) -> None:
        """Read the head; what it says of the body is understood as the standard library does."""
        version, self.status = self._begun()
        if not version.startswith(("HTTP/1.", "HTTP/0.9")):
            raise http.client.UnknownProtocol(version)
        self.version = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11
        self.head = read_head(self._lines())
        self.headers = self.head  # type: ignore[assignment]
        self.chunked = (self.head.get("transfer-encoding") or "").lower() == "chunked"
        self.chunk_left = None
        self.length = self._length()
        closes: bool = self._check_close()  # type: ignore[attr-defined]
        self.will_close = closes or (self.length is None and not self.chunked)
        self._reader.go_on_with_the_body(self.length is None and not self.chunked)

    def _begun(self) -> tuple[str, int]:
        """The version and the status of the answer itself."""
        for _ in range(MOST_INTERIM_ANSWERS + 1):
            version, status, _reason = self._read_status()  # type: ignore[attr-defined]
            if status >= http.client.OK:
                return version, status
            self._lines()
        raise http.client.HTTPException(f"more than {MOST_INTERIM_ANSWERS} interim answers")

    def _lines(self) -> list[bytes]:
        """The lines of a head, up to the empty one."""
        lines: list[bytes] = []
        while len(lines) <= MOST_HEADERS:
            lines.append(self.fp.readline(LONGEST_HEAD + 1))
            if lines[-1] in (b"\r\n", b"\n", b""):
                return lines
        raise http.client.HTTPException(f"more than {MOST_HEADERS} headers")

    def _length(self) -> int | None:
        """How long the body is; None where that shows at its end."""
        if self.status in BODILESS:
            return 0
        text = self.head.get("content-length")
        if not text or self.chunked:
            return None
        try:
            length = int(text)
        except ValueError:
            return None
        return length if length >= 0 else None

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
        lengths = self.head.get_all("content-length")
        codings = self.head.get_all("transfer-encoding")
        if self.status in BODILESS and (codings or lengths not in ([], ["0"])):
            return False
        is_clear = self.isclosed() and len(lengths) + len(codings) <= 1
        return is_clear and not self.will_close
