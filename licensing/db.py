"""The database handle, and the one decorator that opens transactions."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial, wraps
from itertools import count
from typing import Any, ParamSpec, TypeVar

from peewee import DatabaseProxy, IntegrityError, OperationalError, SqliteDatabase
from playhouse.pool import PooledDatabase

from licensing import connecting, metrics, tracing
from licensing.row_security import EVERY_ACCOUNT, within
from licensing.rules.refusals import Refusal
from licensing.settings import Settings, sqlite_file
from licensing.writer import Undone, Writer

SECONDS_TO_WAIT = 5
# Serialisation failure and deadlock: of those who collide, one gets on each time.
COLLISIONS = ("40001", "40P01")
SECONDS_OF_REPEATING = 5
# A unique index stopped the second of two equal commands: run again, it sees what the first did.
TAKEN = "23505"
TRIES_WHERE_TAKEN = 5
LONGEST_PAUSE = 0.25

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
        instant: when all that is told in it happens: by a test clock (R26), or where a batch tells
            it; None where each event has its own.
        gathered: what a batch will write at its end, of `licensing.operations.gathering`.
        command: what counts as the command that is run; None until the next one inside is called.
        by_itself: whether it is not to be committed together with the commands of other threads.
    """

    events: list[Any] = field(default_factory=list)
    closing: list[Callable[[], None]] = field(default_factory=list)
    afterwards: dict[str, Callable[[], None]] = field(default_factory=dict)
    known: dict[Any, Any] = field(default_factory=dict)
    alone: bool = False
    instant: datetime | None = None
    gathered: Any = None
    command: str | None = None
    by_itself: bool = False


class _Here(threading.local):
    transaction: Transaction | None = None


_here = _Here()
# Who writes to the SQLite file; none where there is no file.
_writer: Writer | None = None


def open_database(settings: Settings) -> None:
    """
    Point the handle `db` at the database that the settings name.

    Raises `StartRefused` when the SQLite library is too old for a write-ahead log.
    """
    global _writer
    close_all()
    if _writer is not None:
        _writer.forget()
    db.initialize(
        connecting.sqlite(settings, SECONDS_TO_WAIT)
        if settings.on_sqlite
        else connecting.postgresql(settings, SECONDS_TO_WAIT)
    )
    in_file = on_sqlite() and not in_memory()
    _writer = Writer(db.obj, str(sqlite_file(settings.database_url))) if in_file else None


def on_sqlite() -> bool:
    """Whether the handle points at SQLite."""
    return isinstance(db.obj, SqliteDatabase)


def in_memory() -> bool:
    """Whether the handle points at an SQLite database that is in no file, and so of one thread."""
    return on_sqlite() and db.obj.database == ":memory:"


# A class and no generator, which would take three times as long: each request comes through it.
class _Connection(AbstractContextManager[None]):
    def __init__(self, account_id: str | None) -> None:
        self._within = nullcontext() if account_id is None else within(account_id)

    def __enter__(self) -> None:
        self._opened = db.obj.is_closed()
        if self._opened:
            db.obj.connect()
        self._within.__enter__()

    def __exit__(self, *problem: Any) -> None:
        self._within.__exit__(*problem)
        if self._opened and not on_sqlite():
            close()


def connection(account_id: str | None = None) -> AbstractContextManager[None]:
    """
    A connection for this thread inside the block: the one that is open already, or a new one.

    SQLite keeps the thread's connection open, since opening one costs more than most queries;
    PostgreSQL gives it back to the pool. `account_id` is whose rows may be touched through it, or
    `EVERY_ACCOUNT`, where the role is bound to that; without it whose it was before.
    """
    return _Connection(account_id)


def connected(read: Callable[[], Iterable[R]]) -> Callable[[], list[R]]:
    """`read` of every account, with a connection of whichever thread calls it, to the end."""

    def run() -> list[R]:
        with connection(EVERY_ACCOUNT):
            return list(read())

    return run


def close() -> None:
    """
    Close this thread's connection, or give it back to the pool where there is one.

    Also the one through which threads write, unless one of them does.
    """
    if not db.is_closed():
        db.close()
    if _writer is not None:
        _writer.close()


def close_all() -> None:
    """Close the connections that are nobody's at the moment: of the pool, or for writing."""
    if isinstance(db.obj, PooledDatabase):
        db.obj.close_all()
    if _writer is not None:
        _writer.close()


def ping() -> None:
    """
    Ask the database for a sign of life, which comes after all that it was sent before.

    Raises Peewee's `OperationalError` without one, and in a transaction what was refused of that.
    """
    db.execute_sql("SELECT 1").fetchone()


