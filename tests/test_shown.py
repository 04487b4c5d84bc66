"""What the database writes of a row is what the API shows of it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from licensing import resources
from licensing.clock import to_text
from licensing.compiled import compiled
from licensing.db import transactional
from licensing.models import Seat, User
from licensing.queries.cursors import Window
from licensing.queries.seats import seats
from licensing.queries.seats_table import Sort, seats_table
from licensing.shown import as_shown
from tests.world import an_account

INSTANTS = [
    datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2000, 1, 1, 0, 0, 0, 120_000, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    None,
]


@compiled
def _shown(account_id: Any, id: Any) -> Any:
    columns = as_shown([User.id, User.last_active_at])
    return User.select(*columns).where(User.account_id == account_id, User.id == id)


@pytest.mark.parametrize("instant", INSTANTS)
def test_an_instant_is_written_as_the_clock_writes_it(instant: datetime | None) -> None:
    account = an_account()
    user_id = account.user()
    _be_active(user_id, instant)

    row = _shown.row(account.id, user_id)

    assert row.id == user_id
    assert row.last_active_at == (None if instant is None else to_text(instant))


@transactional
def _be_active(user_id: str, instant: datetime | None) -> None:
    User.update(last_active_at=instant).where(User.id == user_id).execute()


def test_a_page_shows_a_seat_as_it_is_shown_alone() -> None:
    account = an_account(core=2)
    for seat_type in ("core", "view_only"):
        account.user(seats=[seat_type])

    page = seats(account.by, Window())

    alone = [resources.seat(row) for row in Seat.select().order_by(Seat.id)]
    assert len(page.items) == 2
    assert page.items == alone


@pytest.mark.parametrize("sort", list(Sort))
def test_a_page_of_the_seats_table_goes_on_after_a_row_that_was_read_as_text(sort: Sort) -> None:
    account = an_account()
    people = [account.user() for _ in INSTANTS]
    for user_id, instant in zip(people, INSTANTS, strict=True):
        _be_active(user_id, instant and datetime.fromisoformat(to_text(instant)))
    whole = seats_table(account.by, Window(), sort).items

    cursor, found = None, []
    while not found or cursor:
        page = seats_table(account.by, Window(1, cursor), sort)
        found, cursor = found + page.items, page.next_cursor

    assert found == whole
