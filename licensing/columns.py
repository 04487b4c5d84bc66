"""
Peewee's fields, which write their own names into a statement.

Peewee makes three objects of each mention of a column, and a new scope, to come to the same text.
A command mentions some hundred, so that this is a quarter of all its time.
"""

from typing import TYPE_CHECKING, Any

import peewee

__all__ = ["BigIntegerField", "BooleanField", "Field", "IntegerField", "TextField"]

if TYPE_CHECKING:  # what they hold is said by Peewee's own types
    from peewee import BigIntegerField, BooleanField, Field, IntegerField, TextField
else:

    class Field(peewee.Field):
        """A column; Peewee's own `Field.__sql__` says the same, in more steps."""

        def __sql__(self, ctx: Any) -> Any:
            """The name; where there may be several tables, after the alias of its own."""
            name = f'"{self.column_name}"'
            if ctx.state.scope == peewee.SCOPE_VALUES:
                return ctx.literal(name)
            return ctx.literal(f'"{ctx.alias_manager[self.model._meta.table]}".{name}')

    class BigIntegerField(Field, peewee.BigIntegerField):
        """Large integers."""

    class BooleanField(Field, peewee.BooleanField):
        """Yes or no."""

    class IntegerField(Field, peewee.IntegerField):
        """Integers."""

    class TextField(Field, peewee.TextField):
        """Text."""
