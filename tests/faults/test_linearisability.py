"""F4: what many clients see of a pool at once could have been done one call after the other."""

import random

import pytest

from tests.faults.harness import a_seed
from tests.faults.linearising import DONE, FULL, Call, Kind, State, is_linearisable
from tests.faults.pool_histories import NaivePool, StalePool, histories, judged, run

# On each of the two databases.
HISTORIES, OF_CONTROLS = 100, 20


def test_r11_what_clients_see_of_a_pool_fits_in_one_line() -> None:
    totals = run(a_seed(), HISTORIES)

    print(dict(totals))  # noqa: T201
    assert totals["histories"] == HISTORIES
    # Otherwise nobody would have contended for the last seat, and no answer been lost.
    assert min(totals["full"], totals["unknown"]) > HISTORIES / 10


def test_a_pool_that_is_read_before_it_is_written_fits_in_none() -> None:
    """The negative control; about one history in 400 has so few commands that it fits."""
    chance = random.Random(a_seed())  # noqa: S311 chance that can be repeated

    rejected = sum(not judged(NaivePool(), chance)[0] for _ in range(OF_CONTROLS))

    assert rejected >= OF_CONTROLS * 9 / 10


def test_a_pool_that_is_read_from_memory_fits_in_none() -> None:
    """The negative control of what is read."""
    _, rejected = histories(a_seed(), OF_CONTROLS, StalePool)

    assert len(rejected) >= OF_CONTROLS * 3 / 4


def _call(kind: Kind, began: int, ended: int, answer: str | State) -> Call:
    return Call(kind, began, ended, answer)


ONE_LEFT = (2, 1)
TAKEN = _call(Kind.ASSIGN, 0, 3, DONE)


@pytest.mark.parametrize(
    ("history", "fits"),
    [
        pytest.param([TAKEN, _call(Kind.ASSIGN, 4, 5, FULL)], True, id="the last seat, then none"),
        pytest.param([TAKEN, _call(Kind.ASSIGN, 4, 5, DONE)], False, id="the last seat twice"),
        pytest.param([TAKEN, _call(Kind.READ, 1, 2, (2, 1))], True, id="read before it was done"),
        pytest.param([TAKEN, _call(Kind.READ, 1, 2, (2, 2))], True, id="read when it was done"),
        pytest.param([TAKEN, _call(Kind.READ, 4, 5, (2, 1))], False, id="read too late"),
        pytest.param(
            [TAKEN, _call(Kind.ASSIGN, 4, 5, DONE), Call(Kind.TAKE_BACK, 1)],
            True,
            id="nobody heard that one was taken back",
        ),
        pytest.param(
            [TAKEN, _call(Kind.ASSIGN, 4, 5, FULL), Call(Kind.TAKE_BACK, 1)],
            True,
            id="it was never taken back",
        ),
        pytest.param(
            [TAKEN, _call(Kind.ASSIGN, 4, 5, DONE), Call(Kind.TAKE_BACK, 6)],
            False,
            id="nobody can have taken it back before",
        ),
        pytest.param([_call(Kind.BUY, 0, 1, (3, 4))], False, id="bought on top of what never was"),
    ],
)
def test_the_search_tells_a_line_from_none(history: list[Call], fits: bool) -> None:
    assert is_linearisable(history, ONE_LEFT) is fits
