"""Seat-days: how long each user held seats of a type (R24, R29)."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from peewee import IntegrityError

from licensing import events
from licensing.db import db, transactional
from licensing.models import Event, SeatHolding
from licensing.operations import assigning, cancelling, users
from licensing.operations.deactivating import delete_user
from licensing.queries import seat_days
from licensing.queries.cursors import InvalidCursor, Window
from licensing.rules.refusals import PermissionDenied, Unacceptable
from tests.world import START, AnAccount, Hands, an_account

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


def held(account: AnAccount, first: Any = MARCH, last: Any = APRIL) -> dict[tuple[str, str], Any]:
    """The seat-days of everybody, by user and seat type, as exact fractions."""
    page = seat_days.seat_days(account.by, Window(limit=200), first, last)
    return {(item["user_id"], item["seat_type"]): exact(item) for item in page.items}


def exact(item: dict[str, Any]) -> Fraction:
    return Fraction(item["seat_days"]["numerator"], item["seat_days"]["denominator"])


def test_r29_a_day_is_one_and_a_part_of_it_that_part(hands: Hands) -> None:
    account = an_account()
    priya = account.user(seats=["core"])
    hands.move(hours=36)
    assigning.transfer_seat(account.by, account.seat(priya, "core"), account.user())
    hands.move(days=60)

    assert held(account)[priya, "core"] == Fraction(3, 2)
    assert held(account)[priya, "view_only"] == 31 - Fraction(9, 24) - 1 - Fraction(3, 2)
    assert held(account, START, START + timedelta(hours=12)) == {(priya, "core"): Fraction(1, 2)}
    assert held(account, date(2026, 1, 1), date(2026, 2, 1)) == {}


@pytest.mark.parametrize(
    ("zone", "first", "last", "days"),
    [
        pytest.param("Europe/Berlin", date(2026, 3, 3), date(2026, 4, 1), 29, id="23 hours"),
        pytest.param("Europe/Berlin", date(2026, 10, 1), date(2026, 11, 1), 31, id="25 hours"),
        pytest.param("America/Sao_Paulo", date(2026, 3, 3), APRIL, 29, id="no summer time"),
        pytest.param("Australia/Lord_Howe", date(2026, 4, 1), date(2026, 5, 1), 30, id="half"),
        pytest.param("Africa/Cairo", date(2026, 4, 1), date(2026, 5, 1), 30, id="no midnight"),
    ],
)
def test_r24_a_day_is_one_seat_day_however_long_it_is(
    hands: Hands, zone: str, first: date, last: date, days: int
) -> None:
    account = an_account(time_zone=zone)
    priya = account.user(seats=["core"])
    hands.move(days=300)

    assert held(account, first, last)[priya, "core"] == days
    parts = [
        held(account, first + timedelta(days=n), first + timedelta(days=n + 1)) for n in range(days)
    ]
    assert [part[priya, "core"] for part in parts] == [1] * days


def test_r29_an_hour_of_a_short_day_is_more_of_it(hands: Hands) -> None:
    account = an_account(time_zone="Europe/Berlin")
    priya = account.user(seats=["core"])
    hands.move(days=60)
    noon = datetime(2026, 3, 29, 10, tzinfo=UTC)

    assert held(account, date(2026, 3, 29), noon)[priya, "core"] == Fraction(11, 23)
    assert held(account, noon, date(2026, 3, 30))[priya, "core"] == Fraction(12, 23)


def test_r29_periods_add_up_to_the_second_however_the_clock_falls(hands: Hands) -> None:
    hands.move(milliseconds=617)
    account = an_account()
    priya = account.user(seats=["core"])
    hands.move(days=3, milliseconds=250)
    assigning.take_back(account.by, account.seat(priya, "core"))
    hands.move(days=20)
    cuts = [START + timedelta(days=n, seconds=n * 7, milliseconds=n * 91) for n in range(6)]

    parts = [held(account, a, b).get((priya, "core"), 0) for a, b in pairwise(cuts)]

    assert sum(parts) == held(account, cuts[0], cuts[-1])[priya, "core"] == 3


def test_r29_held_seats_count_up_to_now_and_totals_are_by_type(hands: Hands) -> None:
    account = an_account()
    people = [account.user(seats=["core"]) for _ in range(3)]
    hands.move(days=1)
    assigning.take_back(account.by, account.seat(people[0], "core"))
    hands.move(days=1)

    page = seat_days.seat_days(account.by, Window(limit=2, include_total=True), MARCH, APRIL)
    rest = seat_days.seat_days(account.by, Window(limit=2, cursor=page.next_cursor), MARCH, APRIL)

    assert page.beside["to"] == "2026-03-04T09:00:00.000Z"
    assert page.beside["totals"] == [
        {
            "seat_type": "core",
            "seconds": 5 * 86400,
            "seat_days": {"numerator": 5, "denominator": 1},
            "seat_days_rounded": "5.0000",
        },
        {
            "seat_type": "view_only",
            "seconds": 86400,
            "seat_days": {"numerator": 1, "denominator": 1},
            "seat_days_rounded": "1.0000",
        },
    ]
    assert (page.total, len(page.items), len(rest.items)) == (4, 2, 2)
    assert rest.beside["totals"] is None
    with pytest.raises(InvalidCursor):
        seat_days.seat_days(account.by, Window(cursor=page.next_cursor), MARCH, date(2026, 4, 2))


def test_r29_the_deleted_stay_with_their_last_name_while_the_log_has_it(hands: Hands) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"], email="priya@example.com")
    hands.move(days=1)
    users.update_user(account.by, priya, {"name": "Priya N."})
    delete_user(account.by, priya, take_seats=True)
    hands.move(days=1)

    (item,) = seat_days.seat_days(account.by, Window(), MARCH, APRIL).items
    assert (item["user_id"], item["name"], item["email"]) == (
        priya,
        "Priya N.",
        "priya@example.com",
    )

    account.user()
    _forget_the_log(account, hands)
    (item, *_) = seat_days.seat_days(account.by, Window(), MARCH, APRIL).items
    assert (item["user_id"], item["name"], item["seat_days_rounded"]) == (priya, None, "1.0000")


def _forget_the_log(account: AnAccount, hands: Hands) -> None:
    hands.move(days=500)
    transactional(events.forget)(account.id, hands.now, None, 1000)
    assert Event.select().where(Event.account_id == account.id).count() == 1


def test_r23_what_ended_while_the_service_was_down_ended_on_its_date(hands: Hands) -> None:
    account = an_account()
    sales = account.subscribe("sales", seats={"sales": 1})
    priya = account.user(seats=["sales"])
    cancelling.cancel(account.by, sales)
    hands.move(days=90)
    account.user()

    assert held(account, MARCH, date(2026, 6, 1))[priya, "sales"] == 31


def test_r29_a_period_that_is_none_or_too_long_is_refused(hands: Hands) -> None:
    account = an_account()
    hands.move(days=3000)

    with pytest.raises(Unacceptable, match="lies before"):
        held(account, APRIL, MARCH)
    with pytest.raises(Unacceptable, match="1100 days"):
        held(account, MARCH, date(2029, 4, 1))
    assert held(account, date(2040, 1, 1), date(2041, 1, 1)) == {}


def test_r10_seat_days_are_for_whoever_may_modify_billing() -> None:
    account = an_account()

    seat_days.seat_days(account.billing_admin, Window(), MARCH, APRIL)
    with pytest.raises(PermissionDenied, match="modify_billing"):
        seat_days.seat_days(account.user_admin, Window(), MARCH, APRIL)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"user_id": "usr_x"}, id="of a seat"),
        pytest.param({"seat_id": "seat_x"}, id="of a user and type"),
        pytest.param({"ends_at": START}, id="ended for no reason"),
        pytest.param(
            {"ends_at": START - timedelta(1), "ended_by": "changed", "reason": "x"}, id="backwards"
        ),
    ],
)
def test_r11_two_holdings_at_once_cannot_be_written(change: dict[str, Any]) -> None:
    an_account().user(seats=["core"])
    again = SeatHolding.select().where(SeatHolding.pool_id.is_null(False)).dicts().get()

    with pytest.raises(IntegrityError, match="seat_holdings"), db.atomic():
        SeatHolding.insert(again | {"sequence": 900} | change).execute()
