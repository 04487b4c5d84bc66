"""P9 and P18: what one dispatcher delivers, beside a bare loop; and after an hour's outage."""

import hashlib
import hmac
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import requests

from app import create_app
from licensing import clock, db
from licensing.rules.permissions import system
from tests.benchmarks import receiving
from tests.benchmarks.companies import add_users, opened, settings_for
from tests.benchmarks.figures import Figure
from tests.benchmarks.loading import alone_in_front
from tests.benchmarks.ratios import ratio
from tests.receivers import Answer, Received, Receiver
from tests.webhooks.stage import Stage
from tests.world import AnAccount, Hands, an_account
from webhooks.dispatcher import Dispatcher
from webhooks.models import Attempt
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint
from webhooks.transport import Transport

ACCOUNTS, EVENTS = 16, 3_200
TEN_A_SECOND, AN_HOUR = 10, 3600
OUTAGE_ACCOUNTS = 20


def measure(rounds: int, peer: Callable[[str], float] | None) -> Iterator[Figure]:
    """
    Deliver the same number of messages in each way, round by round, each on one processor.

    `peer` delivers to an address and returns deliveries a second; None where there is none.
    """
    ours, loop, theirs = [], [], []
    with tempfile.TemporaryDirectory() as folder, receiving.receiver() as address:
        base = Path(folder) / "base.db"
        with opened(f"sqlite:///{base}"):
            _endpoints_and_events(address)
        for number in range(-1, rounds):
            file = shutil.copy(base, Path(folder) / "delivered.db")
            os.sync()
            with alone_in_front():
                rates = _drained(f"sqlite:///{file}"), _looped(address)
            if number >= 0:
                ours.append(rates[0])
                loop.append(rates[1])
                theirs += [peer(address)] if peer else []
    yield _compared("P9", ours, loop, "requests.Session.post in a loop, signed", 1.5)
    if theirs:
        yield _compared("P10", ours, theirs, "Celery over Redis, attempts in SQLite", 2.5)


def _compared(
    target: str, ours: list[float], theirs: list[float], beside: str, at_least: float
) -> Figure:
    return Figure(
        target,
        "deliveries of one dispatcher, attempts recorded",
        beside,
        ratio(ours, theirs),
        at_least=at_least,
        absolute=f"{median(ours):,.0f}/s : {median(theirs):,.0f}/s",
    )


def _endpoints_and_events(address: str) -> None:
    for _ in range(ACCOUNTS):
        account = an_account()
        wanted = NewEndpoint(address, ["user.created"], account.id)
        made, _ = endpoints.create_endpoint(system(), wanted)
        endpoints.enable_endpoint(system(), made.id)
        add_users(account, "told", EVENTS // ACCOUNTS, None)


def _drained(database_url: str) -> float:
    """Deliver everything; returns deliveries a second."""
    create_app(settings_for(database_url))
    dispatcher = Dispatcher(Transport(frozenset({"127.0.0.1"})))
    with db.connection():
        start = time.perf_counter()
        sent = dispatcher.deliver_all()
        took = time.perf_counter() - start
        kept = Attempt.select().where(Attempt.verdict == "delivered").count()
    dispatcher.close()
    db.close()
    assert kept == EVENTS, (sent, kept)
    return sent / took


def _looped(address: str) -> float:
    """What somebody writes first: sign, post, look at the answer; one after the other."""
    body, secret = os.urandom(300).hex().encode(), os.urandom(32)
    with requests.Session() as session:
        session.trust_env = False
        start = time.perf_counter()
        for number in range(EVENTS):
            signed = hmac.new(secret, f"{number}.".encode() + body, hashlib.sha256).hexdigest()
            headers = {
                "Content-Type": "application/json",
                "webhook-id": f"evt_{number}",
                "webhook-timestamp": str(int(time.time())),
                "webhook-signature": f"v1,{signed}",
            }
            session.post(address, data=body, headers=headers, timeout=15).raise_for_status()
        return EVENTS / (time.perf_counter() - start)


class _Out:
    """A receiver that is out for an hour, and what it saw."""

    def __init__(self) -> None:
        self.is_out = True
        self.wasted = self.taken = 0
        self.hands: Hands | None = None
        self.first = self.last = 0.0

    def __call__(self, _received: Received) -> Answer:
        if self.is_out:
            self.wasted += 1
            return Answer(503)
        assert self.hands is not None
        self.last = self.hands.now.timestamp()
        self.first = self.first or self.last
        self.taken += 1
        return Answer(204)


def outage() -> Iterator[Figure]:
    """An hour without the receiver at ten events a second, on a clock that is moved (P18)."""
    out, hands = _Out(), Hands()
    out.hands = hands
    with _moved_database(hands), Receiver(out) as receiver:
        stage = Stage(hands)
        accounts = [an_account() for _ in range(OUTAGE_ACCOUNTS)]
        stage.endpoint(receiver, None, "user.created")
        for second in range(0, AN_HOUR, 60):
            _an_hours_minute(accounts, second)
            stage.pass_time(seconds=60)
        back = hands.now.timestamp()
        out.is_out = False
        stage.pass_time(minutes=15)
        stage.dispatcher.close()
    expected = TEN_A_SECOND * AN_HOUR
    assert out.taken == expected, (out.taken, expected)
    yield _told("first delivery after an hour's outage", out.first - back, "s", 60)
    yield _told("all of its 36,000 events delivered", out.last - back, "s", 7 * 60)
    yield _told("attempts wasted meanwhile", out.wasted, "", 100)


def _an_hours_minute(accounts: list[AnAccount], second: int) -> None:
    for account in accounts:
        add_users(account, f"s{second}.", TEN_A_SECOND * 60 // len(accounts), None)


def _told(what: str, found: float, unit: str, at_most: float) -> Figure:
    return Figure("P18", what, "", ratio([found], [1.0]), unit, at_most=at_most)


@contextmanager
def _moved_database(hands: Hands) -> Iterator[None]:
    with (
        tempfile.TemporaryDirectory() as folder,
        clock.reading(hands.read),
        opened(f"sqlite:///{folder}/outage.db"),
    ):
        db.db.execute_sql("PRAGMA synchronous = OFF")
        yield
