"""The present instant of an account: that of its test clock, or that of everybody (R26)."""

from datetime import datetime

from licensing import clock
from licensing.models import Account, TestClock


def instant_of(test_clock_id: str | None) -> datetime:
    """The present instant of accounts that are bound to a test clock, or to none."""
    if test_clock_id is None:
        return clock.now()
    row: TestClock = TestClock.get(TestClock.id == test_clock_id)
    instant: datetime = row.hands
    return instant


def instant_in(account_id: str) -> datetime:
    """The present instant in an account; that of everybody where there is no such account."""
    row = Account.select(Account.test_clock_id).where(Account.id == account_id).get_or_none()
    return instant_of(None if row is None else row.test_clock_id)
