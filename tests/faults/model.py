"""
The rule-book once more, as a small model that is kept in plain Python.

Written from the text of the rules, not from the code that it judges: nothing of `licensing` is
imported, nothing is stored, counts are not kept but counted. Where the text leaves something open,
a comment says what was taken, and that it is *open*.

Here are the things and what follows from what; the commands are in `model_people` and
`model_billing`.
"""

import copy
from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TIERS = ("free", "starter", "professional", "enterprise")
PAID_TIERS = TIERS[1:]
PAID = ("core", "sales", "service")
EXCLUSIVE = ("view_only", "partner", "free")
INVITATION = timedelta(days=14)


@dataclass(frozen=True)
class Catalogue:
    """What is sold: for a type, the product's tiers that sell it; what it includes and becomes."""

    sold_by: Mapping[str, Mapping[str, tuple[str, ...]]]
    includes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    becomes: Mapping[str, str] = field(default_factory=dict)

    def sells(self, product: str, tier: str, seat_type: str) -> bool:
        return tier in self.sold_by.get(seat_type, {}).get(product, ())

    def included(self, seat_type: str) -> tuple[str, ...]:
        return self.includes.get(seat_type, ())


EVERYWHERE = dict.fromkeys(("marketing", "sales", "service"), PAID_TIERS)
DEFAULT = Catalogue(
    {"core": EVERYWHERE, "sales": {"sales": PAID_TIERS}, "service": {"service": PAID_TIERS}}
)
# R4: so many seats an account has at least when it subscribes to a product.
INCLUDED = {"marketing": {"core": 1}}


class Refused(Exception):
    """The rules say no."""

    def __init__(self, code: str, status: int = 409) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass
class Seat:
    id: str
    version: int = 1


@dataclass
class Person:
    id: str
    email: str
    status: str
    permissions: frozenset[str]
    eligible: bool
    invitation: str | None = None
    invited_until: datetime | None = None
    seats: dict[str, Seat] = field(default_factory=dict)

    @property
    def paid(self) -> list[str]:
        return [name for name in self.seats if name in PAID]


@dataclass
class Subscription:
    id: str
    product: str
    tier: str
    months: int
    anchor: datetime
    term: int
    status: str = "active"
    pending_tier: str | None = None
    suspended: bool = False

    @property
    def ends_at(self) -> datetime:
        """R24: always counted from the anchor, so that 31 January is followed by 31 March."""
        return later(self.anchor, self.months * self.term)


@dataclass
class Pool:
    id: str
    seat_type: str
    follows: str
    purchased: int = 0
    minimum: int = 0
    low_mark: int | None = None
    status: str = "open"


@dataclass
class Removal:
    id: str
    pool: str
    requested: int
    quantity: int
    effective_at: datetime
    status: str = "scheduled"


def later(anchor: datetime, months: int) -> datetime:
    """So many months later, on the last day of a month that is too short (R24)."""
    year, month = divmod(anchor.month - 1 + months, 12)
    year, month = anchor.year + year, month + 1
    return anchor.replace(year=year, month=month, day=min(anchor.day, monthrange(year, month)[1]))


