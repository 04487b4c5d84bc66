"""
All that is promised of the service's speed, measured on this machine.

    python -m tests.benchmarks

Everything is compared with something that is measured in the same rounds: what the server, the
database or a plain loop can do by itself, and peers that do the bare operation. It takes wrk for
what goes over HTTP, nginx for deliveries, PostgreSQL's programs for figures about it, and
`--peers` for peers; what is not there is left out, and told.
"""

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from licensing import clock
from licensing.rules.permissions import system
from tests.benchmarks import (
    batching,
    celery_,
    contestants,
    delivering,
    growing,
    latency,
    loading,
    machine,
    on_postgresql,
    one_dead,
    places,
    receiving,
    reporting,
    seats_table,
    serving,
    starting,
)
from tests.benchmarks.companies import companies, listed, opened
from tests.benchmarks.figures import Figure
from tests.benchmarks.places import Place
from tests.receivers import Receiver
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint


@dataclass(frozen=True)
class Chosen:
    """What was asked for on the command line."""

    rounds: int
    seconds: float
    peers: str | None
    seats: list[int]
    accounts: list[int]
    users: list[int]
    output: Path
    only: list[str]


def _over_http(chosen: Chosen) -> Iterator[Figure]:
    yield from serving.measure(serving.Wanted(chosen.rounds, chosen.seconds, chosen.peers))


def _on_postgresql(chosen: Chosen) -> Iterator[Figure]:
    with places.a_folder() as folder, places.a_server() as place:
        yield from on_postgresql.measure(place, folder.folder, chosen.rounds, chosen.seconds)


def _deliveries(chosen: Chosen) -> Iterator[Figure]:
    if chosen.peers and celery_.is_there():
        with celery_.peer(chosen.peers) as peer:
            yield from delivering.measure(chosen.rounds, peer)
    else:
        yield from delivering.measure(chosen.rounds, None)


@contextmanager
def _both() -> Iterator[list[Place]]:
    with ExitStack() as stack:
        found: list[Place] = [stack.enter_context(places.a_folder())]
        if places.postgresql_is_there():
            found.append(stack.enter_context(places.a_server()))
        yield found


def _search(chosen: Chosen) -> Iterator[Figure]:
    with _both() as found:
        for place in found:
            yield from seats_table.measure(place, chosen.users, 3 * chosen.rounds)


def _latency(chosen: Chosen) -> Iterator[Figure]:
    with ExitStack() as stack, places.a_folder() as folder:
        for place in stack.enter_context(_both()):
            clocked = latency.Clocked()
            receiver = stack.enter_context(Receiver(clocked))
            with opened(place.make("latency")):
                made = companies(6_000)
                one, _ = endpoints.create_endpoint(
                    system(), NewEndpoint(receiver.url, ["seat.assigned"], max_in_flight=16)
                )
                endpoints.enable_endpoint(system(), one.id)
            users = listed(made.people, folder.folder / "users")
            with contestants.seatkeeper(place.url("latency"), made.token, users) as (server,):
                people = itertools.chain(made.people)
                yield from latency.measure(server, people, clocked, made.token, place.name)


def _one_dead(chosen: Chosen) -> Iterator[Figure]:
    with places.a_folder() as folder:
        yield from one_dead.measure(folder, folder.folder, chosen.rounds)


def _growth(chosen: Chosen) -> Iterator[Figure]:
    with places.a_folder() as place:
        yield from growing.seats_of_one_account(place, place.folder, chosen.seats, chosen.rounds)
    with places.a_folder() as place, receiving.receiver() as address:
        yield from growing.accounts_of_one_database(
            place, place.folder, chosen.accounts, chosen.rounds, address
        )


def _batches(chosen: Chosen) -> Iterator[Figure]:
    yield from batching.measure(chosen.rounds)


def _outage(_chosen: Chosen) -> Iterator[Figure]:
    yield from delivering.outage()


def _start(chosen: Chosen) -> Iterator[Figure]:
    yield from starting.measure(chosen.rounds)


@dataclass(frozen=True)
class Part:
    """A part of the run: what it measures, and what it needs."""

    measure: Callable[[Chosen], Iterator[Figure]]
    about: str
    needs: tuple[tuple[str, Callable[[], bool]], ...] = ()


WRK, NGINX = ("wrk", loading.is_there), ("nginx", receiving.is_there)
POSTGRESQL = ("PostgreSQL's initdb", places.postgresql_is_there)
PARTS = {
    "http": Part(_over_http, "P1 to P7, P12, P16b: over HTTP on SQLite", (WRK,)),
    "postgresql": Part(_on_postgresql, "P8: over HTTP on PostgreSQL", (WRK, POSTGRESQL)),
    "deliveries": Part(_deliveries, "P9, P10: what a dispatcher delivers", (NGINX,)),
    "latency": Part(_latency, "P11: from the commit to the receiver"),
    "dead": Part(_one_dead, "one dead endpoint in ten"),
    "search": Part(_search, "P15: search and pages of the seats table"),
    "growth": Part(_growth, "P13, P14: more seats, accounts, events, lanes", (NGINX,)),
    "batches": Part(_batches, "P16: batches"),
    "start": Part(_start, "P17: start, memory, size"),
    "outage": Part(_outage, "P18: after an hour's outage"),
}


tell = print


def main(arguments: list[str]) -> int:
    """Measure, print each figure as it is found, and write the report."""
    chosen = _chosen(arguments)
    facts = list(machine.described())
    for name in chosen.only:
        part = PARTS[name]
        lacking = [tool for tool, is_there in part.needs if not is_there()]
        if lacking:
            tell(f"left out, for want of {', '.join(lacking)}: {part.about}")
            continue
        tell(f"{part.about} …", flush=True)
        figures: list[Figure] = []
        before = machine.busy()
        for figure in part.measure(chosen):
            figures.append(figure)
            tell(reporting.table([figure]).splitlines()[-1], flush=True)
        today = clock.now().date().isoformat()
        meanwhile = (("measured on", today), ("before it", before), ("after it", machine.busy()))
        run = reporting.Run(name, part.about, figures, facts, meanwhile, chosen.rounds)
        # After each part, so that what was found is kept whatever becomes of the next one.
        reporting.write(chosen.output, run)
    tell(f"written to {chosen.output}")
    return 0


def _chosen(arguments: list[str]) -> Chosen:
    about = "\n".join(f"  {name:12}{part.about}" for name, part in PARTS.items())
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks",
        description=(__doc__ or "").strip(),
        epilog=f"parts:\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="how often everything is measured (7)"
    )
    parser.add_argument("--seconds", type=float, default=2, help="for how long each time (2)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS], help="parts of it")
    parser.add_argument(
        "--peers",
        metavar="PYTHON",
        help="the python of a venv with tests/benchmarks/peers/requirements.txt",
    )
    sizes = {
        "seats": [1_000, 10_000, 100_000, 1_000_000],
        "accounts": [100, 1_000, 10_000, 100_000],
        "users": [1_000, 100_000],
    }
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, nargs="+", default=default, metavar="SIZE")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks"), metavar="FOLDER")
    return Chosen(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
