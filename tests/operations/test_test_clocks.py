"""Accounts whose time their integrator moves forward (R26)."""

from datetime import UTC, datetime

import pytest

from licensing.operations import accounts, giving_back, test_clocks
from licensing.queries import entitlements
from licensing.queries import pools as queries
from licensing.queries import test_clocks as clock_queries
from licensing.queries.cursors import Window
from licensing.rules.permissions import Scope, system
from licensing.rules.refusals import (
    AccountClosed,
    AdvanceTooFar,
    ClockAdvancing,
    NotFound,
    PermissionDenied,
    Unacceptable,
)
from licensing.rules.terms import Interval
from licensing.scheduler import work_through
from tests.world import AnAccount, Hands, a_free_account, an_account

BEGAN = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


def _at(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2026, month, day, hour, 0, tzinfo=UTC)


def _a_clock() -> str:
    return str(test_clocks.create_clock(system(), "Renewals", BEGAN).id)


def _advance(clock_id: str, to: datetime) -> None:
    test_clocks.advance_clock(system(), clock_id, to)
    work_through()


def _on(clock_id: str, core: int = 5) -> AnAccount:
    return an_account(core=core, test_clock_id=clock_id)


def test_r26_a_test_account_lives_by_its_clock() -> None:
    account = _on(_a_clock())

    subscription = queries.subscription(account.by, account.pool("core")["subscription_id"])
    assert subscription["created_at"] == "2026-01-31T09:00:00.000Z"
    assert subscription["renews_at"] == "2026-02-28T09:00:00.000Z"
    assert {event["timestamp"] for event in account.log()} == {"2026-01-31T09:00:00.000Z"}


def test_r26_everything_due_on_the_way_happens_at_its_own_instant() -> None:
    clock_id = _a_clock()
    account = _on(clock_id)
    giving_back.schedule_removal(account.by, "core", 2)
    account.from_here()

    _advance(clock_id, _at(3, 31))

    assert [(event["timestamp"][:10], event["type"]) for event in account.events()] == [
        ("2026-02-21", "subscription.renewal_upcoming"),
        ("2026-02-28", "subscription.renewed"),
        ("2026-02-28", "seat_removal.applied"),
        ("2026-03-24", "subscription.renewal_upcoming"),
        ("2026-03-31", "subscription.renewed"),
    ]
    assert account.numbers("core") == (3, 0, 0)


def test_r26_it_is_advancing_until_the_scheduler_has_done_all_of_it() -> None:
    clock_id = _a_clock()
    _on(clock_id)

    asked = test_clocks.advance_clock(system(), clock_id, _at(2, 28))
    with pytest.raises(ClockAdvancing):
        test_clocks.advance_clock(system(), clock_id, _at(3, 1))
    before = clock_queries.test_clock(system(), clock_id)
    work_through()
    after = clock_queries.test_clock(system(), clock_id)

    assert asked.advancing_to == _at(2, 28)
    assert (before["status"], before["now"]) == ("advancing", "2026-01-31T09:00:00.000Z")
    assert (after["status"], after["now"]) == ("ready", "2026-02-28T09:00:00.000Z")
    assert after["advancing_to"] is None


def test_r26_at_most_two_terms_of_the_shortest_subscription_a_step() -> None:
    clock_id = _a_clock()
    account = _on(clock_id)
    account.subscribe("sales", interval=Interval.YEAR, seats={"sales": 1})

    with pytest.raises(AdvanceTooFar) as refused:
        test_clocks.advance_clock(system(), clock_id, _at(3, 31, hour=10))
    _advance(clock_id, _at(3, 31))

    assert refused.value.furthest == "2026-03-31T09:00:00.000Z"


def test_r26_two_years_where_nobody_subscribes() -> None:
    clock_id = _a_clock()
    a_free_account(test_clock_id=clock_id)

    _advance(clock_id, datetime(2028, 1, 31, 9, tzinfo=UTC))

    assert clock_queries.test_clock(system(), clock_id)["now"] == "2028-01-31T09:00:00.000Z"


def test_r26_time_does_not_run_backwards_and_standing_still_changes_nothing() -> None:
    clock_id = _a_clock()

    with pytest.raises(Unacceptable):
        test_clocks.advance_clock(system(), clock_id, _at(1, 30))
    stands = test_clocks.advance_clock(system(), clock_id, BEGAN)

    assert (stands.version, stands.advancing_to) == (1, None)


