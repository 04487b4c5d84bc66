"""
What must always be true, looked up: counters against rows, the log against both.

The log is replayed for each account: the seats, users and pool numbers that it tells must be those
that the tables hold, so every change has its event.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from peewee import fn

from licensing import settings
from licensing.db import db, on_sqlite
from licensing.models import Account, Event, Pool, Removal, Seat, Subscription, User
from licensing.rules.accounts import AccountStatus, PricingModel, UserStatus
from licensing.rules.permissions import Permission
from licensing.rules.pools import above_minimum, spare


def violations() -> Iterator[str]:
    """Every invariant that does not hold, as a sentence that names the row."""
    yield from _broken_file()
    dropped = dropped_from_catalogue()
    if dropped:
        # Without them, what an account holds cannot even be read.
        yield f"catalogue: it no longer has {', '.join(dropped)}, which accounts hold"
        return
    for account in Account.select().order_by(Account.id):
        for text in _of_account(account):
            yield f"account {account.id}: {text}"


def dropped_from_catalogue() -> list[str]:
    """What accounts hold or subscribe to, but the catalogue in force does not know (any more)."""
    catalogue = settings.current().catalogue
    live = Subscription.status != "ended"
    in_use: tuple[tuple[str, Any, Any], ...] = (
        ("seat type", Seat.select(Seat.seat_type), catalogue.seat_types),
        ("pool of", Pool.select(Pool.seat_type).where(Pool.status == "open"), catalogue.seat_types),
        ("product", Subscription.select(Subscription.product).where(live), catalogue.products),
        ("tier", Subscription.select(Subscription.tier).where(live), catalogue.tiers),
    )
    return sorted(
        f"{kind} {name}"
        for kind, names, known in in_use
        for (name,) in names.distinct().tuples()
        if name not in known
    )


def _broken_file() -> Iterator[str]:
    if not on_sqlite():
        return  # PostgreSQL checks its constraints and pages by itself
    for (text,) in db.execute_sql("PRAGMA integrity_check"):
        if text != "ok":
            yield f"database: {text}"
    for table, row, parent, _ in db.execute_sql("PRAGMA foreign_key_check"):
        yield f"database: row {row} of {table} names a row of {parent} that does not exist"


def _of_account(account: Account) -> Iterator[str]:
    yield from _pools(account)
    yield from _users(account)
    yield from _sequence(account)
    yield from _log(account)


def _pools(account: Account) -> Iterator[str]:
    held = Counter(seat.pool_id for seat in _rows(Seat, account))
    scheduled: Counter[str] = Counter()
    for removal in _rows(Removal, account).where(Removal.status == "scheduled"):
        scheduled[removal.pool_id] += removal.quantity
    for pool in _rows(Pool, account):
        if pool.assigned != held[pool.id]:
            yield f"pool {pool.id} counts {pool.assigned} assigned seats, {held[pool.id]} are held"
        if pool.scheduled_removal != scheduled[pool.id]:
            yield (
                f"pool {pool.id} counts {pool.scheduled_removal} seats scheduled for removal, "
                f"{scheduled[pool.id]} are"
            )
        if min(spare(pool), above_minimum(pool)) < 0:
            yield f"pool {pool.id} has promised more seats than it has"


def _users(account: Account) -> Iterator[str]:
    seats: dict[str, list[Seat]] = {}
    for seat in _rows(Seat, account):
        seats.setdefault(seat.user_id, []).append(seat)
    users = list(_rows(User, account))
    for user in users:
        yield from _holding(account, user, seats.get(user.id, []))
    super_admins = sum(
        user.status == UserStatus.ACTIVE and Permission.SUPER_ADMIN in user.permissions
        for user in users
    )
    if super_admins != account.super_admins:
        yield f"{account.super_admins} super admins are counted, {super_admins} are active"


def _holding(account: Account, user: User, held: list[Seat]) -> Iterator[str]:
    """R8: exclusive seats stand alone, and who is active in a seat-based account holds a seat."""
    catalogue = settings.current().catalogue
    for seat in held:
        if seat.exclusive != catalogue.seat_type(seat.seat_type).exclusive:
            yield f"seat {seat.id} is marked wrongly as exclusive or not"
    if len(held) > 1 and any(seat.exclusive for seat in held):
        yield f"user {user.id} holds an exclusive seat beside another one"
    must_hold = (
        account.pricing_model == PricingModel.SEAT_BASED
        and account.status == AccountStatus.ACTIVE
        and user.status == UserStatus.ACTIVE
    )
    if must_hold and not held:
        yield f"user {user.id} is active and holds no seat"


def _sequence(account: Account) -> Iterator[str]:
    first, last, count = (
        Event.select(fn.MIN(Event.sequence), fn.MAX(Event.sequence), fn.COUNT(Event.id))
        .where(Event.account_id == account.id)
        .scalar(as_tuple=True)
    )
    if (first or 1, last or 0) != (1, count) or account.last_sequence != count:
        yield (
            f"the log has {count} events from {first} to {last}, "
            f"the account counts {account.last_sequence}"
        )


@dataclass
class Told:
    """What the log says there is."""

    seats: dict[str, tuple[str, str]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    subscriptions: set[str] = field(default_factory=set)
    pools: dict[str, dict[str, Any]] = field(default_factory=dict)

    def hear(self, event: dict[str, Any]) -> None:
        """Take one event into account; a log with holes is read on, to tell what else is wrong."""
        noun, verb = event["type"].split(".")
        data = event["data"]
        thing = data["object"]
        if noun == "seat":
            self._hear_seat(verb, thing)
        elif event["type"] == "user.created":
            self.users.add(thing["id"])
        elif event["type"] == "user.deleted":
            self.users.discard(thing["id"])
        elif event["type"] == "subscription.started":
            self.subscriptions.add(thing["id"])
        for pool in filter(None, (data.get("pool"), data.get("previous_pool"))):
            self.pools[pool["id"]] = pool

    def _hear_seat(self, verb: str, seat: dict[str, Any]) -> None:
        if verb == "unassigned":
            self.seats.pop(seat["id"], None)
        else:
            self.seats[seat["id"]] = (seat["user_id"], seat["seat_type"])


def _log(account: Account) -> Iterator[str]:
    told = Told()
    rows = Event.select(Event.body).where(Event.account_id == account.id).order_by(Event.sequence)
    for row in rows.iterator():
        told.hear(json.loads(row.body))
    seats = {seat.id: (seat.user_id, seat.seat_type) for seat in _rows(Seat, account)}
    yield from _differences("seat", told.seats, seats)
    users = {user.id for user in _rows(User, account)}
    yield from _differences("user", dict.fromkeys(told.users), dict.fromkeys(users))
    subscriptions = {row.id for row in _rows(Subscription, account)}
    yield from _differences(
        "subscription", dict.fromkeys(told.subscriptions), dict.fromkeys(subscriptions)
    )
    numbers = ("purchased", "assigned", "scheduled_removal", "minimum")
    yield from _differences(
        "pool",
        {id: {name: pool[name] for name in numbers} for id, pool in told.pools.items()},
        {pool.id: {name: getattr(pool, name) for name in numbers} for pool in _rows(Pool, account)},
    )


def _differences(kind: str, told: dict[str, Any], kept: dict[str, Any]) -> Iterator[str]:
    for id in sorted(told.keys() | kept.keys()):
        if id not in kept:
            yield f"the log tells of {kind} {id}, which does not exist"
        elif id not in told:
            yield f"{kind} {id} exists, but the log does not tell of it"
        elif told[id] != kept[id]:
            yield f"{kind} {id} is {kept[id]}, but the log tells {told[id]}"


def _rows(model: Any, account: Account) -> Any:
    return model.select().where(model.account_id == account.id).order_by(model.id)
