"""
A simulation (F24): the service in one thread, with a clock, a network and an order that are chance.

Commands, a scheduler and two dispatchers take turns; any of them may die before any statement, or
right after a commit. All that is chance comes from one seed, so that a seed is a history; `told`
tells it line by line.
"""

import hashlib
import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import peewee
import pytest

from licensing import clock, db, idempotency, ids, migrations, scheduler, settings
from licensing.idempotency import Answer
from licensing.models import Event, Purchase
from licensing.operations import assigning, buying, giving_back, users
from licensing.rules.permissions import Scope, system
from licensing.rules.refusals import Refusal
from licensing.scheduler import Scheduler
from tests.faults.simulated_wire import Wire
from tests.world import AnAccount, Hands, an_account
from webhooks import dispatcher as dispatching
from webhooks import jobs, lanes, senders, settling
from webhooks.dispatcher import Dispatcher
from webhooks.models import Endpoint, Lane, Parked
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint
from webhooks.rules import LaneState

SENDERS, DISPATCHERS, STEPS = 4, 2, 10
CHANCE_TO_DIE_INSIDE, CHANCE_TO_DIE_AFTERWARDS = 0.12, 0.06
# Commands have more statements, a look of a dispatcher has fewer.
MOST_STATEMENTS = 25
# Longer than a lease, and than the pauses of an endpoint in trouble.
SECONDS_TO_LAPSE = 70.0
ROUNDS_TO_FINISH = 40
COUNTS = """
    SELECT pools.id, pools.purchased, pools.assigned, pools.scheduled_removal, count(seats.id)
    FROM pools LEFT JOIN seats ON seats.pool_id = pools.id GROUP BY pools.id
"""
CURSORS = """
    SELECT webhook_endpoints.url, webhook_lanes."cursor" FROM webhook_lanes
    JOIN webhook_endpoints ON webhook_endpoints.id = webhook_lanes.endpoint_id
"""
# Not all that happens, so that more histories fit in a minute.
ENDPOINTS = (
    ("https://crm.example.com", ["seat.*", "user.created"]),
    ("https://books.example.com", ["billing"]),
)


class Crash(BaseException):
    """What kill -9 looks like from inside."""


class Driven:
    """A dispatcher without threads: its engine and its senders take a step when they are told."""

    def __init__(self, wire: Wire, now: Callable[[], int]) -> None:
        self.waiting: list[tuple[Callable[[Any], None], Any]] = []
        self._dispatcher: Any = Dispatcher(wire, now, senders=SENDERS)  # type: ignore[arg-type]
        pool = SimpleNamespace(submit=lambda *work: self.waiting.append(work))
        self._dispatcher._senders._pool = pool

    def work(self) -> int:
        """Let the engine write what was reported, and claim what is due."""
        handed_out: int = self._dispatcher._work(self._dispatcher._senders.take())
        return handed_out

    def send(self, which: int) -> None:
        """Let a sender send one of the messages that wait for one."""
        send, job = self.waiting.pop(which)
        send(job)


@dataclass(frozen=True)
class Scene:
    """
    What all histories begin with: an account, and endpoints that have yet to be told of something.

    Attributes:
        account: the account.
        service: who buys, with idempotency keys.
        wanted: the types of events of which each endpoint is told, by its address.
        told_from: the sequence after which they are.
    """

    account: AnAccount
    service: Any
    wanted: dict[str, frozenset[str]]
    told_from: int
    purchases: int


