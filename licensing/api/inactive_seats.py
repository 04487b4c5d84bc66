"""Paid seats whose holders have long been inactive (R27)."""

from typing import Any, ClassVar

from licensing.api import fields
from licensing.api.kit import Blueprint, CsvForm, Page, Request, Response, window_of
from licensing.api.purchases import Money
from licensing.queries import inactive_seats as queries
from licensing.rules.accounts import UserStatus
from licensing.rules.permissions import SEE_USAGE, Actor

blp = Blueprint(
    "inactive seats", __name__, description="Paid seats whose holders have long been inactive"
)


class InactivePool(Response):
    """What could be given back of a pool."""

    pool_id = fields.Id("pool", description="The pool")
    seat_type = fields.Name(description="The type of its seats", example="core")
    inactive = fields.Integer(min=0, description="Seats of the list that are of it", example=9)
    held_by_deactivated = fields.Integer(
        min=0,
        description="Those whose holders are deactivated: they have to be reactivated first",
        example=2,
    )
    can_be_given_back = fields.Integer(
        min=0,
        description="How many of the others could be taken and given back: no more than the "
        "contract minimum leaves",
        example=7,
    )
    renews_at = fields.Instant(
        description="When they would leave", example="2027-04-08T09:00:00.000Z"
    )
    saving = fields.Nested(
        Money,
        allow_none=True,
        description="What they would cost for the next term; null where the catalogue has no "
        "price, nothing where the subscription does not renew",
    )


class InactiveSeatResponse(Response):
    """A held paid seat whose holder has been inactive."""

    seat_id = fields.Id("seat", description="The seat")
    seat_type = fields.Name(description="Its type", example="core")
    pool_id = fields.Id("pool", description="Its pool")
    user_id = fields.Id("usr", description="Who holds it")
    name = fields.Text(max=200, description="The holder's name", example="Priya")
    email = fields.Text(max=254, description="The holder's address", example="priya@example.com")
    status = fields.Choice(UserStatus, description="The holder's status", example="active")
    last_active_at = fields.Instant(
        allow_none=True, description="The last activity that was reported", example=None
    )
    assigned_at = fields.Instant(
        description="When the holder got it", example="2026-03-02T09:00:00.000Z"
    )
    inactive_since = fields.Instant(
        description="The last activity, or the assignment where there was none",
        example="2026-03-02T09:00:00.000Z",
    )
    saving = fields.Nested(
        Money, allow_none=True, description="What it would cost for the next term, as in `pools`"
    )

    beside: ClassVar[dict[str, Any]] = {
        "pools": fields.ListOf(
            fields.Nested(InactivePool, description="A pool"),
            max=1000,
            allow_none=True,
            description="What could be given back, by pool; null after the first page",
        ),
        "total_saving": fields.Nested(
            Money,
            allow_none=True,
            description="All pools together, where each has a price; null after the first page",
        ),
    }


class InactiveSeatsQuery(Request):
    """Inactive since when."""

    inactive_since = fields.Instant(
        required=True,
        description="Only holders without any activity since then; who was never active counts "
        "from the day of the assignment",
        example="2026-08-01T00:00:00Z",
    )


def _line(item: dict[str, Any]) -> dict[str, Any]:
    saving = item["saving"] or {"amount": None, "currency": None}
    return item | {"saving": saving["amount"], "currency": saving["currency"]}


FILE = CsvForm(
    "inactive-seats",
    (
        "user_id",
        "name",
        "email",
        "status",
        "seat_id",
        "seat_type",
        "inactive_since",
        "last_active_at",
        "assigned_at",
        "saving",
        "currency",
    ),
    _line,
)


@blp.get("/accounts/<account_id>/inactive-seats")
@blp.needs(SEE_USAGE)
@blp.lists(InactiveSeatResponse, InactiveSeatsQuery, csv=FILE)
def list_inactive_seats(actor: Actor, query: dict[str, Any]) -> Page:
    """List the seats of inactive users

    Held paid seats, the longest inactive first, with what giving them back would save at the next
    renewals.
    """
    return queries.inactive_seats(actor, **window_of(query))
