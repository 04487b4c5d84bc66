"""What was found: a figure beside what is wanted of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from tests.benchmarks.ratios import Ratio


class Verdict(StrEnum):
    """How a figure stands to its target; a target is missed where the whole interval misses it."""

    REACHED = "reached"
    MISSED = "missed"
    UNSURE = "unsure"
    TOLD = ""


@dataclass(frozen=True)
class Figure:
    """
    One line of the table.

    Attributes:
        target: as `spec`'s numbers name it, such as P5.
        what: what was measured.
        beside: what it is compared with; empty for a figure that stands alone.
        found: the median of the rounds, and its interval.
        unit: of `found`: `×` for a ratio, `ms`, `s`, `MB`.
        at_least, at_most: what is wanted; neither where it is only told.
        absolute: the figures behind the ratio, for the reader.
    """

    target: str
    what: str
    beside: str
    found: Ratio
    unit: str = "×"
    at_least: float | None = None
    at_most: float | None = None
    absolute: str = ""
    series: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Whether it is what is wanted."""
        if self.at_least is None and self.at_most is None:
            return Verdict.TOLD
        low = self.at_least if self.at_least is not None else float("-inf")
        high = self.at_most if self.at_most is not None else float("inf")
        if low <= self.found.median <= high:
            return Verdict.REACHED
        missed = self.found.high < low or self.found.low > high
        return Verdict.MISSED if missed else Verdict.UNSURE

    @property
    def wanted(self) -> str:
        """The target in words."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {self.unit}"
        if self.at_most is not None:
            return f"≤ {self.at_most:g} {self.unit}"
        return "–"
