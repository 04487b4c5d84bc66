"""
What is acknowledged is on the disk (F15): the system calls of a served process are counted.

No power is cut here. What can be seen is that the write-ahead log is synchronised with the disk at
least once for each command, before or after which nothing else is told.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import app
from licensing import connecting, db
from licensing.operations import api_keys
from licensing.rules.permissions import Scope, system
from tests.faults.filling import Prober, another_database
from tests.faults.harness import Harness
from tests.faults.machines import NO_FAULT, Web, Works
from tests.serving import ROOT, nothing

TRACER = ("strace", "-f", "-y", "-e", "trace=fsync,fdatasync")
OF_THE_LOG = re.compile(r"\bf(?:data)?sync\(\d+<[^>]*-wal>\)?")
FULL, OFF = "full", "off"


def may_trace() -> bool:
    """Whether this process may look at the system calls of others."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run([*TRACER, "true"], check=False, capture_output=True)  # noqa: S603
    return tried.returncode == 0


class TracedWeb(Web):
    """A service whose commits are as durable as is said."""

    def __init__(self, works: Works, synchronous: str) -> None:
        self._synchronous = synchronous
        super().__init__(works)

    def start(self, fault: str = NO_FAULT) -> None:
        """Start it."""
        printed = self._printed.fileno()
        with nothing() as to_read:
            self._process = self._works.stock.start(
                *(self._synchronous, "serve", "--port", str(self.port)),
                cwd=ROOT,
                env=self._works.environment,
                streams=(to_read, printed, printed),
                program="tests.faults.syncing:program",
            )

    @property
    def pids(self) -> list[str]:
        """The process, and those that it has started."""
        pid = str(self.process.pid)
        return [pid, *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def program() -> None:
    """What a stock forks: `seatkeeper` with the durability that the first argument names."""
    connecting.SQLITE_PRAGMAS["synchronous"] = sys.argv.pop(1)
    app.main()


@contextmanager
def _traced(web: TracedWeb) -> Iterator[Callable[[], int]]:
    """Yields what counts how often the write-ahead log was synchronised since the block began."""
    which = [option for pid in web.pids for option in ("-p", pid)]
    with tempfile.NamedTemporaryFile("r") as calls:
        order = [*TRACER, "-o", calls.name, *which]
        tracer = subprocess.Popen(order, stderr=subprocess.PIPE, text=True)  # noqa: S603
        assert tracer.stderr is not None
        with tracer, tracer.stderr:
            for pid in web.pids:
                said = next((line for line in tracer.stderr if f"{pid} attached" in line), "")
                assert said, f"process {pid} cannot be traced"

            def count() -> int:
                tracer.terminate()
                tracer.wait(timeout=30)
                return len(OF_THE_LOG.findall(calls.read()))

            try:
                yield count
            finally:
                tracer.kill()


def run(seed: int, size: int, synchronous: str = FULL) -> Mapping[str, int]:
    """So many commands; each is on the disk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        another_database(Path(folder)) as chosen,
    ):
        _, token = api_keys.create_key(system(), f"client {seed}", [Scope.ADMIN], None)
        db.close()
        with Works(chosen) as works, TracedWeb(works, synchronous) as web:
            prober = Prober(web, token)
            prober.wait()
            with _traced(web) as count:
                answers = [prober.open_an_account() for _ in range(size)]
                synchronised = count()
    assert set(answers) == {201}
    assert synchronised >= size, (
        f"{size} commands, and the log was synchronised {synchronised} times"
    )
    return {"commands": size, "synchronised": synchronised}


HARNESSES = (Harness("F15", "commands on the disk", run, 2000, plan=500),)
