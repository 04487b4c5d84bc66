"""
Days, weeks and months as an account sees them (R24): in its time zone, with days of 23 or 25 hours.

A day begins at midnight; where there is no midnight, at the first instant after the gap, and where
there are two, at the first of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from fractions import Fraction

from dateutil.relativedelta import relativedelta
from dateutil.tz import resolve_imaginary

SECOND = timedelta(seconds=1)
MOST_POINTS = 1000
LONGEST_PERIOD = timedelta(days=1100)


class Step(StrEnum):
    """How far the points of a chart lie apart."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def span(self) -> relativedelta:
        """From the beginning of one to that of the next."""
        return {
            Step.DAY: relativedelta(days=1),
            Step.WEEK: relativedelta(weeks=1),
            Step.MONTH: relativedelta(months=1),
        }[self]

    def first_day(self, day: date) -> date:
        """The first day of the week (a Monday) or month that `day` is in; the day itself."""
        if self is Step.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Step.MONTH else day


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """The instant at which a day begins in a time zone, in UTC."""
    return resolve_imaginary(datetime.combine(day, time(), zone)).astimezone(UTC)


def points(starts_at: datetime, ends_at: datetime, step: Step, zone: tzinfo) -> list[datetime]:
    """
    The instants of a chart: both ends, and each beginning of a day, week or month between them.

    One more than `MOST_POINTS` where there are more than that.
    """
    if ends_at < starts_at:
        return []
    found = [starts_at]
    for instant in _beginnings(starts_at, step, zone):
        if instant >= ends_at or len(found) > MOST_POINTS:
            break
        found.append(instant)
    return found if ends_at == starts_at else [*found, ends_at]


def _beginnings(after: datetime, step: Step, zone: tzinfo) -> Iterator[datetime]:
    first = step.first_day(after.astimezone(zone).date())
    number = 0
    last = after
    while True:
        instant = start_of_day(first + step.span * number, zone)
        if instant > last:
            yield instant
            last = instant
        number += 1


@dataclass(frozen=True)
class Stretch:
    """A part of a period whose days are all equally long: so many seconds each."""

    starts_at: datetime
    ends_at: datetime
    seconds_in_day: int


def stretches(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> list[Stretch]:
    """
    A period, divided where the length of its days changes: at most a few times a year.

    Both bounds are taken down to the second.
    """
    starts_at, ends_at = (t.replace(microsecond=0) for t in (starts_at, ends_at))
    found: list[Stretch] = []
    day = start_of_day(starts_at.astimezone(zone).date(), zone)
    for following in _beginnings(day, Step.DAY, zone):
        length = (following - day) // SECOND
        if found and found[-1].seconds_in_day == length:
            found[-1] = Stretch(found[-1].starts_at, min(following, ends_at), length)
        elif day < ends_at:
            found.append(Stretch(max(day, starts_at), min(following, ends_at), length))
        if following >= ends_at:
            break
        day = following
    return found


def days(seconds: dict[int, int]) -> Fraction:
    """So many seconds in days of each length, in days: a whole day is one, however long it is."""
    return sum((Fraction(part, length) for length, part in seconds.items()), Fraction())


def to_four_places(exact: Fraction) -> str:
    """A number that is not negative as a decimal with four places, halves up."""
    parts = (2 * exact.numerator * 10_000 + exact.denominator) // (2 * exact.denominator)
    return f"{parts // 10_000}.{parts % 10_000:04d}"
