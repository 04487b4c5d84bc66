"""P1 to P7, P12 and P16b: the service on SQLite over HTTP, beside peers and baselines."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from app import create_app
from licensing import db
from licensing.queries import invariants
from tests.benchmarks import contestants, pocketbase, raw
from tests.benchmarks.companies import companies, listed, opened, settings_for
from tests.benchmarks.contestants import ASSIGN, ENTITLEMENT, FASTAPI, PAGE, Contestant
from tests.benchmarks.figures import Figure
from tests.benchmarks.loading import Window, load
from tests.benchmarks.ratios import ratio

PEOPLE, RECORDED, SEATED = 48_000, 1_600, 100
OPERATIONS = (ENTITLEMENT, PAGE, ASSIGN)
HELLO, RAW = "bare WSGI hello", "raw sqlite3"


@dataclass(frozen=True)
class Wanted:
    """How the measuring is done: rounds, seconds for each window, and the python of the peers."""

    rounds: int
    seconds: float
    peers: str | None


@dataclass
class Rounds:
    """What was measured, round by round, for each contestant and operation."""

    rates: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    slowest: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    fairness: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, name: str, operation: str, window: Window) -> None:
        """Keep a window."""
        key = name, operation
        self.rates.setdefault(key, []).append(window.rate)
        self.slowest.setdefault(key, []).append(window.p99)
        self.fairness.setdefault(key, []).append(window.fairness)

    def names(self, prefix: str) -> list[str]:
        """The contestants whose names begin so."""
        return sorted({name for name, _ in self.rates if name.startswith(prefix)})

    def best(self, prefix: str, operation: str) -> str:
        """Who of those was the fastest with an operation."""
        return max(self.names(prefix), key=lambda name: median(self.rates[name, operation]))


def measure(wanted: Wanted) -> Iterator[Figure]:
    """Run everything, and yield the figures."""
    with tempfile.TemporaryDirectory() as temporary:
        rounds = _measured(wanted, Path(temporary))
    yield from _of_the_service(rounds)
    if wanted.peers:
        yield from _beside_peers(rounds)


def _measured(wanted: Wanted, folder: Path) -> Rounds:
    base = folder / "base.db"
    with opened(f"sqlite:///{base}"):
        made = companies(PEOPLE, seated=SEATED)
    users = listed(made.people, folder / "users")
    copy = shutil.copy(base, folder / "recorded.db")
    app = create_app(settings_for(f"sqlite:///{copy}"))
    with db.connection():
        commands = raw.record(app, made, RECORDED)
    db.close()
    served = shutil.copy(base, folder / "served.db")
    rounds = Rounds()
    with ExitStack() as stack:
        hello = stack.enter_context(contestants.hello(users))
        (ours,) = stack.enter_context(
            contestants.seatkeeper(f"sqlite:///{served}", made.token, users)
        )
        crew = [ours, *_peers(wanted, folder, users, stack)]
        for number in range(-1, wanted.rounds):
            one = Rounds() if number < 0 else rounds
            _one_round(number, one, crew, hello, wanted.seconds)
            fresh = shutil.copy(base, folder / "raw.db")
            _settle()
            one.rates.setdefault((RAW, ASSIGN), []).append(raw.on_sqlite(Path(fresh), commands))
    _check(f"sqlite:///{served}")
    return rounds


def _peers(wanted: Wanted, folder: Path, users: Path, stack: ExitStack) -> Iterator[Contestant]:
    if wanted.peers is None:
        return
    accounts = sorted({line.split()[1] for line in users.read_text(encoding="ascii").splitlines()})
    # Peers ask no table of users, and the fastest has given a seat to everybody in some rounds.
    receivers = listed([("*", account) for account in accounts], folder / "receivers")
    peers = list(contestants.PYTHON_PEERS)
    if (contestants.PEERS / "fastify" / "node_modules").exists():
        peers.append(contestants.FASTIFY)
    for peer in peers:
        running = contestants.peer_running(peer, wanted.peers, folder, (users, receivers), SEATED)
        yield stack.enter_context(running)
    if pocketbase.program(wanted.peers).exists():
        running = pocketbase.pocketbase_running(wanted.peers, folder, (users, receivers), SEATED)
        yield stack.enter_context(running)


def _one_round(
    number: int, rounds: Rounds, crew: Sequence[Contestant], hello: Contestant, seconds: float
) -> None:
    rounds.add(HELLO, "hello", load(hello.address, hello.asks["hello"], seconds))
    start = number % len(crew)
    for operation in OPERATIONS:
        for one in [*crew[start:], *crew[:start]]:
            _settle()
            window = load(one.address, one.asks[operation], seconds, one.first.get(operation, 0))
            one.first[operation] = window.next_user
            rounds.add(one.name, operation, window)


def _settle() -> None:
    """Have all written that others have left to be, which would keep the disk busy for the next."""
    os.sync()


def _check(database_url: str) -> None:
    """After such a load everything has to be as it should be."""
    with opened(database_url):
        found = list(invariants.violations())
    if found:
        raise AssertionError(found[:3])


OURS = "seatkeeper"


def _rate(rounds: Rounds, name: str, operation: str) -> str:
    return f"{median(rounds.rates[name, operation]):,.0f}/s"


def _compared(
    rounds: Rounds, target: str, operation: str, beside: str, at_least: float | None
) -> Figure:
    theirs = "hello" if beside == HELLO else operation
    return Figure(
        target,
        operation,
        beside,
        ratio(rounds.rates[OURS, operation], rounds.rates[beside, theirs]),
        at_least=at_least,
        absolute=f"{_rate(rounds, OURS, operation)} : {_rate(rounds, beside, theirs)}",
    )


def _alone(
    what: str,
    found: Sequence[float],
    unit: str,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    alone = ratio(found, [1.0] * len(found))
    return Figure("P16b", what, "", alone, unit, at_least=at_least, at_most=at_most)


def _of_the_service(rounds: Rounds) -> Iterator[Figure]:
    yield _compared(rounds, "P2", ENTITLEMENT, HELLO, 0.25)
    yield _compared(rounds, "P7", ASSIGN, RAW, 0.3)
    slowest, fairness = rounds.slowest[OURS, ASSIGN], rounds.fairness[OURS, ASSIGN]
    yield _alone("assign, p99 of 16 clients", slowest, "ms", at_most=25)
    yield _alone("assign, slowest client to fastest", fairness, "×", at_least=0.5)


def _bounds(rounds: Rounds) -> Iterator[Figure]:
    """What an assignment could reach at the most: the rows that it writes, and nothing else."""
    for name in (rounds.best(FASTAPI, ASSIGN), *rounds.names("Fastify")):
        yield Figure(
            "",
            "the rows of an assignment alone, raw sqlite3",
            name,
            ratio(rounds.rates[RAW, ASSIGN], rounds.rates[name, ASSIGN]),
            absolute=f"{_rate(rounds, RAW, ASSIGN)} : {_rate(rounds, name, ASSIGN)}",
        )


def _beside_peers(rounds: Rounds) -> Iterator[Figure]:
    for target, operation in (("P1", ENTITLEMENT), ("P3", PAGE), ("P5", ASSIGN)):
        yield _compared(rounds, target, operation, rounds.best(FASTAPI, operation), 4)
    best = rounds.best(FASTAPI, ASSIGN)
    ours, theirs = rounds.slowest[OURS, ASSIGN], rounds.slowest[best, ASSIGN]
    shown = f"{median(ours):.0f} ms : {median(theirs):.0f} ms"
    yield Figure(
        "P12", "assign, p99 of 16 clients", best, ratio(ours, theirs), at_most=0.25, absolute=shown
    )
    wanted: dict[str, dict[str, float | None]] = {
        "PocketBase": {ENTITLEMENT: None, PAGE: 1.5, ASSIGN: 1.5},
        "Fastify": {ENTITLEMENT: None, PAGE: 1.2, ASSIGN: 0.4},
    }
    for operation in OPERATIONS:
        target = {PAGE: "P4", ASSIGN: "P6"}.get(operation, "")
        for peer, at_least in wanted.items():
            for name in rounds.names(peer):
                yield _compared(rounds, target, operation, name, at_least[operation])
        for name in rounds.names("Flask") + rounds.names("Django"):
            yield _compared(rounds, "", operation, name, None)
    yield from _bounds(rounds)
