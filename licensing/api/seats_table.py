"""The seats table: users with what they hold, to look at and to export (R27)."""

from typing import Any

from licensing.api import fields
from licensing.api.kit import Blueprint, CsvForm, Page, Request, Response, window_of
from licensing.api.users import ELIGIBLE, EMAIL, NAME, permissions_field
from licensing.queries import seats_table as queries
from licensing.queries.seats_table import Sort
from licensing.rules.accounts import Invitation, UserStatus
from licensing.rules.permissions import SEE, Actor
from licensing.rules.seats import Holding

blp = Blueprint("seats table", __name__, description="Who holds what, to search and to export")


class SeatTableQuery(Request):
    """Which users, in which order."""

    search = fields.Text(
        max=200,
        description="Only those with all of these words in name or e-mail, at the beginning of a "
        "word or inside; without regard to case and accents, and nothing is a wildcard",
        example="priya",
    )
    seat_type = fields.Name(description="Only those who hold a seat of this type", example="core")
    holding = fields.Choice(
        Holding, description="Only those who hold seats of this kind", example="paid"
    )
    status = fields.Choice(UserStatus, description="Only those of this status", example="active")
    invitation = fields.Choice(
        Invitation, description="Only those whose invitation stands so now", example="pending"
    )
    inactive_since = fields.Instant(
        description="Only those who were not active at this instant or later; who was never active "
        "counts from the day the first of the seats was assigned",
        example="2026-09-01T00:00:00.000Z",
    )
    sort = fields.Choice(
        Sort, load_default=Sort.NAME, description="By what to sort; with `-` backwards"
    )


class SeatInTable(Response):
    """A seat that the user holds."""

    id = fields.Id("seat", description="The seat's identifier")
    seat_type = fields.Name(description="What kind of seat", example="core")
    pool_id = fields.Id("pool", allow_none=True, description="Its pool; null for a free seat")
    assigned_at = fields.Instant(
        description="When the user got it", example="2026-11-23T10:15:30.123Z"
    )


class SeatTableRowResponse(Response):
    """A user with the seats held."""

    user_id = fields.Id("usr", description="The user")
    name = fields.Text(max=200, **NAME)
    email = fields.Email(**EMAIL)
    status = fields.Choice(UserStatus, description="Where the user stands", example="active")
    invitation = fields.Choice(
        Invitation,
        allow_none=True,
        description="Where the invitation stands now; null for a user who never had one",
        example="accepted",
    )
    invitation_expires_at = fields.Instant(
        allow_none=True,
        description="Until when the invitation can be accepted",
        example="2026-12-07T10:00:00.000Z",
    )
    last_active_at = fields.Instant(
        allow_none=True,
        description="When the user was last active, null for never",
        example="2026-11-20T08:15:00.000Z",
    )
    permissions = permissions_field()
    partner_eligible = fields.Boolean(**ELIGIBLE)
    seats = fields.ListOf(
        fields.Nested(SeatInTable, description="A seat"),
        max=100,
        description="The seats that the user holds, the oldest first",
    )
    external_id = fields.ExternalId()
    created_at = fields.CreatedAt()


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its seats side by side, in the same order in each of their columns."""
    seats = {
        "seat_types": [seat["seat_type"] for seat in row["seats"]],
        "seat_ids": [seat["id"] for seat in row["seats"]],
        "assigned_at": [seat["assigned_at"] for seat in row["seats"]],
    }
    return row | seats


SEAT_TABLE = CsvForm(
    "seat-table",
    (
        "user_id",
        "name",
        "email",
        "status",
        "invitation",
        "invitation_expires_at",
        "last_active_at",
        "permissions",
        "partner_eligible",
        "seat_types",
        "seat_ids",
        "assigned_at",
        "external_id",
        "created_at",
    ),
    _line,
)


@blp.get("/accounts/<account_id>/seat-table")
@blp.needs(SEE)
@blp.lists(SeatTableRowResponse, SeatTableQuery, csv=SEAT_TABLE)
def seats_table(actor: Actor, query: dict[str, Any]) -> Page:
    """Look at the seats table

    Users with the seats that they hold, invitation and last activity, searched, filtered and
    sorted. Filters that are sent together all have to be passed. By last activity, those who were
    never active come first. A cursor goes on where the page before ended, whatever has changed
    meanwhile.
    """
    return queries.seats_table(actor, **window_of(query))
