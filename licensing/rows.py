"""Statements that find rows by their keys, or write new ones, for verbs and questions alike."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from licensing.compiled import Statement, compiled, in_parts
from licensing.models import Account, Row, Seat, User

R = TypeVar("R", bound=Row)


@compiled
def user(account_id: Any, id: Any) -> Any:
    """One user of an account."""
    return User.select().where(User.account_id == account_id, User.id == id)


@compiled
def seat(account_id: Any, id: Any) -> Any:
    """One held seat of an account."""
    return Seat.select().where(Seat.account_id == account_id, Seat.id == id)


@compiled
def seats_of(account_id: Any, user_ids: Any) -> Any:
    """The seats that some users hold, in no order: one would lead through the whole account."""
    return Seat.select().where(Seat.account_id == account_id, Seat.user_id.in_(user_ids))


def of_account(model: Any, account: Account) -> list[Any]:
    """All rows of a table that belong to an account, in the order of their ids."""
    return _all_of(model).models(account.id)


@cache
def _all_of(model: Any) -> Statement:
    return compiled(
        lambda account_id: model.select().where(model.account_id == account_id).order_by(model.id)
    )


def made(model: type[R], **columns: Any) -> R:
    """A new row with these columns; Peewee would set one after the other, which takes longer."""
    row = model(__no_default__=True)
    row.__data__ = columns
    return row


def insert(new: Sequence[Row]) -> None:
    """Write new rows, all of one table, many of them by one statement."""
    if not new:
        return
    statement, names = _insertion(type(new[0]))
    for part in in_parts(new):
        statement.run(tuple([tuple(map(row.__data__.get, names)) for row in part]))


@cache
def _insertion(model: type[Row]) -> tuple[Statement, list[str]]:
    """What writes rows of a table, and the names of its columns."""
    fields: list[Any] = list(model._meta.sorted_fields)
    return (
        compiled(lambda rows: model.insert_many(rows, fields=fields).as_rowcount()),
        [field.name for field in fields],
    )
