"""
What each operation costs of the processor, in the process, beside a hello of Flask.

    python -m tests.benchmarks.cpu [--rounds N] [--json FILE]

The database is a new SQLite file, or the empty PostgreSQL that SEATKEEPER_DATABASE_URL names; its
own processor time is not counted. Each figure is the median of the rounds' ratios to a hello of
Flask in the same round, with its interval; beside it the statements and commits of one operation.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from licensing import db
from tests.benchmarks import in_process
from tests.benchmarks.in_process import Environ
from tests.benchmarks.ratios import Ratio, ratio
from tests.benchmarks.rounds import Case, interleaved
from tests.benchmarks.scene import Scene, application, busy_account
from tests.counting import asked

PEOPLE = 200
OFTEN, SELDOM = 100, 20
HELLO = "hello of Flask"


@dataclass(frozen=True)
class Figure:
    """What one operation costs."""

    microseconds: float
    to_hello: Ratio
    statements: int
    commits: int


class _Prepared:
    """A case whose requests are made before it is measured."""

    def __init__(self, make: Callable[[], list[Environ]], run: Callable[[list[Environ]], None]):
        self._make, self._run = make, run
        self._requests: list[Environ] = []

    def before(self) -> None:
        self._requests = self._make()

    def run(self) -> None:
        self._run(self._requests)


def cases(scene: Scene) -> dict[str, Case]:
    """Everything that is measured."""
    greeting, app = in_process.request("/hello"), in_process.hello()

    def assigning() -> list[Environ]:
        scene.take_back(scene.taking_back(len(scene.held)))
        return scene.assigning(SELDOM)

    def taking_back() -> list[Environ]:
        scene.take_back(scene.taking_back(len(scene.held)))
        scene.assign(scene.assigning(SELDOM))
        return scene.taking_back(SELDOM)

    assign = _Prepared(assigning, scene.assign)
    take_back = _Prepared(taking_back, scene.take_back)
    return {
        HELLO: Case(
            lambda: in_process.send(
                app, (in_process.again(greeting) for _ in range(OFTEN * 5)), "200"
            ),
            OFTEN * 5,
        ),
        **{
            name: Case(partial(scene.read, environ, OFTEN), OFTEN)
            for name, environ in scene.reads().items()
        },
        "assign a seat": Case(assign.run, SELDOM, assign.before),
        "take a seat back": Case(take_back.run, SELDOM, take_back.before),
    }


def _asked(case: Case) -> tuple[int, int]:
    """The statements and commits of one time."""
    case.before()
    with asked() as seen:
        case.run()
    return len(seen.statements) // case.times, seen.commits // case.times


def measured(rounds: int) -> dict[str, Figure]:
    """The figures of all operations, and of the hello."""
    with application() as app:
        measuring = cases(busy_account(app, PEOPLE))
        counted = {name: _asked(case) for name, case in measuring.items()}
        took = interleaved(measuring, rounds)
    return {
        name: Figure(statistics.median(seconds) * 1e6, ratio(seconds, took[HELLO]), *counted[name])
        for name, seconds in took.items()
    }


def _lines(figures: dict[str, Figure]) -> Iterator[str]:
    yield f"{'':26}{'µs':>8}  {'x hello':<24}{'statements':>11}{'commits':>9}"
    for name, of in figures.items():
        times = f"{of.microseconds:8.0f}  {of.to_hello!s:<24}"
        yield f"{name:26}{times}{of.statements:>11}{of.commits:>9}"


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("tests.benchmarks.cpu")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    figures = measured(chosen.rounds)
    where = "SQLite" if db.on_sqlite() else "PostgreSQL"
    print(f"{where}, Python {sys.version.split()[0]}, {chosen.rounds} rounds")  # noqa: T201
    for line in _lines(figures):
        print(line)  # noqa: T201 what it is for
    if chosen.json:
        shown: dict[str, Any] = {name: asdict(figure) for name, figure in figures.items()}
        chosen.json.write_text(json.dumps(shown, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
