"""
The whole service on SQLite, killed -9 under load: web, scheduler and dispatcher at once (F5, F20).

Nothing that was acknowledged is lost, nothing that was repeated is done twice.
"""

import random
import time

import pytest

from licensing import settings
from tests.conftest import POSTGRES_URL
from tests.faults.harness import Harness, a_seed
from tests.faults.load import Load
from tests.faults.machines import NO_FAULT, Web, Works
from tests.faults.scene import a_scene

# PostgreSQL has more processes to kill, in `test_many_machines` and `test_postgresql_crashes`.
KILLS = 10 if POSTGRES_URL else 100
MOST_ANSWERS_BETWEEN_KILLS = 6
LONGEST_BLINK = 0.3


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def run(seed: int, size: int, fault: str = NO_FAULT) -> dict[str, int]:
    """Kill the service so many times: after some answers, now and then before it has begun."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    recoveries = []
    with a_scene() as scene, Works(settings.current()) as works, Web(works, fault=fault) as web:
        with Load([web.address], scene.token, scene.accounts, scene.clock_id, seed) as load:
            for _ in range(size):
                if chance.random() < 0.1:
                    time.sleep(chance.uniform(0, LONGEST_BLINK))
                else:
                    recoveries.append(load.wait_for(1))
                    load.wait_for(chance.randrange(MOST_ANSWERS_BETWEEN_KILLS))
                web.restart(fault)
            load.wait_for(10)
        totals = scene.holds_up(load)
    print(f"{totals}, an answer within {max(recoveries, default=0):.2f} s of each kill")  # noqa: T201
    # One message of each log may be on its way when a dispatcher dies.
    assert totals["duplicates"] <= size * (len(scene.accounts) + 1)
    return {"kills": size} | totals


HARNESSES = (Harness("F5", "kill the service on SQLite", run, size=200, plan=100),)


def test_nothing_is_lost_or_done_twice_while_the_service_is_killed() -> None:
    run(a_seed(), KILLS)


def test_a_server_that_answers_before_it_commits_loses_what_it_has_answered() -> None:
    """The negative control."""
    with pytest.raises(AssertionError, match="was acknowledged, and 0 attempts had an effect"):
        run(a_seed(), 10, "answers_first")
