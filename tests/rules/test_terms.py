"""Where terms begin and end (R24), and how much of one is left (R17)."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from math import ceil, gcd
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.rules.terms import (
    Interval,
    billing_periods,
    boundary,
    notice_at,
    share_left,
    term,
    term_at,
)

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
# Whole, half and quarter hours, both hemispheres, and shifts of half an hour.
ZONES = [
    UTC,
    BERLIN,
    NEW_YORK,
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("Asia/Kathmandu"),
    ZoneInfo("Pacific/Apia"),
]
MONTHS = {Interval.MONTH: 1, Interval.YEAR: 12}

# Four years have a leap day, and every weekday and shift of the clocks in them.
anchors = st.timedeltas(timedelta(0), timedelta(days=4 * 365 + 1)).map(
    lambda after: datetime(2023, 1, 1, tzinfo=UTC) + after
)
intervals = st.sampled_from(Interval)
counts = st.integers(1, 36)
zones = st.sampled_from(ZONES)
patiently = settings(deadline=None)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _in(zone: tzinfo, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def _walked(anchor: datetime, months: int, zone: tzinfo) -> datetime:
    """The slow way: month after month on the wall calendar."""
    if months == 0:
        return anchor
    local = anchor.astimezone(zone)
    year, month = local.year, local.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    day = min(local.day, monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day, fold=0).astimezone(UTC)


@pytest.mark.parametrize(
    ("interval", "count", "number", "end"),
    [
        pytest.param("month", 1, 0, "2024-01-31 12:00", id="the anchor itself"),
        pytest.param("month", 1, 1, "2024-02-29 12:00", id="a leap day"),
        pytest.param("month", 1, 2, "2024-03-31 12:00", id="the 31st again"),
        pytest.param("month", 1, 3, "2024-04-30 12:00", id="a month of 30 days"),
        pytest.param("month", 1, 13, "2025-02-28 12:00", id="a February without a leap day"),
        pytest.param("month", 3, 2, "2024-07-31 12:00", id="quarters"),
        pytest.param("year", 1, 1, "2025-01-31 12:00", id="a year"),
        pytest.param("year", 2, 3, "2030-01-31 12:00", id="terms of two years"),
    ],
)
def test_r24_terms_end_whole_intervals_after_the_anchor(
    interval: str, count: int, number: int, end: str
) -> None:
    anchor = _utc("2024-01-31 12:00")

    found = boundary(anchor, Interval(interval), count, number, UTC)

    assert found == _utc(end)


def test_r24_a_leap_day_comes_back_every_four_years() -> None:
    anchor = _utc("2024-02-29 00:00")

    ends = [boundary(anchor, Interval.YEAR, 1, n, UTC).strftime("%m-%d") for n in range(1, 5)]

    assert ends == ["02-28", "02-28", "02-28", "02-29"]


@pytest.mark.parametrize(
    ("zone", "anchor", "end"),
    [
        pytest.param(
            BERLIN, "2024-02-15 09:00", _utc("2024-03-15 08:00"), id="the same hour in winter"
        ),
        pytest.param(
            BERLIN, "2024-03-15 09:00", _utc("2024-04-15 07:00"), id="the same hour in summer"
        ),
        pytest.param(
            BERLIN, "2024-02-29 02:30", _utc("2024-03-29 01:30"), id="the day before the gap"
        ),
        pytest.param(
            BERLIN, "2024-02-29 23:30", _utc("2024-03-29 22:30"), id="a day that is another in UTC"
        ),
        pytest.param(
            BERLIN,
            "2024-03-01 00:30",
            _utc("2024-03-31 22:30"),
            id="a month that is another in UTC",
        ),
        pytest.param(
            BERLIN,
            "2023-02-26 02:30",
            _in(BERLIN, "2023-03-26 03:30"),
            id="a time that does not exist",
        ),
        pytest.param(
            BERLIN, "2023-09-29 02:30", _utc("2023-10-29 00:30"), id="a time that comes twice"
        ),
        pytest.param(
            NEW_YORK, "2024-02-10 02:15", _in(NEW_YORK, "2024-03-10 03:15"), id="a gap elsewhere"
        ),
    ],
)
def test_r24_terms_follow_the_calendar_of_the_account(
    zone: tzinfo, anchor: str, end: datetime
) -> None:
    started = _in(zone, anchor)

    found = boundary(started, Interval.MONTH, 1, 1, zone)

    assert found == end
    assert found.tzinfo is UTC


def test_r24_an_anchor_in_the_second_of_two_equal_hours_is_kept() -> None:
    anchor = datetime(2023, 10, 29, 2, 30, fold=1, tzinfo=BERLIN)

    first = term(anchor, Interval.MONTH, 1, 1, BERLIN)

    assert (first.starts_at, first.ends_at) == (_utc("2023-10-29 01:30"), _utc("2023-11-29 01:30"))


@patiently
@given(anchor=anchors, interval=intervals, count=counts, number=st.integers(0, 30), zone=zones)
def test_r24_a_term_ends_where_walking_month_by_month_leads(
    anchor: datetime, interval: Interval, count: int, number: int, zone: tzinfo
) -> None:
    months = MONTHS[interval] * count * number

    found = boundary(anchor, interval, count, number, zone)

    assert found == _walked(anchor, months, zone)


@patiently
@given(anchor=anchors, interval=intervals, count=counts, number=st.integers(1, 30), zone=zones)
def test_r24_terms_leave_no_gap_and_do_not_overlap(
    anchor: datetime, interval: Interval, count: int, number: int, zone: tzinfo
) -> None:
    this = term(anchor, interval, count, number, zone)

    following = term(anchor, interval, count, number + 1, zone)

    assert this.starts_at < this.ends_at == following.starts_at


@patiently
@given(
    anchor=anchors,
    interval=intervals,
    count=st.integers(1, 6),
    after=st.timedeltas(timedelta(days=-40), timedelta(days=1500)),
    zone=zones,
    clock=zones,
)
def test_r24_the_term_at_an_instant_is_the_one_that_counting_finds(
    anchor: datetime,
    interval: Interval,
    count: int,
    after: timedelta,
    zone: tzinfo,
    clock: tzinfo,
) -> None:
    now = anchor + after
    number = 1
    while _walked(anchor, MONTHS[interval] * count * number, zone) <= now:
        number += 1

    found = term_at(anchor, interval, count, zone, now.astimezone(clock))

    assert found == term(anchor, interval, count, number, zone)


@patiently
@given(anchor=anchors, interval=intervals, count=counts, number=st.integers(1, 30), zone=zones)
def test_r24_the_end_of_a_term_belongs_to_the_next(
    anchor: datetime, interval: Interval, count: int, number: int, zone: tzinfo
) -> None:
    this = term(anchor, interval, count, number, zone)

    last = term_at(anchor, interval, count, zone, this.ends_at - timedelta(microseconds=1))
    at_the_end = term_at(anchor, interval, count, zone, this.ends_at)

    assert (last.number, at_the_end.number) == (number, number + 1)


class _Counting(tzinfo):
    """UTC, counting how often it is asked."""

    asked = 0

    def utcoffset(self, when: datetime | None) -> timedelta:
        self.asked += 1
        return timedelta(0)

    def dst(self, when: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, when: datetime | None) -> str:
        return "UTC"


def test_r24_a_far_term_is_found_without_counting_to_it() -> None:
    zone = _Counting()

    found = term_at(_utc("1970-01-31 00:00"), Interval.MONTH, 1, zone, _utc("2370-01-31 00:00"))

    assert found.number == 4801
    assert zone.asked < 100


@pytest.mark.parametrize(
    ("now", "share"),
    [
        pytest.param("2026-03-01 00:00", (1, 1, 31, 31), id="all of it at the start"),
        pytest.param("2026-02-01 00:00", (1, 1, 31, 31), id="never more than all"),
        pytest.param("2026-03-16 12:00", (1, 2, 16, 31), id="half, and a day that has begun"),
        pytest.param("2026-03-31 00:00", (1, 31, 1, 31), id="the last day"),
        pytest.param("2026-03-31 23:00", (1, 744, 1, 31), id="the last hour"),
        pytest.param("2026-04-01 00:00", (0, 1, 0, 31), id="nothing at the end"),
        pytest.param("2026-05-01 00:00", (0, 1, 0, 31), id="never less than nothing"),
    ],
)
def test_r17_the_share_that_is_left_is_exact(now: str, share: tuple[int, int, int, int]) -> None:
    starts_at, ends_at = _utc("2026-03-01 00:00"), _utc("2026-04-01 00:00")

    left = share_left(starts_at, ends_at, _utc(now))

    assert (left.numerator, left.denominator, left.days_left, left.days_in_term) == share


def test_r17_a_term_with_a_lost_hour_still_counts_its_days_whole() -> None:
    starts_at, ends_at = _in(BERLIN, "2026-03-01 00:00"), _in(BERLIN, "2026-04-01 00:00")

    left = share_left(starts_at, ends_at, starts_at)

    assert (left.days_left, left.days_in_term) == (31, 31)


@given(
    starts_at=anchors,
    whole=st.timedeltas(timedelta(microseconds=1), timedelta(days=1100)),
    passed=st.timedeltas(timedelta(days=-10), timedelta(days=1200)),
)
def test_r17_the_share_is_the_reduced_fraction_of_the_terms_microseconds(
    starts_at: datetime, whole: timedelta, passed: timedelta
) -> None:
    left_of_it = min(max(_micro(whole - passed), 0), _micro(whole))
    exact = Fraction(left_of_it, _micro(whole))

    left = share_left(starts_at, starts_at + whole, starts_at + passed)

    assert gcd(left.numerator, left.denominator) == 1
    assert Fraction(left.numerator, left.denominator) == exact
    assert left.days_left == ceil(Fraction(left_of_it, _micro(timedelta(days=1))))
    assert left.days_in_term == ceil(Fraction(_micro(whole), _micro(timedelta(days=1))))


@given(
    starts_at=anchors,
    whole=st.timedeltas(timedelta(microseconds=1), timedelta(days=400)),
    moments=st.tuples(*[st.timedeltas(timedelta(days=-1), timedelta(days=500))] * 2).map(sorted),
)
def test_r17_as_time_passes_no_more_is_left(
    starts_at: datetime, whole: timedelta, moments: list[timedelta]
) -> None:
    ends_at = starts_at + whole

    earlier, later = (share_left(starts_at, ends_at, starts_at + moment) for moment in moments)

    assert Fraction(later.numerator, later.denominator) <= Fraction(
        earlier.numerator, earlier.denominator
    )
    assert later.days_left <= earlier.days_left


def _micro(span: timedelta) -> int:
    return span // timedelta.resolution


@pytest.mark.parametrize(
    ("interval", "count", "billed", "billed_count", "periods"),
    [
        pytest.param("year", 1, "month", 1, 12, id="a year by the month"),
        pytest.param("year", 2, "month", 3, 8, id="two years by the quarter"),
        pytest.param("year", 2, "year", 1, 2, id="two years by the year"),
        pytest.param("month", 6, "month", 6, 1, id="all at once"),
        pytest.param("month", 6, "month", 4, 0, id="periods that do not fill the term"),
        pytest.param("month", 6, "year", 1, 0, id="a period that is longer than the term"),
    ],
)
def test_r24_a_term_is_billed_in_as_many_periods_as_fill_it_exactly(
    interval: str, count: int, billed: str, billed_count: int, periods: int
) -> None:
    found = billing_periods(Interval(interval), count, Interval(billed), billed_count)

    assert found == periods


def test_r24_a_renewal_is_told_some_days_before_but_not_before_its_term_begins() -> None:
    starts_at, ends_at = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)

    assert notice_at(starts_at, ends_at, 7) == datetime(2026, 4, 24, tzinfo=UTC)
    assert notice_at(starts_at, ends_at, 60) == starts_at
