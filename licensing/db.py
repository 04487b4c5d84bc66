"""The database handle, and the one decorator that opens transactions."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl, urlsplit

import peewee
from peewee import Database, DatabaseProxy, IntegrityError, OperationalError, SqliteDatabase
from playhouse.db_url import connect
from playhouse.pool import PooledDatabase

from licensing.settings import Settings, StartRefused, sqlite_file
from licensing.turns import Turn

# Before 3.51.3 two connections that write and checkpoint at once can corrupt a WAL database.
OLDEST_SQLITE = (3, 51, 3)
SECONDS_TO_WAIT = 5
TRIES = 5
# Serialisation failure, deadlock, and a unique index that stopped the second of two equal commands:
# run again, it sees what the first one did.
WORTH_REPEATING = ("40001", "40P01", "23505")
# What Peewee brings along; nothing here uses them.
PYTHON_FUNCTIONS = ("date_part", "date_trunc", "_pw_json_contains")
# Some commands write in different numbers of rows; each number is a statement to SQLite.
STATEMENTS_KEPT = 500
SQLITE_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "foreign_keys": 1,
    "wal_autocheckpoint": 4000,
}
POSTGRES_PARAMETERS = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "tcp_user_timeout": "5000",
    "application_name": "seatkeeper",
    "options": " ".join(
        f"-c {name}={value}"
        for name, value in {
            "timezone": "UTC",
            "default_transaction_isolation": "read\\ committed",
            "lock_timeout": 2000,
            "statement_timeout": 10_000,
            "idle_in_transaction_session_timeout": 10_000,
        }.items()
    ),
}

P = ParamSpec("P")
R = TypeVar("R")

db = DatabaseProxy()


class Busy(Exception):
    """The database was busy for too long; nothing was changed, and trying again will help."""


class RunAlone(Exception):
    """The command found something to do for which nobody else may be at work on the account."""


@dataclass
class Transaction:
    """
    What is remembered until the commit.

    Attributes:
        events: what `licensing.events` has to write, in order.
        closing: functions to run right before the commit, in order.
        afterwards: functions to run right after the commit, by name.
        known: what operations have read and locked already, so that later ones need not.
        alone: whether all other commands on the account have to wait.
        hands: the present instant of an account that is bound to a test clock (R26).
    """

    events: list[Any] = field(default_factory=list)
    closing: list[Callable[[], None]] = field(default_factory=list)
    afterwards: dict[str, Callable[[], None]] = field(default_factory=dict)
    known: dict[Any, Any] = field(default_factory=dict)
    alone: bool = False
    hands: datetime | None = None


class _Here(threading.local):
    transaction: Transaction | None = None


_here = _Here()
# Who may write to the SQLite file; none where the database has an order of its own.
_write_turn: Turn | None = None


def open_database(settings: Settings) -> None:
    """
    Point the handle `db` at the database that the settings name.

    Raises `StartRefused` when the SQLite library is too old for a write-ahead log.
    """
    global _write_turn
    close_all()
    if _write_turn is not None:
        _write_turn.close()
    _write_turn = Turn(str(sqlite_file(settings.database_url))) if settings.on_sqlite else None
    if settings.on_sqlite:
        driver: Any = peewee.sqlite3  # type: ignore[attr-defined]
        refuse_old_sqlite(driver.sqlite_version_info)
        database = _sqlite(settings)
    else:
        database = _postgresql(settings)
    db.initialize(database)


def refuse_old_sqlite(found: tuple[int, ...]) -> None:
    """Raise `StartRefused` for a version of the SQLite library that is not safe to use."""
    if found < OLDEST_SQLITE:
        raise StartRefused(
            f"SQLite {'.'.join(map(str, found))} can corrupt a database in write-ahead mode; "
            f"{'.'.join(map(str, OLDEST_SQLITE))} is needed: pip install 'pysqlite3>=0.6.1'"
        )


def _sqlite(settings: Settings) -> Database:
    database: SqliteDatabase = connect(
        settings.database_url,
        lock_type="IMMEDIATE",
        timeout=SECONDS_TO_WAIT,
        autoconnect=False,
        cached_statements=STATEMENTS_KEPT,
        pragmas=SQLITE_PRAGMAS,
    )
    # A connection that ends with its thread lets go of Python functions when the thread has none of
    # Python's state any more, which ends the whole process. The server ends threads that are idle.
    for name in PYTHON_FUNCTIONS:
        database.unregister_function(name)
    return database


def _postgresql(settings: Settings) -> Database:
    url = settings.database_url
    chosen_in_url = {name for name, _ in parse_qsl(urlsplit(url).query)}
    defaults = {k: v for k, v in POSTGRES_PARAMETERS.items() if k not in chosen_in_url}
    database: Database = connect(
        "postgresql+pool" + url[url.index(":") :],
        unquote_password=True,
        unquote_user=True,
        autoconnect=False,
        max_connections=settings.threads + 2,
        timeout=SECONDS_TO_WAIT,
        stale_timeout=300,
        **defaults,
    )
    return database


def on_sqlite() -> bool:
    """Whether the handle points at SQLite."""
    return isinstance(db.obj, SqliteDatabase)


@contextmanager
def connection() -> Iterator[None]:
    """
    A connection for this thread inside the block: the one that is open already, or a new one.

    SQLite keeps the thread's connection open, since opening one costs more than most queries;
    PostgreSQL gives it back to the pool.
    """
    opened = db.connect(reuse_if_open=True)
    try:
        yield
    finally:
        if opened and not on_sqlite():
            close()


def close() -> None:
    """Close this thread's connection, or give it back to the pool where there is one."""
    if not db.is_closed():
        db.close()


