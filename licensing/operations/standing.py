"""Where an account stands: what every command reads first, locked until its commit (R23b)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from peewee import fn

from licensing import events, hands, resources, rows, settings
from licensing.compiled import compiled, in_parts
from licensing.db import RunAlone, for_update, on_sqlite, transaction
from licensing.events import EventType
from licensing.models import Account, Pool, Seat, Subscription, User
from licensing.rules import entitlements
from licensing.rules.accounts import AccountStatus, Invitation, PricingModel
from licensing.rules.catalogue import Catalogue
from licensing.rules.entitlements import Entitlement, Level
from licensing.rules.permissions import Actor, system
from licensing.rules.refusals import AccountClosed, NotFound, SubscriptionEnded
from licensing.rules.seats import Situation

# Ordinary commands share the account; one that changes what the account is has it alone. The weak
# lock does not stand in the way of the account's own sequence.
SHARED, ALONE = "FOR KEY SHARE", "FOR UPDATE"


@dataclass
class Holder:
    """
    A user, locked until the commit, with the seats held, at the instant of the command.

    Attributes:
        before: what the user might do when the command began (R9).
        bought: the purchase of the seat that the user is about to be given, if it was bought for
            him.
    """

    user: User
    seats: list[Seat]
    now: datetime
    before: Mapping[str, Entitlement] = field(default_factory=dict)
    bought: str | None = None

    @property
    def seat_types(self) -> list[str]:
        """The types of the seats held, oldest seat first."""
        return [seat.seat_type for seat in self.seats]

    def seat_of(self, seat_type: str) -> Seat | None:
        """The seat of that type, None where the user holds none."""
        for seat in self.seats:
            if seat.seat_type == seat_type:
                return seat
        return None

    def resource(self) -> resources.Resource:
        """The user as the API shows it."""
        return resources.user(self.user, self.seats, self.now)


@dataclass
class Standing:
    """
    An account as a command finds it.

    Attributes:
        account: the account.
        subscriptions: those that have not ended, the oldest first.
        catalogue: what is sold.
        now: the instant at which the command runs.
        holders: the users that the command has locked so far, by id.
        upheaval: the event that changed what the account as a whole has, if one did.
        counted: while pools are counted together, those pools, each with the last event about it:
            the lines that they crossed are told at the end (R16, R32).
        lapses_at: when the first of the open invitations is over by its date, as the account was
            read; None where none is open.
    """

    account: Account
    subscriptions: list[Subscription]
    catalogue: Catalogue
    now: datetime
    holders: dict[str, Holder] = field(default_factory=dict)
    upheaval: str | None = None
    counted: dict[str, str | None] = field(default_factory=dict)
    lapses_at: datetime | None = None

    @property
    def situation(self) -> Situation:
        """What the rules of seats need to know of the account."""
        return Situation(
            self.account.pricing_model == PricingModel.SEAT_BASED,
            {subscription.product: subscription.tier for subscription in self.subscriptions},
        )

    @property
    def suspended(self) -> frozenset[str]:
        """The products whose subscription is suspended (R25b)."""
        return frozenset(s.product for s in self.subscriptions if s.suspended_at is not None)

    def subscription(self, subscription_id: str) -> Subscription:
        """
        A subscription that has not ended.

        Raises `SubscriptionEnded` for one that has, `NotFound` for one that never was.
        """
        for subscription in self.subscriptions:
            if subscription.id == subscription_id:
                return subscription
        of_account = Subscription.account_id == self.account.id
        if Subscription.get_or_none(of_account, Subscription.id == subscription_id) is None:
            raise NotFound("subscription", subscription_id)
        raise SubscriptionEnded(subscription_id)

    def subscription_of(self, pool: Pool) -> Subscription:
        """The subscription whose term the pool follows."""
        return next(s for s in self.subscriptions if s.id == pool.subscription_id)

    def pool_numbers(self, pool: Pool) -> resources.Resource:
        """The pool's numbers for an event."""
        return resources.pool_numbers(pool, self.subscription_of(pool).term_ends_at)

    def numbers_or_none(self, pool: Pool | None) -> resources.Resource | None:
        """The same, for a seat that may have no pool."""
        return None if pool is None else self.pool_numbers(pool)

    def pool(self, pool: Pool) -> resources.Resource:
        """The pool as the API shows it."""
        return resources.pool(pool, self.subscription_of(pool).term_ends_at)

    def entitlements_of(self, holder: Holder) -> Mapping[str, Entitlement]:
        """What the user may do with each feature, as things stand now (R9)."""
        ((_, answers),) = self.entitlements_of_each([holder])
        return answers

    def entitlements_of_each(
        self, holders: Iterable[Holder]
    ) -> Iterator[tuple[Holder, Mapping[str, Entitlement]]]:
        """The same for each of several users, worked out once for those who are alike."""
        is_open = self.account.status == AccountStatus.ACTIVE
        tiers, suspended = self.situation.tiers, self.suspended
        known: dict[tuple[str, tuple[str, ...]], Mapping[str, Entitlement]] = {}
        for holder in holders:
            kind = holder.user.status, tuple(holder.seat_types)
            if kind not in known:
                alike = entitlements.Holder(is_open, *kind, tiers, suspended)
                known[kind] = entitlements.entitlements(self.catalogue, alike)
            yield holder, known[kind]

    def changed_features(self, holder: Holder) -> dict[str, Level]:
        """The features of which the user may do something else now, with the former level."""
        return _changed(holder.before, self.entitlements_of(holder))


