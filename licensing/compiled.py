"""
Statements that are put together once: written as Peewee expressions, and then only run.

    @compiled
    def _user(account_id: Any, id: Any) -> Any:
        return User.select().where(User.account_id == account_id, User.id == id)

    _user.model(account.id, "usr_1")        a User, or None

Peewee writes a statement anew each time it runs, and finds out anew what its rows are made of. That
took half of all the processor time of a command, and two thirds of that of a read. Here the
function is called once with placeholders for its arguments; what a later call costs is the
database's work.

What changes the text makes another statement: an argument that is a tuple has a placeholder for
each of its members, and None comes as it is, so that a condition can be left out.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import orjson
from peewee import Alias, Field, Value

from licensing.columns import BooleanField
from licensing.db import db, on_sqlite
from licensing.models import InstantField, JsonField

# Of statements for tuples of up to so many members, so many are kept; and those of one length more,
# that of the parts of what is longer. To put one together takes longer than to run it.
LONGEST_KEPT = 64
MOST_KEPT = 64
LARGEST_PART = 500
_GIVEN, _NONE = "given", "none"

R = TypeVar("R")

_kept_instant = InstantField().db_value
_kept_json = JsonField().db_value
# What fields make of a value on its way into the database; all others go as they are.
_KEPT: dict[type, Callable[[Any], Any]] = {
    datetime: _kept_instant,
    dict: _kept_json,
    list: _kept_json,
}


class _Place:
    """Where the value with this number goes."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Ready(NamedTuple):
    """
    A statement of one database, for arguments of one shape.

    Attributes:
        sql: its text.
        order: the numbers of the values, in the order of the text.
        in_order: whether they have that order already.
        row, rows, model, models: make what is returned of a row of the database, or of several.
    """

    sql: str
    order: list[int]
    in_order: bool
    row: Callable[[Any], Any]
    rows: Callable[[list[Any]], list[Any]]
    model: Callable[[Any], Any]
    models: Callable[[list[Any]], list[Any]]


class _Plain(NamedTuple):
    """The same for arguments of certain types, none of them a tuple: what most calls have."""

    ready: _Ready
    pick: Callable[[tuple[Any, ...]], Sequence[Any]]
    conversions: list[tuple[int, Callable[[Any], Any]]]


class Statement:
    """A statement that is put together once for each database and each shape of its arguments."""

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build
        self.__doc__ = build.__doc__
        self._kept = lru_cache(MOST_KEPT)(self._put_together)
        self._plain: dict[tuple[type, ...], _Plain] = {}

    def query(self, *values: Any) -> Any:
        """The query for these values, to be changed before it is run: it is written anew."""
        return self._build(*values)

    # `db.obj`: to go through the handle took a third of what it takes to ask for a row.
    def run(self, *values: Any) -> Any:
        """Run it; returns the driver's cursor, which knows how many rows it has changed."""
        ready, bound = self._ready(values)
        return db.obj.execute_sql(ready.sql, bound)

    def rows(self, *values: Any) -> list[Any]:
        """What it returns, to be looked at only: named tuples."""
        ready, bound = self._ready(values)
        return ready.rows(db.obj.execute_sql(ready.sql, bound).fetchall())

    def row(self, *values: Any) -> Any:
        """The first of them, None where there is none."""
        ready, bound = self._ready(values)
        found = db.obj.execute_sql(ready.sql, bound).fetchone()
        return None if found is None else ready.row(found)

    def models(self, *values: Any) -> list[Any]:
        """What it returns, as rows of the one table whose columns these are."""
        ready, bound = self._ready(values)
        return ready.models(db.obj.execute_sql(ready.sql, bound).fetchall())

    def model(self, *values: Any) -> Any:
        """The first of them, None where there is none."""
        ready, bound = self._ready(values)
        found = db.obj.execute_sql(ready.sql, bound).fetchone()
        return None if found is None else ready.model(found)

    def _ready(self, values: tuple[Any, ...]) -> tuple[_Ready, Sequence[Any]]:
        types = (db.obj.__class__, *map(type, values))
        plain = self._plain.get(types)
        if plain is None:
            return self._ready_for_any(values, types)
        bound = plain.pick(values)
        if plain.conversions:
            bound = list(bound)
            for number, convert in plain.conversions:
                bound[number] = convert(bound[number])
        return plain.ready, bound

    def _ready_for_any(
        self, values: tuple[Any, ...], types: tuple[type, ...]
    ) -> tuple[_Ready, Sequence[Any]]:
        shape = tuple([_shape(value) for value in values])
        keep = self._kept if _is_kept(shape) else self._put_together
        ready: _Ready = keep(on_sqlite(), shape)
        if tuple not in types:
            self._plain[types] = _for_types(ready, types[1:])
        known = _flat(values)
        # One look at all of them, since hardly any tuple holds something that is to be converted.
        if not _KEPT.keys().isdisjoint(map(type, known)):
            known = [kept(v) if (kept := _KEPT.get(v.__class__)) else v for v in known]
        return ready, known if ready.in_order else [known[number] for number in ready.order]

    def _put_together(self, _on_sqlite: bool, shape: tuple[Any, ...]) -> _Ready:
        numbers = iter(range(10**6))
        query = self._build(*(_places(one, numbers) for one in shape))
        sql, parameters = db.get_sql_context().sql(query).query()
        sql = _with_constants(sql, parameters)
        order = [value.number for value in parameters if isinstance(value, _Place)]
        columns = list(query._returning or ())
        in_order = order == list(range(next(numbers)))
        return _Ready(
            sql, order, in_order, *_as_tuples(query, columns), *_as_models(query, columns)
        )


