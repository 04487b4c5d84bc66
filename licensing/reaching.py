"""Connections to PostgreSQL, and what becomes of those who wait for one that cannot be made."""

import time
from typing import Any

from peewee import (  # type: ignore[attr-defined]
    OperationalError,
    PostgresqlDatabase,
    __exception_wrapper__,
)
from playhouse.pool import PooledPostgresqlDatabase

# An attempt that fails sooner was refused: the host is there, and asking again costs nothing.
SECONDS_OF_SILENCE = 1.0
SECONDS_UNTIL_TRIED_AGAIN = 1.0


class _Reached(PostgresqlDatabase):
    """A database to which nobody connects right after somebody has waited for it in vain."""

    _silent_until = 0.0

    def _connect(self) -> Any:
        began = time.monotonic()
        if began < self._silent_until:
            raise OperationalError("the database has just been found out of reach")
        try:
            return super()._connect()  # type: ignore[misc]
        except Exception:
            if time.monotonic() - began >= SECONDS_OF_SILENCE:
                self._silent_until = time.monotonic() + SECONDS_UNTIL_TRIED_AGAIN
            raise


class Pool(PooledPostgresqlDatabase, _Reached):  # type: ignore[misc]
    """
    Peewee's pool, in which one connection is opened at a time, and all others wait for that.

    When a network is cut, each of those who wait would have his own timeout begin when the one
    before him has ended. Here they are told at once what the first one has found out.
    """

    _connections: list[Any]

    def _is_closed(self, connection: Any) -> bool:
        if not super()._is_closed(connection):
            return False
        # What has ended this one has mostly ended those that lie beside it. To ask each of them
        # would take a timeout each, with everybody waiting.
        beside, self._connections = self._connections, []
        for *_, other in beside:
            self._close_raw(other)
        return True

    def rollback(self) -> None:
        """
        Undo the transaction that this thread is in.

        Where a statement has failed, the driver does it: what it sent to be prepared after that was
        not, and it takes it for prepared until then.
        """
        from psycopg.pq import TransactionStatus  # which SQLite does not need

        connection = self._state.conn
        if connection and connection.info.transaction_status == TransactionStatus.INERROR:
            with __exception_wrapper__:
                connection.rollback()
        else:
            super().rollback()
