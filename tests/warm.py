"""
Programs of the service as processes that need not import it first: one process forks them all.

`start` runs a function in a process of its own, with arguments, an environment, a folder and
streams as `subprocess` gives them. What the console script calls is `PROGRAM`.
"""

import atexit
import contextlib
import importlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PROGRAM = "app:main"
LONGEST_ORDER = 128 * 1024
STREAMS = 3


@dataclass
class Process:
    """A process that was started; the group that it leads has its number, too."""

    pid: int
    _status: int
    _code: int | None = None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it was seen to end."""
        if self._code is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it with all that it has started."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                try:
                    os.killpg(self.pid, signal.SIGKILL)
                except ProcessLookupError:
                    os.kill(self.pid, signal.SIGKILL)  # it is too young to lead a group

    def poll(self) -> int | None:
        """Its code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(timeout=0)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns its code. Raises `subprocess.TimeoutExpired`."""
        if self._code is None:
            ready, _, _ = select.select([self._status], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self._code = int(os.read(self._status, 16))
            os.close(self._status)
        return self._code


class Stock:
    """A process that forks programs, with all that it has imported already."""

    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._lock = threading.Lock()

    def start(
        self,
        *arguments: str,
        cwd: Path | str,
        env: Mapping[str, str],
        streams: tuple[int, int, int],
        program: str = PROGRAM,
    ) -> Process:
        """
        Start a program; `streams` are the files to read from, to print to, and to complain to.

        `program` is `module:function`; the function finds its arguments in `sys.argv`.
        """
        order = {"program": program, "arguments": arguments, "cwd": str(cwd), "env": dict(env)}
        status, told = os.pipe()
        with self._lock:
            socket.send_fds(self._orders, [json.dumps(order).encode()], [*streams, told])
        os.close(told)
        return Process(int(os.read(status, 16)), status)


def start(
    *arguments: str,
    cwd: Path | str,
    env: Mapping[str, str],
    streams: tuple[int, int, int],
    program: str = PROGRAM,
) -> Process:
    """Start a program of the common stock, as `Stock.start` does."""
    return _common().start(*arguments, cwd=cwd, env=env, streams=streams, program=program)


@cache
def _common() -> Stock:
    """The stock of all tests, which is started when it is first needed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(  # noqa: S603 this module
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=Path(__file__).parent.parent,
            pass_fds=[theirs.fileno()],
        )
    atexit.register(process.wait)
    atexit.register(ours.close)  # which is done first, and ends the process
    return Stock(ours)


def serve(orders: socket.socket) -> None:
    """Be a stock, until the other end of the socket is closed."""
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        content, streams, _, _ = socket.recv_fds(orders, LONGEST_ORDER, STREAMS + 1)
        if not content:
            return
        if os.fork() == 0:
            orders.close()
            _keep(json.loads(content), streams)
        for stream in streams:
            os.close(stream)


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _keep(order: dict[str, Any], streams: list[int]) -> None:
    """Run a program in a child, and tell its number and its code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = streams.pop()
    child = os.fork()
    if child == 0:
        os.close(told)
        _become(order, streams)
    for stream in streams:
        os.close(stream)
    os.write(told, str(child).encode().ljust(16))
    _, state = os.waitpid(child, 0)
    os.write(told, str(os.waitstatus_to_exitcode(state)).encode().ljust(16))
    os._exit(0)


def _become(order: dict[str, Any], streams: list[int]) -> None:
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(STREAMS, max(streams) + 1)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(open(n, mode, closefd=False), encoding="utf-8", line_buffering=n == 2)  # noqa: SIM115 streams, which stay open
        for n, mode in enumerate(("rb", "wb", "wb"))
    )
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    # What is run is no module of the tests, as whoever names it in a message would think.
    sys.modules["__main__"].__package__ = None
    sys.argv = ["seatkeeper", *order["arguments"]]
    os._exit(_code_of(order["program"]))


def _code_of(program: str) -> int:
    """Run a program to its end, as an interpreter does, with all that is to be done after it."""
    module, function = program.split(":")
    try:
        getattr(importlib.import_module(module), function)()
        code = 0
    except SystemExit as end:
        code = _as_number(end.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _as_number(code: object) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)  # noqa: T201 as an interpreter does
    return 1


if __name__ == "__main__":
    for needed in ("app", "granian.server.mp", "tests.faults.faulty"):
        importlib.import_module(needed)
    with contextlib.suppress(ImportError):
        importlib.import_module("psycopg")
    serve(socket.socket(fileno=int(sys.argv[1])))
