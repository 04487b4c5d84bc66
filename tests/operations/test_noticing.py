"""The notice of a renewal: what nobody holds, and what it would cost again (R24)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from licensing import settings
from licensing.operations import cancelling, giving_back, tiers
from licensing.scheduler import work_through
from tests.world import NEXT_RENEWAL, AnAccount, Hands, an_account


@contextmanager
def _notice_of(days: int) -> Iterator[None]:
    before = settings.current()
    settings.put_in_force(replace(before, renewal_notice_days=days))
    try:
        yield
    finally:
        settings.put_in_force(before)


def _notices(account: AnAccount) -> list[dict[str, Any]]:
    return [e for e in account.events() if e["type"] == "subscription.renewal_upcoming"]


def test_r24_a_renewal_is_told_once_some_days_before(hands: Hands) -> None:
    account = an_account()
    hands.move_to(NEXT_RENEWAL - timedelta(days=7, milliseconds=1))
    work_through()
    assert _notices(account) == []

    hands.move(milliseconds=1)
    work_through()
    work_through()

    (told,) = _notices(account)
    assert told["data"]["object"]["renews_at"] == "2026-04-02T09:00:00.000Z"


def test_r24_it_names_the_unassigned_seats_and_what_they_would_cost_again(hands: Hands) -> None:
    account = an_account(core=10, currency="EUR")
    account.user(seats=["core"])
    giving_back.schedule_removal(account.by, "core", 4)
    hands.move_to(NEXT_RENEWAL - timedelta(days=3))

    work_through()

    (line,) = _notices(account)[0]["data"]["object"]["renewal"]
    assert (line["unassigned"], line["scheduled_removal"], line["quantity_at_renewal"]) == (9, 4, 6)
    assert line["unassigned_at_renewal"] == 5
    assert line["amount_for_unassigned"] == {"amount": 5 * 4500, "currency": "EUR"}
    assert line["amount_at_renewal"] == {"amount": 6 * 4500, "currency": "EUR"}


def test_r25_a_scheduled_tier_is_priced_already(hands: Hands) -> None:
    account = an_account(core=2, currency="EUR")
    tiers.change_tier(account.by, account.pool("core")["subscription_id"], "starter")
    hands.move_to(NEXT_RENEWAL - timedelta(days=1))

    work_through()

    (line,) = _notices(account)[0]["data"]["object"]["renewal"]
    assert line["amount_at_renewal"] == {"amount": 2 * 1500, "currency": "EUR"}


def test_r24_what_is_cancelled_has_no_renewal_to_tell_until_it_is_resumed(hands: Hands) -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    cancelling.cancel(account.by, subscription_id)
    hands.move_to(NEXT_RENEWAL - timedelta(days=2))
    work_through()
    assert _notices(account) == []

    cancelling.resume(account.by, subscription_id)
    work_through()

    assert len(_notices(account)) == 1


def test_r24_a_notice_that_comes_too_late_is_not_given(hands: Hands) -> None:
    account = an_account()
    hands.move_to(NEXT_RENEWAL + timedelta(days=1))

    work_through()

    assert _notices(account) == []
    assert account.happened() == ["subscription.renewed"]


@pytest.mark.parametrize(
    ("days", "told_at"),
    [
        pytest.param(0, [], id="never"),
        pytest.param(1, ["2026-04-01"], id="the day before"),
        pytest.param(60, ["2026-03-02"], id="longer than the term: as it begins"),
    ],
)
def test_r24_the_number_of_days_is_a_setting(hands: Hands, days: int, told_at: list[str]) -> None:
    with _notice_of(days):
        account = an_account()
        while hands.now < NEXT_RENEWAL - timedelta(hours=1):
            work_through()
            hands.move(hours=12)

    assert [event["timestamp"][:10] for event in _notices(account)] == told_at
