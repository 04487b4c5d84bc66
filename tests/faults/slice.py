"""
One slice of a release run: a harness, a seed, a size, a database of its own.

    python -m tests.faults.slice "kill the service on SQLite" --seed 7 --size 200
"""

import argparse
import importlib
import json
import pkgutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import tests.faults
from licensing import db, settings
from licensing.callers import Callers, Limits
from licensing.queries import invariants
from licensing.settings import Settings
from tests.faults.cluster import Cluster, at_work_on
from tests.faults.harness import Database, Harness
from webhooks import beside

SECRET = "a secret that is only good for a release run"


def harnesses(constant: str = "HARNESSES") -> list[Harness]:
    """
    All harnesses of this folder, in the order of their faults' numbers.

    `ON_REQUEST` instead of `HARNESSES` are those that are run only where they are named.
    """
    modules = [
        importlib.import_module(f"tests.faults.{found.name}")
        for found in pkgutil.iter_modules(tests.faults.__path__)
        if found.name != "__main__"
    ]
    found = [one for module in modules for one in vars(module).get(constant, ())]
    return sorted(found, key=lambda one: (int(one.fault.removeprefix("F")), one.name))


def named(name: str) -> Harness:
    """The harness of this name; ends the program where there is none."""
    for one in [*harnesses(), *harnesses("ON_REQUEST")]:
        if one.name == name:
            return one
    sys.exit(f"there is no harness {name!r}; python -m tests.faults --list shows them")


@contextmanager
def _a_database(on: Database) -> Iterator[None]:
    """An empty database behind the handle, with a connection that is open."""
    beside.attach()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="seatkeeper-faults-"))
        sqlite = f"sqlite:///{folder}/seatkeeper.db"
        chosen = Settings(
            database_url=sqlite,
            secret_key=SECRET,
            threads=20,
            webhook_allowed_hosts=frozenset({"127.0.0.1"}),
            callers=Callers(limits=Limits(*[0] * 6)),
        )
        settings.put_in_force(chosen)
        db.open_database(chosen)
        url = sqlite if on is Database.SQLITE else stack.enter_context(Cluster()).url
        with at_work_on(url):
            yield
        db.close()


def run(harness: Harness, seed: int, size: int, on: Database) -> dict[str, int]:
    """Run a slice; fails where a promise or an invariant is broken, returns what was done."""
    with _a_database(on):
        totals = dict(harness.run(seed, size))
        db.db.connect(reuse_if_open=True)
        wrong = list(invariants.violations())
        assert not wrong, "\n".join(wrong)
    return totals


def main() -> None:
    """Run the slice that the command line names; the last line that is printed is its totals."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.slice", description="Run one slice of a release run."
    )
    parser.add_argument("harness", help="its name, as python -m tests.faults --list shows it")
    parser.add_argument("--seed", type=int, required=True, help="what it does by chance")
    parser.add_argument("--size", type=int, help="how much (default: a slice of a release run)")
    parser.add_argument("--database", type=Database, choices=[Database.SQLITE, Database.POSTGRESQL])
    given = parser.parse_args()
    harness = named(given.harness)
    usual = Database.POSTGRESQL if harness.database is Database.POSTGRESQL else Database.SQLITE
    totals = run(harness, given.seed, given.size or harness.size, given.database or usual)
    print(json.dumps(totals))  # noqa: T201 for whoever has started it


if __name__ == "__main__":
    main()
