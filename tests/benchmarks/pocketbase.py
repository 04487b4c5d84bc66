"""PocketBase as a peer: a server written in Go, which lists its records by itself."""

import sqlite3
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.benchmarks.contestants import (
    ASSIGN,
    ENTITLEMENT,
    JSON,
    PAGE,
    PEERS,
    Contestant,
    running,
)
from tests.benchmarks.loading import Ask
from tests.serving import free_port

NAME = "PocketBase"
OF_THE_PEER = PEERS / "pocketbase"
LENGTH_OF_AN_ID = 15
ANY_TIME = "2026-01-01 00:00:00.000Z"


def program(python: str) -> Path:
    """Where it is in the environment of the peers, whose python this is, if it is there at all."""
    return Path(python).with_name("pocketbase")


@contextmanager
def pocketbase_running(
    python: str, folder: Path, people: tuple[Path, Path], seats: int
) -> Iterator[Contestant]:
    """
    PocketBase on data of its own, where each account has so many seats given out already.

    `people` are those who are asked about, and those who are given seats.
    """
    users, receivers = people
    data, port = folder / "pocketbase", free_port()
    kept = ["--dir", str(data), "--migrationsDir", str(OF_THE_PEER / "migrations")]
    subprocess.run(  # noqa: S603 the peer, in its own environment
        [program(python), "migrate", "up", *kept], check=True, capture_output=True
    )
    accounts = {line.split()[1] for line in users.read_text(encoding="ascii").splitlines()}
    _fill(data / "data.db", sorted(accounts), seats)
    address = f"http://127.0.0.1:{port}"
    hooks = ["--hooksDir", str(OF_THE_PEER / "hooks"), "--hooksWatch=false"]
    command = [str(program(python)), "serve", f"--http=127.0.0.1:{port}", *kept, *hooks]
    with running(command, address, "/hello", {}):
        yield Contestant(NAME, address, _asks(users, receivers))


def _asks(users: Path, receivers: Path) -> dict[str, Ask]:
    account = "/accounts/{account}"
    of_account = "filter=account_id%3D%27{account}%27&sort=id"
    return {
        ENTITLEMENT: Ask(users, "GET", f"{account}/users/{{user}}/entitlements/contacts"),
        PAGE: Ask(
            users, "GET", f"/api/collections/seats/records?perPage=50&skipTotal=true&{of_account}"
        ),
        ASSIGN: Ask(
            receivers,
            "POST",
            f"{account}/seats",
            '{"user_id": "{user}", "seat_type": "core"}',
            JSON,
        ),
    }


def _fill(database: Path, accounts: Sequence[str], seats: int) -> None:
    """The seats of each account, of users whom nobody asks for."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for account in accounts:
            pool = _new_id()
            connection.execute(
                "INSERT INTO pools (id, account_id, seat_type, purchased, assigned)"
                " VALUES (?, ?, ?, ?, ?)",
                (pool, account, "core", 10**6, seats),
            )
            connection.executemany(
                "INSERT INTO seats (id, account_id, pool_id, user_id, seat_type, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                ((_new_id(), account, pool, f"other_{n}", "core", ANY_TIME) for n in range(seats)),
            )


def _new_id() -> str:
    return uuid.uuid4().hex[:LENGTH_OF_AN_ID]
