"""P8 and P11 on PostgreSQL: several processes of the service, beside the bare driver."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from app import create_app
from licensing import db
from tests.benchmarks import contestants, raw
from tests.benchmarks.companies import companies, listed, opened, settings_for
from tests.benchmarks.contestants import ASSIGN, Contestant
from tests.benchmarks.figures import Figure
from tests.benchmarks.loading import CONNECTIONS, Window, load
from tests.benchmarks.places import OnPostgresql
from tests.benchmarks.ratios import ratio

PEOPLE, RECORDED, PROCESSES = 24_000, 3_200, 2


def measure(place: OnPostgresql, folder: Path, rounds: int, seconds: float) -> Iterator[Figure]:
    """The same rows by the service over HTTP and by psycopg, each over 16 connections."""
    with opened(place.make("base")):
        made = companies(PEOPLE)
    users = listed(made.people, folder / "users")
    app = create_app(settings_for(place.copy("base", "recorded")))
    with db.connection():
        commands = raw.record(app, made, RECORDED)
    db.close_all()
    served, bare = [], []
    url = place.copy("base", "served")
    with contestants.seatkeeper(url, made.token, users, PROCESSES, pinned=False) as crew:
        for number in range(-1, rounds):
            rate = _rate(crew, seconds)
            again = place.copy("base", "raw")
            driven = raw.on_postgresql(again, commands, CONNECTIONS)
            if number >= 0:
                served.append(rate)
                bare.append(driven)
    yield Figure(
        "P8",
        f"{ASSIGN}, PostgreSQL, 16 clients, {PROCESSES} processes",
        "psycopg, 16 connections",
        ratio(served, bare),
        at_least=0.5,
        absolute=f"{median(served):,.0f}/s : {median(bare):,.0f}/s",
    )


def _rate(crew: list[Contestant], seconds: float) -> float:
    """
    What all processes do together, each for its share of the clients.

    As with the bare driver, each client has an account of its own: where those of two processes ask
    for the same one in the same order, they wait for each other each time.
    """
    share = CONNECTIONS // len(crew)

    def one(number: int) -> Window:
        server = crew[number]
        first = server.first.get(ASSIGN, number * share)
        window = load(server.address, server.asks[ASSIGN], seconds, first, share)
        server.first[ASSIGN] = window.next_user
        return window

    with ThreadPoolExecutor(len(crew)) as pool:
        return sum(window.rate for window in pool.map(one, range(len(crew))))
