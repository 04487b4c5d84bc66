"""Dates and instants in a query string: people ask for days, programs for instants."""

import re
from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError

from licensing.api.fields import EARLIEST, LATEST, Instant, Text

DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = Instant(description="An instant")


class Moment(Text):
    """A date, which is the beginning of that day in the account's time zone, or an instant."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max=40, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return _day(text) if DAY.fullmatch(text) else _instant(text)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValidationError("Not a date.") from None
    if not EARLIEST.date() <= day <= LATEST.date():
        raise ValidationError("Not a date between 2000 and 2100.")
    return day


def _instant(text: str) -> datetime:
    instant: datetime = _INSTANT.deserialize(text)
    return instant
