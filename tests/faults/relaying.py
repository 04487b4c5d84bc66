"""A connection that takes its time: what comes from one side is passed on a little later."""

import contextlib
import socket
import threading
import time
from collections import deque
from typing import Self


class Relay:
    """
    A port that leads to another one, until the block ends.

    What the other one answers arrives late, by so many seconds; `cut` drops what is on its way.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._leads_to = 0
        self._pairs: list[_Pair] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Only who is woken up notices that nobody is to be accepted any more.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join()
        self.cut()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def lead_to(self, port: int) -> None:
        """Lead whoever connects from now on to that port."""
        self._leads_to = port

    def cut(self) -> None:
        """Cut all connections; what is on its way never arrives."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._leads_to))
            except OSError:
                near.close()
                continue
            self._pairs.append(_Pair(near, far, self._seconds))


class _Pair:
    """Two connections; each byte of one is sent on the other, those of `far` late."""

    def __init__(self, near: socket.socket, far: socket.socket, seconds: float) -> None:
        self._near, self._far = near, far
        self._seconds = seconds
        self._on_the_way: deque[tuple[float, bytes]] = deque()
        self._changed = threading.Condition()
        self._over = False
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (self._forward, self._take, self._deliver)
        ]
        for thread in self._threads:
            thread.start()

    def cut(self) -> None:
        """End both."""
        self._end()
        for thread in self._threads:
            thread.join()
        self._near.close()
        self._far.close()

    def _end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        for side in (self._near, self._far):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _forward(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._near.recv(1 << 16):
                self._far.sendall(data)
        self._end()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._far.recv(1 << 16):
                with self._changed:
                    self._on_the_way.append((time.monotonic() + self._seconds, data))
                    self._changed.notify_all()
        self._end()

    def _deliver(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._over or bool(self._on_the_way))
                if self._over:
                    return
                due, data = self._on_the_way.popleft()
                self._changed.wait_for(lambda: self._over, due - time.monotonic())
                if self._over:
                    return
            with contextlib.suppress(OSError):
                self._near.sendall(data)