def test_r26_live_accounts_and_other_clocks_do_not_move(hands: Hands) -> None:
    clock_id, other = _a_clock(), _a_clock()
    live, elsewhere, moved = an_account(), _on(other), _on(clock_id)
    for account in (live, elsewhere, moved):
        account.from_here()

    _advance(clock_id, _at(2, 28))

    assert (live.events(), elsewhere.events()) == ([], [])
    assert "subscription.renewed" in moved.happened()
    hands.move(days=40)
    work_through()
    assert "subscription.renewed" in live.happened()
    assert elsewhere.events() == []


def test_r26_accounts_on_one_clock_go_through_time_together() -> None:
    clock_id = _a_clock()
    first = _on(clock_id)
    _advance(clock_id, _at(2, 10))
    second = _on(clock_id)
    first.from_here()

    _advance(clock_id, _at(3, 31))

    renewed = sorted(
        (event["timestamp"][:10], name)
        for name, account in (("first", first), ("second", second))
        for event in account.events()
        if event["type"] == "subscription.renewed"
    )
    assert renewed == [
        ("2026-02-28", "first"),
        ("2026-03-10", "second"),
        ("2026-03-31", "first"),
    ]


def test_r26_invitations_lapse_by_the_clock() -> None:
    clock_id = _a_clock()
    account = _on(clock_id)
    felix = account.user(status="invited", seats=["core"])

    _advance(clock_id, _at(2, 13))
    assert account.shown(felix)["invitation"] == "pending"
    _advance(clock_id, _at(2, 14))

    assert account.shown(felix)["invitation"] == "expired"
    assert account.numbers("core") == (5, 0, 0)
    expired = next(e for e in account.events() if e["type"] == "user.invitation_expired")
    assert expired["timestamp"] == "2026-02-14T09:00:00.000Z"


def test_r26_entitlements_are_answered_by_the_clock(hands: Hands) -> None:
    account = _on(_a_clock())
    priya = account.user(seats=["core"])
    hands.move(days=400)

    assert entitlements.entitlement(account.by, priya, "email_campaigns")["level"] == "edit"


def test_r26_an_account_is_bound_when_it_is_created_or_never() -> None:
    live = an_account()

    with pytest.raises(NotFound):
        a_free_account(test_clock_id="clk_of_nobody")
    with pytest.raises(Unacceptable):
        a_free_account(test_clock_id=_a_clock(), created_at=_at(2, 1))
    accounts.update_account(live.by, {"name": "New name"})
    assert accounts.update_account(live.by, {}).test_clock_id is None


def test_r26_deleting_a_clock_closes_its_accounts() -> None:
    clock_id = _a_clock()
    account = _on(clock_id)
    giving_back.schedule_removal(account.by, "core", 1)

    test_clocks.delete_clock(system(), clock_id)

    assert [event["type"] for event in account.events()][-2:] == [
        "account.closed",
        "seat_removal.cancelled",
    ]
    assert clock_queries.test_clocks(system(), Window()).items == []
    with pytest.raises(AccountClosed):
        giving_back.schedule_removal(account.by, "core", 1)
    for ask in (
        lambda: test_clocks.delete_clock(system(), clock_id),
        lambda: test_clocks.advance_clock(system(), clock_id, _at(2, 28)),
        lambda: clock_queries.test_clock(system(), clock_id),
        lambda: _on(clock_id),
    ):
        with pytest.raises(NotFound):
            ask()


def test_r26_clocks_belong_to_no_account_so_a_bound_key_has_none() -> None:
    account = an_account()
    bound = account.key(Scope.ADMIN)

    for ask in (
        lambda: test_clocks.create_clock(bound, "Mine", BEGAN),
        lambda: test_clocks.advance_clock(bound, "clk_x", BEGAN),
        lambda: test_clocks.delete_clock(bound, "clk_x"),
        lambda: clock_queries.test_clocks(bound, Window()),
        lambda: test_clocks.create_clock(account.key(Scope.BILLING), "Mine", BEGAN),
    ):
        with pytest.raises(PermissionDenied):
            ask()
