"""
The rows of a command without the command: what SQLite and PostgreSQL need for them by themselves.

The writing statements of real commands are kept, with their values, and executed again by the bare
driver on a database as it was before: the same rows, one transaction for each command.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import peewee

from licensing import db
from licensing.connecting import SQLITE_PRAGMAS
from tests.benchmarks.companies import Companies
from tests.benchmarks.in_process import request, send

SQLITE: Any = peewee.sqlite3  # type: ignore[attr-defined]
WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")
# What one command writes: statements with their values.
Command = list[tuple[str, Any]]


def record(app: Any, companies: Companies, many: int) -> list[Command]:
    """Give so many people a seat, and keep what was written."""
    commands = []
    for user, account in companies.people[:many]:
        body = {"user_id": user, "seat_type": "core"}
        headers = {"Authorization": f"Bearer {companies.token}", "Idempotency-Key": f"raw-{user}"}
        with _writes() as command:
            asked = request(f"/v1/accounts/{account}/seats", "POST", body, headers)
            (answer,) = send(app, [asked], "201")
        assert orjson.loads(answer)["user_id"] == user
        commands.append(command)
    return commands


@contextmanager
def _writes() -> Iterator[Command]:
    database, kept = db.db.obj, []
    execute = database.execute_sql

    def keeping(sql: str, params: Any = None, *rest: Any, **more: Any) -> Any:
        if sql.lstrip().upper().startswith(WRITES):
            kept.append((sql, params or ()))
        return execute(sql, params, *rest, **more)

    database.execute_sql = keeping
    try:
        yield kept
    finally:
        del database.execute_sql


def on_sqlite(file: Path, commands: list[Command]) -> float:
    """Execute them on a database file; returns commands a second."""
    with closing(SQLITE.connect(str(file), isolation_level=None)) as connection:
        for name, value in SQLITE_PRAGMAS.items():
            connection.execute(f"PRAGMA {name} = {value}")
        start = time.perf_counter()
        for command in commands:
            connection.execute("BEGIN IMMEDIATE")
            for sql, params in command:
                connection.execute(sql, params).fetchall()
            connection.execute("COMMIT")
        return len(commands) / (time.perf_counter() - start)


def on_postgresql(url: str, commands: list[Command], connections: int) -> float:
    """Execute them over so many connections at once, each its share; returns commands a second."""
    barrier = threading.Barrier(connections + 1)
    workers = [
        threading.Thread(target=_executed, args=(url, commands[n::connections], barrier))
        for n in range(connections)
    ]
    for worker in workers:
        worker.start()
    barrier.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    return len(commands) / (time.perf_counter() - start)


def _executed(url: str, commands: list[Command], barrier: threading.Barrier) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        barrier.wait()
        for command in commands:
            with connection.transaction():
                for sql, params in command:
                    connection.execute(sql, params)
