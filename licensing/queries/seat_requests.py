"""Seats that users have asked for (R10)."""

from licensing import resources
from licensing.models import SeatRequest
from licensing.queries.accounts import page_of_account
from licensing.queries.cursors import Page, Window
from licensing.resources import Resource
from licensing.rules.permissions import (
    CHANGE_SEATS,
    SEE_SEAT_REQUESTS,
    Actor,
    ActorType,
    may,
    require,
)
from licensing.rules.refusals import NotFound


def seat_request(actor: Actor, request_id: str) -> Resource:
    """One request; for a user who may not assign seats only one of his own. Raises `NotFound`."""
    require(actor, SEE_SEAT_REQUESTS)
    row = SeatRequest.get_or_none(
        SeatRequest.account_id == actor.account, SeatRequest.id == request_id
    )
    if row is None or (_sees_only_own(actor) and row.user_id != actor.id):
        raise NotFound("seat request", request_id)
    return resources.seat_request(row)


def seat_requests(
    actor: Actor,
    window: Window,
    status: str | None = None,
    user_id: str | None = None,
    seat_type: str | None = None,
) -> Page:
    """
    The requests of the account, oldest first; for a user who may not assign seats his own ones.

    Raises `PermissionDenied` for such a user who asks for those of another one.
    """
    require(actor, SEE_SEAT_REQUESTS)
    if _sees_only_own(actor):
        if user_id not in (None, actor.id):
            require(actor, CHANGE_SEATS)
        user_id = actor.id
    query = SeatRequest.select().where(SeatRequest.account_id == actor.account)
    if status is not None:
        query = query.where(SeatRequest.status == status)
    if user_id is not None:
        query = query.where(SeatRequest.user_id == user_id)
    if seat_type is not None:
        query = query.where(SeatRequest.seat_type == seat_type)
    found = page_of_account(actor, query, SeatRequest.id, window, status, user_id, seat_type)
    return found.mapped(resources.seat_request)


def _sees_only_own(actor: Actor) -> bool:
    return actor.type is ActorType.USER and not may(actor, CHANGE_SEATS)
