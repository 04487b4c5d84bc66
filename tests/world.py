"""
The vocabulary in which tests set their scenes.

    account = an_account(core=10)
    priya = account.user("Priya", seats=["core"])
    account.pool("core")["assigned"] == 1
    account.happened() == ["seat.assigned"]        since the scene was set
"""

import itertools
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from licensing import clock, settings
from licensing.models import Account, Event, Pool
from licensing.operations import accounts, contracts, subscriptions, users
from licensing.operations.subscriptions import Order
from licensing.queries import pools as pool_queries
from licensing.queries import users as user_queries
from licensing.queries.cursors import Window
from licensing.rules.permissions import Actor, ActorType, Permission, Scope, system
from licensing.rules.reading import parse
from licensing.rules.terms import Interval

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NEXT_RENEWAL = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)
BEFORE_SEAT_BASED_PRICING = datetime(2023, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def read(self) -> datetime:
        """The instant at which the hands stand."""
        return self.now

    def move(self, **by: float) -> None:
        """Move the hands on, as `move(days=3)`."""
        self.now += timedelta(**by)

    @staticmethod
    def span(**by: float) -> timedelta:
        """A span of time, as `move` takes it."""
        return timedelta(**by)

    def move_to(self, instant: datetime) -> None:
        """Move the hands to an instant."""
        self.now = instant


@dataclass
class AnAccount:
    """An account on the stage."""

    id: str
    by: Actor
    mark: int = 0
    people: dict[str, str] = field(default_factory=dict)

    def user(self, name: str = "", seats: list[str] | None = None, **more: Any) -> str:
        """Add a user, active unless `status` says otherwise; returns the id."""
        name = name or f"User {next(_numbers)}"
        more = {"status": "active", "email": f"user{next(_numbers)}@example.com"} | more
        holder = users.create_user(self.by, name=name, seat_types=seats, **more)
        self.from_here()
        return str(holder.user.id)

    def actor(self, *permissions: Permission, user_id: str | None = None) -> Actor:
        """A user of the account with these permissions, as who asks."""
        held = frozenset(permissions)
        user_id = user_id or self.user(permissions=held)
        return Actor(ActorType.USER, user_id, self.id, permissions=held)

    def key(self, *scopes: Scope) -> Actor:
        """A service with these scopes, as who asks."""
        return Actor(ActorType.API_KEY, "key_of_a_test", self.id, scopes=frozenset(scopes))

    @property
    def super_admin(self) -> Actor:
        """A user who may do everything."""
        return self.actor(Permission.SUPER_ADMIN)

    @property
    def user_admin(self) -> Actor:
        """A user who may edit users and their seats."""
        return self.actor(Permission.MANAGE_USERS)

    @property
    def billing_admin(self) -> Actor:
        """A user who may buy and give back."""
        return self.actor(Permission.MODIFY_BILLING)

    @property
    def viewer(self) -> Actor:
        """A user without any permission."""
        return self.actor()

    def subscribe(
        self, product: str = "marketing", tier: str = "professional", **order: Any
    ) -> str:
        """Check out a product, with so many `seats` of each type; returns the subscription's id."""
        usual = {"interval": Interval.MONTH, "interval_count": 1, "seats": {"core": 10}}
        wanted: dict[str, Any] = {**usual, **order}
        subscription, _ = subscriptions.checkout(self.by, Order(product, tier, **wanted))
        self.from_here()
        return str(subscription.id)

    def deactivate(self, user_id: str) -> None:
        """Deactivate a user, who keeps the seats."""
        users.update_user(self.by, user_id, {"status": "deactivated"})
        self.from_here()

    def close(self) -> None:
        """Close the account."""
        accounts.update_account(self.by, {"status": "closed"})
        self.from_here()

    def promise(self, seat_type: str, **changes: Any) -> None:
        """Set the minimum or low mark of a pool."""
        pool = Pool.get(Pool.account_id == self.id, Pool.seat_type == seat_type)
        contracts.update_pool(self.by, pool.id, changes, pool.version)
        self.from_here()

    def pool(self, seat_type: str) -> dict[str, Any]:
        """A pool as the API shows it."""
        (pool,) = pool_queries.pools(self.by, Window(), seat_type=seat_type).items
        return dict(pool)

    def pools(self) -> dict[str, tuple[int, int, int]]:
        """The numbers of every open pool, by seat type."""
        shown = pool_queries.pools(self.by, Window()).items
        return {pool["seat_type"]: self.numbers(pool["seat_type"]) for pool in shown}

    def numbers(self, seat_type: str) -> tuple[int, int, int]:
        """Purchased, assigned and scheduled seats of a pool."""
        pool = self.pool(seat_type)
        return pool["purchased"], pool["assigned"], pool["scheduled_removal"]

    def shown(self, user_id: str) -> dict[str, Any]:
        """A user as the API shows it."""
        return user_queries.user(self.by, user_id)

    def seats_of(self, user_id: str) -> list[str]:
        """The seat types that a user holds."""
        return [seat["seat_type"] for seat in self.shown(user_id)["seats"]]

    def seat(self, user_id: str, seat_type: str) -> str:
        """The id of the seat of a type that a user holds."""
        held = {seat["seat_type"]: seat["id"] for seat in self.shown(user_id)["seats"]}
        return str(held[seat_type])

    def from_here(self) -> None:
        """Forget what has happened so far: the scene is set."""
        of_account = Account.select(Account.last_sequence).where(Account.id == self.id)
        self.mark = of_account.scalar()

    def log(self) -> list[dict[str, Any]]:
        """All events of the account."""
        return self._told_since(0)

    def events(self) -> list[dict[str, Any]]:
        """The events since the scene was set."""
        return self._told_since(self.mark)

    def _told_since(self, sequence: int) -> list[dict[str, Any]]:
        rows = Event.select(Event.body).where(
            Event.account_id == self.id, Event.sequence > sequence
        )
        return [json.loads(row.body) for row in rows.order_by(Event.sequence)]

    def happened(self, but: tuple[str, ...] = ("user.entitlements_changed",)) -> list[str]:
        """The types of the events since the scene was set, without the noise of `but`."""
        return [event["type"] for event in self.events() if event["type"] not in but]


def a_free_account(**more: Any) -> AnAccount:
    """An account on the free tools."""
    account = accounts.create_account(system(), more.pop("name", "Acme"), **more)
    stage = AnAccount(str(account.id), system(str(account.id)))
    stage.from_here()
    return stage


def an_account(core: int = 10, **more: Any) -> AnAccount:
    """An account with a monthly marketing subscription and so many core seats."""
    stage = a_free_account(**more)
    stage.subscribe(seats={"core": core})
    return stage


def a_legacy_account(sales: int = 5) -> AnAccount:
    """An account from before seat-based pricing, subscribed to sales."""
    stage = a_free_account(created_at=BEFORE_SEAT_BASED_PRICING)
    stage.subscribe("sales", seats={"sales": sales})
    return stage


def in_days(days: float) -> datetime:
    """The instant so many days from now."""
    return clock.now() + timedelta(days=days)


@contextmanager
def in_which(old: str, new: str) -> Iterator[None]:
    """A world whose catalogue says `new` where the default one says `old`."""
    file = resources.files("licensing.rules").joinpath("catalogue.toml")
    text = file.read_text(encoding="utf-8")
    assert old in text
    before = settings.current()
    changed = parse(text.replace(old, new), "a test's catalogue")
    settings.put_in_force(replace(before, catalogue=changed))
    try:
        yield
    finally:
        settings.put_in_force(before)


SALES_SOLD_BY = 'sold_by = { sales = ["starter", "professional", "enterprise"] }'


def in_which_sales_includes_core() -> AbstractContextManager[None]:
    """A world whose catalogue says that a sales seat contains a core one (R8)."""
    return in_which("[seat_types.sales]\n", '[seat_types.sales]\nincludes = ["core"]\n')


def in_which_starter_sells_no_sales(becomes: str = "") -> AbstractContextManager[None]:
    """A world in which sales seats are sold from professional on, and what they become (R25)."""
    more = f'\nbecomes = "{becomes}"' if becomes else ""
    return in_which(SALES_SOLD_BY, 'sold_by = { sales = ["professional", "enterprise"] }' + more)
