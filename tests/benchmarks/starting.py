"""P17: how long the service takes to be ready, what memory it takes, how large it is."""

import importlib.metadata
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from tests.benchmarks.asking import Client
from tests.benchmarks.companies import SECRET, companies, opened
from tests.benchmarks.contestants import running
from tests.benchmarks.figures import Figure
from tests.benchmarks.ratios import ratio
from tests.serving import free_port

SECONDS_TO_SETTLE = 3
CLIENTS, SEATS_FOR_EACH = 8, 100
# What the image installs beside Python.
INSTALLED = "seatkeeper[postgres,redis]"


def measure(rounds: int) -> Iterator[Figure]:
    """Start it a few times on a database that is there."""
    took, memory, loaded = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        with opened(_database(folder)):
            made = companies((rounds + 1) * CLIENTS * SEATS_FOR_EACH)
        people = iter(made.people)
        for number in range(-1, rounds):
            seconds, megabytes, afterwards = _started(folder, made.token, people)
            if number >= 0:
                took.append(seconds)
                memory.append(megabytes)
                loaded.append(afterwards)
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
    many = CLIENTS * SEATS_FOR_EACH
    what = f"memory after {many} seats and pages of 50, asked for by {CLIENTS} at once"
    yield Figure("", what, "", ratio(loaded, alone), "MB")
    size = sum(_sizes(Requirement(INSTALLED), set()))
    what = f"what an image has beside Python: {INSTALLED} and all that it needs, without bytecode"
    yield Figure("", what, "", ratio([size], [1.0]), "MB")


def _database(folder: str) -> str:
    return f"sqlite:///{folder}/started.db"


def _started(
    folder: str, token: str, people: Iterator[tuple[str, str]]
) -> tuple[float, float, float]:
    """
    The seconds until it was ready, and the megabytes that it takes.

    Those when it has settled, and those when it has settled after some work.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        "SEATKEEPER_DATABASE_URL": _database(folder),
        "SEATKEEPER_SECRET_KEY": SECRET,
        "SEATKEEPER_LIMIT_KEY_WRITES": str(10**9),
        "SEATKEEPER_LIMIT_KEY_READS": str(10**9),
        # Compiled once, as it is where it is installed; the first start, which does it, is not
        # counted.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": f"{folder}/bytecode",
    }
    command = [sys.executable, "app.py", "serve", "--port", str(port)]
    start = time.perf_counter()
    with running(command, address, "/readyz", environment, False) as pid:
        took = time.perf_counter() - start
        at_rest = _settled(pid)
        _work(address, token, people)
        return took, at_rest, _settled(pid)


def _settled(pid: int) -> float:
    time.sleep(SECONDS_TO_SETTLE)
    return sum(_megabytes(one) for one in _family(pid))


def _work(address: str, token: str, people: Iterator[tuple[str, str]]) -> None:
    """Some clients at once, of whom each assigns seats and reads pages in turns."""

    def work(mine: list[tuple[str, str]]) -> None:
        with Client(address, token) as client:
            for user, account in mine:
                seats = f"/v1/accounts/{account}/seats"
                client.ask("POST", seats, {"user_id": user, "seat_type": "core"})
                client.ask("GET", f"{seats}?limit=50")

    shares = [[next(people) for _ in range(SEATS_FOR_EACH)] for _ in range(CLIENTS)]
    clients = [threading.Thread(target=work, args=(share,)) for share in shares]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


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


def _sizes(wanted: Requirement, seen: set[str]) -> Iterator[float]:
    """The megabytes of a distribution and of all that it needs, each once."""
    if wanted.name in seen:
        return
    seen.add(wanted.name)
    found = importlib.metadata.distribution(wanted.name)
    files = [Path(str(file.locate())) for file in found.files or ()]
    ours = [file for file in files if file.suffix != ".pyc" and file.exists()]
    yield sum(file.stat().st_size for file in ours) / 1e6
    for line in found.requires or ():
        needed = Requirement(line)
        extras = [{"extra": extra} for extra in (*wanted.extras, "")]
        if needed.marker is None or any(map(needed.marker.evaluate, extras)):
            yield from _sizes(needed, seen)
