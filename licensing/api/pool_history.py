"""The figures of a pool at past dates (R28, R29)."""

from typing import Any

from licensing.api import fields
from licensing.api.kit import Blueprint, Request, Response
from licensing.api.moments import Moment
from licensing.queries import pool_history as queries
from licensing.rules.calendar import MOST_POINTS, Step
from licensing.rules.permissions import SEE, Actor

blp = Blueprint("pool history", __name__, description="The figures of a pool at past dates")


class PoolHistoryQuery(Request):
    """Which points of time."""

    starts_at = Moment(
        data_key="from",
        description="The first point: a date, which is the beginning of that day in the account's "
        "time zone, or an instant; 30 days before `to` where it is left out",
        example="2026-11-01",
    )
    ends_at = Moment(
        data_key="to",
        description="The last point, in the same way; now where it is left out or lies in the "
        "future",
        example="2026-12-01",
    )
    step = fields.Choice(
        Step,
        data_key="interval",
        load_default=Step.DAY,
        description="How far the points lie apart; a week begins on Monday",
        example="day",
    )


class PoolFigures(Response):
    """The figures of a pool from an instant on."""

    at = fields.Instant(description="The instant", example="2026-11-01T00:00:00.000Z")
    purchased = fields.Integer(min=0, description="Seats that were paid for", example=27)
    assigned = fields.Integer(min=0, description="Seats that somebody held", example=24)
    unassigned = fields.Integer(min=0, description="Seats that nobody held", example=3)
    scheduled_removal = fields.Integer(
        min=0, description="Unassigned seats that were to leave at the next renewal", example=2
    )
    quantity_at_renewal = fields.Integer(
        min=0, description="Seats after the renewal, as it was planned then", example=25
    )


class PoolHistoryResponse(Response):
    """The figures of a pool, point by point."""

    pool_id = fields.Id("pool", description="The pool")
    seat_type = fields.Name(description="The type of its seats", example="core")
    interval = fields.Choice(Step, description="How far the points lie apart", example="day")
    items = fields.ListOf(
        fields.Nested(PoolFigures, description="A point"),
        max=MOST_POINTS,
        description="The points, the earliest first",
    )


@blp.get("/accounts/<account_id>/pools/<pool_id>/history")
@blp.needs(SEE)
@blp.asks(PoolHistoryQuery)
@blp.gives(200, PoolHistoryResponse)
def get_pool_history(actor: Actor, pool_id: str, query: dict[str, Any]) -> dict[str, Any]:
    """Read a pool's figures at past dates

    At `from`, at the beginning of each day, week or month after it in the account's time zone, and
    at `to`: ready for a chart. What took effect earlier than it was recorded counts from the
    earlier date. A pool that was not open yet, or no longer, has no seats.
    """
    return queries.pool_history(actor, pool_id, **query)