def _changed(
    before: Mapping[str, Entitlement], after: Mapping[str, Entitlement]
) -> dict[str, Level]:
    # Who holds the same kinds of seats has the very same answers, which are kept.
    if after is before:
        return {}
    return {name: was.level for name, was in before.items() if was.level != after[name].level}


def standing_of(actor: Actor, alone: bool = False) -> Standing:
    """
    Read and lock the actor's account; `alone` keeps all other commands on it waiting.

    Within a transaction the same object comes back each time. What its users may do is compared at
    the commit with what they could do before, and told where it changed. Raises `NotFound` for an
    account that does not exist, `AccountClosed` for one that is closed; `RunAlone` where a term is
    over, so that the command is run again, alone (R23b).
    """
    known = transaction().known
    if actor.account in known:
        found: Standing = known[actor.account]
        return found
    here = transaction()
    alone = alone or here.alone
    account, lapses_at = _locked_account(actor.account, alone)
    now = hands.instant_of(account.test_clock_id)
    here.instant = now if account.test_clock_id else None
    subscriptions = live_subscriptions(account.id)
    if not alone and not on_sqlite() and any(s.term_ends_at <= now for s in subscriptions):
        # Whoever shares the account relies on the terms that he has read.
        raise RunAlone
    standing = known[actor.account] = Standing(
        account, subscriptions, settings.current().catalogue, now, lapses_at=lapses_at
    )
    # First in line: what it tells has to be written with the rest.
    here.closing.insert(0, lambda: _tell_changed_entitlements(actor, standing))
    return standing


def _account(id: Any) -> Any:
    open_ones = User.select(fn.MIN(User.invitation_expires_at)).where(
        User.account_id == id, User.invitation == Invitation.PENDING
    )
    # Beside the account, since no command can do without either, and hardly one has to do with any.
    return Account.select(Account, open_ones.alias("lapses_at")).where(Account.id == id)


_shared_account = compiled(lambda id: for_update(_account(id), SHARED))
_account_alone = compiled(lambda id: for_update(_account(id), ALONE))


