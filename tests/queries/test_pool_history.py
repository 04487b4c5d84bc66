"""The figures of a pool at any past date, and who held which seat (R23, R24, R28, R29)."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from licensing.db import db
from licensing.models import PoolFigures, SeatHolding
from licensing.operations import (
    activity,
    assigning,
    buying,
    cancelling,
    giving_back,
    test_clocks,
)
from licensing.operations.deactivating import delete_user
from licensing.queries import invariants, pool_history
from licensing.rules.calendar import MOST_POINTS, Step
from licensing.rules.permissions import system
from licensing.rules.refusals import NotFound, Refusal, Unacceptable
from licensing.scheduler import work_through
from tests.world import NEXT_RENEWAL, START, AnAccount, Hands, an_account

LATER = datetime(2030, 1, 1, tzinfo=UTC)
Numbers = tuple[int, int, int]


def history(account: AnAccount, pool_id: str, *period: Any, **more: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = pool_history.pool_history(account.by, pool_id, *period, **more)[
        "items"
    ]
    return items


def numbers(point: dict[str, Any]) -> Numbers:
    return point["purchased"], point["assigned"], point["scheduled_removal"]


def at(account: AnAccount, pool_id: str, instant: datetime) -> Numbers:
    """The figures as of an instant."""
    (point,) = history(account, pool_id, instant, instant)
    return numbers(point)


def test_r29_a_pools_figures_at_any_past_date(hands: Hands) -> None:
    account = an_account(core=10)
    priya, pool_id = account.user(), account.pool("core")["id"]
    hands.move(days=5)
    assigning.assign_seat(account.by, priya, "core")
    giving_back.schedule_removal(account.by, "core", 4)
    hands.move(days=5)
    buying.purchase_seats(account.by, "core", 2)
    hands.move_to(NEXT_RENEWAL)
    hands.move(days=3)
    buying.preview_purchase(account.by, "core", 1)

    assert at(account, pool_id, START - timedelta(days=1)) == (0, 0, 0)
    assert at(account, pool_id, START) == (10, 0, 0)
    assert at(account, pool_id, START + timedelta(days=6)) == (10, 1, 4)
    assert at(account, pool_id, START + timedelta(days=11)) == (12, 1, 4)
    assert at(account, pool_id, NEXT_RENEWAL - timedelta(milliseconds=1)) == (12, 1, 4)
    assert at(account, pool_id, NEXT_RENEWAL) == (8, 1, 0)
    day = history(account, pool_id, date(2026, 3, 12), date(2026, 3, 13))[-1]
    assert day == {
        "at": "2026-03-13T00:00:00.000Z",
        "purchased": 12,
        "assigned": 1,
        "unassigned": 11,
        "scheduled_removal": 4,
        "quantity_at_renewal": 8,
    }


@pytest.mark.parametrize(
    ("step", "first", "last", "points"),
    [
        pytest.param(
            Step.DAY,
            date(2026, 3, 28),
            date(2026, 3, 31),
            ["03-27T23:00", "03-28T23:00", "03-29T22:00", "03-30T22:00"],
            id="a day of 23 hours",
        ),
        pytest.param(
            Step.WEEK,
            datetime(2026, 3, 25, 12, tzinfo=UTC),
            datetime(2026, 4, 7, tzinfo=UTC),
            ["03-25T12:00", "03-29T22:00", "04-05T22:00", "04-07T00:00"],
            id="weeks begin on Monday",
        ),
        pytest.param(
            Step.MONTH,
            date(2026, 1, 31),
            date(2026, 4, 1),
            ["01-30T23:00", "01-31T23:00", "02-28T23:00", "03-31T22:00"],
            id="months of any length",
        ),
        pytest.param(
            Step.DAY, date(2026, 3, 28), date(2026, 3, 28), ["03-27T23:00"], id="one point"
        ),
    ],
)
def test_r24_days_are_those_of_the_account(
    hands: Hands, step: Step, first: Any, last: Any, points: list[str]
) -> None:
    account = an_account(time_zone="Europe/Berlin")
    hands.move(days=60)

    shown = history(account, account.pool("core")["id"], first, last, step=step)

    assert [point["at"][5:16] for point in shown] == points


def test_r29_what_is_to_come_is_left_out_and_what_is_no_period_refused(hands: Hands) -> None:
    account, other = an_account(), an_account()
    pool_id = account.pool("core")["id"]
    hands.move(days=2)

    assert [point["at"][:10] for point in history(account, pool_id, START, LATER)] == [
        "2026-03-02",
        "2026-03-03",
        "2026-03-04",
        "2026-03-04",
    ]
    assert history(account, pool_id, START, None) == history(account, pool_id, START, LATER)
    assert [point["at"] for point in history(account, pool_id, LATER, LATER)] == [
        "2026-03-04T09:00:00.000Z"
    ]
    with pytest.raises(Unacceptable, match="to"):
        history(account, pool_id, hands.now, START)
    with pytest.raises(Unacceptable, match=str(MOST_POINTS)):
        history(account, pool_id, START - timedelta(days=MOST_POINTS), None)
    with pytest.raises(NotFound):
        history(account, other.pool("core")["id"], START)


def _busy_month(account: AnAccount) -> str:
    """Removals of two terms, an invitation that lapses, a subscription that ends with its pool."""
    account.user(seats=["core"])
    account.user(seats=["core"], status="invited", email="lapses@example.com")
    sales = account.subscribe("sales", seats={"sales": 3})
    account.user(seats=["sales"])
    giving_back.schedule_removal(account.by, "sales", 1)
    giving_back.schedule_removal(account.by, "core", 4)
    cancelling.cancel(account.by, sales)
    return sales


def test_r23_a_service_that_was_down_for_months_tells_the_same_past(hands: Hands) -> None:
    on_time, late = an_account(core=10), an_account(core=10)
    pools = {}
    for account in (on_time, late):
        _busy_month(account)
        pools[account.id] = [account.pool(name)["id"] for name in ("core", "sales")]
    for _ in range(70):
        hands.move(days=1)
        buying.preview_purchase(on_time.by, "core", 1)
    buying.preview_purchase(late.by, "core", 1)

    shown = {
        account.id: [history(account, id, START) for id in pools[account.id]]
        for account in (on_time, late)
    }

    assert shown[late.id] == shown[on_time.id]
    core, sales = shown[late.id]
    assert {numbers(point) for point in core} == {(10, 2, 4), (10, 1, 4), (6, 1, 0)}
    assert {numbers(point) for point in sales} == {(3, 1, 1), (0, 0, 0)}
    held = [
        [(row.seat_type, row.starts_at, row.ends_at, row.reason) for row in _holdings(account)]
        for account in (on_time, late)
    ]
    assert sorted(held[0], key=str) == sorted(held[1], key=str)
    assert list(invariants.violations()) == []


def _holdings(account: AnAccount) -> list[SeatHolding]:
    of_account = SeatHolding.account_id == account.id
    return list(SeatHolding.select().where(of_account).order_by(SeatHolding.sequence))


def test_r26_the_time_of_a_test_clock_counts(hands: Hands) -> None:
    clock = test_clocks.create_clock(system(), "Renewals", START)
    account = an_account(core=5, test_clock_id=clock.id)
    pool_id = account.pool("core")["id"]
    giving_back.schedule_removal(account.by, "core", 2)
    test_clocks.advance_clock(system(), clock.id, NEXT_RENEWAL + timedelta(days=20))
    while work_through():
        pass

    points = history(account, pool_id, START, step=Step.MONTH)

    assert [numbers(point) for point in points] == [(5, 0, 2), (5, 0, 2), (3, 0, 0)]
    assert points[-1]["at"] == "2026-04-22T09:00:00.000Z"


def test_r25_a_pool_that_moves_goes_on(hands: Hands) -> None:
    account = an_account(core=4)
    account.subscribe("sales", seats={"sales": 1})
    pool = account.pool("core")
    cancelling.cancel(account.by, pool["subscription_id"])
    hands.move_to(NEXT_RENEWAL)
    hands.move(days=1)
    buying.preview_purchase(account.by, "core", 1)

    assert account.pool("core")["subscription_id"] != pool["subscription_id"]
    assert at(account, pool["id"], hands.now) == (4, 0, 0)


def test_r29_who_held_a_seat_from_when_to_when_and_why_it_ended(hands: Hands) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 2})
    priya, noah = account.user(seats=["core"]), account.user()
    seat_id = account.seat(priya, "core")
    hands.move(days=1)
    assigning.transfer_seat(account.by, seat_id, noah)
    hands.move(days=1)
    assigning.change_seat(account.by, seat_id, "sales")
    hands.move(days=1)
    delete_user(account.by, noah, take_seats=True)

    past = [
        (row.user_id, row.seat_type, (row.starts_at - START).days, row.ended_by, row.reason)
        for row in _holdings(account)
        if row.seat_id == seat_id
    ]

    assert past == [
        (priya, "core", 0, "transferred", "requested"),
        (noah, "core", 1, "changed", "requested"),
        (noah, "sales", 2, "unassigned", "requested"),
    ]


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["assign", "take", "buy", "give back", "cancel", "wait", "change", "move"]),
        st.integers(0, 4),
        st.integers(1, 40),
    ),
    min_size=5,
    max_size=25,
)


def _act(account: AnAccount, people: list[str], action: tuple[str, int, int]) -> None:
    what, who, how_many = action
    held = account.shown(people[who])["seats"]
    paid = [seat["id"] for seat in held if seat["seat_type"] != "view_only"]
    if what == "assign":
        assigning.assign_seat(account.by, people[who], ("core", "sales")[how_many % 2])
    elif what == "take" and paid:
        assigning.take_back(account.by, paid[0])
    elif what == "change" and paid:
        assigning.change_seat(account.by, paid[0], ("core", "sales")[how_many % 2])
    elif what == "move" and paid:
        assigning.transfer_seat(account.by, paid[0], people[how_many % 5])
    elif what == "buy":
        buying.purchase_seats(account.by, "core", how_many % 3 + 1)
    elif what == "give back":
        giving_back.schedule_removal(account.by, ("core", "sales")[who % 2], 1)
    elif what == "cancel":
        sales = account.pool("sales")["subscription_id"]
        cancelling.cancel(account.by, sales)


@settings(
    max_examples=8,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(actions=ACTIONS)
def test_r29_what_was_seen_then_is_what_is_told_of_it_later(
    hands: Hands, actions: list[tuple[str, int, int]]
) -> None:
    hands.move_to(START)
    account = an_account(core=3)
    account.subscribe("sales", seats={"sales": 2})
    people = [account.user() for _ in range(5)]
    pools = {name: account.pool(name)["id"] for name in ("core", "sales")}
    seen: list[tuple[datetime, str, Numbers]] = []
    for action in actions:
        hands.move(days=action[2] if action[0] == "wait" else 1)
        with suppress(Refusal, ValueError):
            _act(account, people, action)
        buying.preview_purchase(account.by, "core", 1)
        now = account.pools()
        seen += [(hands.now, pools[name], now.get(name, (0, 0, 0))) for name in pools]

    told = [(instant, id, at(account, id, instant)) for instant, id, _ in seen]

    assert told == seen
    assert list(invariants.violations()) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        pytest.param(
            "UPDATE pool_ledger SET assigned = assigned + 1", "ledger ends with", id="end"
        ),
        pytest.param(
            "UPDATE pool_ledger SET purchased = purchased + 1 WHERE assigned = 0",
            "other figures than the log tells",
            id="middle",
        ),
        pytest.param("DELETE FROM pool_ledger", "ledger ends with", id="no ledger"),
        pytest.param(
            "UPDATE seat_holdings SET user_id = 'usr_x' WHERE pool_id IS NOT NULL",
            "but its history ends with",
            id="another holder",
        ),
        pytest.param(
            "UPDATE seat_holdings SET reason = 'x' WHERE ends_at IS NOT NULL",
            "but the log tells",
            id="another reason",
        ),
        pytest.param(
            "DELETE FROM seat_holdings WHERE ends_at IS NOT NULL", "is None", id="forgotten"
        ),
    ],
)
def test_r29_a_past_that_the_log_does_not_tell_is_found(
    hands: Hands, damage: str, told: str
) -> None:
    account = an_account()
    hands.move(days=1)
    assigning.assign_seat(account.by, account.user(), "core")

    with db.atomic() as undone:
        db.execute_sql(damage)
        found = list(invariants.violations())
        undone.rollback()

    assert any(told in violation for violation in found), found


def test_r29_the_ledger_has_one_row_for_all_that_happens_at_once() -> None:
    account = an_account(core=10)
    for _ in range(3):
        assigning.assign_seat(account.by, account.user(), "core")

    (row,) = PoolFigures.select().where(PoolFigures.account_id == account.id)

    assert (row.purchased, row.assigned) == (10, 3)


def test_r27_activity_is_no_part_of_the_past() -> None:
    account = an_account()
    priya = account.user(seats=["core"])
    before = len(_holdings(account))

    activity.record_activity(account.by, priya)

    assert len(_holdings(account)) == before
