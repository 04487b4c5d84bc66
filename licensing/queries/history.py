"""The account's log: who, what, when, why, before, after (R29)."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from licensing.models import Event, EventSubject
from licensing.queries.accounts import existing_account, page_of_account
from licensing.queries.cursors import Page, Window
from licensing.rules.permissions import READ_LOG, Actor, require
from licensing.rules.refusals import NotFound, Refusal


@dataclass(eq=False)
class EventsPurged(Refusal):
    """The events right after sequence {after} are not kept any more; the first one is {first}.

    Take a snapshot, and go on from its sequence.
    """

    code: ClassVar[str] = "events_purged"
    example: ClassVar[dict[str, int]] = {"after": 17, "first": 1042}
    after: int
    first: int


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
    after: int | None = None,
    types: tuple[str, ...] = (),
    user_id: str | None = None,
    seat_id: str | None = None,
) -> Page:
    """
    The events of the account in their order, those with a sequence greater than `after`.

    `types` names the types wanted, all where it is empty; `user_id` and `seat_id` those whom the
    event is about.
    """
    require(actor, READ_LOG)
    query = Event.select().where(Event.account_id == actor.account)
    if after is not None:
        _refuse_a_gap(actor.account, after)
        query = query.where(Event.sequence > after)
    if types:
        query = query.where(Event.type.in_(types))
    for subject in filter(None, (user_id, seat_id)):
        query = query.where(Event.sequence.in_(_sequences_about(actor.account, subject)))
    filters = (after, types, user_id, seat_id)
    found = page_of_account(actor, query, Event.sequence, window, *filters)
    return found.mapped(_shown)


def _refuse_a_gap(account_id: str, after: int) -> None:
    account = existing_account(account_id)
    if after < account.purged_through:
        raise EventsPurged(after, account.purged_through + 1)


def _sequences_about(account_id: str, subject_id: str) -> Any:
    return EventSubject.select(EventSubject.sequence).where(
        EventSubject.account_id == account_id, EventSubject.subject_id == subject_id
    )


def _shown(row: Event) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(row.body)
    return body
