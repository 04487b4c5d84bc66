"""Users with the seats that they hold (R13, R31)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any

from licensing import clock, hands, resources, rows
from licensing.compiled import compiled
from licensing.models import User
from licensing.queries.accounts import by, compiled_page_of_account
from licensing.queries.cursors import Page, Window
from licensing.resources import Resource
from licensing.rules.accounts import Invitation, email_key
from licensing.rules.permissions import SEE_USERS, Actor, require
from licensing.rules.refusals import NotFound


@compiled
def _users(
    account_id: Any, external_id: Any, email_key: Any, status: Any, after: Any, limit: Any
) -> Any:
    query = User.select().where(User.account_id == account_id)
    if external_id is not None:
        query = query.where(User.external_id == external_id)
    if email_key is not None:
        query = query.where(User.email_key == email_key)
    if status is not None:
        query = query.where(User.status == status)
    return by(User.id).part(query, after, limit)


def user(actor: Actor, user_id: str) -> Resource:
    """One user. Raises `NotFound`."""
    require(actor, SEE_USERS)
    row = rows.user.row(actor.account, user_id)
    if row is None:
        raise NotFound("user", user_id)
    seats = seats_by_user(actor.account, [user_id])
    return resources.user(row, seats[user_id], _now(actor, [row]))


def users(
    actor: Actor,
    window: Window,
    external_id: str | None = None,
    email: str | None = None,
    status: str | None = None,
) -> Page:
    """The users of the account, in the order in which they were added."""
    require(actor, SEE_USERS)
    key = None if email is None else email_key(email)
    found = compiled_page_of_account(actor, _users, User.id, window, external_id, key, status)
    seats = seats_by_user(actor.account, [row.id for row in found.items])
    now = _now(actor, found.items)
    return found.mapped(lambda row: resources.user(row, seats[row.id], now))


def _now(actor: Actor, rows: Iterable[Any]) -> datetime:
    """The account's present instant, looked up where an invitation may be over by it."""
    pending = any(row.invitation == Invitation.PENDING for row in rows)
    return hands.instant_in(actor.account) if pending else clock.now()


def seats_by_user(account_id: str, user_ids: Iterable[str]) -> defaultdict[str, list[Any]]:
    """The seats that each of the users holds, oldest first."""
    held = defaultdict(list)
    found = rows.seats_of.rows(account_id, tuple(user_ids))
    for seat in sorted(found, key=attrgetter("id")):
        held[seat.user_id].append(seat)
    return held