class Account:
    """A seat-based account: its people, subscriptions, pools and removals, and the rules."""

    def __init__(self, catalogue: Catalogue, now: datetime) -> None:
        self.catalogue, self.now = catalogue, now
        self.people: dict[str, Person] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.pools: dict[str, Pool] = {}
        self.removals: dict[str, Removal] = {}
        self.named = 0
        # What followed from commands, so that a test can tell whether anything did.
        self.followed: Counter[str] = Counter()

    # --- things and their numbers ---

    def new(self, prefix: str) -> str:
        self.named += 1
        return f"{prefix}{self.named}"

    @property
    def live(self) -> list[Subscription]:
        """The subscriptions that have not ended, the oldest first."""
        return [one for one in self.subscriptions.values() if one.status != "ended"]

    def pool_of(self, seat_type: str) -> Pool | None:
        of_type = (pool for pool in self.pools.values() if pool.seat_type == seat_type)
        return next((pool for pool in of_type if pool.status == "open"), None)

    def assigned(self, seat_type: str) -> int:
        return sum(seat_type in person.seats for person in self.people.values())

    def pending(self, pool: Pool) -> list[Removal]:
        """The removals of a pool that are still to come, the oldest first."""
        of_pool = [removal for removal in self.removals.values() if removal.pool == pool.id]
        return [removal for removal in of_pool if removal.status == "scheduled"]

    def scheduled(self, pool: Pool) -> int:
        return sum(removal.quantity for removal in self.pending(pool))

    def spare(self, pool: Pool) -> int:
        """R19: unassigned, and not scheduled to leave already."""
        return pool.purchased - self.assigned(pool.seat_type) - self.scheduled(pool)

    def available(self, seat_type: str) -> bool:
        """R4, R5, R6: whether the account can have seats of the type at all."""
        if seat_type in PAID:
            return any(self.sells(one, seat_type) for one in self.live)
        return {"partner": True, "free": not self.live, "view_only": bool(self.live)}[seat_type]

    def sells(self, subscription: Subscription, seat_type: str) -> bool:
        return self.catalogue.sells(subscription.product, subscription.tier, seat_type)

    # --- seats in and out of hands ---

    @property
    def fallback(self) -> str:
        """R8, R4: what an active user holds who holds nothing else."""
        return "view_only" if self.live else "free"

    def give(self, person: Person, seat_type: str) -> None:
        """R8, R11: one more seat, for which what it replaces ends."""
        replaced = self.replaced(person, seat_type)
        if seat_type in PAID:
            self.claim(seat_type)
        for name in replaced:
            del person.seats[name]
        person.seats[seat_type] = Seat(self.new("seat"))

    def replaced(self, person: Person, wanted: str, instead_of: str | None = None) -> list[str]:
        """R8: what ends when the person gets a seat of a type beside, or instead of, another."""
        held = [name for name in person.seats if name != instead_of]
        if any(wanted in self.catalogue.included(name) for name in held):
            raise Refused("included_in_held_seat")
        exclusive = [name for name in held if name in EXCLUSIVE]
        if wanted in EXCLUSIVE and exclusive != held:
            raise Refused("exclusive_seat")
        return exclusive + [name for name in held if name in self.catalogue.included(wanted)]

    def claim(self, seat_type: str) -> None:
        """R11, R22: use up a seat that is free, from the newest removal if they are all leaving."""
        pool = self.pool_of(seat_type)
        if pool is None:
            raise Refused("no_seat_available")
        self.refuse_suspended(pool)
        if self.assigned(seat_type) >= pool.purchased:
            raise Refused("no_seat_available")
        if self.spare(pool) == 0:
            self.reduce_newest(pool)

    def reduce_newest(self, pool: Pool) -> None:
        """R22: just as much as is needed, which is one."""
        self.reduce(self.pending(pool)[-1], 1)
        self.followed["a removal gave way"] += 1

    def refuse_suspended(self, pool: Pool) -> None:
        """R25b: nothing can be bought or assigned meanwhile."""
        if self.subscriptions[pool.follows].suspended:
            raise Refused("subscription_suspended")

    def reduce(self, removal: Removal, by: int) -> None:
        removal.quantity -= by
        if removal.quantity == 0:
            removal.status = "cancelled"

    def fall_back(self, person: Person) -> None:
        """R8: every active user holds at least one seat."""
        if person.status == "active" and not person.seats:
            self.followed["somebody fell back"] += 1
            self.give(person, self.fallback)

    # --- what comes due ---

    def bring_up_to_date(self) -> None:
        """R23, R23b: every term that is over, in order; R13: every invitation that is."""
        while over := [one for one in self.live if one.ends_at <= self.now]:
            # Open: of two that are over at the same instant, what ends comes first, so that a pool
            # that moves is renewed with the other one; then the older.
            first = min(over, key=lambda one: (one.ends_at, one.status != "cancelling"))
            if first.status == "cancelling":
                self.end(first)
            else:
                self.renew(first)
        for person in self.people.values():
            if person.invitation == "pending" and self.is_over(person):
                person.invitation = "expired"
                self.followed["an invitation expired"] += 1
                person.seats.clear()

    def is_over(self, person: Person) -> bool:
        return person.invited_until is not None and person.invited_until <= self.now

    def renew(self, subscription: Subscription) -> None:
        at = subscription.ends_at
        subscription.term += 1
        for pool in self.followers(subscription):
            for removal in self.pending(pool):
                pool.purchased -= removal.quantity
                removal.status = "applied"
                self.followed["a removal was applied"] += 1
        if subscription.pending_tier is not None:
            self.followed["a tier went down"] += 1
            self.move_to_tier(subscription, subscription.pending_tier, at)

    def followers(self, subscription: Subscription) -> list[Pool]:
        pools = [pool for pool in self.pools.values() if pool.status == "open"]
        return [pool for pool in pools if pool.follows == subscription.id]

    def move_to_tier(self, subscription: Subscription, tier: str, at: datetime) -> None:
        subscription.tier, subscription.pending_tier = tier, None
        self.settle(subscription, at)

    def end(self, subscription: Subscription) -> None:
        """R25: its pools move or close, and holders fall to what is left to them."""
        at = subscription.ends_at
        self.followed["a subscription ended"] += 1
        subscription.status, subscription.pending_tier = "ended", None
        subscription.suspended = False
        self.settle(subscription, at)
        if self.live:
            return
        for person in self.people.values():
            # Open: also the viewing seats of those who are invited or deactivated become free ones.
            if person.seats.pop("view_only", None):
                person.seats["free"] = Seat(self.new("seat"))
                self.followed["a viewer fell to the free tools"] += 1

    def settle(self, subscription: Subscription, at: datetime) -> None:
        """R25: pools that the subscription does not sell any more move to another, or close."""
        closing = []
        for pool in self.followers(subscription):
            if subscription in self.live and self.sells(subscription, pool.seat_type):
                continue
            seller = self.seller_after(subscription, pool, at)
            if seller is None:
                closing.append(pool)
                continue
            pool.follows = seller.id
            self.followed["a pool moved"] += 1
            for removal in self.pending(pool):
                removal.effective_at = seller.ends_at
        for pool in closing:
            self.close(pool)

    def seller_after(
        self, subscription: Subscription, pool: Pool, at: datetime
    ) -> Subscription | None:
        """Open: active before cancelled, in use before suspended, older before younger."""
        others = [
            one
            for one in self.live
            if one is not subscription
            and self.sells(one, pool.seat_type)
            and (one.status == "active" or one.ends_at > at)
        ]
        return min(others, key=lambda one: (one.status != "active", one.suspended), default=None)

    def close(self, pool: Pool) -> None:
        """R25: its seats end; where the catalogue says so, those in hands become others."""
        for removal in self.pending(pool):
            self.reduce(removal, removal.quantity)
        pool.status, pool.purchased, pool.minimum = "closed", 0, 0
        self.followed["a pool closed"] += 1
        wanted = self.catalogue.becomes.get(pool.seat_type)
        if wanted is not None and not self.available(wanted):
            wanted = None
        target = self.pool_for(wanted) if wanted else None
        for person in self.people.values():
            seat = person.seats.pop(pool.seat_type, None)
            if seat is None:
                continue
            includes = any(wanted in self.catalogue.included(name) for name in person.seats)
            if wanted and target and wanted not in person.seats and not includes:
                # It stays paid for, as a seat of the other type.
                target.purchased += 1
                person.seats[wanted] = Seat(seat.id, seat.version + 1)
                self.followed["a seat became another"] += 1
            else:
                self.fall_back(person)

    def pool_for(self, seat_type: str) -> Pool:
        """The pool of a type; opened, where there is none, on what sells it."""
        pool = self.pool_of(seat_type)
        if pool is None:
            # Open: the oldest seller, one that is in use before one that is suspended.
            sellers = [one for one in self.live if self.sells(one, seat_type)]
            seller = min(sellers, key=lambda one: one.suspended)
            pool = self.opened(seat_type, seller)
        return pool

    def opened(self, seat_type: str, subscription: Subscription) -> Pool:
        pool = Pool(self.new("pool"), seat_type, subscription.id)
        self.pools[pool.id] = pool
        return pool

    # --- trying ---

    def kept(self) -> dict[str, object]:
        """Everything as it is now, for `restore`."""
        return copy.deepcopy(vars(self))

    def restore(self, kept: dict[str, object]) -> None:
        vars(self).update(kept)

    def holders(self) -> Iterator[tuple[Person, str]]:
        """Everybody with each seat type held."""
        for person in self.people.values():
            for seat_type in person.seats:
                yield person, seat_type
