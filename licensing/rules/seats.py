"""
What seats an account can have, who may hold which together, what giving and taking does (R2, R5 to
R8, R15).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from licensing.rules.accounts import UserStatus
from licensing.rules.catalogue import Catalogue, SeatType
from licensing.rules.refusals import (
    ExclusiveSeat,
    IncludedInHeldSeat,
    SeatTypeNotAvailable,
    SeatTypeNotTransferable,
)


class Holding(StrEnum):
    """What kind of seats a user holds (R27); `any` is any of the two kinds."""

    ANY = "any"
    PAID = "paid"
    UNPAID = "unpaid"
    NONE = "none"


def holding_of(paid: Collection[bool]) -> Holding:
    """R27: paid once one of the seats held is; `paid` says it of each."""
    if True in paid:
        return Holding.PAID
    return Holding.UNPAID if paid else Holding.NONE


@dataclass(frozen=True)
class Situation:
    """
    What the rules of seats need to know of an account.

    Attributes:
        seat_based: whether its pricing model is seat-based (R1).
        tiers: the tier of each product that it subscribes to.
    """

    seat_based: bool
    tiers: Mapping[str, str]

    @property
    def subscribed(self) -> bool:
        """Whether the account pays; otherwise it is on the free tools (R4)."""
        return bool(self.tiers)


def refuse_unavailable(catalogue: Catalogue, situation: Situation, seat_type: SeatType) -> None:
    """
    Refuse a seat type that the account cannot have.

    Raises `SeatTypeNotAvailable` when a legacy account asks for a type that is not marked as legacy
    (R2), when no subscription of the account sells a paid type (R5), or when a free one does not
    belong to accounts of this kind (R4, R6).
    """
    because = _unavailable_because(catalogue, situation, seat_type)
    if because is not None:
        raise SeatTypeNotAvailable(seat_type.name, because)


def is_available(catalogue: Catalogue, situation: Situation, seat_type: SeatType) -> bool:
    """Whether the account can have the seat type, as `refuse_unavailable` says."""
    return _unavailable_because(catalogue, situation, seat_type) is None


def _unavailable_because(
    catalogue: Catalogue, situation: Situation, seat_type: SeatType
) -> str | None:
    if not (situation.seat_based or seat_type.legacy):
        return "an account on legacy pricing has only the legacy seat types"
    if not seat_type.paid:
        kind = "subscribed" if situation.subscribed else "free_tools"
        return None if kind in seat_type.available_to else f"it is not offered to {kind} accounts"
    if sellers(catalogue, situation.tiers, seat_type.name):
        return None
    return "no subscription of the account sells it at its tier"


def sellers(catalogue: Catalogue, tiers: Mapping[str, str], seat_type: str) -> list[str]:
    """The products, of those subscribed to, that sell the seat type at the account's tier (R5)."""
    return [product for product, tier in tiers.items() if catalogue.sells(product, tier, seat_type)]


def replaced_by(
    catalogue: Catalogue, user_id: str, held: Sequence[str], wanted: SeatType
) -> list[str]:
    """
    R8: which of the `held` seat types end when the user is given a `wanted` one.

    An exclusive seat gives way to any other; an included one goes back to its pool. Raises
    `ExclusiveSeat` when the wanted type cannot stand beside what is held, `IncludedInHeldSeat` when
    a held type contains it already.
    """
    for name in held:
        if wanted.name in catalogue.seat_type(name).includes:
            raise IncludedInHeldSeat(wanted.name, user_id, name)
    exclusive = [name for name in held if catalogue.seat_type(name).exclusive]
    if wanted.exclusive and len(exclusive) < len(held):
        raise ExclusiveSeat(wanted.name, user_id, sorted(held))
    included = [name for name in held if name in wanted.includes]
    return exclusive + included


def fallback(catalogue: Catalogue, situation: Situation, status: str) -> str | None:
    """
    R8: the seat type that a user without any seat is given, None where none is needed.

    In a seat-based account every active user holds a seat: the viewing one where the account pays,
    that of the free tools otherwise (R4).
    """
    if not situation.seat_based or status != UserStatus.ACTIVE:
        return None
    return catalogue.fallback if situation.subscribed else catalogue.free_tools


def default(
    catalogue: Catalogue, situation: Situation, name: str | None, is_eligible: bool
) -> SeatType | None:
    """
    The seat type that new users of the account are to get; None where it names none, or none that
    the user could have.
    """
    wanted = catalogue.seat_types.get(name or "")
    if wanted is None or not is_available(catalogue, situation, wanted):
        return None
    return wanted if is_eligible or not wanted.eligible_only else None


def replacement(catalogue: Catalogue, situation: Situation, ended: SeatType) -> SeatType | None:
    """
    R25: what the holder of a seat gets when nothing sells its type any more.

    The type that the catalogue says it `becomes`, where the account can have that in its new
    situation; None where the holder falls back (R8).
    """
    if ended.becomes is None:
        return None
    wanted = catalogue.seat_type(ended.becomes)
    return wanted if is_available(catalogue, situation, wanted) else None


def refuse_untransferable(seat_type: SeatType) -> None:
    """R15: exclusive types, and types that the catalogue says so of, stay with their holder."""
    if seat_type.exclusive or not seat_type.transferable:
        raise SeatTypeNotTransferable(seat_type.name)
