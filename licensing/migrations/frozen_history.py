"""
What events told about the past when `0005_past_figures` was written.

A migration means the same for ever: the service may come to read events in another way, and then
has to migrate what this one has made.
"""

from collections import namedtuple


class Figures(namedtuple("Figures", ("purchased", "assigned", "scheduled_removal"))):
    """How many seats a pool has; also a difference of two of these."""

    __slots__ = ()

    def __add__(self, other):
        return Figures(*(a + b for a, b in zip(self, other, strict=True)))

    def __sub__(self, other):
        return Figures(*(a - b for a, b in zip(self, other, strict=True)))


NO_SEATS = Figures(0, 0, 0)


class Told(namedtuple("Told", ("sequence", "type", "at", "data"))):
    """An event, as far as the past is concerned; it counts from the instant `at`."""

    __slots__ = ()

    def figures(self):
        """The pools that it carries the numbers of, with these as they were after it."""
        for pool in (self.data.get("pool"), self.data.get("previous_pool")):
            if pool is not None:
                numbers = (pool["purchased"], pool["assigned"], pool["scheduled_removal"])
                yield pool["id"], Figures(*numbers)

    @property
    def seat_began(self):
        """Whether somebody holds the event's seat, as what it is now, from then on."""
        return self.type in ("seat.assigned", "seat.changed", "seat.transferred")

    @property
    def seat_ended(self):
        """How somebody ceased to hold the event's seat as what it was; None if nobody did."""
        if self.type in ("seat.unassigned", "seat.changed", "seat.transferred"):
            return self.type.partition(".")[2]
        return None


def counts_from(recorded_at, effective_at):
    """The instant from which on an event counts."""
    return min(recorded_at, effective_at)