def compiled(build: Callable[..., Any]) -> Statement:
    """The statement that a function writes, from placeholders for its arguments."""
    return Statement(build)


def in_parts(rows: Sequence[R], most: int = LARGEST_PART) -> Iterator[Sequence[R]]:
    """
    The rows in parts of at most so many: what statements are kept for.

    Not Peewee's `chunked`, which fills each part up first, and so takes longer for the few rows of
    a command than the database does.
    """
    start = 0
    for size in (most, LONGEST_KEPT):
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
    if start < len(rows):
        yield rows[start:]


def _shape(value: Any) -> Any:
    """What of an argument is a part of the text: whether there is one, how long a tuple is."""
    if value is None:
        return _NONE
    if value.__class__ is not tuple:
        return _GIVEN
    inner = value[0] if value else None
    return len(value), len(inner) if inner.__class__ is tuple else None


def _is_kept(shape: tuple[Any, ...]) -> bool:
    return all(
        one.__class__ is str or one[0] <= LONGEST_KEPT or one[0] == LARGEST_PART for one in shape
    )


def _flat(values: Iterable[Any]) -> list[Any]:
    """The values that have a placeholder, tuple by tuple."""
    flat: list[Any] = []
    for value in values:
        if value.__class__ is not tuple:
            if value is not None:
                flat.append(value)
        elif value and value[0].__class__ is tuple:
            flat.extend(chain.from_iterable(value))
        else:
            flat.extend(value)
    return flat


def _places(shape: Any, numbers: Iterator[int]) -> Any:
    """What a function gets in place of an argument of a shape."""
    if shape is _NONE:
        return None
    if shape is _GIVEN:
        # Not converted: what it stands for was, before it came.
        return Value(_Place(next(numbers)), converter=False)
    length, inner = shape
    member = _GIVEN if inner is None else (inner, None)
    return tuple(_places(member, numbers) for _ in range(length))


def _with_constants(sql: str, parameters: list[Any]) -> str:
    """
    The text with what is the same in each call written into it.

    SQLite plans a statement anew for each call where an index holds only rows with some value, and
    that value is a parameter; PostgreSQL does not take such an index at all once it has one plan
    for all calls.
    """
    first, *others = sql.split(db.param)
    written = [db.param if isinstance(p, _Place) else _literal(p) for p in parameters]
    return first + "".join(chain.from_iterable(zip(written, others, strict=True)))


