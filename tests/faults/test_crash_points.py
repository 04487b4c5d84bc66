"""
The service dies at each named point of a command and of a scheduler's step (F7, F20).

What died before the commit has not happened, what died after it has, and the repetition of either
has the effect once. The points of a dispatcher are in `test_dispatchers`.
"""

import pytest

from licensing import settings
from tests.faults.faulty import POINTS
from tests.faults.harness import Database, Harness, a_seed
from tests.faults.load import Load
from tests.faults.machines import Web, Works
from tests.faults.scene import a_scene

DEATHS = 3
HISTORIES_OF_THE_CONTROL = 4


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def run(seed: int, size: int) -> dict[str, int]:
    """Let the service die so many times at each point."""
    totals = {"kills": 0, "commands": 0}
    for point in POINTS:
        done = die_at(point, seed, size)
        totals = {name: totals[name] + done[name] for name in totals}
    return totals


def die_at(point: str, seed: int, deaths: int) -> dict[str, int]:
    """Let the service die so many times at one point."""
    with (
        a_scene(accounts=2) as scene,
        Works(settings.current()) as works,
        Web(works, fault=point) as web,
    ):
        with Load([web.address], scene.token, scene.accounts, scene.clock_id, seed) as load:
            for death in range(1, deaths + 1):
                web.wait_until_it_dies()
                web.start(point if death < deaths else "none")
            load.wait_for(10)
        return {"kills": deaths} | scene.holds_up(load)


HARNESSES = (Harness("F7", "die at every point", run, size=10, database=Database.BOTH, plan=3),)


@pytest.mark.parametrize("point", POINTS)
def test_what_dies_at_a_point_happens_once_or_not_at_all(point: str) -> None:
    die_at(point, a_seed(), DEATHS)


def test_without_idempotency_keys_what_is_repeated_happens_twice() -> None:
    """The negative control; on a busy machine one history in some shows nothing."""

    def some_histories() -> None:
        for _ in range(HISTORIES_OF_THE_CONTROL):
            die_at("forgets_keys", a_seed(), DEATHS)

    with pytest.raises(AssertionError, match="had an effect"):
        some_histories()
