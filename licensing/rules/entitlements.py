"""
What a user may do with a feature (R5 to R7, R9): a pure function of seats, subscriptions and
catalogue.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

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
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class Holder:
    """
    What the answer depends on.

    Attributes:
        account_open: whether the account is in use.
        status: where the user stands.
        seat_types: the types of the seats that the user holds.
        subscriptions: the tier of each product that the account subscribes to.
        suspended: the products whose subscription is suspended (R25b).
    """

    account_open: bool
    status: str
    seat_types: tuple[str, ...]
    subscriptions: Mapping[str, str]
    suspended: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Entitlement:
    """The answer, and the reason where it is `none`."""

    level: Level
    reason: Reason | None = None


_FREE_TOOLS_ONLY = frozenset({"free_tools"})
_RANK = {Level.NONE: 0, Level.VIEW: 1, Level.EDIT: 2}
# Of several causes the nearest is told: paying would do, or another seat would.
_NEAREST = (Reason.SEAT_TYPE, Reason.SUSPENDED)


def entitlement(catalogue: Catalogue, holder: Holder, feature: str) -> Entitlement:
    """What the holder may do with one feature (R9). Raises `NotFound` for an unknown feature."""
    return entitlements(catalogue, holder)[catalogue.feature(feature).name]


def entitlements(catalogue: Catalogue, holder: Holder) -> Mapping[str, Entitlement]:
    """What the holder may do with each feature, in the catalogue's order (R9)."""
    subscriptions = tuple(holder.subscriptions.items())
    return _kept(
        catalogue,
        holder.account_open,
        holder.status,
        holder.seat_types,
        subscriptions,
        holder.suspended,
    )


@lru_cache(maxsize=512)
def _kept(
    catalogue: Catalogue,
    account_open: bool,
    status: str,
    seat_types: tuple[str, ...],
    subscriptions: tuple[tuple[str, str], ...],
    suspended: frozenset[str],
) -> Mapping[str, Entitlement]:
    """
    The answers, worked out once for all who hold the same: they depend on nothing else.

    There are few different holders, and each command compares what its users could do before with
    what they can do then; that was a tenth of its time.
    """
    holder = Holder(account_open, status, seat_types, dict(subscriptions), suspended)
    barred = _barred(holder)
    seats = [catalogue.seat_type(name) for name in seat_types]
    return MappingProxyType(
        {
            name: barred or _best(catalogue, holder, seats, feature)
            for name, feature in catalogue.features.items()
        }
    )


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
    answers = [_answer(catalogue, holder, seat, feature) for seat in seats]
    return max(answers, key=lambda answer: (_RANK[answer.level], _nearness(answer.reason)))


def _nearness(reason: Reason | None) -> int:
    return _NEAREST.index(reason) if reason in _NEAREST else -1


def _answer(catalogue: Catalogue, holder: Holder, seat: SeatType, feature: Feature) -> Entitlement:
    """What one seat gives, and why nothing where it gives nothing."""
    missing = _out_of_reach(catalogue, holder, seat, feature)
    if missing is not None:
        return Entitlement(Level.NONE, missing)
    level = _level(catalogue, holder, seat, feature)
    if level is Level.NONE:
        return Entitlement(level, Reason.SEAT_TYPE)
    if feature.product in holder.suspended:
        return _while_suspended(catalogue, level)
    return Entitlement(level)


def _while_suspended(catalogue: Catalogue, level: Level) -> Entitlement:
    """R25b: the most that the catalogue leaves of what the seat gives."""
    left = min(level, Level(catalogue.suspended), key=_RANK.__getitem__)
    return Entitlement(left, Reason.SUSPENDED if left is Level.NONE else None)


def _out_of_reach(
    catalogue: Catalogue, holder: Holder, seat: SeatType, feature: Feature
) -> Reason | None:
    """
    Why the feature is not among those that such a seat can open in this account at all.

    A seat of the free tools opens the free tier of every product (R4). Any other one lives by the
    subscriptions and opens nothing once they are over (R9).
    """
    if not holder.subscriptions or seat.available_to == _FREE_TOOLS_ONLY:
        if "free_tools" in seat.available_to and not catalogue.tier(feature.tier).paid:
            return None
        return Reason.SEAT_TYPE if holder.subscriptions else Reason.NOT_SUBSCRIBED
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
