"""How a connection to PostgreSQL says whose rows it may touch: for one transaction at a time."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Self
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus

from licensing.pipelined import PipelinedCursor
from licensing.row_security import SETTING, account_in_force

# The owner of the tables and a superuser are not bound. Nothing is found before there are tables.
IS_BOUND = "SELECT row_security_active(oid) FROM pg_class WHERE oid = to_regclass('accounts')"
# True: only until the end of the transaction, so that nothing is left on the connection.
NAME_ACCOUNT = f"SELECT set_config('{SETTING}', %s, true)"


@dataclass
class _Known:
    """What is known of a connection: whether its role is bound, and whose rows it may touch now."""

    is_bound: bool
    named: str | None = None


_connections: WeakKeyDictionary["psycopg.Connection[Any]", _Known] = WeakKeyDictionary()


class BoundCursor(PipelinedCursor):
    """
    Names the account in force to the database, where the role is bound by row-level security.

    It costs no round trip: a transaction begins with it, and a statement outside of one is sent
    together with it, as one transaction of the two. Only `execute` does it: what is sent by
    `executemany` or `copy` is for the account that was named before it in the transaction, if any.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Run a statement for the account in force."""
        found = _connections.get(self.connection)
        if found is not None and not found.is_bound:
            # First, since nothing has to be known of the transaction then.
            return super().execute(query, params, **options)
        status = self.connection.info.transaction_status
        account = account_in_force()
        known = self._known(account, status)
        if known is None or not known.is_bound:
            return super().execute(query, params, **options)
        text = str(query)
        if _is_to_be_named(known, account, status):
            with self._together():
                if text.startswith("BEGIN"):
                    super().execute(query, params, **options)
                    self._name(known, account)
                else:
                    self._name(known, account)
                    super().execute(query, params, **options)
        else:
            super().execute(query, params, **options)
        if text.startswith("ROLLBACK"):
            known.named = None  # it may be again what it was at the savepoint
        return self

    def _together(self) -> AbstractContextManager[object]:
        """Send statements together inside the block; in a transaction they are anyway."""
        is_pipelined = self.connection.info.pipeline_status != PipelineStatus.OFF
        return nullcontext() if is_pipelined else self.connection.pipeline()

    def _known(self, account: str | None, status: TransactionStatus) -> _Known | None:
        known = _connections.get(self.connection)
        if status != TransactionStatus.IDLE:
            return known
        if known is None and account is not None:
            known = self._look()
        if known is not None:
            known.named = None  # what was named ended with its transaction
        return known

    def _look(self) -> _Known | None:
        found = psycopg.Cursor(self.connection).execute(IS_BOUND).fetchone()
        if found is None:
            return None
        known = _connections[self.connection] = _Known(bool(found[0]))
        return known

    def _name(self, known: _Known, account: str | None) -> None:
        psycopg.Cursor(self.connection).execute(NAME_ACCOUNT, (account or "",))
        known.named = account


def _is_to_be_named(known: _Known, account: str | None, status: TransactionStatus) -> bool:
    """Whether the database has to be told whose rows the next statement may touch."""
    if status == TransactionStatus.IDLE:
        return account is not None
    # Active: what was sent before it in the transaction has not been answered yet.
    is_in_transaction = status in (TransactionStatus.INTRANS, TransactionStatus.ACTIVE)
    return is_in_transaction and account != known.named
