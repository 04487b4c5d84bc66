"""
The seats table: users with what they hold, searched, filtered, sorted (R27).

Each order has its index, which is walked until the page is full. A filter that few users pass would
make that walk long, so each is asked first for its users: where there are not more than `FEW`, they
alone are looked at. Either way a page costs what it shows, not what the account holds; only where
many pass each filter and hardly anybody passes all of them does the walk go on through the account.
"""

from collections import defaultdict, namedtuple
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from operator import attrgetter
from typing import Any

from licensing import hands
from licensing.compiled import compiled
from licensing.db import on_sqlite
from licensing.models import Seat, User
from licensing.queries.accounts import existing_account
from licensing.queries.cursors import (
    Key,
    Order,
    Page,
    Window,
    compiled_page,
    ordered_page,
    value_of,
)
from licensing.queries.passing import (
    Filters,
    Passing,
    active_at,
    activity_of,
    as_it_is,
    computed,
)
from licensing.resources import Resource, text, text_or_none
from licensing.rules.accounts import invitation_at
from licensing.rules.permissions import SEE, Actor, require
from licensing.shown import as_shown

# What the table shows of a user, and what its orders need.
LOOKED_AT = (
    User.id,
    User.email,
    User.email_key,
    User.name,
    User.name_key,
    User.status,
    User.invitation,
    User.invitation_expires_at,
    User.permissions,
    User.partner_eligible,
    User.last_active_at,
    User.external_id,
    User.created_at,
)
# No model, of which making one of each row took as long as searching.
LookedAt = namedtuple("LookedAt", [field.name for field in LOOKED_AT])  # type: ignore[misc]
_instant = User.invitation_expires_at.python_value


class Sort(StrEnum):
    """What the seats table is sorted by; with a minus backwards."""

    NAME = "name"
    NAME_BACKWARDS = "-name"
    EMAIL = "email"
    EMAIL_BACKWARDS = "-email"
    LAST_ACTIVE_AT = "last_active_at"
    LAST_ACTIVE_AT_BACKWARDS = "-last_active_at"
    CREATED_AT = "created_at"
    CREATED_AT_BACKWARDS = "-created_at"


def seats_table(actor: Actor, window: Window, sort: Sort = Sort.NAME, **filters: Any) -> Page:
    """
    The users of the account with the seats that they hold, in the order of `sort`.

    `filters` are those of `Filters`. By last activity, those who were never active come first.
    Equal ones follow in the order in which they were added. Raises `InvalidCursor`, `NotFound` and
    `PermissionDenied`.
    """
    require(actor, SEE)
    now = hands.instant_of(existing_account(actor.account).test_clock_id)
    wanted = Filters(**filters)
    of = ("seat-table", actor.account, sort, wanted)
    found = _page(Passing(actor.account, wanted, now), sort, window, of)
    seats = _seats_by_user(actor.account, [row.id for row in found.items])
    return found.mapped(lambda row: _shown(row, seats[row.id], now))


@compiled
def _seats_of(account_id: Any, user_ids: Any) -> Any:
    columns = as_shown((Seat.user_id, Seat.id, Seat.seat_type, Seat.pool_id, Seat.assigned_at))
    return Seat.select(*columns).where(Seat.account_id == account_id, Seat.user_id.in_(user_ids))


def _seats_by_user(account_id: str, user_ids: list[str]) -> defaultdict[str, list[Resource]]:
    """What each of the users holds, the oldest first."""
    held = defaultdict(list)
    for seat in sorted(_seats_of.rows(account_id, tuple(user_ids)), key=attrgetter("id")):
        held[seat.user_id].append(
            {
                "id": seat.id,
                "seat_type": seat.seat_type,
                "pool_id": seat.pool_id,
                "assigned_at": seat.assigned_at,
            }
        )
    return held


def _shown(row: Any, seats: list[Resource], now: datetime) -> Resource:
    expires_at = row.invitation_expires_at
    return {
        "user_id": row.id,
        "name": row.name,
        "email": row.email,
        "status": row.status,
        "invitation": invitation_at(row.invitation, expires_at and _instant(expires_at), now),
        "invitation_expires_at": text_or_none(expires_at),
        "last_active_at": text_or_none(row.last_active_at),
        "permissions": row.permissions,
        "partner_eligible": row.partner_eligible,
        "seats": seats,
        "external_id": row.external_id,
        "created_at": text(row.created_at),
    }


def _page(passing: Passing, sort: Sort, window: Window, of: tuple[object, ...]) -> Page:
    if passing.filters == Filters():
        order = _walked(sort, on_sqlite())
        return compiled_page(EVERYBODY[sort], (passing.account_id,), order, window, of)
    few = passing.few()
    among, seen = ((), as_it_is) if few is None else ((User.id.in_(few),), computed)
    users = passing.users(as_shown(LOOKED_AT), *among).objects(LookedAt)
    return ordered_page(users, _order(sort, seen), window, of)


def _everybody(sort: Sort, account_id: Any, after: Any, limit: Any) -> Any:
    users = User.select(*as_shown(LOOKED_AT)).where(User.account_id == account_id)
    return _order(sort, as_it_is).part(users, after, limit)


@cache
def _walked(sort: Sort, _on_sqlite: bool) -> Order:
    """The order as it is; kept, since its terms are the same each time."""
    return _order(sort, as_it_is)


def _order(sort: Sort, seen: Callable[[Any], Any]) -> Order:
    """The order; `seen` makes of each term what the database gets to see."""
    key = {
        "name": Key(seen(User.name_key), value_of(User.name_key)),
        "email": Key(seen(User.email_key), value_of(User.email_key)),
        "last_active_at": Key(seen(active_at()), activity_of),
        "created_at": Key(seen(User.created_at), value_of(User.created_at)),
    }[sort.removeprefix("-")]
    # No two users of an account have the same address.
    unique = () if sort.endswith("email") else (Key(seen(User.id), value_of(User.id)),)
    return Order((key, *unique), backwards=sort.startswith("-"))


# The table as it is opened, without a filter.
EVERYBODY = {sort: compiled(partial(_everybody, sort)) for sort in Sort}
