"""
Try mutants: ``python -m tests.mutants [MODULE …]``; without modules, all of `modules.TESTS_OF`.

The exit code is 1 where fewer than 90 % were noticed, or tests fail without any mutant.
"""

import argparse
import random
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.mutants.making import Mutant, mutants
from tests.mutants.modules import TESTS_OF
from tests.mutants.trying import TestsFail, killed

WANTED = 90
HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


def main() -> int:
    """Run the command; returns its exit code."""
    chosen = _arguments()
    ends = time.monotonic() + chosen.seconds if chosen.seconds else float("inf")
    _print(f"seed {chosen.seed}")
    results: list[bool] = []
    failed = False
    for module in chosen.modules or TESTS_OF:
        try:
            results += _tried(module, chosen, ends)
        except TestsFail as fails:
            failed = True
            _print(f"{module}: tests fail without any mutant: {fails}")
    percent = 100 * sum(results) / len(results) if results else 100
    _print(f"{sum(results)} of {len(results)} killed, {percent:.1f} %")
    return 1 if failed or percent < WANTED else 0


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 the command's answer


def _tried(module: str, chosen: argparse.Namespace, ends: float) -> list[bool]:
    """Whether each mutant of a module was noticed; those that were not are printed."""
    if time.monotonic() >= ends:
        _print(f"{module}: not reached")
        return []
    made = list(mutants(Path(module)))
    tests = chosen.tests or TESTS_OF[module]
    began, results = time.monotonic(), []
    for mutant, was_killed in killed(
        _picked(made, module, chosen), tests, lambda: time.monotonic() < ends
    ):
        results.append(was_killed)
        if not was_killed:
            _print(f"survived {mutant.diff()}\n")
    seconds = time.monotonic() - began
    _print(
        f"{module}: {sum(results)} of {len(results)} killed, {len(made)} possible, {seconds:.0f} s"
    )
    return results


def _picked(made: list[Mutant], module: str, chosen: argparse.Namespace) -> list[Mutant]:
    if chosen.changed:
        lines = _changed_lines(module, chosen.changed)
        made = [m for m in made if lines & {*range(m.first_line, m.last_line + 1)}]
    # Where the time does not suffice for all, it is not the end of a module that is never tried.
    return random.Random(chosen.seed).sample(made, min(len(made), chosen.sample or len(made)))  # noqa: S311


def _changed_lines(module: str, revision: str) -> set[int]:
    command = ["git", "diff", "--unified=0", revision, "--", module]
    diff = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    hunks = [(int(start), int(count or 1)) for start, count in HUNK.findall(diff)]
    return {line for start, count in hunks for line in range(start, start + count)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="path of a module")
    parser.add_argument("--tests", nargs="+", metavar="FILE", help="instead of those that belong")
    parser.add_argument("--changed", metavar="REVISION", help="only lines changed since then")
    parser.add_argument("--seconds", type=float, help="begin no more mutants after so long")
    parser.add_argument("--sample", type=int, help="so many of each module at most")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    chosen = parser.parse_args()
    unknown = [module for module in chosen.modules if not chosen.tests and module not in TESTS_OF]
    if unknown:
        parser.error(f"no tests are known for {', '.join(unknown)}; see tests/mutants/modules.py")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
