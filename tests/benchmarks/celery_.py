"""P10: the same deliveries by Celery over Redis, each attempt in a database."""

import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.benchmarks.contestants import PEERS
from tests.benchmarks.loading import in_front
from tests.serving import clean_environment, free_port

TASKS = 2_000
SECONDS_TO_FINISH = 120


def is_there() -> bool:
    """Whether Redis is installed."""
    return shutil.which("redis-server") is not None


@contextmanager
def peer(python: str) -> Iterator[Callable[[str], float]]:
    """Celery with the python of a venv; yields what delivers to an address."""
    with _redis() as broker:
        yield lambda address: _delivered(python, address, broker)


@contextmanager
def _redis() -> Iterator[str]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 Redis
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def _delivered(python: str, address: str, broker: str) -> float:
    """From the first attempt to the last."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "attempts.db"
        environment = clean_environment() | {
            "PEER_DATABASE": str(database),
            "PEER_BROKER": broker,
            "PEER_RECEIVER": address,
            "PYTHONPATH": str(PEERS),
        }
        subprocess.run(  # noqa: S603 a peer
            [python, "-m", "celery_app", str(TASKS)], env=environment, check=True, cwd=PEERS
        )
        command = [python, "-m", "celery", "-A", "celery_app", "worker"]
        command += ["--concurrency", "2", "--loglevel", "error"]
        with subprocess.Popen(  # noqa: S603 a peer
            [*in_front(), *command],
            env=environment,
            cwd=PEERS,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as worker:
            try:
                return _rate(database)
            finally:
                worker.terminate()
                with suppress(subprocess.TimeoutExpired):
                    worker.wait(10)
                worker.kill()


def _rate(database: Path) -> float:
    deadline = time.monotonic() + SECONDS_TO_FINISH
    with closing(sqlite3.connect(database)) as connection:
        while time.monotonic() < deadline:
            many, first, last = connection.execute(
                "SELECT count(*), min(at), max(at) FROM attempts"
            ).fetchone()
            if many >= TASKS:
                return float(TASKS / (last - first))
            time.sleep(0.2)
    raise AssertionError(f"Celery has delivered {many} of {TASKS} only")