class World:
    """One history."""

    def __init__(self, seed: int, hands: Hands, scene: Scene) -> None:
        self.chance = random.Random(seed)  # noqa: S311 chance that can be repeated
        self.hands = hands
        self.scene = scene
        self.told: list[str] = []
        self.wire = Wire(self.chance, self._meanwhile, self.told.append)
        self.crew = [Driven(self.wire, self.milliseconds) for _ in range(DISPATCHERS)]
        self.fuse: int | None = None
        self.crashes = self.commands = 0
        self._numbers = itertools.count(1)
        self._unanswered: tuple[str, int] | None = None
        self._bought = scene.purchases
        self._log: list[tuple[int, str]] = []
        self._nested = 0

    def milliseconds(self) -> int:
        """The time."""
        return int(self.hands.now.timestamp() * 1000)

    @property
    def digest(self) -> str:
        """What happened, in short."""
        return hashlib.sha256("\n".join(self.told).encode()).hexdigest()

    def burn(self) -> None:
        """A statement is about to be sent: whoever is to die before it dies."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Crash

    def live(self) -> None:
        """Let everybody have turns, and look after each one whether all is well."""
        for _ in range(STEPS):
            self._step()
            self.look()

    def _step(self) -> None:
        steps = {
            self._work: 6,
            self._send: 6,
            self._command: 5,
            self._wait: 2,
            self._die: 1,
            self._renew: 1,
        }
        self.chance.choices(list(steps), list(steps.values()))[0]()

    def _meanwhile(self, seconds: float) -> None:
        """A message is under way: others may have their turn."""
        if self._nested < 2 and not self.wire.is_fair and self.chance.random() < 0.3:
            self._nested += 1
            self._step()
            self._nested -= 1
        self.hands.move(seconds=seconds)

    def _wait(self) -> None:
        seconds = self.chance.choice((0.3, 3.0, 9.0, SECONDS_TO_LAPSE))
        self.hands.move(seconds=seconds)
        self.told.append(f"{seconds} s pass")

    def _survives(self, name: str, act: Callable[[], object]) -> bool:
        """Do something that may die in the middle of it, or right after it was done."""
        fate = self.chance.random()
        if fate < CHANCE_TO_DIE_INSIDE:
            self.fuse = self.chance.randrange(MOST_STATEMENTS)
        try:
            self.told.append(f"{name}: {act()}")
        except Refusal as refusal:
            self.told.append(f"{name}: {refusal.code}")
        except Crash:
            self.told.append(f"{name} dies")
            self.crashes += 1
            return False
        finally:
            self.fuse = None
        if 0 <= fate - CHANCE_TO_DIE_INSIDE < CHANCE_TO_DIE_AFTERWARDS:
            self.told.append(f"{name} dies when it is done")
            self.crashes += 1
            return False
        return True

    def _work(self) -> None:
        number = self.chance.randrange(DISPATCHERS)
        if not self._survives(f"dispatcher {number}", self.crew[number].work):
            self._replace(number)

    def _send(self) -> None:
        driven = self.chance.choice(self.crew)
        if driven.waiting:
            driven.send(self.chance.randrange(len(driven.waiting)))

    def _die(self) -> None:
        self._replace(self.chance.randrange(DISPATCHERS))

    def _replace(self, number: int) -> None:
        """What it held is forgotten; its leases end when they end."""
        self.told.append(f"another dispatcher {number}")
        self.crew[number] = Driven(self.wire, self.milliseconds)

    def _renew(self) -> None:
        if self.chance.random() < 0.3:
            self.hands.move(days=31)
        self._survives("scheduler", Scheduler().work_through)

    def _command(self) -> None:
        act = self.chance.choice((self._assign, self._take_back, self._give_back, self._buy))
        act()

    def _do(self, name: str, act: Callable[[], object]) -> None:
        self.commands += self._survives(name, act)

    def _assign(self) -> None:
        email, by = f"guest{next(self._numbers)}@example.com", self.scene.account.by

        def invite() -> str:
            users.create_user(by, email, "Guest", seat_types=["core"], status="invited")
            return "done"

        self._do("invite", invite)

    def _take_back(self) -> None:
        rows = db.db.execute_sql("SELECT id FROM seats WHERE seat_type = 'core' ORDER BY id")
        held = [id for (id,) in rows.fetchall()]
        if held:
            seat = self.chance.choice(held)
            self._do("take back", partial(assigning.take_back, self.scene.account.by, seat))

    def _give_back(self) -> None:
        by = self.scene.account.by
        self._do("give back", lambda: giving_back.schedule_removal(by, "core", 1).quantity)

    def _buy(self) -> None:
        """Buy with a key, and with the same key again while nobody has heard the answer."""
        if self._unanswered is None:
            self._unanswered = (f"order-{next(self._numbers)}", self.chance.randint(1, 3))
        if self._survives("buy", partial(self._order, *self._unanswered)):
            self._unanswered = None
            self._bought += 1
            self.commands += 1

    def _order(self, key: str, quantity: int) -> int:
        def buy() -> Answer:
            buying.purchase_seats(self.scene.service, "core", quantity)
            return Answer(201, {}, b"bought")

        idempotency.once(self.scene.service, key, str(quantity), buy)
        return quantity

    def look(self) -> None:
        """What has to hold at every moment; raises `AssertionError`."""
        for id, purchased, assigned, scheduled, held in db.db.execute_sql(COUNTS).fetchall():
            assert assigned == held <= purchased - scheduled, f"pool {id} is wrong"
        (purchases,) = db.db.execute_sql("SELECT count(*) FROM purchases").fetchone()
        orders = purchases - self._bought
        assert orders in ((0,) if self._unanswered is None else (0, 1)), "an order was done twice"
        self._read_on()
        assert [sequence for sequence, _ in self._log] == list(range(1, len(self._log) + 1))
        assert not self.wire.taken.out_of_order, "an event first came after a later one"
        for url, cursor in db.db.execute_sql(CURSORS).fetchall():
            missing = self._missing(url, cursor)
            assert not missing, f"{url} is past {missing}, which it never took"

    def _read_on(self) -> None:
        """Read what was appended to the log; what it holds never changes."""
        log = "SELECT sequence, type FROM events WHERE sequence > ? ORDER BY sequence"
        self._log += db.db.execute_sql(log, (len(self._log),)).fetchall()

    def _missing(self, url: str, until: int) -> list[int]:
        """What an endpoint should have taken up to a sequence, and neither has nor refused."""
        wanted = self.scene.wanted[url]
        taken = self.wire.taken.first.get((url, self.scene.account.id), [])
        told_of = self._log[self.scene.told_from : until]
        return [n for n, kind in told_of if kind in wanted and n not in taken]

    def finish(self) -> None:
        """Without faults everything is delivered in the end, and all invariants hold."""
        self.wire.is_fair = True
        if self._unanswered is not None:
            self._order(*self._unanswered)
            self._unanswered = None
            self._bought += 1
        for _ in range(ROUNDS_TO_FINISH):
            self._deliver()
            if not Lane.select().where(Lane.state != LaneState.IDLE).exists():
                break
            self.hands.move(seconds=SECONDS_TO_LAPSE)
        self.look()
        assert not Parked.select().exists(), "nothing was refused for so long"
        for url in self.scene.wanted:
            missing = self._missing(url, len(self._log))
            assert not missing, f"{url} was never told of {missing}"
        self.told.append(f"{len(self._log)} events, {self.wire.taken.deliveries} deliveries")

    def _deliver(self) -> None:
        while any(driven.work() or driven.waiting for driven in self.crew):
            for driven in self.crew:
                while driven.waiting:
                    driven.send(0)


@contextmanager
def worlds() -> Iterator[Callable[[int], World]]:
    """Inside the block the function makes a world of a seed, in a database in memory."""
    in_force = settings.current()
    db.close()
    db.open_database(replace(in_force, database_url="sqlite:///:memory:"))
    hands = Hands()
    numbers = itertools.count()
    state = random.getstate()
    with (
        pytest.MonkeyPatch.context() as patch,
        clock.reading(hands.read),
        db.connection(),
    ):
        time = SimpleNamespace(monotonic=lambda: hands.now.timestamp())
        for module in (dispatching, jobs, senders, settling, scheduler):
            patch.setattr(module, "time", time)
        patch.setattr(
            ids, "new", lambda kind: f"{kind}_{_milliseconds(hands):012x}{next(numbers):020x}"
        )
        migrations.apply()
        scene = _a_scene()
        kept = peewee.sqlite3.connect(":memory:")  # type: ignore[attr-defined]
        db.db.connection().backup(kept)
        begin, first = hands.now, next(numbers)

        def world(seed: int) -> World:
            nonlocal numbers
            kept.backup(db.db.connection())
            hands.move_to(begin)
            numbers = itertools.count(first)
            random.seed(seed)  # what the service itself spreads by chance
            made = World(seed, hands, scene)
            _tap(made)
            return made

        try:
            yield world
        finally:
            kept.close()
            random.setstate(state)
            db.close()
            db.open_database(in_force)
            db.db.connect()


def _milliseconds(hands: Hands) -> int:
    return int(hands.now.timestamp() * 1000)


def _a_scene() -> Scene:
    account = an_account(core=3)
    for url, types in ENDPOINTS:
        made, _ = endpoints.create_endpoint(system(), NewEndpoint(url, types, account.id))
        endpoints.enable_endpoint(system(), made.id)
    wanted = {
        endpoint.url: frozenset(lanes.asked_for(endpoint, account.id))
        for endpoint in Endpoint.select()
    }
    told_from = Event.select().count()
    account.user("Priya", seats=["core"], email="priya@example.com")
    bought = Purchase.select().count()
    return Scene(account, account.key(Scope.BILLING), wanted, told_from, bought)


def _tap(world: World) -> None:
    """Let the world know of each statement before it is sent."""
    database = db.db.obj
    execute_sql = type(database).execute_sql

    def heard(sql: str, *args: Any, **more: Any) -> Any:
        world.burn()
        return execute_sql(database, sql, *args, **more)

    database.execute_sql = heard
