"""What batches are made of, and which moves of seats lead back to the start (R16)."""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from licensing.rules.accounts import UserStatus
from licensing.rules.permissions import Permission

LARGEST_BATCH = 500
LARGEST_USER_BATCH = 1000
LARGEST_ACTIVITY = 1000


class LineAction(StrEnum):
    """What a line of a batch does."""

    ASSIGN = "assign"
    UNASSIGN = "unassign"
    TRANSFER = "transfer"
    CHANGE = "change"


class OnError(StrEnum):
    """What becomes of a batch of which a line is refused: nothing of it, or its other lines."""

    ABORT = "abort"
    CONTINUE = "continue"


class LineOutcome(StrEnum):
    """What became of a line; `not_applied` is one that is right in a batch that is not."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    NOT_APPLIED = "not_applied"


@dataclass(frozen=True)
class Named:
    """A user, named either by id or by e-mail address."""

    user_id: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class Change:
    """
    A line of a batch, as it was sent.

    Attributes:
        action: what it does.
        user: who gets the seat, or holds it until now.
        seat_type: the type of that seat.
        to_user: who gets it, for a transfer.
        to_seat_type: what it becomes, for a change.
        give_back: whether its removal at the renewal is scheduled as well, when it is taken back.
    """

    action: LineAction
    user: Named
    seat_type: str
    to_user: Named | None = None
    to_seat_type: str | None = None
    give_back: bool = False


@dataclass(frozen=True)
class NewUser:
    """
    A line of a batch of users, as it was sent.

    Attributes:
        seat_types: the seats to give; None where the line leaves that to the account.
    """

    email: str
    name: str
    permissions: tuple[Permission, ...] = ()
    partner_eligible: bool = False
    status: UserStatus = UserStatus.INVITED
    seat_types: tuple[str, ...] | None = None
    external_id: str | None = None


def is_a_batch(lines: int) -> bool:
    """R16: so many changes can be sent at once."""
    return 1 <= lines <= LARGEST_BATCH


L = TypeVar("L", bound=Hashable)
P = TypeVar("P", bound=Hashable)


def in_turn(leaving: Mapping[L, Collection[P]], coming: Mapping[L, Collection[P]]) -> list[L]:
    """
    The lines in an order in which each place is left before somebody comes to it.

    `leaving` and `coming` are the places of each line; no two leave the same one. Otherwise they
    stay in their order, also those that go round in a circle.
    """
    occupied: dict[P, L] = {place: line for line, places in leaving.items() for place in places}
    waiting, order = list(leaving), []
    while waiting:
        ready = [
            line
            for line in waiting
            if all(occupied.get(place, line) == line for place in coming[line])
        ]
        for line in ready or waiting[:1]:
            order.append(line)
            for place in leaving[line]:
                del occupied[place]
        done = set(order)
        waiting = [line for line in waiting if line not in done]
    return order


def round_trips(moves: Mapping[P, P]) -> set[P]:
    """
    The places that moves only exchange among themselves: in the end each is taken as before.

    `moves` are from place to place, no two to the same one. Where users only pass on what they get
    back from another one, nobody gains or loses a seat, and nothing has to be done.
    """
    found: set[P] = set()
    for start in moves:
        passed, place = {start}, moves[start]
        while place in moves and place not in passed:
            passed.add(place)
            place = moves[place]
        if place == start:
            found |= passed
    return found
