"""
Dispatchers that are killed -9, at random and at every named point (promises 1, 2 and 7).

Nothing is lost, nothing is first sent out of its order; what is sent twice is counted.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from licensing import clock, settings
from licensing.rules.permissions import system
from licensing.settings import Settings
from tests import warm
from tests.faults.dispatching import FAULTS
from tests.faults.harness import Database, Harness, a_seed
from tests.faults.seen import Seen
from tests.receivers import Received, Receiver
from tests.serving import ROOT, clean_environment, nothing
from tests.world import AnAccount, Hands, an_account
from webhooks.models import Lane
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint

DISPATCHERS, KILLS = 3, 100
SECONDS_TO_FINISH = 60


@contextmanager
def _dispatchers(chosen: Settings, *arguments: object) -> Iterator[Callable[[int], None]]:
    """A crew of dispatchers; yields what kills one of them, and starts another in its place."""
    (reading, orders), (answers, printing) = os.pipe(), os.pipe()
    with nothing() as complaints, open(orders, "w") as to, open(answers) as said:  # noqa: PTH123
        crew = warm.start(
            *map(str, arguments),
            cwd=ROOT,
            env=clean_environment()
            | {
                "SEATKEEPER_DATABASE_URL": chosen.database_url,
                "SEATKEEPER_SECRET_KEY": chosen.secret_key,
                "SEATKEEPER_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
            },
            streams=(reading, printing, complaints),
            program="tests.faults.dispatching:program",
        )
        os.close(reading)
        os.close(printing)
        assert said.readline() == "working\n"
        try:
            yield lambda unlucky: print(f"kill {unlucky}", file=to, flush=True)
        finally:
            to.close()
            crew.wait(timeout=60)


def _endpoint(receiver: Receiver) -> str:
    made, _ = endpoints.create_endpoint(system(), NewEndpoint(receiver.url, ["*"]))
    endpoints.enable_endpoint(system(), made.id)
    return str(made.id)


def _all_events(accounts: list[AnAccount]) -> set[tuple[str, int]]:
    return {
        (account.id, event["sequence"])
        for account in accounts
        for event in account.log()
        if event["type"] in ("user.created", "seat.assigned")
    }


def run(seed: int, size: int) -> dict[str, int]:
    """Kill so many dispatchers while events happen; what none of them has sent is missing."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    seen = Seen()
    with clock.reading(clock.system_time), Receiver(seen) as receiver:
        accounts = [an_account() for _ in range(8)]
        id = _endpoint(receiver)
        with _dispatchers(settings.current(), DISPATCHERS) as kill_one:
            for kill in range(size):
                for _ in range(3):
                    chance.choice(accounts).user(seats=[])
                kill_one(chance.randrange(DISPATCHERS))
                if kill % 20 == 19:
                    # Some of them have to get somewhere, too.
                    missing = seen.wait_for(_all_events(accounts), SECONDS_TO_FINISH)
                    assert missing == set()

            missing = seen.wait_for(_all_events(accounts), SECONDS_TO_FINISH)

    assert (missing, seen.out_of_order) == (set(), [])
    print(f"{len(seen.times)} events, {seen.duplicates} duplicates")  # noqa: T201
    assert seen.duplicates <= size * 4
    assert Lane.select().where(Lane.endpoint_id == id, Lane.state == "blocked").count() == 0
    return {"kills": size, "deliveries": seen.times.total(), "duplicates": seen.duplicates}


HARNESSES = (Harness("F7", "kill dispatchers", run, size=200, database=Database.BOTH, plan=100),)


def test_promise_1_and_2_hold_while_dispatchers_are_killed() -> None:
    run(a_seed(), KILLS)


@pytest.mark.parametrize("point", FAULTS)
def test_promise_1_holds_at_every_point_at_which_a_dispatcher_dies(
    service: Settings, hands: Hands, point: str
) -> None:
    hands.move_to(datetime.now(UTC))
    accounts = [an_account() for _ in range(3)]
    seen = Seen()
    with Receiver(seen) as receiver:
        _endpoint(receiver)
        for account in accounts:
            account.user(seats=[])
        with _dispatchers(service, 2, point):
            for account in accounts:
                account.user(seats=[])
            missing = seen.wait_for(_all_events(accounts), SECONDS_TO_FINISH)

    assert (missing, seen.out_of_order) == (set(), [])
    assert max(seen.times.values()) <= 2


def test_what_is_lost_repeated_or_out_of_order_is_noticed() -> None:
    """The negative control of the one that counts."""
    seen = Seen()

    for sequence in (1, 3, 2, 2, 4):
        body = json.dumps({"account_id": "acc", "sequence": sequence}).encode()
        seen(Received("/", {}, body))

    assert (seen.out_of_order, seen.duplicates) == ([("acc", 2)], 1)
    assert seen.wait_for({("acc", 4), ("acc", 5)}, seconds=0) == {("acc", 5)}


def test_a_dispatcher_that_moves_the_cursor_first_loses_events(
    service: Settings, hands: Hands
) -> None:
    """The negative control."""
    hands.move_to(datetime.now(UTC))
    accounts = [an_account() for _ in range(3)]
    seen = Seen()
    with Receiver(seen) as receiver:
        id = _endpoint(receiver)
        for account in accounts:
            account.user(seats=[])
        with _dispatchers(service, 1, "before_the_send", "careless") as kill_one:
            _wait_until_one_has_died(id)
            kill_one(0)  # which starts another
            missing = seen.wait_for(_all_events(accounts), seconds=4)

    assert missing


def _wait_until_one_has_died(endpoint_id: str) -> None:
    """Its last deed was to move a cursor."""
    moved = Lane.select().where(Lane.endpoint_id == endpoint_id, Lane.previous.is_null(False))
    while not moved.count():
        time.sleep(0.02)
