"""
Who writes to an SQLite file: in a process one connection, handed on with the turn to write, and
one commit for all commands that come one right after the other.

As soon as one connection has written, every other one forgets the pages that it has read. With one
for each thread, a command read a hundred pages again that the command before it had in hand: a
tenth of its time. Who only reads has a connection of his own.

A commit writes each changed page to the log and waits for the disk. What a command has changed is
therefore not committed as long as other threads wait for their turn: they go on in the same
transaction, and the last of them commits for all. On a disk that syncs in 0.2 ms eight threads
write a fifth to a third more so, and 2.4 times as much where each sync takes 4 ms longer. Nobody is
told how his command ended before the commit; so who waits for a command of another thread must not
hold a lock for it.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import (  # type: ignore[attr-defined]
    OperationalError,
    SqliteDatabase,
    __exception_wrapper__,
)

from licensing.turns import Turn

# KiB; one connection has it, where all others have 2 MB. SQLite looks through all of it at nearly
# every commit, so that with more than this a command takes longer again.
CACHE = 4 * 1024
# After so long nobody joins any more: who was first is not kept waiting, nor are other processes.
SECONDS_OF_A_GROUP = 0.05

log = logging.getLogger(__name__)


class Undone(Exception):
    """Commands were to be committed together and could not be: each has to be run by itself."""


class _Group:
    """
    Commands that are committed together.

    Attributes:
        size: how many there have been.
        ends: when the last one joins at the latest, on the monotonic clock.
        failure: why none of them was done, where others have to know.
    """

    def __init__(self) -> None:
        self.size = 0
        self.ends = time.monotonic() + SECONDS_OF_A_GROUP
        self.failure: BaseException | None = None
        self._over = threading.Event()

    def end(self, failure: BaseException | None = None) -> None:
        """Let everybody know that they are committed, or why they are not."""
        self.failure = failure
        self._over.set()

    def wait(self) -> None:
        """Wait for the end. Raises `Undone`; the failure itself where there was one command."""
        self._over.wait()
        if self.failure is None:
            return
        if self.size == 1:
            raise self.failure
        raise Undone("what was to be committed with other commands was not") from self.failure


class Writer:
    """What writes to a file; opened when it is needed first."""

    def __init__(self, database: SqliteDatabase, file: str) -> None:
        self._database: Any = database
        self._turn = Turn(file)
        self._guard = threading.Lock()
        self._process, self._in_use = 0, False
        # The last one is in use. Those of a parent are kept, since to let them go would close them.
        self._connections: list[Any] = []
        self._group: _Group | None = None

    def take_turn(self, seconds: float) -> bool:
        """
        Wait for the turn, for so many seconds at the most; whether it came.

        Raises `OSError` when it cannot be taken.
        """
        return self._turn.take(seconds, unwanted=self._end)

    @contextmanager
    def transaction(self, by_itself: bool) -> Iterator[None]:
        """
        Write inside the block, with the turn, which is handed on or given back at its end.

        An exception undoes what the block did; without one, it is committed when this returns,
        maybe together with what other threads do meanwhile, unless it is to be `by_itself`.

        Raises `Undone` when what was to be committed together was not; Peewee's errors.
        """
        try:
            group = self._join(by_itself)
        except BaseException:
            self._end()
            raise
        try:
            with self._in_hand() as connection, self._undone_by_an_exception(group):
                yield
                if not connection.in_transaction:
                    raise OperationalError("SQLite has undone it")
        finally:
            may_grow = self._group is group and not by_itself and time.monotonic() < group.ends
            if not (may_grow and self._turn.hand_on()):
                self._end()
            group.wait()

    def _join(self, by_itself: bool) -> _Group:
        if by_itself:
            self._commit()
        if self._group is None:
            with self._in_hand():
                try:
                    self._database.begin("IMMEDIATE")
                    self._group = _Group()
                except BaseException:
                    self._give_up(None)
                    raise
        self._group.size += 1
        return self._group

    @contextmanager
    def _undone_by_an_exception(self, group: _Group) -> Iterator[None]:
        database = self._database
        first = group.size == 1
        # Peewee makes savepoints of transactions inside this one.
        database.push_transaction(self)
        try:
            if not first:
                database.execute_sql("SAVEPOINT command")
            yield
            if not first:
                database.execute_sql("RELEASE command")
        except BaseException as problem:
            if first:
                self._give_up(None)
            elif not self._undo_alone():
                self._give_up(problem)
            raise
        finally:
            database.pop_transaction()

    def _undo_alone(self) -> bool:
        """Undo this command and no other; whether that was possible: SQLite may have undone all."""
        try:
            self._database.execute_sql("ROLLBACK TO command")
            self._database.execute_sql("RELEASE command")
        except BaseException:
            return False
        return True

    def _give_up(self, failure: BaseException | None) -> None:
        group, self._group = self._group, None
        try:
            # SQLite has done so already where the disk is full, for one.
            if self._connections[-1].in_transaction:
                self._database.rollback()
        except BaseException:
            log.exception("what was written cannot be undone, so the connection is closed")
            self._close()
        finally:
            if group is not None:
                if failure is not None and group.size > 1:
                    log.warning("%d commands are run again by themselves: %s", group.size, failure)
                group.end(failure)

    def _end(self) -> None:
        """Commit what is there, and let another process write."""
        try:
            self._commit()
        finally:
            self._turn.give_back()

    def _commit(self) -> None:
        group = self._group
        if group is None:
            return
        with self._in_hand():
            try:
                self._database.commit()
            except BaseException as failure:
                self._give_up(failure)
            else:
                self._group = None
                group.end()

    @contextmanager
    def _in_hand(self) -> Iterator[Any]:
        """Have the statements of this thread go through the connection, which this yields."""
        with self._guard:
            connection = self._opened()
            self._in_use = True
        state = self._database._state
        own, state.conn = state.conn, connection
        try:
            yield connection
        finally:
            state.conn = own
            # Between two commands of a group, too, nobody may close it.
            self._in_use = self._group is not None

    def _opened(self) -> Any:
        # What a process that was forked off has inherited is its parent's: neither used nor closed.
        if self._process != os.getpid():
            with __exception_wrapper__:
                connection = self._database._connect()
                connection.execute(f"PRAGMA cache_size = -{CACHE}")
            self._connections.append(connection)
            self._process = os.getpid()
        return self._connections[-1]

    def close(self) -> None:
        """Close the connection, unless somebody is writing; who writes next opens it anew."""
        with self._guard:
            if self._process == os.getpid() and not self._in_use:
                self._close()

    def _close(self) -> None:
        self._process = 0
        self._connections.pop().close()

    def forget(self) -> None:
        """Let go of everything; nobody writes any more."""
        self.close()
        self._turn.close()
