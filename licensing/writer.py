"""
The connection through which a process writes to an SQLite file, handed on with the turn to write.

As soon as one connection has written, every other one forgets the pages that it has read. With one
for each thread, a command read a hundred pages again that the command before it had in hand: a
tenth of its time. Who only reads has a connection of his own.
"""

import os
import threading
from typing import Any

from peewee import SqliteDatabase, __exception_wrapper__  # type: ignore[attr-defined]

# KiB; one connection has it, where all others have 2 MB.
CACHE = 16 * 1024


class Writer:
    """
    The connection; inside `with`, the statements of the thread that has the turn go through it.

    It is opened when it is needed first.
    """

    def __init__(self, database: SqliteDatabase) -> None:
        self._database: Any = database
        self._guard = threading.Lock()
        self._process, self._in_use = 0, False
        self._connections: list[Any] = []
        self._own: Any = None

    def __enter__(self) -> None:
        with self._guard:
            connection = self._opened()
            self._in_use = True
        state = self._database._state
        self._own, state.conn = state.conn, connection

    def __exit__(self, *_: object) -> None:
        self._database._state.conn, self._own = self._own, None
        self._in_use = False

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
        """Close it, unless somebody is writing; who writes next opens it anew."""
        with self._guard:
            if self._process == os.getpid() and not self._in_use:
                self._connections.pop().close()
                self._process = 0
