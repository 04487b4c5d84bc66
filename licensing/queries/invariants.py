"""
What must always be true, looked up: counters against rows, the log against both.

The log is replayed for each account: the seats, users and pool numbers that it tells must be those
that the tables hold, so every change has its event.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from licensing import finding, resources, rows, settings
from licensing.db import db, on_sqlite
from licensing.models import (
    Account,
    Event,
    Pool,
    Removal,
    Seat,
    SeatRequest,
    Subscription,
    Term,
    User,
)
from licensing.queries import derived, log_chain, past_invariants
from licensing.queries.invariants_of_requests import requests_of_account
from licensing.rules import seats
from licensing.rules.accounts import AccountStatus, PricingModel, UserStatus
from licensing.rules.permissions import Permission
from licensing.rules.pools import above_minimum, spare
from licensing.rules.seat_requests import RequestStatus
from licensing.rules.seats import Situation

# What other packages have to look up, of one account or of all.
_others: dict[str, Callable[[str | None], Iterator[str]]] = {}


def also(name: str, look_up: Callable[[str | None], Iterator[str]]) -> None:
    """
    Look up the invariants of another package, too; once for each name.

    Args:
        name: the package.
        look_up: what does not hold of one account, or of all that there is for None.
    """
    _others[name] = look_up


def violations() -> Iterator[str]:
    """Every invariant that does not hold, as a sentence that names the row."""
    yield from _broken_file()
    dropped = dropped_from_catalogue()
    if dropped:
        # Without them, what an account holds cannot even be read.
        yield f"catalogue: it no longer has {', '.join(dropped)}, which accounts hold"
        return
    for account in Account.select().order_by(Account.id):
        yield from _named(account)
    yield from _beside_accounts(None)


def of_one(account_id: str) -> Iterator[str]:
    """Every invariant of one account that does not hold; of catalogue and search, those of all."""
    for name in dropped_from_catalogue():
        yield f"catalogue: it has no {name}"
        return
    yield from _named(Account.get_by_id(account_id))
    yield from _beside_accounts(account_id)


def _beside_accounts(account_id: str | None) -> Iterator[str]:
    yield from derived.wrong_of_all()
    for look_up in _others.values():
        yield from look_up(account_id)


def _named(account: Account) -> Iterator[str]:
    for text in _of_account(account):
        yield f"account {account.id}: {text}"


def dropped_from_catalogue() -> list[str]:
    """What accounts hold or subscribe to, but the catalogue in force does not know (any more)."""
    catalogue = settings.current().catalogue
    live = Subscription.status != "ended"
    in_use: tuple[tuple[str, Any, Any], ...] = (
        ("seat type", Seat.select(Seat.seat_type), catalogue.seat_types),
        ("pool of", Pool.select(Pool.seat_type).where(Pool.status == "open"), catalogue.seat_types),
        (
            "default seat type",
            Account.select(Account.default_seat_type).where(
                Account.default_seat_type.is_null(False)
            ),
            catalogue.seat_types,
        ),
        (
            "requested seat type",
            SeatRequest.select(SeatRequest.seat_type).where(
                SeatRequest.status == RequestStatus.OPEN
            ),
            catalogue.seat_types,
        ),
        ("product", Subscription.select(Subscription.product).where(live), catalogue.products),
        ("tier", Subscription.select(Subscription.tier).where(live), catalogue.tiers),
        (
            "scheduled tier",
            Subscription.select(Subscription.pending_tier).where(
                live, Subscription.pending_tier.is_null(False)
            ),
            catalogue.tiers,
        ),
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
    # A connection that has searched remembers how the index was; only a search makes it look again,
    # and a check would find broken what another connection has changed since.
    finding.how_many_are_kept()
    for (text,) in db.execute_sql("PRAGMA integrity_check"):
        if text != "ok":
            yield f"database: {text}"
    for table, row, parent, _ in db.execute_sql("PRAGMA foreign_key_check"):
        yield f"database: row {row} of {table} names a row of {parent} that does not exist"


def _of_account(account: Account) -> Iterator[str]:
    yield from _terms(account)
    yield from _pools(account)
    yield from _sellers(account)
    yield from _users(account)
    yield from requests_of_account(account)
    broken = log_chain.first_break(account)
    if broken:
        yield broken
    # What was deleted for its age cannot be replayed, and what is broken tells nothing.
    replayed = not (broken or account.purged_through)
    if replayed:
        yield from _log(account)
    yield from past_invariants.of_past(account, replayed)


def _terms(account: Account) -> Iterator[str]:
    """R23, R24: terms follow each other without a gap, and the last one is the current one."""
    in_order = Term.select().where(Term.account_id == account.id)
    by_subscription: dict[str, list[Term]] = {}
    for term in in_order.order_by(Term.subscription_id, Term.number):
        by_subscription.setdefault(term.subscription_id, []).append(term)
    for subscription in rows.of_account(Subscription, account):
        terms = by_subscription.get(subscription.id, [])
        for one, following in pairwise(terms):
            if (one.number + 1, one.ends_at) != (following.number, following.starts_at):
                yield f"subscription {subscription.id}: term {following.number} is out of line"
        current = (subscription.term_number, subscription.term_starts_at, subscription.term_ends_at)
        if not terms or (terms[-1].number, terms[-1].starts_at, terms[-1].ends_at) != current:
            yield f"subscription {subscription.id} is in term {current[0]}, which did not begin"


def _sellers(account: Account) -> Iterator[str]:
    """R25: an open pool follows a subscription that lives, and its removals leave with its term."""
    catalogue = settings.current().catalogue
    live = {row.id: row for row in _living(account)}
    open_pools = {row.id: row for row in rows.of_account(Pool, account) if row.status == "open"}
    for pool in open_pools.values():
        follows = live.get(pool.subscription_id)
        if follows is None:
            yield f"pool {pool.id} follows a subscription that has ended"
        elif not catalogue.sells(follows.product, follows.tier, pool.seat_type):
            yield f"pool {pool.id} follows a subscription that does not sell {pool.seat_type}"
    for removal in _scheduled(account):
        held_by = open_pools.get(removal.pool_id)
        renews_at = held_by and live[held_by.subscription_id].term_ends_at
        if removal.effective_at != renews_at:
            yield f"removal {removal.id} does not leave at the renewal of its pool"


def _living(account: Account) -> list[Any]:
    return [row for row in rows.of_account(Subscription, account) if row.status != "ended"]


def _scheduled(account: Account) -> list[Any]:
    return [row for row in rows.of_account(Removal, account) if row.status == "scheduled"]


def _pools(account: Account) -> Iterator[str]:
    held = Counter(seat.pool_id for seat in rows.of_account(Seat, account))
    scheduled: Counter[str] = Counter()
    for removal in _scheduled(account):
        scheduled[removal.pool_id] += removal.quantity
    for pool in rows.of_account(Pool, account):
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
    held: dict[str, list[Seat]] = {}
    for seat in rows.of_account(Seat, account):
        held.setdefault(seat.user_id, []).append(seat)
    users = rows.of_account(User, account)
    situation = Situation(
        account.pricing_model == PricingModel.SEAT_BASED,
        {row.product: row.tier for row in _living(account)},
    )
    for user in users:
        yield from _holding(account, situation, user, held.get(user.id, []))
        yield from derived.wrong_of_user(user, held.get(user.id, []))
    super_admins = sum(
        user.status == UserStatus.ACTIVE and Permission.SUPER_ADMIN in user.permissions
        for user in users
    )
    if super_admins != account.super_admins:
        yield f"{account.super_admins} super admins are counted, {super_admins} are active"


def _holding(account: Account, situation: Situation, user: User, held: list[Seat]) -> Iterator[str]:
    """R8: exclusive seats stand alone, and who is active in a seat-based account holds a seat."""
    catalogue = settings.current().catalogue
    for seat in held:
        if account.status == AccountStatus.ACTIVE and not seats.is_available(
            catalogue, situation, catalogue.seat_type(seat.seat_type)
        ):
            yield f"seat {seat.id} is one of {seat.seat_type}, which the account cannot have"
        if seat.exclusive != catalogue.seat_type(seat.seat_type).exclusive:
            yield f"seat {seat.id} is marked wrongly as exclusive or not"
    if len(held) > 1 and any(seat.exclusive for seat in held):
        yield f"user {user.id} holds an exclusive seat beside another one"
    must_hold = (
        situation.seat_based
        and account.status == AccountStatus.ACTIVE
        and user.status == UserStatus.ACTIVE
    )
    if must_hold and not held:
        yield f"user {user.id} is active and holds no seat"


OF_A_SUBSCRIPTION = ("tier", "status", "term", "pending_tier", "suspended_at", "ended_at")


@dataclass
class Told:
    """What the log says there is."""

    seats: dict[str, tuple[str, str]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    pools: dict[str, dict[str, Any]] = field(default_factory=dict)

    def hear(self, event: dict[str, Any]) -> None:
        """Take one event into account."""
        noun, verb = event["type"].split(".")
        data = event["data"]
        thing = data["object"]
        if noun == "seat":
            self._hear_seat(verb, thing)
        elif event["type"] == "user.created":
            self.users.add(thing["id"])
        elif event["type"] == "user.deleted":
            self.users.discard(thing["id"])
        elif noun == "subscription":
            self.subscriptions[thing["id"]] = {name: thing[name] for name in OF_A_SUBSCRIPTION}
        for pool in filter(None, (data.get("pool"), data.get("previous_pool"))):
            self.pools[pool["id"]] = pool

    def _hear_seat(self, verb: str, seat: dict[str, Any]) -> None:
        if verb == "unassigned":
            self.seats.pop(seat["id"], None)
        else:
            self.seats[seat["id"]] = (seat["user_id"], seat["seat_type"])


def _log(account: Account) -> Iterator[str]:
    told = Told()
    events = Event.select(Event.body).where(Event.account_id == account.id)
    for row in events.order_by(Event.sequence).iterator():
        told.hear(json.loads(row.body))
    held = {seat.id: (seat.user_id, seat.seat_type) for seat in rows.of_account(Seat, account)}
    yield from _differences("seat", told.seats, held)
    users = {user.id for user in rows.of_account(User, account)}
    yield from _differences("user", dict.fromkeys(told.users), dict.fromkeys(users))
    subscriptions = {
        row.id: {name: resources.subscription(row, [])[name] for name in OF_A_SUBSCRIPTION}
        for row in rows.of_account(Subscription, account)
    }
    yield from _differences("subscription", told.subscriptions, subscriptions)
    numbers = ("purchased", "assigned", "scheduled_removal", "minimum")
    yield from _differences(
        "pool",
        {id: {name: pool[name] for name in numbers} for id, pool in told.pools.items()},
        {
            pool.id: {name: getattr(pool, name) for name in numbers}
            for pool in rows.of_account(Pool, account)
        },
    )


def _differences(kind: str, told: dict[str, Any], kept: dict[str, Any]) -> Iterator[str]:
    for id in sorted(told.keys() | kept.keys()):
        if id not in kept:
            yield f"the log tells of {kind} {id}, which does not exist"
        elif id not in told:
            yield f"{kind} {id} exists, but the log does not tell of it"
        elif told[id] != kept[id]:
            yield f"{kind} {id} is {kept[id]}, but the log tells {told[id]}"
