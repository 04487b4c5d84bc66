"""
Dispatchers whose clocks are wrong (F11), by seconds and by hours.

Leases go by the clock of the database, so that no dispatcher takes what another one holds. A
dispatcher that goes by its own clock, the negative control, does. On SQLite the clock of the
database is that of the machine, which all dispatchers share: this is about PostgreSQL.

As a program this module is one such dispatcher; `own` as its argument lets it go by its own clock.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app import create_app
from licensing import clock, db, settings
from licensing.models import Event
from licensing.rules.permissions import system
from licensing.settings import from_environment
from tests.faults.harness import Database, Harness
from tests.faults.machines import Works
from tests.faults.seen import Seen
from tests.receivers import Answer, Received, Receiver
from tests.serving import ROOT
from tests.world import an_account
from webhooks import lanes
from webhooks.dispatcher import Dispatcher
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint
from webhooks.transport import Transport

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
# One is right; the others are not.
SKEWS = ("+0", "+5s", "+1h", "-1h")
ACCOUNTS = 10
SECONDS_OF_AN_ANSWER = 0.02
SECONDS_TO_DELIVER = 90


class Slow(Seen):
    """A receiver that takes its time, so that leases are held for a while."""

    def __call__(self, received: Received) -> Answer:
        """Note it, and answer after a moment."""
        threading.Event().wait(SECONDS_OF_AN_ANSWER)
        return super().__call__(received)


@contextmanager
def _dispatcher(skew: str, *arguments: str) -> Iterator[None]:
    """A process that delivers, with a clock that is wrong by so much."""
    wrong = {"LD_PRELOAD": str(LIBRARY), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    process = subprocess.Popen(  # noqa: S603 this module
        [sys.executable, "-m", __name__, *arguments],
        cwd=ROOT,
        env=Works(settings.current()).environment | wrong,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def run(seed: int, size: int, skews: Sequence[str] = SKEWS, *arguments: str) -> Mapping[str, int]:
    """So many events, and dispatchers who do not agree on the time; each is sent once."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    seen = Slow()
    with ExitStack() as stack:
        stack.enter_context(clock.reading(clock.system_time))
        receiver = stack.enter_context(Receiver(seen))
        accounts = [an_account() for _ in range(ACCOUNTS)]
        made, _ = endpoints.create_endpoint(system(), NewEndpoint(receiver.url, ["user.created"]))
        endpoints.enable_endpoint(system(), made.id)
        for skew in skews:
            stack.enter_context(_dispatcher(skew, *arguments))
        for _ in range(size):
            chance.choice(accounts).user(status="invited")
        rows = Event.select(Event.account_id, Event.sequence).where(Event.type == "user.created")
        missing = seen.wait_for(set(rows.tuples()), SECONDS_TO_DELIVER)
    assert (missing, seen.out_of_order) == (set(), []), f"seed {seed}"
    assert seen.duplicates == 0, f"seed {seed}: {seen.duplicates} events were sent twice"
    return {"deliveries": seen.times.total(), "duplicates": seen.duplicates}


def main() -> None:
    """Deliver, until SIGTERM."""
    # With a wrong clock, libfaketime lets no other one sleep.
    time.sleep = _rest
    create_app(from_environment())
    hosts = settings.current().webhook_allowed_hosts
    now = _own_clock if sys.argv[1:] == ["own"] else lanes.database_now
    dispatcher = Dispatcher(Transport(hosts), now)
    signal.signal(signal.SIGTERM, lambda *_: dispatcher.stop())
    dispatcher.run()
    db.close_all()
    os._exit(0)


def _rest(seconds: float) -> None:
    threading.Event().wait(seconds)


def _own_clock() -> int:
    return round(time.time() * 1000)


HARNESSES = (Harness("F11", "clocks that are wrong", run, 2000, Database.POSTGRESQL, plan=2000),)

if __name__ == "__main__":
    main()
