"""
Transactions on PostgreSQL in which a statement waits for no other one, unless its result is needed.

Each statement used to wait for the answer to the one before it: 24 times in an assignment, each
time a round trip through the network. In a pipeline (libpq's) it is sent at once, and whoever looks
at a result waits for that: 13 times. It won a fifth of an assignment's time beside the database,
and two fifths where a round trip took 2.6 ms.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from peewee import __exception_wrapper__  # type: ignore[attr-defined]
from psycopg.pq import TransactionStatus

_pipelines: WeakKeyDictionary["psycopg.Connection[Any]", psycopg.Pipeline] = WeakKeyDictionary()


class PipelinedCursor(psycopg.Cursor[Any]):
    """
    Waits for its result as soon as somebody looks at it, with Peewee's errors.

    What fails is told to who looks at a result after it, or sends something when it is known.
    """

    @property
    def rowcount(self) -> int:
        """How many rows the statement has returned or changed."""
        self._wait()
        return super().rowcount

    @property
    def description(self) -> Any:
        """What the columns are that it returns, None where it returns none."""
        self._wait()
        return super().description

    def fetchone(self) -> Any:
        """The next row, None after the last one."""
        self._wait()
        return super().fetchone()

    def fetchmany(self, size: int = 0) -> list[Any]:
        """The next rows."""
        self._wait()
        return super().fetchmany(size)

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        self._wait()
        return super().fetchall()

    def __next__(self) -> Any:
        self._wait()
        return super().__next__()

    def _wait(self) -> None:
        if self.pgresult is None:
            pipeline = _pipelines.get(self.connection)
            if pipeline is not None:
                # The driver would ask for what there is so far, by which the server does not see
                # that a transaction is idle, and so would not end it when its client is gone.
                with __exception_wrapper__:
                    pipeline.sync()


@contextmanager
def pipelined(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    """
    Have the transaction inside the block, which begins and ends there, wait for no other result.

    When this returns, all of it was done, the commit too. Raises the first error that the database
    had, as one of Peewee's; all else was undone then.
    """
    with _as_peewees():
        try:
            with connection.pipeline() as pipeline:
                _pipelines[connection] = pipeline
                try:
                    yield
                except Exception:
                    # Where a statement has failed that nobody has looked at, that is raised
                    # instead. All after one that has failed are aborted, which nobody has to know.
                    with suppress(psycopg.errors.PipelineAborted):
                        pipeline.sync()
                    raise
                finally:
                    del _pipelines[connection]
        finally:
            if connection.info.transaction_status == TransactionStatus.INERROR:
                connection.rollback()


@contextmanager
def _as_peewees() -> Iterator[None]:
    """Errors of the driver as Peewee's; those that are Peewee's already would be wrapped twice."""
    try:
        yield
    except psycopg.Error:
        with __exception_wrapper__:
            raise