def _locked_account(account_id: str, alone: bool) -> tuple[Account, datetime | None]:
    """The account, and when the first of its open invitations lapses."""
    account = (_account_alone if alone else _shared_account).model(account_id)
    if account is None:
        raise NotFound("account", account_id)
    if account.status == AccountStatus.CLOSED:
        raise AccountClosed(account_id)
    lapses_at = User.invitation_expires_at.python_value(account.__data__.pop("lapses_at"))
    return account, lapses_at


@compiled
def _live_subscriptions(account_id: Any) -> Any:
    live = (Subscription.account_id == account_id) & (Subscription.status != "ended")
    return Subscription.select().where(live).order_by(Subscription.id)


def live_subscriptions(account_id: str) -> list[Subscription]:
    """The subscriptions of an account that have not ended, the oldest first."""
    return _live_subscriptions.models(account_id)


def lock_holder(standing: Standing, user_id: str) -> Holder:
    """Read and lock a user. Raises `NotFound` where the account has no such user."""
    lock_holders(standing, [user_id])
    if user_id not in standing.holders:
        raise NotFound("user", user_id)
    return standing.holders[user_id]


def lock_holders(standing: Standing, user_ids: Iterable[str]) -> None:
    """
    Read and lock users, in the order of their ids so that two commands never wait for each other.
    """
    missing = sorted(set(user_ids) - standing.holders.keys())
    if not missing:
        return
    users, held = [], []
    for part in in_parts(missing):
        users += _locked_users.models(standing.account.id, tuple(part))
        held += rows.seats_of.models(standing.account.id, tuple(part))
    seats = defaultdict(list)
    for seat in sorted(held, key=attrgetter("id")):
        seats[seat.user_id].append(seat)
    locked = [Holder(user, seats[user.id], standing.now) for user in users]
    for holder, answers in standing.entitlements_of_each(locked):
        holder.before = answers
        standing.holders[holder.user.id] = holder


@compiled
def _locked_users(account_id: Any, ids: Any) -> Any:
    users = User.select().where(User.account_id == account_id, User.id.in_(ids))
    return for_update(users.order_by(User.id))


def lapsed(standing: Standing) -> list[str]:
    """The users whose invitation is over by its date, and was not ended yet (R13)."""
    if standing.lapses_at is None or standing.lapses_at > standing.now:
        return []
    rows = User.select(User.id).where(
        User.account_id == standing.account.id,
        User.invitation == Invitation.PENDING,
        User.invitation_expires_at <= standing.now,
    )
    return [row.id for row in rows]


def lock_all_holders(standing: Standing) -> None:
    """
    Read and lock everybody who holds a seat.

    For a command that changes what the whole account has: what each may do is compared (R9).
    """
    holders = Seat.select(Seat.user_id).where(Seat.account_id == standing.account.id).distinct()
    lock_holders(standing, [seat.user_id for seat in holders])


def _tell_changed_entitlements(actor: Actor, standing: Standing) -> None:
    """user.entitlements_changed, for each user whose answer of R9 is another one now."""
    teller = system(standing.account.id, actor.request_id, actor.traceparent)
    first = _first_events()
    # What is told of each, by what was and is: the same of all whom a batch gives the same.
    told: dict[tuple[int, int], tuple[dict[str, Level], dict[str, Level]]] = {}
    for holder, after in standing.entitlements_of_each(standing.holders.values()):
        both = id(holder.before), id(after)
        if both not in told:
            now = {feature: answer.level for feature, answer in after.items()}
            told[both] = _changed(holder.before, after), now
        changed, features = told[both]
        if changed:
            user_id = holder.user.id
            events.record(
                teller,
                EventType.USER_ENTITLEMENTS_CHANGED,
                {"user_id": user_id, "seat_types": holder.seat_types, "features": features},
                previous={"features": changed},
                cause=standing.upheaval or first.get(user_id),
            )


def _first_events() -> dict[str, str]:
    """The first event of the transaction about each user and seat."""
    recorded = reversed(transaction().events)
    return {subject: event.id for event in recorded for subject in event.subjects}
