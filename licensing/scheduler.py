"""
The scheduler: does what comes due, in a thread beside the API or in a process of its own.

There may be any number of them; there is no leader (R23).
"""

import logging
import random
import threading
import time
from collections.abc import Collection

from peewee import OperationalError

from licensing import db, heartbeats, tracing
from licensing.operations import scheduled, test_clocks
from licensing.row_security import EVERY_ACCOUNT

SECONDS_BETWEEN_LOOKS = 1.0
# An account whose step failed is left alone for a while, so that it does not hold up the others.
SECONDS_ASIDE = 60.0
ACCOUNTS_PER_LOOK = 100
# After so many steps the next account has its turn, however much one has missed.
STEPS_PER_TURN = 12

log = logging.getLogger(__name__)


class Scheduler:
    """One worker; `run` keeps it working, `work_through` does what is due now."""

    def __init__(self) -> None:
        self._aside: dict[str, float] = {}
        self._stopping = threading.Event()

    def run(self) -> None:
        """Do what comes due, until `stop` is called."""
        while not self._stopping.is_set():
            try:
                with db.connection(EVERY_ACCOUNT):
                    self.work_through()
            except Exception:
                # Whatever it was, renewals have to go on; what was not done is still due.
                log.exception("the scheduler could not look for what is due")
            heartbeats.beat("scheduler")
            self._stopping.wait(SECONDS_BETWEEN_LOOKS)
        heartbeats.rest("scheduler")

    def stop(self) -> None:
        """Let `run` end after the step in hand."""
        self._stopping.set()

    def work_through(self) -> int:
        """Do all that is due and not claimed by another one; returns the number of steps."""
        steps = 0
        while done := self._one_look():
            steps += done
        return steps

    def _one_look(self) -> int:
        accounts = scheduled.due_accounts(ACCOUNTS_PER_LOOK, leave_out=self._set_aside())
        # Several schedulers see the same accounts; few meet at one when each has its own order.
        random.shuffle(accounts)
        steps = sum(self._turn_of(account_id) for account_id in accounts)
        return steps + sum(self._move(clock_id) for clock_id in test_clocks.advancing_clocks())

    def _turn_of(self, account_id: str) -> int:
        steps = 0
        try:
            while steps < STEPS_PER_TURN and not self._stopping.is_set():
                heartbeats.go_on("scheduler")
                with tracing.work("what is due") as span:
                    span.say({"seatkeeper.account_id": account_id})
                    if not scheduled.do_one(account_id):
                        break
                steps += 1
        except (OperationalError, db.Busy):
            log.warning("the database was busy; account %s is left for later", account_id)
        except Exception:
            log.exception("what is due in account %s could not be done", account_id)
            self._aside[account_id] = time.monotonic() + SECONDS_ASIDE
        return steps

    def _move(self, clock_id: str) -> int:
        return int(test_clocks.move_clock(clock_id))

    def _set_aside(self) -> Collection[str]:
        now = time.monotonic()
        self._aside = {id: until for id, until in self._aside.items() if until > now}
        return self._aside


def work_through() -> int:
    """Do all that is due now; returns the number of steps."""
    return Scheduler().work_through()
