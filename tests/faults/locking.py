"""
A database that somebody else has locked (F14): a backup that went wrong, a session that was left.

Requests and a dispatcher go on meanwhile. The outside writer lets go when all requests were
answered, so that each has been told in time to come again; or he lets go sooner.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from flask import Flask
from pysqlite3 import dbapi2 as sqlite3

from app import create_app
from licensing import clock, connecting, db, settings
from licensing.models import Seat
from licensing.rules.permissions import system
from tests.faults.harness import Database, Harness
from tests.faults.seen import Seen
from tests.http import Calling, calling
from tests.receivers import Receiver
from tests.world import AnAccount, an_account
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint
from webhooks.running import Running

WRITERS, READERS = 6, 4
SECONDS_TO_WAIT = 0.3
SECONDS_TO_DELIVER, SECONDS_TO_END = 60, 30
# What an outside writer can hold on PostgreSQL; of SQLite he holds the whole database.
LOCKS = (
    "LOCK TABLE pools IN EXCLUSIVE MODE",
    "LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE",
    "SELECT id FROM accounts FOR UPDATE",
    "SELECT id FROM users FOR UPDATE",
)
UNAVAILABLE = (503, "unavailable", True)


@contextmanager
def impatient_service() -> Iterator[Flask]:
    """The service, which waits for the database for as long as a test can."""
    in_force = settings.current()
    patient = connecting.POSTGRES_PARAMETERS["options"]
    db.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "SECONDS_TO_WAIT", SECONDS_TO_WAIT)
        patch.setitem(
            connecting.POSTGRES_PARAMETERS,
            "options",
            patient.replace("lock_timeout=2000", f"lock_timeout={SECONDS_TO_WAIT * 1000:.0f}"),
        )
        app = create_app(in_force)
        with db.connection():
            yield app
        db.close()
    db.open_database(in_force)
    db.db.connect()


@contextmanager
def locked(chance: random.Random) -> Iterator[None]:
    """Inside the block somebody else holds a lock."""
    url = settings.current().database_url
    if db.on_sqlite():
        outside: Any = sqlite3.connect(settings.sqlite_file(url), isolation_level=None)
        outside.execute("BEGIN IMMEDIATE")
    else:
        import psycopg

        outside = psycopg.connect(url)
        outside.execute(chance.choice(LOCKS))
    try:
        yield
    finally:
        outside.rollback()
        outside.close()


class Scene:
    """An account whose users are given seats, and how often each answer came."""

    def __init__(self, app: Flask) -> None:
        self.account: AnAccount = an_account(core=10_000)
        self.api: Calling = calling(app, self.account)
        self._begin = len(self.account.log())
        self.acknowledged: set[str] = set()
        self.answers: Counter[tuple[int, str, bool]] = Counter()

    def assign(self, user: str) -> tuple[int, str, bool]:
        """Ask for a seat; returns the status, the code, and whether it says when to try again."""
        answer = self.api.post("seats", {"user_id": user, "seat_type": "core"})
        if answer.status_code == 201:
            self.acknowledged.add(user)
        code = (answer.json or {}).get("code", "")
        return answer.status_code, str(code), "Retry-After" in answer.headers

    def read(self) -> int:
        """Read the pools; returns the status."""
        return int(self.api.get("pools").status_code)

    def told(self) -> list[dict[str, Any]]:
        """The events that the endpoint has asked for, since the scene was set."""
        events = self.account.log()[self._begin :]
        return [event for event in events if event["type"].startswith("seat.")]

    def holders(self) -> set[str]:
        """Who holds a seat."""
        seats = Seat.select(Seat.user_id).where(Seat.seat_type == "core")
        return {row.user_id for row in seats.where(Seat.account_id == self.account.id)}


def _at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            db.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result(timeout=60) for one in [pool.submit(run, call) for call in calls]]


def _a_round(scene: Scene, chance: random.Random) -> None:
    users = [scene.account.user() for _ in range(WRITERS + 1)]
    writes = [partial(scene.assign, user) for user in users[:WRITERS]]
    reads = [scene.read] * READERS
    holds_out = chance.random() < 0.7
    with locked(chance):
        if holds_out:
            answers = _at_once(writes + reads)
    if not holds_out:
        answers = _let_go_sooner(writes + reads, chance)
    for answer in answers[:WRITERS]:
        assert answer == UNAVAILABLE or answer[0] == 201, answer
        scene.answers[answer] += 1
    if holds_out:
        assert set(answers[:WRITERS]) == {UNAVAILABLE}, "somebody wrote in spite of the lock"
    assert answers[WRITERS:] == [200] * READERS, "nobody could read"
    # It works again at once, for whoever was refused and for others.
    assert scene.assign(users[WRITERS])[0] == 201
    assert scene.holders() == scene.acknowledged, (
        "an acknowledged seat is lost, or a refused one not"
    )


def _let_go_sooner(calls: list[Callable[[], Any]], chance: random.Random) -> list[Any]:
    """Let go while requests wait, or right after they have given up."""
    with ThreadPoolExecutor(1) as pool:
        with locked(chance):
            answers = pool.submit(_at_once, calls)
            threading.Event().wait(chance.uniform(0, 1.5 * SECONDS_TO_WAIT))
        return answers.result(timeout=60)


@contextmanager
def _delivering(seen: Seen) -> Iterator[None]:
    """A dispatcher beside the requests, with an endpoint for all that happens."""
    with Receiver(seen) as receiver:
        made, _ = endpoints.create_endpoint(system(), NewEndpoint(receiver.url, ["seat.*"]))
        endpoints.enable_endpoint(system(), made.id)
        running = Running(settings.current())
        running.start()
        try:
            yield
        finally:
            running.finish()


def run(seed: int, size: int) -> Mapping[str, int]:
    """So many times the database is locked; nothing is lost, nobody is left hanging."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    seen = Seen()
    with impatient_service() as app, clock.reading(clock.system_time):
        scene = Scene(app)
        before = set(threading.enumerate())
        with _delivering(seen):
            for _ in range(size):
                _a_round(scene, chance)
            told = {(scene.account.id, event["sequence"]) for event in scene.told()}
            missing = seen.wait_for(told, SECONDS_TO_DELIVER)
        left = [one for one in threading.enumerate() if one not in before]
        for one in left:
            one.join(SECONDS_TO_END)
        assert not [one.name for one in left if one.is_alive()], f"seed {seed}: threads are left"
    assert (missing, seen.out_of_order) == (set(), []), f"seed {seed}"
    return {
        "rounds": size,
        "commands": len(scene.acknowledged),
        "refused": scene.answers[UNAVAILABLE],
        "deliveries": seen.times.total(),
        "duplicates": seen.duplicates,
    }


HARNESSES = (Harness("F14", "a database that others have locked", run, 60, Database.BOTH, plan=10),)
