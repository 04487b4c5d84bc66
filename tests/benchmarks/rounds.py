"""
Rounds in which everything is measured once, so that what disturbs the machine disturbs all alike.

Figures of one round belong together: what is compared is the ratio of two figures of the same
round, never that of two averages (see `ratios`).
"""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """
    Something to be measured.

    Attributes:
        run: does it so many times.
        times: how many times that is.
        before: what has to be done before each run, and is not measured.
    """

    run: Callable[[], object]
    times: int
    before: Callable[[], object] = lambda: None


def interleaved(
    cases: Mapping[str, Case], rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[str, list[float]]:
    """
    For each case, the seconds that one time took, round by round.

    Each round begins with another case, and one round beforehand is not counted. The clock is that
    of the process unless another one is given: it stands still while others use the machine.
    """
    names = list(cases)
    figures: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-1, rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            took = _measured(cases[name], clock)
            if number >= 0:
                figures[name].append(took)
    return figures


def _measured(case: Case, clock: Callable[[], float]) -> float:
    case.before()
    gc.collect()
    began = clock()
    case.run()
    return (clock() - began) / case.times
