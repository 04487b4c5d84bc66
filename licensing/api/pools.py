"""Pools: all paid seats of one type (R28)."""

from enum import StrEnum
from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.operations import contracts
from licensing.queries import pools as queries
from licensing.rules.permissions import SEE, SET_CONTRACT, Actor
from licensing.rules.pools import LARGEST_POOL
from licensing.rules.refusals import AccountClosed, BelowMinimum, ExternalIdTaken

blp = Blueprint("pools", __name__, description="All paid seats of one type in an account")

SEAT_TYPE: dict[str, Any] = {"description": "The type of its seats", "example": "core"}
MINIMUM: dict[str, Any] = {
    "description": "The contract minimum: removals never go below it",
    "example": 10,
}
LOW_MARK: dict[str, Any] = {
    "description": "`pool.low` is told when so many seats or fewer are unassigned; null for never",
    "example": 2,
}


class PoolStatus(StrEnum):
    """Whether a pool is in use."""

    OPEN = "open"
    CLOSED = "closed"


class PoolPatch(Request):
    """What can be changed of a pool."""

    minimum = fields.Integer(min=0, max=LARGEST_POOL, **MINIMUM)
    low_mark = fields.Integer(min=1, max=LARGEST_POOL, allow_none=True, **LOW_MARK)
    external_id = fields.ExternalId()
    metadata = fields.MetadataPatch()


class PoolQuery(Request):
    """Which pools."""

    external_id = fields.Text(
        max=200, description="Only the one with this external id", example="item-77"
    )
    seat_type = fields.Name(description="Only the one of this type", example="core")


class PoolNumbers(Response):
    """How many seats a pool has: what every event about a quantity carries."""

    id = fields.Id("pool", description="The pool's identifier")
    seat_type = fields.Name(**SEAT_TYPE)
    purchased = fields.Integer(min=0, description="Seats paid for in the current term", example=27)
    assigned = fields.Integer(min=0, description="Seats that somebody holds", example=24)
    unassigned = fields.Integer(min=0, description="Seats that nobody holds", example=3)
    scheduled_removal = fields.Integer(
        min=0, description="Unassigned seats that leave at the next renewal", example=2
    )
    quantity_at_renewal = fields.Integer(
        min=0, description="Seats after the next renewal", example=25
    )
    renews_at = fields.Instant(description="The next renewal", example="2027-04-08T09:00:00.000Z")
    minimum = fields.Integer(min=0, **MINIMUM)


class PoolResponse(PoolNumbers):
    """All paid seats of one type in an account."""

    account_id = fields.Id("acc", description="The account")
    subscription_id = fields.Id("sub", description="The subscription whose term it follows")
    status = fields.Choice(
        PoolStatus, description="`closed` when nothing sells its seats any more", example="open"
    )
    low_mark = fields.Integer(min=1, allow_none=True, **LOW_MARK)
    external_id = fields.ExternalId()
    metadata = fields.Metadata()
    version = fields.Version()
    created_at = fields.CreatedAt()


@blp.get("/accounts/<account_id>/pools")
@blp.needs(SEE)
@blp.lists(PoolResponse, PoolQuery)
def list_pools(actor: Actor, query: dict[str, Any]) -> Page:
    """List the pools

    With the numbers that an administrator needs: purchased, assigned, unassigned, scheduled to
    leave.
    """
    return queries.pools(actor, **window_of(query))


@blp.get("/accounts/<account_id>/pools/<pool_id>")
@blp.needs(SEE)
@blp.gives(200, PoolResponse)
def get_pool(actor: Actor, pool_id: str) -> dict[str, Any]:
    """Read a pool

    Its `ETag` changes with each of its numbers.
    """
    return queries.pool(actor, pool_id)


@blp.patch("/accounts/<account_id>/pools/<pool_id>")
@blp.needs(SET_CONTRACT)
@blp.patches(PoolPatch, if_match="required")
@blp.gives(200, PoolResponse)
@blp.refuses(BelowMinimum, ExternalIdTaken, AccountClosed)
def update_pool(actor: Actor, pool_id: str, body: dict[str, Any], if_match: int) -> dict[str, Any]:
    """Set a pool's minimum and low mark

    For the billing system. `If-Match` is required, since the numbers change with each assignment.
    """
    return resources.pool(*contracts.update_pool(actor, pool_id, body, if_match))
