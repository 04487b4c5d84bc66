"""
Companies, a receiver of their webhooks, and what has to hold when the faults have ended.

A scene is set before the first fault; `holds_up` waits for what is still to come, and compares what
clients were answered with the log, the counters and what the receiver was sent.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from licensing import clock, db
from licensing.models import TestClock
from licensing.operations import api_keys, test_clocks
from licensing.queries import invariants
from licensing.rules.permissions import Scope, system
from tests.faults import effects
from tests.faults.load import FIRST, Load
from tests.faults.seen import EventKey, Seen
from tests.receivers import Receiver
from tests.world import a_free_account, an_account
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint

SEATS_AT_FIRST = 4
SECONDS_TO_FINISH = 90


class Scene:
    """
    Attributes:
        accounts: those on whose seats the clients work.
        on_a_clock: one whose terms the scheduler renews, as the clients move its clock.
        token: a key that may do everything.
        seen: what the receiver was sent.
    """

    def __init__(self, receiver_url: str, seen: Seen, accounts: int) -> None:
        self.seen = seen
        self.accounts = [an_account(core=SEATS_AT_FIRST) for _ in range(accounts)]
        self.clock_id = test_clocks.create_clock(system(), "moved by clients", FIRST).id
        self.on_a_clock = a_free_account(test_clock_id=self.clock_id)
        self.on_a_clock.subscribe()
        made, _ = endpoints.create_endpoint(system(), NewEndpoint(receiver_url, ["*"]))
        endpoints.enable_endpoint(system(), made.id)
        self.first = self._events()  # that nobody is sent
        _, self.token = api_keys.create_key(system(), "clients", [Scope.ADMIN], None, None)

    def _events(self) -> set[EventKey]:
        return {
            (account.id, event["sequence"])
            for account in [*self.accounts, self.on_a_clock]
            for event in account.log()
        }

    def holds_up(self, load: Load, seconds: float = SECONDS_TO_FINISH) -> dict[str, int]:
        """
        Wait for what is still to come, so many seconds for what is to be sent.

        Fails unless everything is as it was answered.
        """
        db.db.connect(reuse_if_open=True)
        _wait_for(self.clock_id)
        missing = self.seen.wait_for(self._events() - self.first, seconds)
        told = [event for account in self.accounts for event in account.log()]
        wrong = [
            *(f"event {event} was not sent" for event in sorted(missing)),
            *(f"event {event} was sent out of its order" for event in self.seen.out_of_order),
            *effects.wrong(load.of_seats, told),
            *self._wrong_numbers(load),
            *self._wrong_terms(load),
            *invariants.violations(),
        ]
        assert not wrong, "\n".join(wrong)
        return self._totals(load)

    def _wrong_numbers(self, load: Load) -> list[str]:
        bought = load.bought()
        return [
            f"{account.id} has {account.numbers('core')[0]} seats, {expected} were bought"
            for account in self.accounts
            if account.numbers("core")[0] != (expected := SEATS_AT_FIRST + bought[account.id])
        ]

    def _wrong_terms(self, load: Load) -> list[str]:
        told = [
            event["data"]["object"]["term"]["number"]
            for event in self.on_a_clock.log()
            if event["type"] == "subscription.renewed"
        ]
        expected = [*range(2, 2 + len(load.steps_of_the_clock))]
        return [] if told == expected else [f"the terms {told} began, {expected} were to"]

    def _totals(self, load: Load) -> dict[str, int]:
        return {
            "commands": len(load.commands),
            "lost answers": sum(len(command.lost) for command in load.commands),
            "terms": len(load.steps_of_the_clock),
            "deliveries": self.seen.times.total(),
            "duplicates": self.seen.duplicates,
        }


def _wait_for(clock_id: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_FINISH
    advancing = TestClock.select().where(
        TestClock.id == clock_id, TestClock.advancing_to.is_null(False)
    )
    while advancing.count() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert advancing.count() == 0, "the scheduler does not move the clock any more"


@contextmanager
def a_scene(accounts: int = 4) -> Iterator[Scene]:
    """
    Set the scene by the true clock; the test's own connection is closed until `holds_up`.

    As long as somebody has an SQLite database open, nobody else recovers it from a crash.
    """
    seen = Seen()
    with clock.reading(clock.system_time), Receiver(seen) as receiver:
        scene = Scene(receiver.url, seen, accounts)
        db.close()
        yield scene
