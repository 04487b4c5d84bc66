"""
Networks that can be cut: a process lives in a network namespace of its own, behind some cables.

What listens on loopback here is to be reached there through a `gate`. A cut cable drops what is
sent, and tells nobody: no connection is closed.
"""

import ctypes
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from enum import Enum
from pathlib import Path

import app
from tests.faults.machines import Web, Works
from tests.receivers import RawReceiver
from tests.serving import ROOT, nothing

NEW_NETWORK = 0x40000000  # CLONE_NEWNET
BYTES_AT_ONCE = 65536


class Cut(Enum):
    """How a cable is cut."""

    BOTH_WAYS = "both ways"
    # What the process sends arrives; what it is answered does not.
    ANSWERS = "answers only"


class Cable:
    """A cable between this network and that of the process."""

    def __init__(self, namespace: str, name: str, number: int, third: int) -> None:
        self.name = name
        self.here, self.there = (f"10.231.{third}.{4 * number + n}" for n in (1, 2))
        self._end = f"{namespace}h{number}"
        far_end = f"{namespace}n{number}"
        _ip("link", "add", self._end, "type", "veth", "peer", "name", far_end)
        _ip("link", "set", far_end, "netns", namespace)
        _ip("addr", "add", f"{self.here}/30", "dev", self._end)
        _ip("link", "set", self._end, "up")
        _ip("-n", namespace, "addr", "add", f"{self.there}/30", "dev", far_end)
        _ip("-n", namespace, "link", "set", far_end, "up")

    @contextmanager
    def cut(self, how: Cut = Cut.BOTH_WAYS) -> Iterator[None]:
        """Let nothing through inside the block."""
        hole = ("blackhole", f"{self.there}/32")
        if how is Cut.ANSWERS:
            _ip("route", "add", *hole)
        else:
            _ip("link", "set", self._end, "down")
        try:
            yield
        finally:
            if how is Cut.ANSWERS:
                _ip("route", "del", *hole)
            else:
                _ip("link", "set", self._end, "up")

    @contextmanager
    def gate(self, port: int) -> Iterator[str]:
        """Yields the host and port at which the process reaches a port of this loopback."""

        def pass_on(incoming: socket.socket) -> None:
            with socket.create_connection(("127.0.0.1", port)) as outgoing:
                back = threading.Thread(target=_pump, args=(outgoing, incoming))
                back.start()
                _pump(incoming, outgoing)
                back.join()

        with RawReceiver(pass_on, host=self.here) as gate:
            yield gate.host


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(BYTES_AT_ONCE):
            sink.sendall(content)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Network:
    """A network namespace, and its cables by name."""

    def __init__(self, cables: Sequence[str]) -> None:
        self.namespace = f"sk{secrets.token_hex(3)}"
        self._cables = cables
        self.cable: dict[str, Cable] = {}

    def __enter__(self) -> "Network":
        with ExitStack() as undo:
            _ip("netns", "add", self.namespace)
            undo.callback(self._remove)
            _ip("-n", self.namespace, "link", "set", "lo", "up")
            third = secrets.randbelow(255)
            for number, name in enumerate(self._cables):
                self.cable[name] = Cable(self.namespace, name, number, third)
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def _remove(self) -> None:
        # The cables go with their far ends.
        _ip("netns", "del", self.namespace)


def _ip(*order: str) -> None:
    subprocess.run(["ip", *order], check=True, capture_output=True)  # noqa: S603, S607


def may_make_networks() -> bool:
    """Whether this process may make network namespaces, and cables into them."""
    try:
        with Network(["try"]):
            return True
    except (FileNotFoundError, subprocess.CalledProcessError):
        return False


class FarWeb(Web):
    """A service in a namespace, which is reached through a cable."""

    def __init__(self, works: Works, network: Network, cable: Cable) -> None:
        self._network = network
        self._cable = cable
        super().__init__(works)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self._cable.there}:{self.port}"

    def start(self, fault: str = "") -> None:
        """Start it in its namespace."""
        where = ("--host", self._cable.there, "--port", str(self.port))
        printed = self._printed.fileno()
        with nothing() as to_read:
            self._process = self._works.stock.start(
                *(self._network.namespace, "serve", *where),
                cwd=ROOT,
                env=self._works.environment,
                streams=(to_read, printed, printed),
                program="tests.faults.networks:program",
            )


def program() -> None:
    """What a stock forks: move to the network namespace of that name, and be `seatkeeper`."""
    descriptor = os.open(Path("/run/netns") / sys.argv.pop(1), os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "cannot move to the network namespace")
    os.close(descriptor)
    app.main()
