"""Instants and spans of time in SQL, where the two databases use different words."""

from datetime import datetime
from typing import Any

from peewee import SQL, Cast, NodeList, fn

from licensing.db import on_sqlite
from licensing.models import InstantField

_kept = InstantField()


def instant(value: datetime) -> Any:
    """An instant to be compared with columns of instants."""
    kept = _kept.db_value(value)
    return kept if on_sqlite() else Cast(kept, "TIMESTAMPTZ")


def later_of(one: Any, other: Any) -> Any:
    """The later of two instants, or the larger of two numbers."""
    return (fn.MAX if on_sqlite() else fn.GREATEST)(one, other)


def earlier_of(one: Any, other: Any) -> Any:
    """The earlier of two instants, or the smaller of two numbers."""
    return (fn.MIN if on_sqlite() else fn.LEAST)(one, other)


def second_of(moment: Any) -> Any:
    """The second that an instant lies in, counted from 1970: an integer."""
    if on_sqlite():
        return fn.UNIXEPOCH(moment)
    return Cast(fn.FLOOR(fn.EXTRACT(NodeList((SQL("EPOCH FROM"), moment)))), "BIGINT")