def close_all() -> None:
    """Close the connections that wait in the pool, where there is one."""
    if isinstance(db.obj, PooledDatabase):
        db.obj.close_all()


def ping() -> None:
    """Ask the database for a sign of life; raises Peewee's `OperationalError` without one."""
    db.execute_sql("SELECT 1")


def look_at_tables() -> None:
    """Let SQLite see what its tables hold, where that has changed much, to choose indexes by it."""
    if on_sqlite():
        db.execute_sql("PRAGMA optimize = 0x10002")


def seconds_since_1970() -> float:
    """The database's clock."""
    if on_sqlite():
        query = "SELECT unixepoch('subsec')"
    else:
        query = "SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"
    (found,) = db.execute_sql(query).fetchone()
    return float(found)


@contextmanager
def snapshot() -> Iterator[None]:
    """Read one consistent state of the database inside the block, beside whoever writes."""
    begin = "BEGIN" if on_sqlite() else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    with db.manual_commit():
        db.execute_sql(begin)
        try:
            yield
        finally:
            db.execute_sql("ROLLBACK")


def transactional(function: Callable[P, R]) -> Callable[P, R]:
    """
    Run the function in one transaction: the caller's where there is one, else its own.

    The outermost call begins and commits; when it collided with another command, or has to be alone
    (`RunAlone`), it repeats the whole function. An exception undoes everything. Raises `Busy` when
    the turn to write does not come within five seconds.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _here.transaction is not None:
            return function(*args, **kwargs)
        return _outermost(partial(function, *args, **kwargs))

    return run


def transaction() -> Transaction:
    """The transaction that this thread is in. Raises `RuntimeError` outside of one."""
    if _here.transaction is None:
        raise RuntimeError("this has to run inside a transaction")
    return _here.transaction


def known() -> dict[Any, Any]:
    """What was read in the transaction that this thread is in; nothing, and not kept, outside."""
    return {} if _here.transaction is None else _here.transaction.known


@contextmanager
def rehearsal() -> Iterator[Transaction]:
    """
    Inside the block commands do what they do, and when it ends nothing of it has happened.

    Yields the transaction that the rehearsed commands are in, with the events that they record. To
    be used inside a transaction that is alone on the account.
    """
    real = transaction()
    with db.atomic() as savepoint:
        _here.transaction = rehearsed = Transaction(alone=True)
        try:
            yield rehearsed
        finally:
            _here.transaction = real
            savepoint.rollback()


def _outermost(work: Callable[[], R]) -> R:
    try:
        return _repeated(work, alone=False)
    except RunAlone:
        return _repeated(work, alone=True)


def _repeated(work: Callable[[], R], alone: bool) -> R:
    for remaining in reversed(range(TRIES)):
        try:
            return _once(work, alone)
        except (OperationalError, IntegrityError) as failure:
            if not (remaining and sqlstate(failure) in WORTH_REPEATING):
                raise
        # Full jitter: who collided once should not collide again.
        time.sleep(random.uniform(0, 0.01 * 2 ** (TRIES - remaining)))  # noqa: S311 not a secret
    raise AssertionError("unreachable: the last try returns or raises")


def _once(work: Callable[[], R], alone: bool) -> R:
    here = Transaction(alone=alone)
    with _turn(), db.atomic():
        _here.transaction = here
        try:
            result = work()
            for close in here.closing:
                close()
        finally:
            _here.transaction = None
    for act in here.afterwards.values():
        act()
    return result


@contextmanager
def _turn() -> Iterator[None]:
    turn = _write_turn
    if turn is None:
        yield
        return
    if not turn.take(SECONDS_TO_WAIT):
        raise Busy("another command has held the database for too long")
    try:
        yield
    finally:
        turn.give_back()


def sqlstate(failure: BaseException) -> str | None:
    """The SQLSTATE of a driver's error (PostgreSQL), None where there is none."""
    return getattr(getattr(failure, "orig", None), "sqlstate", None)


def for_update(query: Any, strength: str = "FOR UPDATE") -> Any:
    """`query` with its rows locked until the commit; SQLite locks the whole database anyway."""
    return query if on_sqlite() else query.for_update(strength)
