"""P11: from the commit to the receiver, on a service that is asked at an even rate."""

import itertools
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import requests

from tests.benchmarks.contestants import Contestant
from tests.benchmarks.figures import Figure
from tests.benchmarks.loading import Ask
from tests.benchmarks.ratios import ratio
from tests.receivers import Answer, Received

CLIENTS = 12
RATES = {40: 8, 200: 6}
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
    one: Contestant, users: Iterator[tuple[str, str]], clocked: Clocked, database: str
) -> Iterator[Figure]:
    """
    Ask at each rate, and yield the percentiles.

    An event says when the command began to tell it, before its commit; so what is measured is that
    and the rest of the transaction, and a little more than is asked for.
    """
    ask = one.asks["assign a seat"]
    for rate, seconds in RATES.items():
        clocked.ages.clear()
        many = int(rate * (seconds + WARM))
        at_an_even_rate(one.address, ask, itertools.islice(users, many), rate)
        clocked.wait_for(many)
        ages = clocked.ages[int(rate * WARM) :]
        cuts = statistics.quantiles(ages, n=100)
        for percentile, at_most in ((50, 10), (99, 100)):
            yield Figure(
                "P11",
                f"commit → received, p{percentile}, {rate} events/s, {database}",
                "",
                ratio([cuts[percentile - 1]], [1.0]),
                "ms",
                at_most=at_most,
            )


def at_an_even_rate(address: str, ask: Ask, users: Iterator[tuple[str, str]], rate: int) -> None:
    """Ask once for each user, so many a second, whether or not the answers have come."""
    local = threading.local()

    def send(number: int, user: str, account: str) -> None:
        session = getattr(local, "session", None)
        if session is None:
            session = local.session = requests.Session()
            session.trust_env = False
        path = ask.path.replace("{account}", account)
        body = ask.body.replace("{user}", user)
        headers = dict(ask.headers) | {"Idempotency-Key": f"latency-{user}-{number}"}
        session.post(address + path, data=body, headers=headers, timeout=10).raise_for_status()

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = []
        for number, (user, account) in enumerate(users):
            time.sleep(max(0, start + number / rate - time.perf_counter()))
            sent.append(pool.submit(send, number, user, account))
        for one in sent:
            one.result()
