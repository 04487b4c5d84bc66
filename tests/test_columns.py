"""Our fields write into statements what Peewee's own would."""

from collections.abc import Callable
from typing import Any

import peewee
import pytest

from licensing import columns, db


def _table(fields: Any, name: str) -> Any:
    """A table of these fields; the same one whosever fields they are."""

    class Table(peewee.Model):
        id = fields.TextField(primary_key=True)
        number = fields.IntegerField(null=True)
        total = fields.BigIntegerField(column_name="sum")
        good = fields.BooleanField()

        class Meta:
            database = db.db
            table_name = name

    return Table


def _updated(one: Any, _: Any) -> Any:
    more = one.update(number=one.number + 1, total=one.total - one.number)
    return more.where(one.good & (one.total - one.number >= 1)).returning(one)


def _replaced(one: Any, _: Any) -> Any:
    row = one.insert(id="a", number=1, total=2, good=True)
    return row.on_conflict(
        conflict_target=[one.id], update={one.number: one.number + peewee.EXCLUDED.number}
    )


def _joined(one: Any, other: Any) -> Any:
    joined = one.select(one, other.total.alias("of_the_other"))
    joined = joined.join(other, peewee.JOIN.LEFT_OUTER, on=(other.id == one.id), attr="other")
    return joined.where(other.number.is_null() | (one.number < other.number)).order_by(-one.total)


def _joined_with_itself(one: Any, _: Any) -> Any:
    again = one.alias()
    return one.select(one.id, again.id).join(again, on=(again.number == one.number))


def _with_others_in_it(one: Any, other: Any) -> Any:
    same = other.select(peewee.fn.MAX(other.total)).where(other.id == one.id)
    return one.select(one.id, same.alias("most")).where(
        one.id.in_(other.select(other.id).where(other.good)),
        peewee.fn.EXISTS(other.select().where(other.number == one.number)),
    )


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(lambda one, _: one.select().where(one.id == "a"), id="select"),
        pytest.param(
            lambda one, _: one.select(one.good, peewee.fn.COUNT(one.id)).group_by(one.good),
            id="count",
        ),
        pytest.param(lambda one, _: one.delete().where(one.number.in_([1, 2])), id="delete"),
        pytest.param(lambda one, _: one.insert(id="a", number=1, total=2, good=True), id="insert"),
        pytest.param(_updated, id="update"),
        pytest.param(_replaced, id="on conflict"),
        pytest.param(_joined, id="join"),
        pytest.param(_joined_with_itself, id="join with itself"),
        pytest.param(_with_others_in_it, id="queries within a query"),
    ],
)
def test_a_statement_reads_as_peewee_writes_it(statement: Callable[[Any, Any], Any]) -> None:
    ours, theirs = (
        statement(_table(fields, "one"), _table(fields, "other")) for fields in (columns, peewee)
    )

    assert ours.sql() == theirs.sql()
