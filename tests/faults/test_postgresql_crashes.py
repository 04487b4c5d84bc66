"""
PostgreSQL crashes, loses connections and comes back, and the service's processes are killed (F6).

The server is the test's own, since it is stopped at once, or killed -9, and writes to disk before
it says that something is committed.
"""

import random
from collections import Counter
from contextlib import ExitStack

import pytest

from licensing import settings
from tests.conftest import POSTGRES_URL
from tests.faults.cluster import Cluster, at_work_on, programs
from tests.faults.harness import Harness, a_seed
from tests.faults.load import Load
from tests.faults.machines import Machine, Web, Works
from tests.faults.scene import a_scene
from tests.requiring import needs

FAULTS = 20
MOST_ANSWERS_BETWEEN_FAULTS = 15
CONNECTIONS_CUT = 3


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def run(seed: int, size: int) -> dict[str, int]:
    """Let something happen to the server or to a process, so many times."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    happened: Counter[str] = Counter()
    recoveries = []
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        stack.enter_context(at_work_on(cluster.url))
        scene = stack.enter_context(a_scene())
        works = stack.enter_context(Works(settings.current()))
        web = stack.enter_context(Web(works, "--api-only"))
        commands = (("dispatch",), ("renew", "--loop"))
        machines = [web, *(stack.enter_context(Machine(works, *one)) for one in commands)]
        with Load([web.address], scene.token, scene.accounts, scene.clock_id, seed) as load:
            for number in range(size):
                load.wait_for(chance.randrange(1, MOST_ANSWERS_BETWEEN_FAULTS))
                happened[_something_happens(number, cluster, machines, chance)] += 1
                recoveries.append(load.wait_for(1))
            load.wait_for(10)
        totals = scene.holds_up(load)
    print(f"{totals}, {dict(happened)}, an answer within {max(recoveries):.2f} s of each")  # noqa: T201
    return {"kills": size} | totals


def _something_happens(
    number: int, cluster: Cluster, machines: list[Machine], chance: random.Random
) -> str:
    """Each kind of fault in its turn; returns its name when it is over."""
    kind = ("process killed", "connections cut", "server stopped", "server killed")[number % 4]
    if kind == "process killed":
        machine = chance.choice(machines)
        machine.supervise()
        machine.restart()
        return kind
    if kind == "connections cut":
        _cut(cluster.url, CONNECTIONS_CUT)
        return kind
    (cluster.crash if kind == "server stopped" else cluster.kill)()
    cluster.start()
    for machine in machines:
        machine.supervise()
    return kind


def _cut(database_url: str, most: int) -> None:
    import psycopg  # an optional dependency, which SQLite does not need

    with psycopg.connect(database_url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            " ORDER BY random() LIMIT %s) AS unlucky",
            (most,),
        )


HARNESSES = (Harness("F6", "crash PostgreSQL", run, size=60, plan=20),)


def test_nothing_is_lost_or_done_twice_while_postgresql_crashes() -> None:
    needs("postgresql", bool(POSTGRES_URL) and programs() is not None, "PostgreSQL")
    run(a_seed(), FAULTS)
