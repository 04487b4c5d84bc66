"""How many there are, and how many may be bought, given, given back (R11, R17 to R22, R32)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing import clock, ids
from licensing.db import db
from licensing.models import Pool
from licensing.rules.pools import (
    LARGEST_POOL,
    above_minimum,
    can_assign,
    can_buy,
    can_give_back,
    can_promise,
    crossed,
    quantity_at_renewal,
    shrink,
    spare,
    unassigned,
)
from tests.world import an_account


def _pool(purchased: int, assigned: int = 0, scheduled: int = 0, minimum: int = 0) -> Any:
    return SimpleNamespace(
        purchased=purchased, assigned=assigned, scheduled_removal=scheduled, minimum=minimum
    )


@pytest.mark.parametrize(
    ("pool", "most"),
    [
        pytest.param(_pool(10, 7), 3, id="only unassigned seats"),
        pytest.param(_pool(10, 7, 2), 1, id="less what is scheduled already"),
        pytest.param(_pool(10, minimum=8), 2, id="never below the contract minimum"),
        pytest.param(_pool(10, 1, 1, minimum=8), 1, id="with a removal, a minimum and a holder"),
        pytest.param(_pool(10, 10), 0, id="nothing when every seat is held"),
    ],
)
def test_r19_the_most_that_can_be_given_back(pool: Any, most: int) -> None:
    assert can_give_back(pool, most)
    assert not can_give_back(pool, most + 1)


def test_r28_the_numbers_of_a_pool_add_up() -> None:
    pool = _pool(10, 6, 3)

    assert (unassigned(pool), spare(pool), quantity_at_renewal(pool)) == (4, 1, 7)


@pytest.mark.parametrize(
    ("pool", "possible"),
    [
        pytest.param(_pool(1), True, id="one is left"),
        pytest.param(_pool(1, 1), False, id="none is left"),
        pytest.param(_pool(1, 0, 1), True, id="one that was to leave"),
        pytest.param(_pool(0), False, id="none was bought"),
    ],
)
def test_r11_a_seat_can_be_assigned_while_one_is_unassigned(pool: Any, possible: bool) -> None:
    assert can_assign(pool) is possible


def test_r17_a_pool_can_be_filled_to_its_bound_and_no_further() -> None:
    assert can_buy(_pool(LARGEST_POOL - 5), 5)
    assert not can_buy(_pool(LARGEST_POOL - 5), 6)


GUARDS: dict[str, Callable[[Any], Any]] = {
    "can assign": can_assign,
    "is spare": lambda pool: spare(pool) >= 1,
    "can buy": lambda pool: can_buy(pool, LARGEST_POOL - 4),
    "can give back": lambda pool: can_give_back(pool, 2),
    "can promise": lambda pool: can_promise(pool, 3),
}


@pytest.mark.parametrize("guard", GUARDS.values(), ids=GUARDS.keys())
def test_r11_the_guard_of_the_update_is_the_rule_itself(guard: Callable[[Any], Any]) -> None:
    account = an_account()
    subscription = account.pool("core")["subscription_id"]
    counts = [
        (purchased, assigned, scheduled, minimum)
        for purchased in range(6)
        for assigned in range(purchased + 1)
        for scheduled in range(purchased - assigned + 1)
        for minimum in range(purchased - scheduled + 1)
    ]

    with db.atomic() as undone:
        for number, (purchased, assigned, scheduled, minimum) in enumerate(counts):
            Pool.create(
                account_id=account.id,
                id=ids.new("pool"),
                seat_type=f"made_up_{number}",
                subscription_id=subscription,
                status="open",
                purchased=purchased,
                assigned=assigned,
                scheduled_removal=scheduled,
                minimum=minimum,
                metadata={},
                version=1,
                created_at=clock.now(),
            )
        by_sql = {pool.id for pool in Pool.select().where(guard(Pool))}
        by_python = {pool.id for pool in Pool.select() if guard(pool)}
        undone.rollback()

    assert by_sql == by_python
    assert 0 < len(by_sql) < len(counts)


@dataclass
class Scheduled:
    quantity: int


@given(st.lists(st.integers(1, 9), max_size=6), st.integers(0, 40))
def test_r22_the_newest_removals_give_way_by_just_what_is_needed(
    quantities: list[int], needed: int
) -> None:
    newest_first = [Scheduled(quantity) for quantity in quantities]

    given_up = shrink(newest_first, needed)

    assert sum(part for _, part in given_up) == min(needed, sum(quantities))
    assert [removal for removal, _ in given_up] == newest_first[: len(given_up)]
    assert all(part == removal.quantity for removal, part in given_up[:-1])
    assert all(1 <= part <= removal.quantity for removal, part in given_up)


@pytest.mark.parametrize(
    ("before", "after", "mark", "told"),
    [
        pytest.param(3, 2, None, None, id="some are left"),
        pytest.param(1, 0, None, "pool.exhausted", id="the last one"),
        pytest.param(0, 1, None, "pool.replenished", id="one again"),
        pytest.param(0, 0, None, None, id="still none"),
        pytest.param(3, 2, 2, "pool.low", id="down to the mark"),
        pytest.param(2, 1, 2, None, id="below the mark already"),
        pytest.param(1, 0, 2, "pool.exhausted", id="from low to none"),
        pytest.param(3, 0, 2, "pool.exhausted", id="past the mark to none"),
        pytest.param(0, 1, 2, None, id="from none to low"),
        pytest.param(0, 3, 2, "pool.replenished", id="from none to above the mark"),
        pytest.param(2, 3, 2, "pool.replenished", id="above the mark again"),
    ],
)
def test_r32_a_line_is_told_when_it_is_crossed(
    before: int, after: int, mark: int | None, told: str | None
) -> None:
    assert crossed(before, after, mark) == told


@pytest.mark.parametrize(
    ("pool", "minimum", "possible"),
    [
        pytest.param(_pool(10), 10, True, id="all that there are"),
        pytest.param(_pool(10), 11, False, id="more than there are"),
        pytest.param(_pool(10, scheduled=3), 7, True, id="all that stay"),
        pytest.param(_pool(10, scheduled=3), 8, False, id="more than stay"),
        pytest.param(_pool(10, 4, 3), 7, True, id="held or not does not matter"),
    ],
)
def test_r19_a_minimum_is_promised_from_what_stays(pool: Any, minimum: int, possible: bool) -> None:
    assert can_promise(pool, minimum) is possible


counts_of_a_pool = st.tuples(*[st.integers(0, 12)] * 4).filter(
    lambda n: n[1] + n[2] <= n[0] and n[0] - n[2] >= n[3]
)


@given(counts_of_a_pool, st.integers(1, 13))
def test_r19_what_can_be_given_back_leaves_every_promise_kept(
    counts: tuple[int, int, int, int], quantity: int
) -> None:
    before = _pool(*counts)
    after = _pool(counts[0], counts[1], counts[2] + quantity, counts[3])

    possible = can_give_back(before, quantity)

    assert possible is (spare(after) >= 0 and above_minimum(after) >= 0)


@given(counts_of_a_pool)
def test_r11_a_seat_that_can_be_assigned_never_oversells_the_pool(
    counts: tuple[int, int, int, int],
) -> None:
    purchased, assigned, _, _ = counts

    possible = can_assign(_pool(*counts))

    assert possible is (assigned + 1 <= purchased)


walks = st.lists(st.integers(0, 6), min_size=2, max_size=30)


def _told(levels: list[int], mark: int | None) -> list[str]:
    return [line for step in pairwise(levels) if (line := crossed(*step, mark))]


@given(walks)
def test_r32_without_a_mark_exhausted_and_replenished_take_turns(levels: list[int]) -> None:
    told = _told(levels, None)

    assert set(told) <= {"pool.exhausted", "pool.replenished"}
    assert all(line != following for line, following in pairwise(told))


@given(walks, st.integers(1, 4))
def test_r32_with_a_mark_neither_low_nor_replenished_is_told_twice_in_a_row(
    levels: list[int], mark: int
) -> None:
    told = _told(levels, mark)

    # From none to low nothing is told, so that exhausted alone may follow itself.
    assert all(line != following for line, following in pairwise(told) if line != "pool.exhausted")


@given(st.integers(0, 9), st.none() | st.integers(1, 9))
def test_r32_where_nothing_changes_nothing_is_told(level: int, mark: int | None) -> None:
    assert crossed(level, level, mark) is None
