"""Ratios of figures that were measured in the same rounds, and how sure they are."""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2_000
SURE = 0.95


@dataclass(frozen=True)
class Ratio:
    """The median of the rounds' ratios, and the interval in which it lies with 95 % certainty."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio(figures: Sequence[float], base: Sequence[float]) -> Ratio:
    """How `figures` compare with those of a base in the same rounds, by bootstrap."""
    ratios = [one / other for one, other in zip(figures, base, strict=True)]
    drawn = random.Random(1)  # noqa: S311 no secret; the same figures give the same interval
    medians = sorted(
        statistics.median(drawn.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES)
    )
    edge = round(RESAMPLES * (1 - SURE) / 2)
    return Ratio(statistics.median(ratios), medians[edge], medians[-edge - 1])
