"""
Watching which accounts each transaction names, so that the data can be spread by account.

Where accounts live on different machines, a transaction on two of them is slow at the best, and
what writes rows of an account without naming it asks all machines.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from peewee import Database, QueryEvent

from licensing import db
from licensing.db import Transaction
from licensing.models import TABLES
from webhooks.models import TABLES as WEBHOOK_TABLES

# Those whose rows may belong to no account are small: every machine can have a copy of them.
OF_ACCOUNTS = {
    model._meta.table_name
    for model in (*TABLES, *WEBHOOK_TABLES)
    if "account_id" in model._meta.columns and not model._meta.columns["account_id"].null
}
WRITES = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?', re.IGNORECASE)
ACCOUNT = re.compile(r"acc_[0-9a-f]{32}")


@dataclass
class Watched:
    """What was seen: the accounts of each transaction, and writes that name no account."""

    accounts: list[tuple[Transaction, set[str]]] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)

    def see(self, event: QueryEvent) -> None:
        """Look at one statement."""
        try:
            here = db.transaction()
        except RuntimeError:
            return  # outside of any, a statement is a transaction of its own
        named = {value for value in event.params or () if _is_account(value)}
        if not self.accounts or self.accounts[-1][0] is not here:
            self.accounts.append((here, set()))
        self.accounts[-1][1].update(named)
        written = WRITES.match(event.sql.lstrip())
        if written and written[1] in OF_ACCOUNTS and not named:
            self.unnamed.append(event.sql)

    @property
    def crossing(self) -> list[set[str]]:
        """The accounts of each transaction that named more than one."""
        return [accounts for _, accounts in self.accounts if len(accounts) > 1]


def _is_account(value: Any) -> bool:
    return isinstance(value, str) and ACCOUNT.fullmatch(value) is not None


@contextmanager
def watched() -> Iterator[Watched]:
    """Watch the statements of this process inside the block."""
    seen = Watched()
    database: Database = db.db.obj
    database.query_hooks.append(seen.see)
    try:
        yield seen
    finally:
        database.query_hooks.remove(seen.see)
