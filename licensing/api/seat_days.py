"""Seat-days: who held how much of which seats in a period (R29)."""

from typing import Any, ClassVar

from licensing.api import fields
from licensing.api.kit import Blueprint, CsvForm, Page, Request, Response, window_of
from licensing.api.moments import Moment
from licensing.queries import seat_days as queries
from licensing.rules.calendar import LONGEST_PERIOD
from licensing.rules.permissions import SEE_USAGE, Actor

blp = Blueprint("seat-days", __name__, description="How long seats were held")


class ExactNumber(Response):
    """A number as an exact, reduced fraction."""

    numerator = fields.Integer(min=0, description="Of the fraction", example=25)
    denominator = fields.Integer(min=1, description="Of the fraction", example=2)


class SeatDaysOfType(Response):
    """How long seats of a type were held."""

    seat_type = fields.Name(description="The type of the seats", example="core")
    seconds = fields.Integer(
        min=0, description="The time held, in whole seconds", example=1_080_000
    )
    seat_days = fields.Nested(
        ExactNumber,
        description="The same in days of the account's time zone: a day held from its beginning "
        "to its end is one, also if it has 23 or 25 hours, and a part of it is that part",
    )
    seat_days_rounded = fields.Text(
        max=40, description="The same as a decimal with four places", example="12.5000"
    )


class SeatDaysResponse(SeatDaysOfType):
    """How long a user held seats of a type."""

    user_id = fields.Id("usr", description="The user, who may be deleted by now")
    name = fields.Text(
        max=200,
        allow_none=True,
        description="The user's name; of one who was deleted the last one, while the log has it",
        example="Priya",
    )
    email = fields.Text(
        max=254, allow_none=True, description="The e-mail address, in the same way", example=None
    )

    beside: ClassVar[dict[str, Any]] = {
        "from": fields.Instant(
            description="The beginning of the period", example="2026-11-01T00:00:00.000Z"
        ),
        "to": fields.Instant(
            description="Its end; the present where that is earlier",
            example="2026-12-01T00:00:00.000Z",
        ),
        "totals": fields.ListOf(
            fields.Nested(SeatDaysOfType, description="A seat type"),
            max=1000,
            allow_none=True,
            description="All users together, by seat type; null after the first page",
        ),
    }


class SeatDaysQuery(Request):
    """Which period."""

    starts_at = Moment(
        data_key="from",
        required=True,
        description="The beginning: a date, which is the beginning of that day in the account's "
        "time zone, or an instant",
        example="2026-11-01",
    )
    ends_at = Moment(
        data_key="to",
        required=True,
        description=f"The end, in the same way, which is not in the period any more; at most "
        f"{LONGEST_PERIOD.days} days later",
        example="2026-12-01",
    )


def _line(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, **item["seat_days"], "seat_days": item["seat_days_rounded"]}


FILE = CsvForm(
    "seat-days",
    (
        "user_id",
        "name",
        "email",
        "seat_type",
        "seat_days",
        "seconds",
        "numerator",
        "denominator",
    ),
    _line,
)


@blp.get("/accounts/<account_id>/seat-days")
@blp.needs(SEE_USAGE)
@blp.lists(SeatDaysResponse, SeatDaysQuery, csv=FILE)
def list_seat_days(actor: Actor, query: dict[str, Any]) -> Page:
    """Count seat-days

    Per user and seat type, by user id. Exact: two periods that follow each other add up to the
    whole one. Seats that are still held count up to now. Users who were deleted are in it.
    """
    return queries.seat_days(actor, **window_of(query))
