"""Bringing the database's schema up to date, one migrator at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playhouse.migrations import Runner

from licensing import roles
from licensing.db import db, in_memory, on_sqlite
from licensing.settings import StartRefused
from licensing.turns import open_to_lock

# Any number, as long as it is ours alone.
ADVISORY_LOCK = 7_307_283_017


# The folders of numbered scripts, each with the table of those that were applied, in order.
_folders = {"schema_migration": Path(__file__).parent}


def add(history: str, folder: Path) -> None:
    """Have the scripts of another package applied, too, after those that are known already."""
    _folders[history] = folder


def _runners() -> list[Runner]:
    return [Runner(db.obj, str(folder), history) for history, folder in _folders.items()]


def apply() -> list[str]:
    """
    Apply the migrations that are missing, in order, and return their names.

    Any number of processes may call this at once: one works, the others wait and find it done. A
    role that does not own the tables only looks: raises `StartRefused` where something is missing.
    """
    if not (on_sqlite() or roles.owns_the_schema()):
        _refuse_what_is_missing()
        return []
    with _alone():
        return [name for runner in _runners() for name in runner.up()]


def pending() -> list[str]:
    """The names of the migrations that the database lacks, in order."""
    return [step.name for runner in _runners() for step in runner.status() if step.applied is None]


def _refuse_what_is_missing() -> None:
    missing = pending()
    if missing:
        raise StartRefused(
            f"the database lacks {', '.join(missing)}, and its user may not change the schema; "
            "run seatkeeper migrate as the user who owns the tables"
        )
    unreadable = roles.unreadable()
    if unreadable:
        raise StartRefused(
            f"the database's user may not read {', '.join(unreadable)}; run seatkeeper migrate "
            "--runtime-role with its name, as the user who owns the tables"
        )


def versions() -> dict[str, str]:
    """The last migration that was applied, by the table of those that were."""
    return {runner.table_name: max(runner.applied(), default="") for runner in _runners()}


@contextmanager
def _alone() -> Iterator[None]:
    if in_memory():
        yield
    elif on_sqlite():
        lock = open_to_lock(f"{db.obj.database}.migrating")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # It is kept in the file. Of two who switch a new one at once, SQLite refuses one.
            db.execute_sql("PRAGMA journal_mode = wal")
            yield
        finally:
            os.close(lock)
    else:
        # Waiting for another migrator may take longer than a request may wait for a lock.
        db.execute_sql("SET lock_timeout = 0")
        db.execute_sql("SET statement_timeout = 0")
        db.execute_sql("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
        try:
            yield
        finally:
            db.execute_sql("SELECT pg_advisory_unlock(%s)", (ADVISORY_LOCK,))
            db.execute_sql("RESET lock_timeout")
            db.execute_sql("RESET statement_timeout")
