"""
PostgreSQL fails over to its standby under load (F8).

Whoever replicates synchronously loses nothing that was acknowledged; who does not, loses what was
on its way to the standby. The service finds the new primary by itself, since its URL names both.
"""

import random
import time
from contextlib import ExitStack

import pytest

from licensing import settings
from tests.conftest import POSTGRES_URL
from tests.faults.cluster import at_work_on, programs
from tests.faults.harness import Harness, a_seed
from tests.faults.load import Load
from tests.faults.machines import Machine, Web, Works
from tests.faults.replicating import Pair
from tests.faults.scene import a_scene
from tests.requiring import needs

FAILOVERS = 2
BESIDE = (("dispatch",), ("renew", "--loop"))
MOST_ANSWERS_BETWEEN_FAILOVERS = 20


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def run(seed: int, size: int, synchronous: bool = True) -> dict[str, int]:
    """Fail over so many times, from either server to the other."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    recoveries = []
    with ExitStack() as stack:
        pair = stack.enter_context(Pair(synchronous))
        stack.enter_context(at_work_on(pair.url))
        scene = stack.enter_context(a_scene())
        pair.replicate()
        works = stack.enter_context(Works(settings.current()))
        web = stack.enter_context(Web(works, "--api-only"))
        machines = [web, *(stack.enter_context(Machine(works, *one)) for one in BESIDE)]
        with Load([web.address], scene.token, scene.accounts, scene.clock_id, seed) as load:
            for number in range(size):
                if number:
                    pair.replicate()
                load.wait_for(chance.randrange(1, MOST_ANSWERS_BETWEEN_FAILOVERS))
                began = time.monotonic()
                pair.fail_over()
                load.wait_for(1)
                recoveries.append(time.monotonic() - began)
            load.wait_for(10)
        assert [machine.process.poll() for machine in machines] == [None] * len(machines)
        totals = scene.holds_up(load)
    print(f"{totals}, an answer within {max(recoveries):.2f} s of each kill")  # noqa: T201
    return {"kills": size} | totals


HARNESSES = (Harness("F8", "PostgreSQL fails over", run, size=30, plan=2),)


@pytest.fixture
def _servers() -> None:
    needs("postgresql", bool(POSTGRES_URL) and programs() is not None, "PostgreSQL")


@pytest.mark.usefixtures("_servers")
def test_nothing_is_lost_or_done_twice_when_postgresql_fails_over() -> None:
    run(a_seed(), FAILOVERS)


@pytest.mark.usefixtures("_servers")
def test_an_asynchronous_standby_loses_what_was_acknowledged() -> None:
    """The negative control."""
    with pytest.raises(AssertionError, match="was acknowledged, and 0 attempts had an effect"):
        run(a_seed(), 1, synchronous=False)
