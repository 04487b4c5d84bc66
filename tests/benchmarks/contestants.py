"""Who is measured: the service, the least that its server can do, and peers; each as a process."""

import os
import re
import sqlite3
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from tests.benchmarks.companies import SECRET
from tests.benchmarks.loading import Ask, in_front
from tests.serving import ROOT, clean_environment, free_port

PEERS = Path(__file__).parent / "peers"
SECONDS_TO_START = 60
THREADS = "8"
ENTITLEMENT, PAGE, ASSIGN = "entitlement", "page of 50 seats", "assign a seat"
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Contestant:
    """A server that runs, and what it is asked for each operation."""

    name: str
    address: str
    asks: Mapping[str, Ask]
    first: dict[str, int] = field(default_factory=dict)


@contextmanager
def running(
    command: list[str],
    address: str,
    ready: str,
    environment: Mapping[str, str],
    pinned: bool = True,
) -> Iterator[int]:
    """Run a server until the block ends, as soon as it answers at `ready`; yields its process."""
    env = clean_environment() | dict(environment)
    with subprocess.Popen(  # noqa: S603 commands of this package
        [*(in_front() if pinned else ()), *command],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            _wait(process, address + ready)
            yield process.pid
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)


def _wait(process: "subprocess.Popen[str]", url: str) -> None:
    deadline = monotonic() + SECONDS_TO_START
    while monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 loopback
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.01)
            break
    process.kill()
    complaints = process.stderr.read() if process.stderr else ""
    raise RuntimeError(f"{url} does not answer: {complaints[-2000:]}")


@contextmanager
def hello(users: Path) -> Iterator[Contestant]:
    """The least that a WSGI server can be asked, on the server that the service has."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, *_granian("wsgi", port), "hello:app"]
    with running(command, address, "/", {"PYTHONPATH": str(PEERS)}):
        yield Contestant("bare WSGI hello", address, {"hello": Ask(users, "GET", "/")})


def _granian(interface: str, port: int) -> list[str]:
    threads = ["--blocking-threads", THREADS] if interface == "wsgi" else []
    return ["-m", "granian", "--interface", interface, "--port", str(port), *threads]


@contextmanager
def seatkeeper(
    database_url: str, token: str, users: Path, processes: int = 1, pinned: bool = True
) -> Iterator[list[Contestant]]:
    """
    The service as its users run it, with a token, idempotency keys, a scheduler and a dispatcher.

    Yields one contestant for each process; `pinned` ones share the first processor.
    """
    limits = ("KEY_READS", "KEY_WRITES", "USER_READS", "USER_WRITES", "ADDRESS", "FAILURES")
    environment = {
        "SEATKEEPER_DATABASE_URL": database_url,
        "SEATKEEPER_SECRET_KEY": SECRET,
        # Counted as ever, and never reached.
        **{f"SEATKEEPER_LIMIT_{name}": str(10**9) for name in limits},
        "SEATKEEPER_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
    }
    with ExitStack() as stack:
        found = []
        for _ in range(processes):
            port = free_port()
            address = f"http://127.0.0.1:{port}"
            command = [sys.executable, "app.py", "serve", "--port", str(port)]
            stack.enter_context(running(command, address, "/readyz", environment, pinned))
            found.append(Contestant("seatkeeper", address, _asks_of_seatkeeper(token, users)))
        yield found


def _asks_of_seatkeeper(token: str, users: Path) -> dict[str, Ask]:
    account, known = "/v1/accounts/{account}", {"Authorization": f"Bearer {token}"}
    once = known | JSON | {"Idempotency-Key": ""}
    body = '{"user_id": "{user}", "seat_type": "core"}'
    return {
        ENTITLEMENT: Ask(
            users, "GET", f"{account}/users/{{user}}/entitlements/contacts", "", known
        ),
        PAGE: Ask(users, "GET", f"{account}/seats?limit=50", "", known),
        ASSIGN: Ask(users, "POST", f"{account}/seats", body, once),
    }


@dataclass(frozen=True)
class Peer:
    """A peer: its application, the server that runs it, and how that speaks with it."""

    name: str
    server: str
    interface: str = ""
    app: str = ""


FASTAPI = "FastAPI + SQLAlchemy"
PYTHON_PEERS = (
    Peer(f"{FASTAPI}, sync, granian", "granian", "asgi", "fastapi_sync:app"),
    Peer(f"{FASTAPI}, sync, uvicorn", "uvicorn", "", "fastapi_sync:app"),
    Peer(f"{FASTAPI}, async, granian", "granian", "asgi", "fastapi_async:app"),
    Peer(f"{FASTAPI}, async, uvicorn", "uvicorn", "", "fastapi_async:app"),
    Peer("Flask + SQLAlchemy, granian", "granian", "wsgi", "flask_sqlalchemy_:app"),
    Peer("Django REST framework, granian", "granian", "wsgi", "django_rest:app"),
)
FASTIFY = Peer("Fastify + better-sqlite3", "node")


def _command(peer: Peer, python: str, port: int) -> list[str]:
    if peer.server == "node":
        return ["node", str(PEERS / "fastify" / "server.js")]
    if peer.server == "granian":
        return [python, *_granian(peer.interface, port), peer.app]
    return [python, "-m", "uvicorn", "--port", str(port), "--log-level", "warning", peer.app]


@contextmanager
def peer_running(
    peer: Peer, python: str, folder: Path, people: tuple[Path, Path], seats: int
) -> Iterator[Contestant]:
    """
    A peer on a database of its own, where each account has so many seats given out already.

    `people` are those who are asked about, and those who are given seats.
    """
    users, receivers = people
    port, database = free_port(), folder / re.sub(r"\W+", "-", peer.name)
    accounts = {line.split()[1] for line in users.read_text(encoding="ascii").splitlines()}
    fill(database, sorted(accounts), seats)
    address = f"http://127.0.0.1:{port}"
    environment = {"PEER_DATABASE": str(database), "PORT": str(port), "PYTHONPATH": str(PEERS)}
    with running(_command(peer, python, port), address, "/hello", environment):
        account = "/accounts/{account}"
        body = '{"user_id": "{user}", "seat_type": "core"}'
        yield Contestant(
            peer.name,
            address,
            {
                ENTITLEMENT: Ask(users, "GET", f"{account}/users/{{user}}/entitlements/contacts"),
                PAGE: Ask(users, "GET", f"{account}/seats?limit=50"),
                ASSIGN: Ask(receivers, "POST", f"{account}/seats", body, JSON),
            },
        )


def fill(database: Path, accounts: list[str], seats: int) -> None:
    """The tables of the peers; each account has seats of users whom nobody asks for."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.executescript((PEERS / "schema.sql").read_text(encoding="utf-8"))
        for account in accounts:
            pool = f"pool_of_{account}"
            row = (pool, account, "core", 10**6, seats)
            connection.execute("INSERT INTO pools VALUES (?, ?, ?, ?, ?)", row)
            connection.executemany(
                "INSERT INTO seats VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (str(uuid.uuid4()), account, pool, f"other_{n}", "core", "2026-01-01")
                    for n in range(seats)
                ),
            )
