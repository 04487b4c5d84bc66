"""Held seats and the transfers of seats (R11, R15)."""

from typing import Any

from licensing import resources, rows
from licensing.compiled import compiled
from licensing.models import Seat, Transfer
from licensing.queries.accounts import by, compiled_page_of_account, page_of_account
from licensing.queries.cursors import Page, Window
from licensing.resources import Resource
from licensing.rules.permissions import CHANGE_SEATS, SEE, Actor, require
from licensing.rules.refusals import NotFound
from licensing.shown import as_shown

# What a page shows of a seat.
LOOKED_AT = [field for field in Seat._meta.sorted_fields if field is not Seat.exclusive]


@compiled
def _seats(
    account_id: Any, user_id: Any, seat_type: Any, pool_id: Any, after: Any, limit: Any
) -> Any:
    query = Seat.select(*as_shown(LOOKED_AT)).where(Seat.account_id == account_id)
    if user_id is not None:
        query = query.where(Seat.user_id == user_id)
    if seat_type is not None:
        query = query.where(Seat.seat_type == seat_type)
    if pool_id is not None:
        query = query.where(Seat.pool_id == pool_id)
    return by(Seat.id).part(query, after, limit)


def seat(actor: Actor, seat_id: str) -> Resource:
    """One held seat. Raises `NotFound`."""
    require(actor, SEE)
    row = rows.seat.model(actor.account, seat_id)
    if row is None:
        raise NotFound("seat", seat_id)
    return resources.seat(row)


def seats(
    actor: Actor,
    window: Window,
    user_id: str | None = None,
    seat_type: str | None = None,
    pool_id: str | None = None,
) -> Page:
    """The held seats of the account, oldest first."""
    require(actor, SEE)
    found = compiled_page_of_account(actor, _seats, Seat.id, window, user_id, seat_type, pool_id)
    return Page(resources.seats_of(found.items), found.next_cursor, found.total)


def transfers(actor: Actor, window: Window) -> Page:
    """The transfers of the account, oldest first."""
    require(actor, CHANGE_SEATS)
    query = Transfer.select().where(Transfer.account_id == actor.account)
    found = page_of_account(actor, query, Transfer.id, window)
    return found.mapped(resources.transfer)
