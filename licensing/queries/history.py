"""The account's log: who, what, when, why, before, after (R29)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import Any, ClassVar

from licensing.models import Event, EventSubject
from licensing.queries.accounts import existing_account, page_of_account
from licensing.queries.cursors import Page, Window
from licensing.rules.event_types import EventType, Order, types_named
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
        return iter(getattr(self, each.name) for each in fields(self))


def event(actor: Actor, event_id: str) -> dict[str, Any]:
    """One event. Raises `NotFound`."""
    require(actor, READ_LOG)
    row = Event.get_or_none(Event.account_id == actor.account, Event.id == event_id)
    if row is None:
        raise NotFound("event", event_id)
    return _shown(row)


def events(
    actor: Actor, window: Window, wanted: Wanted = Wanted(), order: Order = Order.OLDEST
) -> Page:
    """
    The events of the account that are wanted, in their order or the newest first.

    However long the log is, it is entered where the first of them can be, and left with the page.
    """
    require(actor, READ_LOG)
    if wanted.after is not None:
        _refuse_a_gap(actor.account, wanted.after)
    ...


def _refuse_a_gap(account_id: str, after: int) -> None:
    account = existing_account(account_id)
    if after < account.purged_through:
        raise EventsPurged(after, account.purged_through + 1)


def _shown(row: Event) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(row.body)
    return body
