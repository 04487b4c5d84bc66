"""
SIGTERM under load: whatever was sent before it is answered, and the process ends by itself (F23).
"""

import random
import time

import pytest

from licensing import settings
from tests.faults.harness import Database, Harness, a_seed
from tests.faults.load import Load
from tests.faults.machines import NO_FAULT, Web, Works
from tests.faults.scene import a_scene

ROUNDS = 10
MOST_ANSWERS_BETWEEN_ROUNDS = 12
SECONDS_TO_DRAIN = 40


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def run(seed: int, size: int, fault: str = NO_FAULT) -> dict[str, int]:
    """Ask the service to end, so many times, and start it again."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    working = []  # from when to when it was to answer everything
    with a_scene() as scene, Works(settings.current()) as works, Web(works, fault=fault) as web:
        with Load([web.address], scene.token, scene.accounts, scene.clock_id, seed) as load:
            for _ in range(size):
                began = time.monotonic()
                load.wait_for(chance.randrange(4, MOST_ANSWERS_BETWEEN_ROUNDS))
                time.sleep(chance.uniform(0, 0.01))
                working.append((began, time.monotonic()))
                web.process.terminate()
                code = web.process.wait(timeout=SECONDS_TO_DRAIN)
                assert code == 0, web.printed
                web.start(fault)
            load.wait_for(10)
        totals = scene.holds_up(load)
    dropped = [
        at
        for command in load.commands
        for at in command.lost
        if any(began <= at < asked for began, asked in working)
    ]
    later = totals["lost answers"] - len(dropped)
    print(f"{totals}; {later} were sent after SIGTERM")  # noqa: T201
    assert not dropped, f"{len(dropped)} requests were dropped that were sent before SIGTERM"
    return {"rounds": size} | totals


HARNESSES = (Harness("F23", "drain under load", run, size=40, database=Database.BOTH, plan=10),)


def test_whatever_was_sent_before_sigterm_is_answered() -> None:
    run(a_seed(), ROUNDS)


def test_a_server_that_ends_at_once_drops_what_is_in_hand() -> None:
    """The negative control."""
    with pytest.raises(AssertionError, match="were dropped"):
        run(a_seed(), 3, "drops_what_is_in_hand")
