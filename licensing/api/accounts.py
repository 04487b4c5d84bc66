"""Accounts (R1, R31)."""

from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.api.subscription_changes import MOST_USERS, ForeseenHolder
from licensing.operations import accounts as operations
from licensing.operations import migrating
from licensing.queries import accounts as queries
from licensing.rules.accounts import AccountStatus, PricingModel
from licensing.rules.permissions import (
    CHANGE_ACCOUNT,
    CHANGE_BILLING,
    CREATE_ACCOUNTS,
    LIST_ACCOUNTS,
    SEE_ACCOUNT,
    Actor,
)
from licensing.rules.refusals import AccountClosed, ExternalIdTaken

blp = Blueprint("accounts", __name__, description="Customer organisations, the tenants")

NAME: dict[str, Any] = {"description": "The organisation's name", "example": "Northwind Robotics"}
CURRENCY: dict[str, Any] = {
    "description": "ISO 4217 code of the currency of its prices",
    "example": "EUR",
}
ZONE: dict[str, Any] = {
    "description": "IANA time zone in whose calendar its terms are computed",
    "example": "Europe/Berlin",
}


DEFAULT_SEAT_TYPE: dict[str, Any] = {
    "description": "The seat that new users get where none is named, while one is free",
    "example": "core",
}


class AccountRequest(Request):
    """A new account."""

    name = fields.Text(max=200, required=True, **NAME)
    currency = fields.Currency(load_default="USD", **CURRENCY)
    time_zone = fields.TimeZone(load_default="UTC", **ZONE)
    created_at = fields.Instant(
        description="The real date of an imported account; the pricing model follows from it",
        example="2024-06-01T09:00:00.000Z",
    )
    test_clock_id = fields.Id(
        "clk",
        description="Makes it a test account for good, whose time this test clock tells",
    )
    external_id = fields.ExternalId()
    metadata = fields.Metadata()


class AccountPatch(Request):
    """What can be changed of an account."""

    name = fields.Text(max=200, **NAME)
    status = fields.Choice(
        AccountStatus, description="`closed` closes the account for good", example="active"
    )
    default_seat_type = fields.Name(allow_none=True, **DEFAULT_SEAT_TYPE)
    external_id = fields.ExternalId()
    metadata = fields.MetadataPatch()


class AccountQuery(Request):
    """Which accounts."""

    external_id = fields.Text(
        max=200, description="Only the one with this external id", example="crm-4711"
    )


class AccountResponse(Response):
    """A customer organisation, the tenant."""

    id = fields.Id("acc", description="The account's identifier")
    name = fields.Text(max=200, **NAME)
    pricing_model = fields.Choice(
        PricingModel, description="How it is priced (R1)", example="seat_based"
    )
    status = fields.Choice(AccountStatus, description="Whether it is in use", example="active")
    currency = fields.Currency(**CURRENCY)
    time_zone = fields.TimeZone(**ZONE)
    test_clock_id = fields.Id(
        "clk", allow_none=True, description="The test clock that it is bound to, null if it is live"
    )
    default_seat_type = fields.Name(allow_none=True, **DEFAULT_SEAT_TYPE)
    external_id = fields.ExternalId()
    metadata = fields.Metadata()
    version = fields.Version()
    created_at = fields.CreatedAt()


@blp.post("/accounts")
@blp.needs(CREATE_ACCOUNTS)
@blp.takes(AccountRequest)
@blp.gives(201, AccountResponse, location="/v1/accounts/{id}")
@blp.refuses(ExternalIdTaken)
def create_account(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Create an account

    The account starts on the free tools. An account whose `created_at` is on or before 5 March 2024
    is priced by the legacy model (R1, R2).
    """
    return resources.account(operations.create_account(actor, **body))


class MigrationPreviewResponse(Response):
    """What a migration to seat-based pricing would leave everybody with."""

    account = fields.Nested(AccountResponse, description="The account, as it would be")
    users = fields.ListOf(
        fields.Nested(ForeseenHolder, description="A user"),
        max=MOST_USERS,
        description="What each user holds, and would hold",
    )


@blp.post("/accounts/<account_id>/migration/preview")
@blp.needs(CHANGE_BILLING)
@blp.gives(200, MigrationPreviewResponse)
@blp.refuses(AccountClosed)
def preview_migration(actor: Actor) -> dict[str, Any]:
    """Preview the migration to seat-based pricing

    What each user would hold; nothing is changed.
    """
    return migrating.shown(migrating.preview_migration(actor))


@blp.post("/accounts/<account_id>/migration")
@blp.needs(CHANGE_BILLING)
@blp.gives(200, AccountResponse)
@blp.refuses(AccountClosed)
def migrate_account(actor: Actor) -> dict[str, Any]:
    """Migrate a legacy account to seat-based pricing

    There is no way back. Held seats and quantities stay as they are; active users who hold none get
    the free viewing seat. An account that is seat-based already stays as it is.
    """
    return resources.account(migrating.migrate_account(actor))


@blp.get("/accounts")
@blp.needs(LIST_ACCOUNTS)
@blp.lists(AccountResponse, AccountQuery)
def list_accounts(actor: Actor, query: dict[str, Any]) -> Page:
    """List accounts

    The oldest comes first. A key that is bound to one account sees that one only.
    """
    return queries.accounts(actor, **window_of(query))


@blp.get("/accounts/<account_id>")
@blp.needs(SEE_ACCOUNT)
@blp.gives(200, AccountResponse)
def get_account(actor: Actor) -> dict[str, Any]:
    """Read an account

    The `ETag` is its version; send it in `If-None-Match` to hear of changes only.
    """
    return queries.account(actor)


@blp.patch("/accounts/<account_id>")
@blp.needs(CHANGE_ACCOUNT)
@blp.patches(AccountPatch)
@blp.gives(200, AccountResponse)
@blp.refuses(ExternalIdTaken, AccountClosed)
def update_account(actor: Actor, body: dict[str, Any], if_match: int | None) -> dict[str, Any]:
    """Change an account

    Only the members that are sent are changed. Users who are added without `seat_types` get a seat
    of the `default_seat_type` while one is free that no removal has claimed: nothing is bought for
    them, and nobody is refused because none is left. Closing an account cannot be undone: its
    pending removals are cancelled, open requests for seats withdrawn, nothing renews, and every
    entitlement is `none`.
    """
    return resources.account(operations.update_account(actor, body, if_match))
