"""
Many deliveries over a network that loses, repeats and refuses (F10).

The dispatcher is the real one, with its senders in threads; only the wire and the time are made up.
"""

import random
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from licensing import clock, db
from licensing.models import Event
from licensing.rules.permissions import system
from tests.faults.harness import Database, Harness
from tests.faults.simulated_wire import Weather, Wire
from tests.world import Hands, an_account
from webhooks.dispatcher import Dispatcher
from webhooks.gate import gate
from webhooks.models import Endpoint, Lane, Parked
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint
from webhooks.rules import LaneState

ACCOUNTS, ENDPOINTS = 10, 4
# Longer than the pauses of an endpoint in trouble.
STEP = timedelta(seconds=70)
MOST_STEPS = 10_000


class SharedWire(Wire):
    """A wire that many senders use at once, and which knows how many repeats it has asked for."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance, lambda _: None, lambda _: None)
        self.excuses = 0
        self.weathers: Counter[str] = Counter()
        self._one_at_a_time = threading.Lock()

    def post(self, *arguments: object, **more: object) -> object:  # type: ignore[override]
        """Send a message."""
        with gate.outside(), self._one_at_a_time:
            return super().post(*arguments, **more)  # type: ignore[arg-type]

    def _weather(self) -> Weather:
        weather = super()._weather()
        self.weathers[weather.name] += 1
        # What was taken is to be repeated where the answer did not say so; some is so on the way.
        said = weather.outcome.status == 204
        self.excuses += weather.taken - said if weather.taken else 0
        return weather


def run(seed: int, size: int) -> Mapping[str, int]:
    """So many events to each endpoint: each is delivered or parked, in order, and not for fun."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    hands = Hands()
    wire = SharedWire(chance)
    if db.on_sqlite():
        db.db.pragma("synchronous", "off")  # nobody pulls the plug here
    with clock.reading(hands.read):
        accounts = [an_account() for _ in range(ACCOUNTS)]
        for number in range(ENDPOINTS):
            wanted = NewEndpoint(f"https://receiver{number}.example.com", ["user.created"])
            made, _ = endpoints.create_endpoint(system(), wanted)
            endpoints.enable_endpoint(system(), made.id)
        for _ in range(size):
            chance.choice(accounts).user(status="invited")
        dispatcher = Dispatcher(wire, now=lambda: int(hands.now.timestamp() * 1000))  # type: ignore[arg-type]
        try:
            for _ in range(MOST_STEPS):
                dispatcher.deliver_all()
                if not Lane.select().where(Lane.state != LaneState.IDLE).exists():
                    break
                hands.now += STEP
        finally:
            dispatcher.close()
    _look(wire, seed)
    return {
        "deliveries": wire.taken.deliveries,
        "duplicates": wire.taken.duplicates,
        "attempts": wire.weathers.total(),
    }


def _look(wire: SharedWire, seed: int) -> None:
    log = Event.select(Event.account_id, Event.sequence).where(Event.type == "user.created")
    told = set(log.tuples())
    for endpoint in Endpoint.select():
        rows = Parked.select(Parked.account_id, Parked.sequence)
        parked = set(rows.where(Parked.endpoint_id == endpoint.id).tuples())
        taken = {
            (account, sequence)
            for (url, account), sequences in wire.taken.first.items()
            if url.startswith(endpoint.url)
            for sequence in sequences
        }
        missing = told - taken - parked
        assert not missing, f"seed {seed}: {endpoint.url} was never told of {sorted(missing)}"
    assert not wire.taken.out_of_order, f"seed {seed}: {wire.taken.out_of_order}"
    repeated = wire.taken.duplicates
    assert repeated <= wire.excuses, f"seed {seed}: {repeated} repeats, {wire.excuses} excuses"


HARNESSES = (Harness("F10", "deliveries in bad weather", run, 2500, Database.BOTH, plan=5000),)
