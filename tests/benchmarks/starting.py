"""P17: how long the service takes to be ready, and what memory it takes."""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.contestants import running
from tests.benchmarks.figures import Figure
from tests.benchmarks.ratios import ratio
from tests.serving import free_port

SECONDS_TO_SETTLE = 3


def measure(rounds: int) -> Iterator[Figure]:
    """Start it a few times on a database that is there."""
    took, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(-1, rounds):
            seconds, megabytes = _started(folder)
            if number >= 0:
                took.append(seconds)
                memory.append(megabytes)
    alone = [1.0] * rounds
    yield Figure("P17", "start to ready", "", ratio(took, alone), "s", at_most=2)
    yield Figure(
        "P17",
        "memory at rest: server, web, dispatcher, scheduler",
        "",
        ratio(memory, alone),
        "MB",
        at_most=120,
    )


def _started(folder: str) -> tuple[float, float]:
    """The seconds until it was ready, and the megabytes that it takes when it has settled."""
    port = free_port()
    environment = {
        "SEATKEEPER_DATABASE_URL": f"sqlite:///{folder}/started.db",
        # Compiled once, as it is where it is installed; the first start, which does it, is not
        # counted.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": f"{folder}/bytecode",
    }
    command = [sys.executable, "app.py", "serve", "--port", str(port)]
    start = time.perf_counter()
    with running(command, f"http://127.0.0.1:{port}", "/readyz", environment, False) as pid:
        took = time.perf_counter() - start
        time.sleep(SECONDS_TO_SETTLE)
        return took, sum(_megabytes(one) for one in _family(pid))


def _family(pid: int) -> Iterator[int]:
    yield pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    for child in children:
        yield from _family(int(child))


def _megabytes(pid: int) -> float:
    """What the process adds to the memory in use: shared pages count for each sharer in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel does not say what memory a process has")
