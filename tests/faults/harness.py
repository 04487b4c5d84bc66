"""
What a fault test has in common with a release run: a function of a seed and a size.

    def run(seed: int, size: int) -> Mapping[str, int]: ...

    HARNESSES = (Harness("F4", "linearisable pools", run, size=500, plan=200),)

A test calls `run` with the size that CI can wait for; `python -m tests.faults` finds the
`HARNESSES` of every module of this folder, and calls each with its `size`, again and again, or with
`--plan` once with its `plan`.

Either way `run` finds an empty database of this release behind `licensing.db`, with a connection
that is open for its thread, and its settings in force; the caller looks up all invariants when it
has returned. The clock is the true one unless `run` takes it in hand. It raises `AssertionError`
where a promise was broken, and returns what it did, to be added up: `kills`, `rounds`, `commands`
(acknowledged), `deliveries`, `duplicates`, or any other name.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

Run = Callable[[int, int], Mapping[str, int]]


class Database(StrEnum):
    """On what a harness runs."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    BOTH = "both"


@dataclass(frozen=True)
class Harness:
    """
    A test that a release run repeats.

    Attributes:
        fault: its number in the plan of faults, such as "F5".
        name: what it does, in a few words; the same as no other one's.
        run: does it, with a seed and a size.
        size: how much of it is one slice of a release run, a minute or two.
        database: on what it runs; on each in turn where that is `BOTH`.
        plan: how much of it the plan of faults asks for before a change is released, on each
            database; None where another harness has that part of the plan.
    """

    fault: str
    name: str
    run: Run
    size: int
    database: Database = Database.SQLITE
    plan: int | None = None


def a_seed() -> int:
    """A seed that nobody has chosen; printed, so that it is seen when the test fails."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 shown when the test fails
    return seed
