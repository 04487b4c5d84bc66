"""What moves with an account from one database to another, and how its rows are written down."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from licensing import models
from licensing.columns import BigIntegerField, BooleanField, Field, IntegerField
from licensing.db import db, on_sqlite
from licensing.models import InstantField, JsonField, Row

ROWS_PER_READ = 500
VERSION = 1
# What is sealed in each file, to find out whether whoever reads it has the secret key.
SEALED = "exports"
_INSTANT = InstantField()


@dataclass(frozen=True)
class Portable:
    """
    A table whose rows move.

    Attributes:
        table: the table.
        of_account: the condition for the rows of one account; None where rows belong to no account,
            and move only with all of them.
    """

    table: type[Row]
    of_account: Callable[[str], Any] | None = None

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.table._meta.table_name)

    @property
    def fields(self) -> dict[str, Field]:
        """Its columns, by name."""
        return {field.column_name: field for field in self.table._meta.sorted_fields}

    def rows(self, account_id: str | None) -> Any:
        """A query for the rows that move with an account, or with all for None."""
        query: Any = self.table.select()
        if account_id is None:
            return query
        return query.where(False if self.of_account is None else self.of_account(account_id))

    def written(self, account_id: str | None) -> Iterator[dict[str, Any]]:
        """The rows of that query as they are written down, in the same order on all databases."""
        query = self.rows(account_id).order_by(*self._order())
        fields = self.fields
        for row in _streamed(*query.sql()):
            yield {
                name: _written(field, value)
                for (name, field), value in zip(fields.items(), row, strict=True)
            }

    def _order(self) -> Iterator[Any]:
        meta: Any = self.table._meta
        for field in meta.get_primary_keys():
            yield field if on_sqlite() or _is_number(field) else field.collate('"C"')


_others: dict[str, tuple[Portable, ...]] = {}


def also(name: str, tables: tuple[Portable, ...]) -> None:
    """Have the rows of another package move, too, after those that are known; once per name."""
    _others[name] = tables


def tables() -> list[Portable]:
    """All tables whose rows move, each after those that it names."""
    return [*OURS, *(portable for others in _others.values() for portable in others)]


def _by_column(table: Any) -> Portable:
    return Portable(table, lambda account_id: table.account_id == account_id)


def _ours(table: Any) -> Portable:
    if table is models.TestClock:
        return Portable(table)
    if table is models.Account:
        return Portable(table, lambda account_id: models.Account.id == account_id)
    return _by_column(table)


OURS = tuple(_ours(table) for table in models.TABLES)


def _streamed(sql: str, parameters: Any) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, few at a time; PostgreSQL would give all of them at once."""
    if on_sqlite():
        yield from db.execute_sql(sql, parameters)
        return
    db.execute_sql(f"DECLARE moving NO SCROLL CURSOR FOR {sql}", parameters)
    while rows := db.execute_sql(f"FETCH {ROWS_PER_READ} FROM moving").fetchall():
        yield from rows
    db.execute_sql("CLOSE moving")


def _written(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(field, InstantField):
        return _INSTANT.db_value(_INSTANT.python_value(value))
    return bool(value) if isinstance(field, BooleanField) else value


def _is_number(field: Field) -> bool:
    return isinstance(field, IntegerField | BigIntegerField | BooleanField | InstantField)


def is_sound(field: Field, value: Any) -> bool:
    """Whether a value that was written down can be one of a column."""
    if value is None:
        return bool(field.null)
    if isinstance(field, BooleanField):
        return isinstance(value, bool)
    if isinstance(field, BigIntegerField | IntegerField):
        bits = 63 if isinstance(field, BigIntegerField) else 31
        return type(value) is int and -(2**bits) <= value < 2**bits
    if not isinstance(value, str) or "\0" in value or not _is_utf8(value):
        return False
    return _is_instant(value) if isinstance(field, InstantField) else _is_text(field, value)


def _is_utf8(value: str) -> bool:
    return value == value.encode(errors="replace").decode()


def _is_instant(value: str) -> bool:
    try:
        return _INSTANT.db_value(datetime.fromisoformat(value)) == value
    except ValueError:
        return False


def _is_text(field: Field, value: str) -> bool:
    if not isinstance(field, JsonField):
        return True
    try:
        field.python_value(value)
    except (ValueError, RecursionError):
        return False
    return True