def look_at_tables() -> None:
    """
    Let SQLite see what its tables hold, where that has changed much, to choose indexes by it.

    It keeps how many rows have a value, but no samples of values: with these, it plans a statement
    anew each time that it is run, which takes as long as running it.
    """
    if on_sqlite():
        db.execute_sql("PRAGMA optimize = 0x10002")
        if db.execute_sql("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat4'").fetchone():
            db.execute_sql("DELETE FROM sqlite_stat4")
            db.execute_sql("ANALYZE sqlite_schema")  # reads anew what is kept, nothing else


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


def take_any_time() -> None:
    """
    Let the transaction in hand last, and rest, for as long as it has to.

    For commands that read or write everything, at the speed of whoever reads what they print.
    """
    if not on_sqlite():
        db.execute_sql("SET LOCAL statement_timeout = 0")
        db.execute_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def transactional(function: Callable[P, R]) -> Callable[P, R]:
    """
    Run the function in one transaction: the caller's where there is one, else its own.

    The outermost call begins and commits; when it collided with another command, or has to be alone
    (`RunAlone`), it repeats the whole function, for five seconds at the most; also when it could
    not be committed together with commands of other threads (`Undone`), by itself then. An
    exception undoes everything. Raises `Busy` when the turn to write does not come within five
    seconds.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        here = _here.transaction
        if here is None:
            return _outermost(partial(function, *args, **kwargs), function.__name__)
        if here.command is None:
            here.command = function.__name__
        return function(*args, **kwargs)

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


def _outermost(work: Callable[[], R], command: str) -> R:
    try:
        return _repeated(work, command, alone=False)
    except RunAlone:
        return _repeated(work, command, alone=True)


def _repeated(work: Callable[[], R], command: str, alone: bool) -> R:
    deadline = time.monotonic() + SECONDS_OF_REPEATING
    by_itself = False
    for tries in count(1):
        here = Transaction(alone=alone, command=command, by_itself=by_itself)
        try:
            with _told(here):
                return _once(work, here)
        except Undone:
            by_itself = True
            continue
        except (OperationalError, IntegrityError) as failure:
            if not _is_worth_repeating(failure, tries, deadline):
                raise
        # Full jitter: who collided once should not collide again.
        time.sleep(random.uniform(0, min(0.01 * 2**tries, LONGEST_PAUSE)))  # noqa: S311 no secret
    raise AssertionError("unreachable: the last try returns or raises")


def _is_worth_repeating(failure: Exception, tries: int, deadline: float) -> bool:
    state = sqlstate(failure)
    if state == TAKEN:
        return tries < TRIES_WHERE_TAKEN
    return state in COLLISIONS and time.monotonic() < deadline


def _once(work: Callable[[], R], here: Transaction) -> R:
    with _begun(here):
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
def _told(here: Transaction) -> Iterator[None]:
    """Count what comes of a command, and make a span of it; our own bookkeeping is no command."""
    outcome: str | None = "done"
    with tracing.part("transaction") as span:
        try:
            yield
        except Exception as problem:
            outcome = _outcome_of(problem)
            if outcome not in (None, "refused"):
                span.fail(type(problem).__name__)
            raise
        finally:
            span.say({"seatkeeper.outcome": outcome})
            if outcome is not None and here.command and not here.command.startswith("_"):
                _counter(here.command, outcome).inc()
                span.call(here.command)


# Kept, because looking it up among the labels takes longer than counting.
_counter = cache(metrics.commands.labels)


def _outcome_of(problem: Exception) -> str | None:
    """What came of a command, in a word; None for one that has yet to be run, alone."""
    if isinstance(problem, RunAlone):
        return None
    if isinstance(problem, Refusal):
        return "refused"
    if isinstance(problem, Busy):
        return "busy"
    return "collided" if is_a_collision(problem) else "failed"


@contextmanager
def _begun(here: Transaction) -> Iterator[None]:
    writer = _writer
    if writer is None:
        with _waiting_for_no_result(), db.atomic():
            yield
        return
    try:
        came = writer.take_turn(SECONDS_TO_WAIT)
    except OSError as failure:
        raise OperationalError(f"the turn to write cannot be taken: {failure}") from failure
    if not came:
        raise Busy("another command has held the database for too long")
    with writer.transaction(here.by_itself):
        yield


def _waiting_for_no_result() -> AbstractContextManager[None]:
    if on_sqlite():
        return nullcontext()
    from licensing.pipelined import pipelined  # needs psycopg, which SQLite does not

    return pipelined(db.obj.cursor().connection)


def is_a_collision(failure: BaseException) -> bool:
    """Whether another command was in the way, so that the same one may go well now."""
    return isinstance(failure, Undone) or sqlstate(failure) in (*COLLISIONS, TAKEN)


def sqlstate(failure: BaseException) -> str | None:
    """The SQLSTATE of a driver's error (PostgreSQL), None where there is none."""
    return getattr(getattr(failure, "orig", None), "sqlstate", None)


def for_update(query: Any, strength: str = "FOR UPDATE") -> Any:
    """`query` with its rows locked until the commit; SQLite locks the whole database anyway."""
    return query if on_sqlite() else query.for_update(strength)