def _literal(constant: Any) -> str:
    if constant is None:
        return "NULL"
    if constant.__class__ is int:
        return str(constant)
    if isinstance(constant, str) and not set(constant) & set("'%?"):
        return f"'{constant}'"
    raise TypeError(f"{constant!r} has to be an argument of the statement")


def _for_types(ready: _Ready, types: tuple[type, ...]) -> _Plain:
    # None has no place in the text; what has one counts without it.
    given = [number for number, kind in enumerate(types) if kind is not type(None)]
    order = [given[number] for number in ready.order]
    conversions = [
        (place, _KEPT[types[number]])
        for place, number in enumerate(order)
        if types[number] in _KEPT
    ]
    return _Plain(ready, _picker(order), conversions)


def _picker(order: list[int]) -> Callable[[tuple[Any, ...]], Sequence[Any]]:
    if len(order) > 1:
        return itemgetter(*order)
    return lambda values: [values[number] for number in order]


def _conversions(query: Any, columns: list[Any]) -> list[tuple[int, Callable[[Any], Any]]]:
    """The columns whose values are not used as the driver gives them."""
    found = []
    for number, column in enumerate(columns):
        field = column.unwrap()
        if getattr(field, "_converter", None) is not None:
            found.append((number, field._converter))
        elif isinstance(field, Field) and (
            type(field).python_value is not Field.python_value or field.adapt is bool
        ):
            # What another table is joined to may lack any column of it.
            is_there = field.model is getattr(query, "model", None) and not field.null
            found.append((number, _conversion(field) if is_there else field.python_value))
    return found


def _conversion(field: Field) -> Callable[[Any], Any]:
    """What makes the value of what the driver gives, which is something, at once if it can."""
    at_once: dict[type, Callable[[Any], Any]] = {BooleanField: bool, JsonField: orjson.loads}
    if on_sqlite():
        # PostgreSQL's driver has made an instant of it, if in the zone of the connection.
        at_once[InstantField] = datetime.fromisoformat
    return at_once.get(type(field), field.python_value)


def _name(column: Any) -> str:
    """The name of a field, or the alias of an expression or of a query within the query."""
    name: str = column.name if isinstance(column, Field | Alias) else column._alias
    return name


def _row_of(names: list[str]) -> Any:
    row: Any = namedtuple("Row", names)  # type: ignore[misc]
    return row


def _as_tuples(
    query: Any, columns: list[Any]
) -> tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]]]:
    """What makes a named tuple of a row, and what makes them of several."""
    names = [_name(column) for column in columns]
    # Straight to the tuple: `_make` would count the columns of each row once more.
    make: Callable[[Any], Any] = partial(tuple.__new__, _row_of(names))
    conversions = _conversions(query, columns)

    def made(row: Any) -> Any:
        values = list(row)
        for number, convert in conversions:
            values[number] = convert(values[number])
        return make(values)

    def all_made(rows: list[Any]) -> list[Any]:
        return [*map(make, _converted(rows, conversions))]

    return made if conversions else make, all_made


def _as_models(
    query: Any, columns: list[Any]
) -> tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]]]:
    """The same for rows of the one table that the query is about."""
    model: Any = getattr(query, "model", None)
    names = [_name(column) for column in columns]
    conversions = _conversions(query, columns)

    def made(row: Any) -> Any:
        one = model(__no_default__=1)
        one.__data__ = dict(zip(names, row, strict=True))
        return one

    def made_of_one(row: Any) -> Any:
        values = list(row)
        for number, convert in conversions:
            values[number] = convert(values[number])
        return made(values)

    return made_of_one, lambda rows: [*map(made, _converted(rows, conversions))]


def _converted(
    rows: list[Any], conversions: list[tuple[int, Callable[[Any], Any]]]
) -> Iterable[Any]:
    """The rows with what is used of them, column by column: half as long as row by row."""
    if not conversions or not rows:
        return rows
    by_column: list[Iterable[Any]] = [*zip(*rows, strict=True)]
    for number, convert in conversions:
        by_column[number] = map(convert, by_column[number])
    return zip(*by_column, strict=True)
