"""
Processes of the service that are killed -9 and started again, in the place of machines that fail.

`tests.faults.faulty` is what they run: the service, with a fault built in where one is named. A
stock of them builds the application once and forks each process, so that a start is cheap.
"""

import json
import os
import signal
import socket
import tempfile
import time
from functools import cache
from typing import Self

from licensing.settings import Settings
from tests import warm
from tests.serving import ROOT, clean_environment, free_port, nothing

NO_FAULT = "none"
DATABASE_URL = "SEATKEEPER_DATABASE_URL"
# What a stock is told, which never connects.
NOWHERE = "sqlite:///nowhere.db"
SECONDS_TO_LET_GO = 10
SECONDS_TO_END = 60


def _variables(settings: Settings) -> dict[str, str]:
    """The variables that lead a process to this database, and let it do as much as it can."""
    names = ("KEY_READS", "KEY_WRITES", "USER_READS", "USER_WRITES", "ADDRESS", "FAILURES")
    return {
        DATABASE_URL: settings.database_url,
        "SEATKEEPER_SECRET_KEY": settings.secret_key,
        "SEATKEEPER_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        **{f"SEATKEEPER_LIMIT_{name}": "0" for name in names},
    }


class Works:
    """Where machines of one database come from."""

    def __init__(self, settings: Settings) -> None:
        self.environment = clean_environment() | _variables(settings)

    def __enter__(self) -> Self:
        self.stock = _stock(json.dumps(self.environment | {DATABASE_URL: NOWHERE}))
        return self

    def __exit__(self, *_: object) -> None:
        pass  # the stock is of use to others

    def move_to(self, database_url: str) -> None:
        """Have the machines that are started from now on work on another database."""
        self.environment[DATABASE_URL] = database_url


@cache
def _stock(environment: str) -> warm.Stock:
    """A stock of these settings, whatever the database; it ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        warm.start(
            cwd=ROOT,
            env=json.loads(environment),
            streams=(theirs.fileno(), 2, 2),
            program="tests.faults.faulty:stock",
        )
    return warm.Stock(ours)


class Machine:
    """A process of the service: its command line, and whether it runs."""

    def __init__(self, works: Works, *command: str, fault: str = NO_FAULT) -> None:
        self._works = works
        self._command = command
        self._fault = fault
        self._process: warm.Process | None = None
        self._printed = tempfile.TemporaryFile("w+")  # noqa: SIM115 as long as the machine

    def __enter__(self) -> Self:
        self.start(self._fault)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(timeout=SECONDS_TO_END)
        self._printed.close()

    @property
    def process(self) -> warm.Process:
        """What runs, or ran."""
        assert self._process is not None
        return self._process

    @property
    def printed(self) -> str:
        """All that it has printed so far."""
        with open(os.dup(self._printed.fileno())) as file:  # noqa: PTH123 a descriptor
            return os.pread(file.fileno(), 10**6, 0).decode(errors="replace")

    def start(self, fault: str = NO_FAULT) -> None:
        """Start it, with a fault or without one."""
        with nothing() as to_read:
            self._process = self._works.stock.start(
                *(fault, *self._command),
                cwd=ROOT,
                env=self._works.environment,
                streams=(to_read, self._printed.fileno(), self._printed.fileno()),
                program="tests.faults.faulty:program",
            )

    def kill(self) -> None:
        """Kill -9 all of it; fails where it has ended by itself, which no process should."""
        ended = self.process.poll()
        assert ended is None, f"{self._command} ended with {ended}: {self.printed}"
        self.process.kill()
        self.process.wait(timeout=SECONDS_TO_END)

    def restart(self, fault: str = NO_FAULT) -> None:
        """Kill -9 all of it, and start it again."""
        self.kill()
        self.start(fault)

    def supervise(self) -> None:
        """Start it again where it has ended, as one does that finds no database at its start."""
        if self.process.poll() is not None:
            self.start()

    def wait_until_it_ends(self) -> None:
        """Wait until it has done what it was to do."""
        ended = self.process.wait(timeout=SECONDS_TO_END)
        assert ended == 0, f"{self._command} ended with {ended}: {self.printed}"

    def wait_until_it_dies(self) -> None:
        """Wait until its fault has killed it."""
        ended = self.process.wait(timeout=SECONDS_TO_END)
        assert ended == -signal.SIGKILL, f"{self._command} ended with {ended}: {self.printed}"


class Web(Machine):
    """One that answers requests, on the same port after each start."""

    def __init__(self, works: Works, *options: str, fault: str = NO_FAULT) -> None:
        self.port = free_port()
        super().__init__(works, "serve", "--port", str(self.port), *options, fault=fault)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def start(self, fault: str = NO_FAULT) -> None:
        """Start it as soon as nothing listens on its port any more."""
        deadline = time.monotonic() + SECONDS_TO_LET_GO
        while _is_taken(self.port) and time.monotonic() < deadline:
            time.sleep(0.002)
        super().start(fault)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False
