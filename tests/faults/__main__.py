"""
The release run: every harness of this folder in turn, slice by slice, for as long as it is given.

    python -m tests.faults --minutes 240
    python -m tests.faults --plan
"""

import argparse
import json
import random
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.faults.harness import Database, Harness
from tests.faults.slice import harnesses, named
from tests.serving import ROOT

MINUTES_FOR_A_SLICE = 30
# The columns of the table; what a harness counts beside them is added to the last one.
COLUMNS = ("kills", "rounds", "commands", "deliveries", "duplicates", "lost")


@dataclass
class Row:
    """What the slices of one harness on one database have done."""

    harness: Harness
    on: Database
    size: int
    slices: int = 0
    seconds: float = 0
    failures: list[str] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)


def _rows(chosen: Sequence[Harness], as_planned: bool) -> list[Row]:
    both = (Database.SQLITE, Database.POSTGRESQL)
    return [
        Row(one, on, size)
        for one in chosen
        if (size := one.plan if as_planned else one.size) is not None
        for on in (both if one.database is Database.BOTH else (one.database,))
    ]


def _run(row: Row, seed: int) -> None:
    """Run one slice in a process of its own."""
    command = ["-m", "tests.faults.slice", row.harness.name, "--seed", str(seed)]
    command += ["--size", str(row.size), "--database", row.on]
    began = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603 this folder
            [sys.executable, *command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=MINUTES_FOR_A_SLICE * 60,
        )
        failed, said = done.returncode != 0, done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        failed, said = True, f"{late}"
    row.slices += 1
    row.seconds += time.monotonic() - began
    if failed:
        row.failures.append(f"python {shlex.join(command)}")
        _say(f"FAILED {row.failures[-1]}\n{said}")
        return
    *figures, last = done.stdout.strip().splitlines()
    totals = json.loads(last)
    row.totals.update(totals)
    _say(f"{row.harness.fault} {row.harness.name} on {row.on}, seed {seed}: "
         f"{totals} in {time.monotonic() - began:.0f} s")  # fmt: skip
    for line in figures:
        _say(f"     {line}")


def _table(rows: Sequence[Row]) -> Iterator[str]:
    width = max(len(row.harness.name) for row in rows)
    line = (
        f"{{:4}} {{:{width}}} {{:10}} {{:>6}} {{:>6}} {{:>7}}" + " {:>10}" * len(COLUMNS) + "  {}"
    )
    yield line.format("", "harness", "database", "slices", "failed", "seconds", *COLUMNS, "and")
    for row in rows:
        counts = [row.totals[name] for name in COLUMNS]
        others = ", ".join(f"{n} {name}" for name, n in row.totals.items() if name not in COLUMNS)
        start = (row.harness.fault, row.harness.name, row.on, row.slices, len(row.failures))
        yield line.format(*start, round(row.seconds), *counts, others)
    total = sum((row.totals for row in rows), Counter())
    counts = [total[name] for name in COLUMNS]
    slices, failed = sum(row.slices for row in rows), sum(len(row.failures) for row in rows)
    seconds = round(sum(row.seconds for row in rows))
    yield line.format("", "all", "", slices, failed, seconds, *counts, "")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 a command


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Run the fault harnesses in turn, slice by slice, and print what they have "
        "done. Each slice is a process with a database of its own, and prints its seed. Exits with "
        "1 when a promise was broken, and prints the command that repeats that slice.",
    )
    parser.add_argument("--minutes", type=float, help="begin no slice later than that")
    parser.add_argument(
        "--rounds", type=int, default=None, help="run each harness so often (default: no limit)"
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="only this harness; repeat for more"
    )
    parser.add_argument("--seed", type=int, help="from which the seeds of all slices follow")
    parser.add_argument(
        "--plan", action="store_true", help="run each harness once, as much as the plan asks for"
    )
    parser.add_argument("--list", action="store_true", help="show the harnesses, and end")
    given = parser.parse_args()
    if given.plan and given.rounds is None:
        given.rounds = 1
    if not given.list and given.minutes is None and given.rounds is None:
        parser.error("say for how long: --minutes 240, --rounds 1, or --plan")
    return given


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    given = _given()
    rows = _rows([named(name) for name in given.only] if given.only else harnesses(), given.plan)
    if not rows:
        sys.exit("the plan asks for none of these")
    if given.list:
        for row in rows:
            _say(f"{row.harness.fault:4} {row.harness.name} ({row.on}, size {row.size})")
        return 0
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    _say(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    until = time.monotonic() + (given.minutes * 60 if given.minutes is not None else float("inf"))
    try:
        for row in _turns(rows, given.rounds):
            if time.monotonic() >= until:
                break
            _run(row, chance.randrange(2**32))
    except KeyboardInterrupt:
        _say("ended early")
    for line in _table(rows):
        _say(line)
    failures = [failure for row in rows for failure in row.failures]
    for failure in failures:
        _say(f"repeat with: {failure}")
    return 1 if failures else 0


def _turns(rows: Sequence[Row], rounds: int | None) -> Iterator[Row]:
    while rounds is None or rows[0].slices < rounds:
        yield from rows


if __name__ == "__main__":
    sys.exit(main())
