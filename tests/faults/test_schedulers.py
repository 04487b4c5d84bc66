"""
Four schedulers at once, killed at random: every missed term is applied once, and in order (R23).

The schedulers are processes of their own, as `seatkeeper renew --loop` starts them. The naive loop,
which reads what is due and then writes, is the negative control.
"""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from dateutil.relativedelta import relativedelta

from licensing import clock, db, settings
from licensing.models import Event, Subscription, Term
from licensing.operations import giving_back
from licensing.settings import Settings
from tests.faults.harness import Database, Harness, a_seed
from tests.serving import started
from tests.warm import Process
from tests.world import AnAccount, Hands, an_account

SUBSCRIPTIONS, MISSED, SCHEDULERS, KILLS = 300, 4, 4, 20
SECONDS_TO_FINISH = 240


class Crew:
    """Schedulers in processes of their own; one that is killed is replaced."""

    def __init__(self, chosen: Settings, seed: int) -> None:
        self.environment = {
            "SEATKEEPER_DATABASE_URL": chosen.database_url,
            "SEATKEEPER_SECRET_KEY": chosen.secret_key,
        }
        self.chance = random.Random(seed)  # noqa: S311 chance that can be repeated
        self.members = [self._hired() for _ in range(SCHEDULERS)]
        self.kills = 0

    def _hired(self) -> Process:
        return started("renew", "--loop", **self.environment)

    def kill_one(self) -> None:
        """Kill -9 one of them, whatever it is doing, and start another."""
        unlucky = self.chance.randrange(SCHEDULERS)
        self.members[unlucky].send_signal(signal.SIGKILL)
        self.members[unlucky].wait()
        self.members[unlucky] = self._hired()
        self.kills += 1

    def dismiss(self) -> None:
        """End all of them in the friendly way."""
        for member in self.members:
            member.terminate()
        for member in self.members:
            member.wait(timeout=30)


@contextmanager
def _a_crew(seed: int) -> Iterator[Crew]:
    crew = Crew(settings.current(), seed)
    try:
        yield crew
    finally:
        crew.dismiss()


def _accounts_that_missed_terms(hands: Hands) -> list[AnAccount]:
    """Accounts whose subscriptions began long ago by the true clock, each with a removal."""
    hands.move_to(datetime.now(UTC) - relativedelta(months=MISSED, days=2))
    accounts = []
    for number in range(SUBSCRIPTIONS):
        account = an_account(core=10, name=f"Account {number}")
        giving_back.schedule_removal(account.by, "core", 3)
        account.from_here()
        accounts.append(account)
    return accounts


def _renewed() -> int:
    return Term.select().where(Term.number > 1).count()


def _wait_for_progress(to: int, deadline: float) -> None:
    while _renewed() < to and time.monotonic() < deadline:
        time.sleep(0.02)


def run(seed: int, size: int) -> dict[str, int]:
    """Kill so many schedulers while they apply what was missed."""
    hands = Hands()
    with clock.reading(hands.read):
        accounts = _accounts_that_missed_terms(hands)
        expected = SUBSCRIPTIONS * MISSED
        deadline = time.monotonic() + SECONDS_TO_FINISH

        with _a_crew(seed) as crew:
            for kill in range(1, size + 1):
                _wait_for_progress(expected * kill // (size + 2), deadline)
                crew.kill_one()
            _wait_for_progress(expected, deadline)

        assert crew.kills == size
        assert _renewed() == expected
        for account in accounts:
            assert _terms_told(account) == [2, 3, 4, 5]
            assert account.numbers("core") == (7, 0, 0)
            assert Counter(account.happened())["seat_removal.applied"] == 1
        told = Event.select().where(Event.type == "subscription.renewed").count()
        assert told == expected
    return {"kills": size, "terms": expected}


HARNESSES = (Harness("F12", "kill schedulers", run, size=60, database=Database.BOTH, plan=20),)


def test_r23_every_missed_term_is_applied_once_and_in_order() -> None:
    run(a_seed(), KILLS)


def _terms_told(account: AnAccount) -> list[int]:
    return [
        event["data"]["object"]["term"]["number"]
        for event in account.events()
        if event["type"] == "subscription.renewed"
    ]


def test_r23_the_naive_loop_applies_terms_more_than_once(hands: Hands) -> None:
    """The negative control: who reads what is due and then writes, without a guard, doubles it."""
    for _ in range(10):
        an_account()
    hands.move(days=40)
    have_read = threading.Barrier(SCHEDULERS)
    db.db.execute_sql("CREATE TABLE naive_terms (subscription_id TEXT, number INTEGER)")

    def naive() -> None:
        with db.connection():
            over = list(Subscription.select().where(Subscription.term_ends_at <= clock.now()))
            have_read.wait(timeout=30)
            for row in over:
                db.db.execute_sql(
                    f"INSERT INTO naive_terms VALUES ('{row.id}', {row.term_number + 1})"
                )
            db.close()

    with ThreadPoolExecutor(SCHEDULERS) as crew:
        for future in [crew.submit(naive) for _ in range(SCHEDULERS)]:
            future.result(timeout=60)
    applied = db.db.execute_sql("SELECT count(*) FROM naive_terms").fetchone()[0]
    db.db.execute_sql("DROP TABLE naive_terms")

    assert applied == 10 * SCHEDULERS
