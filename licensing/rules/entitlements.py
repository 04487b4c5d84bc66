"""
What a user may do with a feature (R5 to R7, R9): a pure function of seats, subscriptions and
catalogue.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from licensing.rules.accounts import UserStatus
from licensing.rules.catalogue import Catalogue, Feature, SeatType


class Level(StrEnum):
    """What may be done with a feature, from nothing to everything."""

    NONE = "none"
    VIEW = "view"
    EDIT = "edit"


class Reason(StrEnum):
    """Why the answer is `none`."""

    ACCOUNT_CLOSED = "account_closed"
    DEACTIVATED = "deactivated"
    NOT_ACCEPTED = "not_accepted"
    NO_SEAT = "no_seat"
    NOT_SUBSCRIBED = "not_subscribed"
    TIER = "tier"
    SEAT_TYPE = "seat_type"


@dataclass(frozen=True)
class Holder:
    """
    What the answer depends on.

    Attributes:
        account_open: whether the account is in use.
        status: where the user stands.
        seat_types: the types of the seats that the user holds.
        subscriptions: the tier of each product that the account subscribes to.
    """

    account_open: bool
    status: str
    seat_types: tuple[str, ...]
    subscriptions: Mapping[str, str]


@dataclass(frozen=True)
class Entitlement:
    """The answer, and the reason where it is `none`."""

    level: Level
    reason: Reason | None = None


_RANK = {Level.NONE: 0, Level.VIEW: 1, Level.EDIT: 2}


def entitlement(catalogue: Catalogue, holder: Holder, feature: str) -> Entitlement:
    """What the holder may do with one feature (R9). Raises `NotFound` for an unknown feature."""
    wanted = catalogue.feature(feature)
    barred = _barred(holder)
    seats = [catalogue.seat_type(name) for name in holder.seat_types]
    return barred or _best(catalogue, holder, seats, wanted)


def entitlements(catalogue: Catalogue, holder: Holder) -> dict[str, Entitlement]:
    """What the holder may do with each feature, in the catalogue's order (R9)."""
    barred = _barred(holder)
    seats = [catalogue.seat_type(name) for name in holder.seat_types]
    return {
        name: barred or _best(catalogue, holder, seats, feature)
        for name, feature in catalogue.features.items()
    }


def _barred(holder: Holder) -> Entitlement | None:
    """What keeps the holder from everything."""
    reason = None
    if not holder.account_open:
        reason = Reason.ACCOUNT_CLOSED
    elif holder.status == UserStatus.DEACTIVATED:
        reason = Reason.DEACTIVATED
    elif holder.status == UserStatus.INVITED:
        reason = Reason.NOT_ACCEPTED
    elif not holder.seat_types:
        reason = Reason.NO_SEAT
    return None if reason is None else Entitlement(Level.NONE, reason)


def _best(
    catalogue: Catalogue, holder: Holder, seats: Iterable[SeatType], feature: Feature
) -> Entitlement:
    missing = _not_in_account(catalogue, holder, feature)
    if missing is not None:
        return Entitlement(Level.NONE, missing)
    levels = [_level(catalogue, holder, seat, feature) for seat in seats]
    level = max(levels, key=_RANK.__getitem__)
    return Entitlement(level, Reason.SEAT_TYPE if level is Level.NONE else None)


def _not_in_account(catalogue: Catalogue, holder: Holder, feature: Feature) -> Reason | None:
    """
    Why the account as a whole does not have the feature; without a subscription it has the free
    tier.
    """
    if not holder.subscriptions:
        return None if not catalogue.tier(feature.tier).paid else Reason.NOT_SUBSCRIBED
    tier = holder.subscriptions.get(feature.product)
    if tier is None:
        return Reason.NOT_SUBSCRIBED
    return None if catalogue.at_least(tier, feature.tier) else Reason.TIER


def _level(catalogue: Catalogue, holder: Holder, seat: SeatType, feature: Feature) -> Level:
    if feature.name in seat.closed:
        return Level.NONE
    if feature.advanced and not seat.everything and not _opens(catalogue, holder, seat, feature):
        return Level.NONE
    return Level(seat.level)


def _opens(catalogue: Catalogue, holder: Holder, seat: SeatType, feature: Feature) -> bool:
    """R5: advanced features, only while the account subscribes at a tier that sells the seat."""
    tier = holder.subscriptions.get(feature.product)
    return (
        feature.product in seat.advanced
        and tier is not None
        and catalogue.sells(feature.product, tier, seat.name)
    )
