"""
What is sold, as data: tiers, products, seat types, features, prices.

A company replaces the default catalogue with its own file; `reading` says what such a file has to
be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from licensing.rules.refusals import NotFound, Unknown


@dataclass(frozen=True)
class Tier:
    """An edition of a product; a higher rank has all that a lower one has."""

    name: str
    title: str
    rank: int
    paid: bool


@dataclass(frozen=True)
class Product:
    """
    A product line.

    Attributes:
        tiers: the paid tiers at which it is sold.
        included: for a tier, how many seats of a type a subscription has at least (R4).
    """

    name: str
    title: str
    tiers: tuple[str, ...]
    included: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class SeatType:
    """
    What a seat lets its holder do (R5 to R8).

    Attributes:
        paid: whether seats of it are bought.
        exclusive: whether its holder holds no other seat.
        transferable: whether a held seat can be moved to another user.
        legacy: whether legacy accounts have it (R2).
        eligible_only: whether only eligible users may hold it (R7).
        includes: the poorer types that it contains.
        sold_by: for a product, the tiers that sell it.
        available_to: the kinds of account that have a free type, "free_tools" or "subscribed".
        level: what it gives, "view" or "edit".
        advanced: the products whose advanced features it opens.
        everything: whether it opens every feature of the account.
        closed: the features that are closed to it.
        becomes: the type that its holders get when no subscription sells it any more (R25); None
            where they fall back.
    """

    name: str
    title: str
    description: str
    paid: bool
    exclusive: bool
    transferable: bool
    legacy: bool
    eligible_only: bool
    includes: tuple[str, ...]
    sold_by: Mapping[str, tuple[str, ...]]
    available_to: frozenset[str]
    level: str
    advanced: frozenset[str]
    everything: bool
    closed: frozenset[str]
    becomes: str | None


@dataclass(frozen=True)
class Feature:
    """
    Something a user can do: part of a product, from a tier on; advanced ones need a special seat.
    """

    name: str
    title: str
    product: str
    tier: str
    advanced: bool


@dataclass(frozen=True)
class Price:
    """The price of one seat for an interval, in minor units; of any product if it names none."""

    seat_type: str
    product: str | None
    tier: str
    interval: str
    currency: str
    amount: int


@dataclass(frozen=True, eq=False)
class Catalogue:
    """
    All of it, by name and in the order of the file.

    Attributes:
        fallback: the free seat type that a user of a paying account is left with (R8).
        free_tools: the seat type of accounts on the free tools (R4).
        suspended: the most that can be done with a product whose subscription is suspended, "view"
            or "none" (R25b).
    """

    version: str
    tiers: Mapping[str, Tier]
    products: Mapping[str, Product]
    seat_types: Mapping[str, SeatType]
    features: Mapping[str, Feature]
    prices: tuple[Price, ...]
    fallback: str
    free_tools: str
    suspended: str
    _amounts: dict[tuple[str, str | None, str, str, str], int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        amounts = {
            (p.seat_type, p.product, p.tier, p.interval, p.currency): p.amount for p in self.prices
        }
        object.__setattr__(self, "_amounts", amounts)

    def tier(self, name: str) -> Tier:
        """The tier of that name. Raises `Unknown`."""
        if name not in self.tiers:
            raise Unknown("tier", name, list(self.tiers))
        return self.tiers[name]

    def product(self, name: str) -> Product:
        """The product of that name. Raises `Unknown`."""
        if name not in self.products:
            raise Unknown("product", name, list(self.products))
        return self.products[name]

    def seat_type(self, name: str) -> SeatType:
        """The seat type of that name. Raises `Unknown`."""
        if name not in self.seat_types:
            raise Unknown("seat_type", name, list(self.seat_types))
        return self.seat_types[name]

    def feature(self, name: str) -> Feature:
        """The feature of that name. Raises `NotFound`."""
        if name not in self.features:
            raise NotFound("feature", name)
        return self.features[name]

    def sells(self, product: str, tier: str, seat_type: str) -> bool:
        """Whether the product sells the seat type at the tier (R5)."""
        return tier in self.seat_types[seat_type].sold_by.get(product, ())

    def included(self, product: str, tier: str) -> Mapping[str, int]:
        """How many seats of each type a subscription has at least (R4)."""
        return self.products[product].included.get(tier, {})

    def at_least(self, tier: str, lowest: str) -> bool:
        """Whether a tier is `lowest` or above it."""
        return self.tiers[tier].rank >= self.tiers[lowest].rank

    def is_above(self, tier: str, other: str) -> bool:
        """Whether a tier is above another one."""
        return self.tiers[tier].rank > self.tiers[other].rank

    def price(
        self, seat_type: str, product: str, tier: str, interval: str, currency: str
    ) -> int | None:
        """The price of one seat for one interval; that of the product comes before that of any."""
        own = self._amounts.get((seat_type, product, tier, interval, currency))
        if own is not None:
            return own
        return self._amounts.get((seat_type, None, tier, interval, currency))
