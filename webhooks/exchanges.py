"""One exchange with a receiver: its deadline, how far it has come, and how long each phase took."""

import select
import socket
import time
from enum import StrEnum

from webhooks.gate import gate


class Phase(StrEnum):
    """How far an exchange has come; each phase is timed."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    FIRST_BYTE = "first_byte"
    BODY = "body"


class Exchange:
    """
    An exchange that ends after so many seconds, whatever the receiver does.

    Attributes:
        is_allowed: whether the operator vouches for the host, whatever its address.
        phase: the present one; None before the first.
        reused: whether the connection had been used before.
        resent: whether it turned out to be closed, so that another was opened.
    """

    def __init__(self, is_allowed: bool, seconds: float) -> None:
        self._began = self._entered = time.monotonic()
        self._ends = self._began + seconds
        self.is_allowed = is_allowed
        self.phase: Phase | None = None
        self._milliseconds: dict[str, int] = {}
        self.reused = self.resent = False

    def left(self, most: float = float("inf")) -> float:
        """How many seconds a wait may last, `most` at the most. Raises `TimeoutError` for none."""
        left = min(self._ends - time.monotonic(), most)
        if left <= 0:
            raise TimeoutError("the time is up")
        return left

    def wait(self, sock: socket.socket, event: int) -> None:
        """
        Wait until a socket can be read or written, an event of `select.poll`.

        Raises `TimeoutError` when the time is up.
        """
        ready = select.poll()
        ready.register(sock, event)
        with gate.outside():
            while not ready.poll(self.left() * 1000):
                self.left()

    def enter(self, phase: Phase) -> None:
        """Go on with a phase."""
        self._milliseconds = self._so_far()
        self.phase, self._entered = phase, time.monotonic()

    def durations(self) -> dict[str, int]:
        """How long each phase took, the present one until now, and the `total`: milliseconds."""
        return self._so_far() | {"total": _since(self._began)}

    def _so_far(self) -> dict[str, int]:
        if self.phase is None:
            return self._milliseconds
        return self._milliseconds | {self.phase.value: _since(self._entered)}


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
