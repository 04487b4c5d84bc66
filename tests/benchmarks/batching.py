"""P16: five hundred changes at once, beside as many single calls."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks import contestants
from tests.benchmarks.asking import Client
from tests.benchmarks.companies import companies, opened
from tests.benchmarks.figures import Figure
from tests.benchmarks.ratios import ratio

LINES = 500


def measure(rounds: int) -> Iterator[Figure]:
    """Assign 500 seats in both ways, each round to other people."""
    together, single = [], []
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/batches.db"
        with opened(url):
            made = companies((rounds + 1) * 2 * LINES, accounts=1)
        with (
            contestants.seatkeeper(url, made.token, Path(folder) / "nobody") as (server,),
            Client(server.address, made.token) as client,
        ):
            for number in range(-1, rounds):
                start = (number + 1) * 2 * LINES
                people = made.people[start : start + 2 * LINES]
                figures = _at_once(client, people[:LINES]), _one_by_one(client, people[LINES:])
                if number >= 0:
                    together.append(figures[0])
                    single.append(figures[1])
    yield Figure(
        "P16",
        f"a batch of {LINES} seats",
        f"{LINES} single calls",
        ratio(together, single),
        at_most=0.1,
        absolute=f"{median(together):,.0f} ms : {median(single):,.0f} ms",
    )


def _at_once(client: Client, people: list[tuple[str, str]]) -> float:
    changes = [{"action": "assign", "user_id": user, "seat_type": "core"} for user, _ in people]
    client.ask("POST", f"/v1/accounts/{people[0][1]}/seat-batches", {"changes": changes})
    return client.milliseconds


def _one_by_one(client: Client, people: list[tuple[str, str]]) -> float:
    took = 0.0
    for user, account in people:
        wanted = {"user_id": user, "seat_type": "core"}
        client.ask("POST", f"/v1/accounts/{account}/seats", wanted)
        took += client.milliseconds
    return took
