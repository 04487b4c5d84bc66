"""P11: from the commit to the receiver, on a service that is asked at an even rate."""

import itertools
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from tests.benchmarks.asking import Client
from tests.benchmarks.contestants import Contestant
from tests.benchmarks.figures import Figure
from tests.benchmarks.ratios import ratio
from tests.receivers import Answer, Received

CLIENTS = 12
RATES = {40: 8, 200: 6}
ROUNDS = 3
WARM = 1.0


class Clocked:
    """A receiver that keeps how old each event was when it came, in milliseconds."""

    def __init__(self) -> None:
        self.ages: list[float] = []
        self._changed = threading.Condition()

    def __call__(self, received: Received) -> Answer:
        now = time.time()
        happened = datetime.fromisoformat(received.json["timestamp"]).timestamp()
        with self._changed:
            self.ages.append((now - happened) * 1000)
            self._changed.notify_all()
        return Answer(204)

    def wait_for(self, many: int, seconds: float = 30) -> None:
        """Wait until so many came."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.ages) >= many, seconds), len(self.ages)


def measure(
    one: Contestant, users: Iterator[tuple[str, str]], clocked: Clocked, token: str, database: str
) -> Iterator[Figure]:
    """
    Ask at each rate, and yield the percentiles.

    An event says when the command began to tell it, before its commit; so what is measured is that
    and the rest of the transaction, and a little more than is asked for.
    """
    for rate, seconds in RATES.items():
        many = int(rate * (seconds + WARM))
        rounds = []
        for _ in range(ROUNDS):
            clocked.ages.clear()
            at_an_even_rate(one.address, token, itertools.islice(users, many), rate)
            clocked.wait_for(many)
            rounds.append(statistics.quantiles(clocked.ages[int(rate * WARM) :], n=100))
        for percentile, at_most in ((50, 10), (99, 100)):
            yield Figure(
                "P11",
                f"commit → received, p{percentile}, {rate} events/s, {database}",
                "",
                ratio([cuts[percentile - 1] for cuts in rounds], [1.0] * ROUNDS),
                "ms",
                at_most=at_most,
            )


def at_an_even_rate(address: str, token: str, users: Iterator[tuple[str, str]], rate: int) -> None:
    """Give a seat to each user, so many a second, whether or not the answers have come."""
    local = threading.local()

    def assign(user: str, account: str) -> None:
        client = getattr(local, "client", None)
        if client is None:
            client = local.client = Client(address, token)
        body = {"user_id": user, "seat_type": "core"}
        client.ask("POST", f"/v1/accounts/{account}/seats", body)

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = []
        for number, (user, account) in enumerate(users):
            time.sleep(max(0, start + number / rate - time.perf_counter()))
            sent.append(pool.submit(assign, user, account))
        for one in sent:
            one.result()
