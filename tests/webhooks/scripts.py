"""What hostile receivers do with a connection: scripts for `RawReceiver`."""

import socket
import struct
import threading
from collections.abc import Callable, Iterable

from tests.receivers import read_request

SECONDS_BETWEEN_DRIPS = 0.015
_never = threading.Event()


def says(
    *pieces: bytes, then: Callable[[socket.socket], None] = lambda connection: None
) -> Callable[[socket.socket], None]:
    """Read one request, say some bytes, then do something; the connection is closed after that."""

    def script(connection: socket.socket) -> None:
        hear(connection)
        for piece in pieces:
            connection.sendall(piece)
        then(connection)

    return script


def hear(connection: socket.socket) -> None:
    """Read one request."""
    with connection.makefile("rb") as incoming:
        read_request(incoming)


def hold(connection: socket.socket) -> None:
    """Say nothing more until the other side goes away."""
    while connection.recv(65536):
        pass


def reset(connection: socket.socket) -> None:
    """End it with an RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half_close(connection: socket.socket) -> None:
    """Say that nothing more comes, and go on listening."""
    connection.shutdown(socket.SHUT_WR)
    hold(connection)


def drips(pieces: Iterable[bytes]) -> Callable[[socket.socket], None]:
    """Read one request and answer it a little at a time."""

    def script(connection: socket.socket) -> None:
        hear(connection)
        for piece in pieces:
            connection.sendall(piece)
            _never.wait(SECONDS_BETWEEN_DRIPS)

    return script


def endless(piece: bytes, before: bytes = b"") -> Callable[[socket.socket], None]:
    """Read one request and say the same for ever."""

    def script(connection: socket.socket) -> None:
        hear(connection)
        connection.sendall(before)
        while True:
            connection.sendall(piece)

    return script
