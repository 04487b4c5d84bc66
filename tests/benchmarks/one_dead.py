"""One dead endpoint in ten: what the others notice of a receiver that takes and never answers."""

import itertools
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from licensing.rules.permissions import system
from tests.benchmarks import contestants
from tests.benchmarks.companies import companies, listed, opened
from tests.benchmarks.contestants import Contestant
from tests.benchmarks.figures import Figure
from tests.benchmarks.latency import at_an_even_rate
from tests.benchmarks.places import Place
from tests.benchmarks.ratios import ratio
from tests.receivers import Answer, Received, Receiver
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint

ENDPOINTS, RATE, SECONDS = 10, 20, 4
DEAD = "/9"


class Ten:
    """Ten receivers at one address; they keep how old each event was when it came, in ms."""

    def __init__(self, one_is_dead: bool) -> None:
        self.ages: list[float] = []
        self._dead = DEAD if one_is_dead else ""
        self._changed = threading.Condition()
        self.over = threading.Event()

    def __call__(self, received: Received) -> Answer:
        now = time.time()
        if received.path == self._dead:
            return Answer(after=self.over)
        if received.path != DEAD:
            happened = datetime.fromisoformat(received.json["timestamp"]).timestamp()
            with self._changed:
                self.ages.append((now - happened) * 1000)
                self._changed.notify_all()
        return Answer()

    def wait_for(self, many: int, seconds: float = 60) -> None:
        """Wait until the nine that are well have had so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.ages) >= many, seconds), len(self.ages)


def measure(place: Place, folder: Path, rounds: int) -> Iterator[Figure]:
    """Two services side by side, asked in turns: all endpoints well, and one of them dead."""
    late: dict[bool, list[float]] = {False: [], True: []}
    with ExitStack() as stack:
        crew = [_service(place, folder, dead, stack) for dead in late]
        for number in range(-1, rounds):
            for dead, (ten, one, token, people) in zip(late, crew, strict=True):
                p99 = _asked(ten, one, token, people)
                if number >= 0:
                    late[dead].append(p99)
        for ten, *_ in crew:
            ten.over.set()
    middle = {dead: statistics.median(found) for dead, found in late.items()}
    yield Figure(
        "",
        f"commit → received, p99, one dead endpoint in ten, {place.name}",
        "none dead",
        ratio(late[True], late[False]),
        at_most=2,
        absolute=f"{middle[True]:.0f} ms : {middle[False]:.0f} ms",
    )


def _service(
    place: Place, folder: Path, dead: bool, stack: ExitStack
) -> tuple[Ten, Contestant, str, Iterator[tuple[str, str]]]:
    name = "one_dead" if dead else "none_dead"
    ten = Ten(dead)
    receiver = stack.enter_context(Receiver(ten))
    with opened(place.make(name)):
        made = companies(1_600)
        for number in range(ENDPOINTS):
            wanted = NewEndpoint(f"{receiver.url}{number}", ["seat.assigned"])
            one, _ = endpoints.create_endpoint(system(), wanted)
            endpoints.enable_endpoint(system(), one.id)
    users = listed(made.people, folder / name)
    serving = contestants.seatkeeper(place.url(name), made.token, users)
    (server,) = stack.enter_context(serving)
    return ten, server, made.token, itertools.chain(made.people)


def _asked(ten: Ten, one: Contestant, token: str, people: Iterator[tuple[str, str]]) -> float:
    """Assign seats at an even rate; returns the p99 of the nine."""
    ten.ages.clear()
    asked = itertools.islice(people, RATE * SECONDS)
    at_an_even_rate(one.address, token, asked, RATE)
    ten.wait_for(RATE * SECONDS * (ENDPOINTS - 1))
    return statistics.quantiles(ten.ages, n=100)[-1]
