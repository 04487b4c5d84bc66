"""Counting what is asked of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from licensing.db import db


@dataclass
class Asked:
    """
    What was asked of the database.

    Attributes:
        statements: with their parameters; not those that begin and end transactions.
        commits: how many transactions were committed.
    """

    statements: list[tuple[str, Any]] = field(default_factory=list)
    commits: int = 0


@contextmanager
def asked() -> Iterator[Asked]:
    """What is asked of the database inside the block, by any thread."""
    seen, database = Asked(), db.obj
    commit = database.commit

    def hook(event: Any) -> None:
        seen.statements.append((event.sql, event.params))

    def count() -> None:
        seen.commits += 1
        commit()

    database.query_hooks.append(hook)
    database.commit = count
    try:
        yield seen
    finally:
        del database.commit
        database.query_hooks.remove(hook)
