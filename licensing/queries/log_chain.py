"""The chain over an account's log, taken anew: what was done to it, and to which event first."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from licensing import chain
from licensing.db import db, on_sqlite
from licensing.models import Account, InstantField

ROWS_PER_READ = 500
TEXTS = ("id", "type", "occurred_at", "actor_id", "body", "digest")
_INSTANT = InstantField()


@dataclass(frozen=True)
class Link:
    """An event as the chain sees it: its columns to the byte, as text."""

    account_id: str
    sequence: int
    id: str
    type: str
    occurred_at: str
    actor_id: str
    body: str
    digest: str

    def follows(self, previous: str) -> bool:
        """Whether its digest is the one of its columns after the digest before it."""
        return self.digest == self.digest_after(previous)

    def digest_after(self, previous: str) -> str:
        """The digest that its columns have after another one."""
        columns = (self.account_id, str(self.sequence), self.id, self.type, self.occurred_at)
        return chain.digest(previous, (*columns, self.actor_id, self.body))

    def tells_to_be(self) -> Any:
        """The sequence that stands in its body, which may be anything when it was edited."""
        try:
            return json.loads(self.body)["sequence"]
        except (ValueError, TypeError, KeyError):
            return self.sequence


def first_break(account: Account) -> str | None:
    """
    What is wrong with the first event that does not follow from the one before it.

    None for a log that is whole: without a gap from what was purged to the account's last sequence.
    """
    previous, expected = account.purged_digest, account.purged_through + 1
    rows = _links(account.id)
    for row in rows:
        if row.sequence != expected:
            return _out_of_line(account, row, expected)
        if not row.follows(previous):
            return f"event {expected} {_what_happened(account, previous, row, next(rows, None))}"
        previous, expected = row.digest, expected + 1
    if expected <= account.last_sequence:
        return f"event {expected} is missing, the log ends with {account.last_sequence}"
    if expected > account.last_sequence + 1:
        return f"event {expected - 1} lies beyond the end of the log, {account.last_sequence}"
    return None


def _out_of_line(account: Account, row: Link, expected: int) -> str:
    if row.sequence <= account.purged_through:
        return f"event {row.sequence} is there, but counts as purged"
    return f"event {expected} is missing, the next one is {row.sequence}"


def _what_happened(account: Account, previous: str, row: Link, following: Link | None) -> str:
    if row.tells_to_be() != row.sequence:
        return f"is event {row.tells_to_be()}, put in its place"
    if following is not None and replace(following, sequence=row.sequence).follows(previous):
        return "was inserted"
    if following is not None and following.follows(row.digest_after(previous)):
        return "has a digest that is not its own"
    if row.sequence == account.purged_through + 1:
        return "was edited, or the digest that the chain begins with was"
    return "was edited"


def _links(account_id: str) -> Iterator[Link]:
    # SQLite takes anything for text: it is read as bytes, so that nothing can hide in it.
    texts = [f"CAST({name} AS BLOB)" for name in TEXTS] if on_sqlite() else TEXTS
    sql = (
        f"SELECT sequence, {', '.join(texts)} FROM events "  # noqa: S608 names of columns
        f"WHERE account_id = ? AND sequence > ? ORDER BY sequence LIMIT {ROWS_PER_READ}"
    ).replace("?", db.param)
    after: Any = 0
    while rows := db.execute_sql(sql, (account_id, after)).fetchall():
        for after, *columns in rows:
            yield Link(account_id, after, *map(_text, columns))


def _text(column: Any) -> str:
    if isinstance(column, bytes):
        return column.decode(errors="surrogateescape")
    return column if isinstance(column, str) else str(_INSTANT.db_value(column))
