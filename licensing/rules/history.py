"""
What an event says about the past: the figures of pools, and who holds which seat (R28, R29).

An event that changed a quantity carries the numbers of its pool after it. Two of them in a row, and
what lies between is known, too, whenever each took effect.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from licensing.rules.event_types import EventType


@dataclass(frozen=True)
class Figures:
    """How many seats a pool has; also a difference of two of these."""

    purchased: int = 0
    assigned: int = 0
    scheduled_removal: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(a + b for a, b in zip(self.numbers, other.numbers, strict=True)))

    def __sub__(self, other: "Figures") -> "Figures":
        return Figures(*(a - b for a, b in zip(self.numbers, other.numbers, strict=True)))

    @property
    def numbers(self) -> tuple[int, int, int]:
        """All of them; not by `astuple`, whose deep copy cost a hundredth of each command."""
        return self.purchased, self.assigned, self.scheduled_removal


NO_SEATS = Figures()


class Told(NamedTuple):
    """
    An event, as far as the past is concerned.

    Attributes:
        sequence, type: which event of the account's log.
        at: the instant from which on it counts.
        data: what it tells, as the log keeps it.
    """

    sequence: int
    type: str
    at: datetime
    data: dict[str, Any]

    def figures(self) -> Iterator[tuple[str, Figures]]:
        """The pools that it carries the numbers of, with these as they were after it."""
        for pool in (self.data.get("pool"), self.data.get("previous_pool")):
            if pool is not None:
                yield (
                    pool["id"],
                    Figures(pool["purchased"], pool["assigned"], pool["scheduled_removal"]),
                )

    @property
    def seat_began(self) -> bool:
        """Whether somebody holds the event's seat, as what it is now, from then on."""
        return self.type in (
            EventType.SEAT_ASSIGNED,
            EventType.SEAT_CHANGED,
            EventType.SEAT_TRANSFERRED,
        )

    @property
    def seat_ended(self) -> str | None:
        """How somebody ceased to hold the event's seat as what it was; None if nobody did."""
        if self.type in (
            EventType.SEAT_UNASSIGNED,
            EventType.SEAT_CHANGED,
            EventType.SEAT_TRANSFERRED,
        ):
            return self.type.partition(".")[2]
        return None


def counts_from(recorded_at: datetime, effective_at: datetime) -> datetime:
    """
    The instant from which on an event counts: when it took effect, or was recorded if that is less.

    What was worked through late counts from its date (R23); what is announced for a renewal to come
    is a promise from now on.
    """
    return min(recorded_at, effective_at)
