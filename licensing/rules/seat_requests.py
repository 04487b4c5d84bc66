"""Seats that users ask for (R10, R11): where a request stands, and what answers it."""

from enum import StrEnum

from licensing.rules.catalogue import SeatType


class RequestStatus(StrEnum):
    """Where a request for a seat stands."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


def answered_by(given: SeatType) -> list[str]:
    """The types that a held seat makes it needless to ask for: its own, and those in it (R8)."""
    return [given.name, *given.includes]
