"""Where terms begin and end (R24), and how much of one is left (R17)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from math import gcd

from dateutil.relativedelta import relativedelta
from dateutil.tz import resolve_imaginary

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)


class Interval(StrEnum):
    """The unit of a term."""

    MONTH = "month"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many months it has."""
        return 12 if self is Interval.YEAR else 1


@dataclass(frozen=True)
class Term:
    """A term: its number, which counts from 1, and its bounds; the end belongs to the next one."""

    number: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class TermShare:
    """
    How much of a term is left: an exact, reduced fraction, and the same in days.

    A day that has begun counts as a whole one.
    """

    numerator: int
    denominator: int
    days_left: int
    days_in_term: int


WHOLE = TermShare(1, 1, 0, 0)


def boundary(
    anchor: datetime, interval: Interval, count: int, number: int, zone: tzinfo
) -> datetime:
    """
    The instant at which term `number` ends: `number` intervals after the anchor, in UTC (R24).

    Always counted from the anchor in the calendar of `zone`, so 31 January gives 28 February and
    then 31 March. A local time that does not exist moves forward; of one that occurs twice, the
    first counts.
    """
    if number == 0:
        return anchor.astimezone(UTC)
    moved = anchor.astimezone(zone) + relativedelta(months=interval.months * count * number)
    return resolve_imaginary(moved.replace(fold=0)).astimezone(UTC)


def term(anchor: datetime, interval: Interval, count: int, number: int, zone: tzinfo) -> Term:
    """Term `number` (from 1) of a subscription: from one boundary to the next."""
    starts_at = boundary(anchor, interval, count, number - 1, zone)
    return Term(number, starts_at, boundary(anchor, interval, count, number, zone))


def term_at(anchor: datetime, interval: Interval, count: int, zone: tzinfo, now: datetime) -> Term:
    """The term that contains `now`; the first one where `now` lies before the anchor."""
    passed = relativedelta(now, anchor)
    months = passed.years * 12 + passed.months
    # The calendar difference is right up to the zone's offset, so the true term is next to it.
    number = max(1, months // (interval.months * count))
    found = term(anchor, interval, count, number, zone)
    while found.ends_at <= now:
        number += 1
        found = term(anchor, interval, count, number, zone)
    return found


def billing_periods(interval: Interval, count: int, billed: Interval, billed_count: int) -> int:
    """
    R24: how many billing periods of `billed_count` intervals a term has.

    A term is billed in equal parts; 0 where the periods do not fill it exactly.
    """
    term, period = interval.months * count, billed.months * billed_count
    return 0 if term % period else term // period


def notice_at(starts_at: datetime, ends_at: datetime, days: int) -> datetime:
    """R24: when the coming renewal is told: `days` before it, but not before the term begins."""
    return max(starts_at, ends_at - days * DAY)


def share_left(starts_at: datetime, ends_at: datetime, now: datetime) -> TermShare:
    """How much of the term is left at `now`: between all of it and nothing (R17)."""
    whole = ends_at - starts_at
    left = min(max(ends_at - now, timedelta(0)), whole)
    numerator, denominator = left // MICROSECOND, whole // MICROSECOND
    divisor = gcd(numerator, denominator)
    return TermShare(
        numerator // divisor, denominator // divisor, _begun_days(left), _begun_days(whole)
    )


def _begun_days(span: timedelta) -> int:
    return -(-span // DAY)
