"""
How many seats there are, and how many may be bought, given and given back (R11, R17 to R22, R32).

The functions on counts are arithmetic: given a row they answer a number or a yes, given the table
they are the WHERE clause of a guarded UPDATE. In them only ``+ - *``, comparisons, ``&`` and ``|``
may stand: ``and``, ``or``, ``not`` and chained comparisons would silently lose one half in SQL.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Protocol, TypeVar

LARGEST_POOL = 1_000_000
LARGEST_PURCHASE = 100_000


def unassigned(pool: Any) -> Any:
    """Seats that are paid for and held by nobody (R12)."""
    return pool.purchased - pool.assigned


def spare(pool: Any) -> Any:
    """Unassigned seats that no removal has claimed (R19)."""
    return pool.purchased - pool.assigned - pool.scheduled_removal


def quantity_at_renewal(pool: Any) -> Any:
    """How many seats the pool has after its next renewal (R20)."""
    return pool.purchased - pool.scheduled_removal


def above_minimum(pool: Any) -> Any:
    """How many seats could still leave before the contract minimum is reached (R19)."""
    return pool.purchased - pool.scheduled_removal - pool.minimum


def can_assign(pool: Any) -> Any:
    """R11: one more seat can be assigned only if one is unassigned."""
    return unassigned(pool) >= 1


def is_a_purchase(quantity: int) -> bool:
    """R17: so many seats can be bought at once."""
    return 1 <= quantity <= LARGEST_PURCHASE


def can_buy(pool: Any, quantity: int) -> Any:
    """R17: a pool has an upper bound."""
    return pool.purchased + quantity <= LARGEST_POOL


def can_give_back(pool: Any, quantity: int) -> Any:
    """R19: only spare seats, and never below the contract minimum."""
    return (spare(pool) >= quantity) & (above_minimum(pool) >= quantity)


def can_promise(pool: Any, minimum: int) -> Any:
    """R19: the contract minimum can be set to what stays after the scheduled removals, or less."""
    return quantity_at_renewal(pool) >= minimum


class Quantified(Protocol):
    """Something with a quantity that can shrink."""

    quantity: int


Q = TypeVar("Q", bound=Quantified)


def shrink(removals: Iterable[Q], seats: int) -> list[tuple[Q, int]]:
    """
    R22: which removals give way, and by how much, when `seats` of the scheduled ones are needed.

    `removals` come newest first. Returns (removal, seats it gives up), newest first; a removal that
    gives up all it has is cancelled.
    """
    given_up = []
    for removal in removals:
        if seats <= 0:
            break
        part = min(removal.quantity, seats)
        given_up.append((removal, part))
        seats -= part
    return given_up


class Warning(StrEnum):
    """What is told when a pool crosses a line (R32)."""

    LOW = "pool.low"
    EXHAUSTED = "pool.exhausted"
    REPLENISHED = "pool.replenished"


def crossed(before: int, after: int, low_mark: int | None) -> Warning | None:
    """
    R32: the line that a pool crossed when its unassigned seats went from `before` to `after`.

    A pool with no unassigned seat is exhausted, one with `low_mark` or fewer is low, and one that
    comes back above both is replenished. Told only when the line is crossed.
    """
    return _told(_condition(before, low_mark), _condition(after, low_mark))


def crossed_by_mark(
    unassigned_seats: int, former_mark: int | None, low_mark: int | None
) -> Warning | None:
    """R32: the line that a pool crossed because its low mark moved."""
    return _told(_condition(unassigned_seats, former_mark), _condition(unassigned_seats, low_mark))


def _told(then: Warning, now: Warning) -> Warning | None:
    return None if then == now or (now is Warning.LOW and then is Warning.EXHAUSTED) else now


def _condition(unassigned_seats: int, low_mark: int | None) -> Warning:
    if unassigned_seats == 0:
        return Warning.EXHAUSTED
    if low_mark is not None and unassigned_seats <= low_mark:
        return Warning.LOW
    return Warning.REPLENISHED
