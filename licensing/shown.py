"""
Columns as the API shows them: the database itself writes the instants as the text of an answer.

Only for rows that are looked at. To make instants of what the database keeps, and text of those
again, took two thirds of the time of a page.
"""

from collections.abc import Iterable
from typing import Any

from peewee import SQL, fn

from licensing.db import on_sqlite
from licensing.models import InstantField

# As `clock.to_text` writes it.
PATTERN = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'


def as_shown(columns: Iterable[Any]) -> list[Any]:
    """The columns, with each instant among them as text; for a statement that is compiled."""
    return [
        _text(column).alias(column.name) if isinstance(column, InstantField) else column
        for column in columns
    ]


def _text(column: Any) -> Any:
    if on_sqlite():
        return fn.SUBSTR(column, 1, 10).concat("T").concat(fn.SUBSTR(column, 12, 12)).concat("Z")
    in_utc = fn.timezone("UTC", column)
    return fn.to_char(in_utc, SQL(f"'{PATTERN}'"))
