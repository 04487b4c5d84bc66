"""The account's log: who, what, when, why, before, after (R29)."""

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import Any, ClassVar

from peewee import SQL

from licensing.models import Event, EventSubject
from licensing.queries.accounts import existing_account
from licensing.queries.cursors import Key, Order, Page, Window, first_of, position_after, value_of
from licensing.rules.event_types import EventType, LogOrder, types_named
from licensing.rules.permissions import READ_LOG, Actor, require
from licensing.rules.refusals import NotFound, Refusal

# The clocks of two processes, or one that was set back, may differ by less than this: events that
# far apart are in their order by sequence.
CLOCKS_AGREE = timedelta(hours=1)


@dataclass(eq=False)
class EventsPurged(Refusal):
    """The events right after sequence {after} are not kept any more; the first one is {first}.

    Take a snapshot, and go on from its sequence.
    """

    code: ClassVar[str] = "events_purged"
    example: ClassVar[dict[str, int]] = {"after": 17, "first": 1042}
    after: int
    first: int


@dataclass(frozen=True)
class Wanted:
    """
    Which events of a log; all of it where nothing is said.

    Attributes:
        after: only those with a greater sequence.
        types: only these, each a type or as `seat.*`.
        user_id, seat_id: only those that are about this user or seat.
        actor_id: only what this user, key or the service itself did.
        since, before: only those recorded from the first instant on, and before the second one.
    """

    after: int | None = None
    types: tuple[str, ...] = ()
    user_id: str | None = None
    seat_id: str | None = None
    actor_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def __iter__(self) -> Iterator[object]:
        return iter(astuple(self))


EVERYTHING = Wanted()


def event(actor: Actor, event_id: str) -> dict[str, Any]:
    """One event. Raises `NotFound`."""
    require(actor, READ_LOG)
    row = Event.get_or_none(Event.account_id == actor.account, Event.id == event_id)
    if row is None:
        raise NotFound("event", event_id)
    return _shown(row)


def events(
    actor: Actor,
    window: Window,
    wanted: Wanted = EVERYTHING,
    order: LogOrder = LogOrder.OLDEST,
) -> Page:
    """
    The events of the account that are wanted, in their order or the newest first.

    However long the log is, it is entered where the first of them can be, and left with the page:
    through what the events are about, else through who did them and their types, else through their
    types alone. Raises `EventsPurged`, `InvalidCursor`, `NotFound`, `PermissionDenied`.
    """
    require(actor, READ_LOG)
    if wanted.after is not None:
        _refuse_a_gap(actor.account, wanted.after)
    of = ("events", actor.account, *wanted, order)
    by_sequence = Order((Key(Event.sequence, value_of(Event.sequence)),), order is LogOrder.NEWEST)
    last = position_after(window, of)
    arms = _arms(actor.account, wanted)
    total = sum(arm.count() for arm in arms) if window.include_total else None
    if last is not None:
        arms = [arm.where(by_sequence.beyond(last)) for arm in arms]
    rows = list(_in_order(arms, by_sequence).limit(window.limit + 1)) if arms else []
    if not rows:
        existing_account(actor.account)
    return first_of(rows, by_sequence, window, of, total).mapped(_shown)


def _in_order(arms: list[Any], order: Order) -> Any:
    """All arms merged: each is read through its index, no further than the page goes."""
    if len(arms) == 1:
        return arms[0].order_by(*order.terms)
    return reduce(add, arms).order_by(SQL("sequence DESC" if order.backwards else "sequence"))


def _arms(account_id: str, wanted: Wanted) -> list[Any]:
    """Queries of which no two find the same event, each of a part of the log that is one range."""
    types = types_named(wanted.types) if wanted.types else list(EventType)
    query = _between(account_id, wanted)
    subject = wanted.seat_id or wanted.user_id
    if subject is not None:
        query = _about(query, account_id, subject)
        if wanted.seat_id and wanted.user_id:
            query = query.where(Event.sequence.in_(_sequences_about(account_id, wanted.user_id)))
        if wanted.types:
            query = query.where(Event.type.in_(types))
    if wanted.actor_id is not None:
        query = query.where(Event.actor_id == wanted.actor_id)
    if subject is None and (wanted.types or wanted.actor_id is not None):
        return [query.where(Event.type == one) for one in types]
    return [query]


def _between(account_id: str, wanted: Wanted) -> Any:
    """The events in a range of time; where that can be in the log is looked up first."""
    query = Event.select().where(Event.account_id == account_id)
    if wanted.after is not None:
        query = query.where(Event.sequence > wanted.after)
    of_account = Event.select(Event.sequence).where(Event.account_id == account_id)
    if wanted.since is not None:
        earlier = of_account.where(Event.occurred_at < wanted.since - CLOCKS_AGREE)
        last = earlier.order_by(Event.occurred_at.desc(), Event.sequence.desc()).limit(1).scalar()
        query = query.where(Event.sequence > (last or 0), Event.occurred_at >= wanted.since)
    if wanted.before is not None:
        later = of_account.where(Event.occurred_at >= wanted.before + CLOCKS_AGREE)
        first = later.order_by(Event.occurred_at, Event.sequence).limit(1).scalar()
        if first is not None:
            query = query.where(Event.sequence < first)
        query = query.where(Event.occurred_at < wanted.before)
    return query


def _about(query: Any, account_id: str, subject: str) -> Any:
    return query.join(
        EventSubject,
        on=(EventSubject.account_id == Event.account_id)
        & (EventSubject.sequence == Event.sequence),
    ).where(EventSubject.account_id == account_id, EventSubject.subject_id == subject)


def _sequences_about(account_id: str, subject_id: str) -> Any:
    return EventSubject.select(EventSubject.sequence).where(
        EventSubject.account_id == account_id, EventSubject.subject_id == subject_id
    )


def _refuse_a_gap(account_id: str, after: int) -> None:
    account = existing_account(account_id)
    if after < account.purged_through:
        raise EventsPurged(after, account.purged_through + 1)


def _shown(row: Event) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(row.body)
    return body
