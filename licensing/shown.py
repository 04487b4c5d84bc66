"""
Columns as the API shows them: instants as the text of an answer, without a datetime in between.

Only for rows that are looked at. To make instants of what the database keeps, and text of those
again, took two thirds of the time of a page.
"""

from collections.abc import Iterable
from typing import Any

from peewee import SQL, fn

from licensing.db import on_sqlite
from licensing.models import InstantField

# As `clock.to_text` writes it. What SQLite keeps has that many characters as far as milliseconds.
PATTERN = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
AS_FAR_AS_MILLISECONDS = 23


def as_shown(columns: Iterable[Any]) -> list[Any]:
    """The columns, with each instant among them as text; for a statement that is compiled."""
    return [
        _text(column).alias(column.name) if isinstance(column, InstantField) else column
        for column in columns
    ]


def _text(column: Any) -> Any:
    if on_sqlite():
        # That SQLite puts the letters in, too, took four times as long.
        return fn.SUBSTR(column, 1, AS_FAR_AS_MILLISECONDS).converter(_with_letters)
    in_utc = fn.timezone("UTC", column)
    return fn.to_char(in_utc, SQL(f"'{PATTERN}'"))


def _with_letters(kept: str | None) -> str | None:
    return kept and kept.replace(" ", "T") + "Z"
