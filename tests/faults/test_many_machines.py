"""
Many machines on one PostgreSQL: web servers, dispatchers and schedulers, killed -9 under load (F6).

A client whose server is gone asks another one.
"""

import random
from contextlib import ExitStack

import pytest

from licensing import settings
from tests.conftest import POSTGRES_URL
from tests.faults.harness import Database, Harness, a_seed
from tests.faults.load import Load
from tests.faults.machines import Machine, Web, Works
from tests.faults.scene import a_scene
from tests.requiring import needs

WEB, DISPATCHERS, SCHEDULERS = 3, 3, 2
KILLS = 24
MOST_ANSWERS_BETWEEN_KILLS = 12


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def run(seed: int, size: int) -> dict[str, int]:
    """Kill one machine after the other, so many times."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    with ExitStack() as stack:
        scene = stack.enter_context(a_scene())
        works = stack.enter_context(Works(settings.current()))
        web = [stack.enter_context(Web(works, "--api-only")) for _ in range(WEB)]
        beside = [
            *(Machine(works, "dispatch") for _ in range(DISPATCHERS)),
            *(Machine(works, "renew", "--loop") for _ in range(SCHEDULERS)),
        ]
        machines = [*web, *(stack.enter_context(machine) for machine in beside)]
        addresses = [machine.address for machine in web]
        with Load(addresses, scene.token, scene.accounts, scene.clock_id, seed) as load:
            for _ in range(size):
                load.wait_for(chance.randrange(1, MOST_ANSWERS_BETWEEN_KILLS))
                chance.choice(machines).restart()
            load.wait_for(10)
        totals = scene.holds_up(load)
    print(totals)  # noqa: T201 shown when the test fails
    return {"kills": size} | totals


HARNESSES = (Harness("F6", "kill one of many machines", run, 100, Database.POSTGRESQL, plan=20),)


def test_nothing_is_lost_or_done_twice_while_one_of_many_machines_is_killed() -> None:
    needs("postgresql", bool(POSTGRES_URL), "a PostgreSQL server")
    run(a_seed(), KILLS)
