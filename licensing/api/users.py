"""Users of an account (R8, R13, R14)."""

from typing import Any

from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.api.lines import MOST_SEAT_TYPES
from licensing.api.refusing import GIVING_A_SEAT, TRANSFERRING
from licensing.operations import activity, deactivating
from licensing.operations import users as operations
from licensing.operations.deactivating import SeatsAfterwards
from licensing.queries import users as queries
from licensing.rules.accounts import Invitation, UserStatus
from licensing.rules.permissions import (
    CHANGE_USERS,
    REPORT_ACTIVITY,
    SEE_USERS,
    Actor,
    Permission,
)
from licensing.rules.refusals import (
    AccountClosed,
    EmailTaken,
    ExternalIdTaken,
    InvitationExpired,
    InvitationNotPending,
    LastSuperAdmin,
    UserHoldsPaidSeats,
)

blp = Blueprint("users", __name__, description="People in an account, invited or active")

EMAIL: dict[str, Any] = {
    "description": "E-mail address, unique in the account in any case",
    "example": "priya@example.com",
}
NAME: dict[str, Any] = {"description": "Full name", "example": "Priya Raghavan"}
PERMISSIONS: dict[str, Any] = {
    "description": "What the user may do in the account (R10)",
    "example": ["manage_users"],
}
ELIGIBLE: dict[str, Any] = {
    "description": "Whether the user may hold a seat for the eligible only (R7)",
    "example": False,
}


def permissions_field(**options: Any) -> fields.ListOf:
    """The field of a user's permissions."""
    one = fields.Choice(Permission, description="A permission", example="manage_users")
    return fields.ListOf(one, max=len(Permission), **PERMISSIONS, **options)


def seat_types_field(description: str) -> fields.ListOf:
    """The field of the seats that a new user gets."""
    one = fields.Name(description="A seat type", example="core")
    return fields.ListOf(one, max=MOST_SEAT_TYPES, description=description, example=["core"])


class NewUserMembers(Request):
    """What every request for a new user begins with."""

    email = fields.Email(required=True, **EMAIL)
    name = fields.Text(max=200, required=True, **NAME)
    permissions = permissions_field()
    partner_eligible = fields.Boolean(**ELIGIBLE)
    status = fields.Choice(
        UserStatus,
        only=(UserStatus.INVITED, UserStatus.ACTIVE),
        description="`invited` (the default), or `active` for a user who needs no invitation",
        example="invited",
    )


class UserRequest(NewUserMembers):
    """A new user."""

    seat_types = seat_types_field(
        "Seats to assign in the same step; the account's default where it is left out"
    )
    external_id = fields.ExternalId()
    metadata = fields.Metadata()


class UserPatch(Request):
    """What can be changed of a user."""

    email = fields.Email(**EMAIL)
    name = fields.Text(max=200, **NAME)
    permissions = permissions_field()
    partner_eligible = fields.Boolean(**ELIGIBLE)
    status = fields.Choice(
        UserStatus,
        description="`deactivated` or `active`; `invited` gives an invitation that is over again",
        example="deactivated",
    )
    seats = fields.Choice(
        SeatsAfterwards,
        description="With a deactivation: what becomes of the paid seats; `keep` is the default",
        example="keep",
    )
    transfer_to = fields.Id("usr", description="With a deactivation: who gets the paid seats")
    external_id = fields.ExternalId()
    metadata = fields.MetadataPatch()


class UserQuery(Request):
    """Which users."""

    external_id = fields.Text(
        max=200, description="Only the one with this external id", example="crm-4711"
    )
    email = fields.Text(
        max=254, description="Only the one with this address", example="priya@example.com"
    )
    status = fields.Choice(UserStatus, description="Only those of this status", example="active")


class DeleteUserQuery(Request):
    """What becomes of the paid seats of a deleted user."""

    take_seats = fields.QueryBoolean(
        description="Take the paid seats back first, in the same step", example=True
    )
    transfer_to = fields.Id("usr", description="Transfer the paid seats first, in the same step")


class ActivityRequest(Request):
    """When a user was active."""

    at = fields.Instant(
        description="When the user was active; now where it is left out",
        example="2026-11-20T08:15:00.000Z",
    )


class SeatOfUser(Response):
    """A seat that the user holds."""

    id = fields.Id("seat", description="The seat's identifier")
    seat_type = fields.Name(description="What kind of seat", example="core")


class UserResponse(Response):
    """A person in an account."""

    id = fields.Id("usr", description="The user's identifier")
    account_id = fields.Id("acc", description="The account")
    email = fields.Email(**EMAIL)
    name = fields.Text(max=200, **NAME)
    status = fields.Choice(UserStatus, description="Where the user stands", example="active")
    invitation = fields.Choice(
        Invitation,
        allow_none=True,
        description="Where the invitation stands; null for a user who never had one",
        example="accepted",
    )
    invitation_expires_at = fields.Instant(
        allow_none=True,
        description="Until when the invitation can be accepted",
        example="2026-12-07T10:00:00.000Z",
    )
    permissions = permissions_field()
    partner_eligible = fields.Boolean(**ELIGIBLE)
    last_active_at = fields.Instant(
        allow_none=True,
        description="When the user was last active, null for never",
        example="2026-11-20T08:15:00.000Z",
    )
    seats = fields.ListOf(
        fields.Nested(SeatOfUser, description="A seat"),
        max=100,
        description="The seats that the user holds, the oldest first",
    )
    external_id = fields.ExternalId()
    metadata = fields.Metadata()
    version = fields.Version()
    created_at = fields.CreatedAt()


@blp.post("/accounts/<account_id>/users")
@blp.needs(CHANGE_USERS)
@blp.takes(UserRequest)
@blp.gives(201, UserResponse, location="/v1/accounts/{account_id}/users/{id}")
@blp.refuses(EmailTaken, ExternalIdTaken, AccountClosed, *GIVING_A_SEAT)
def create_user(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Invite or add a user

    With `seat_types`, the seats are assigned in the same transaction, which needs the permission
    `manage_users` (or the scope `seats`) too: either all of it happens or nothing.
    """
    return operations.create_user(actor, **body).resource()


@blp.get("/accounts/<account_id>/users")
@blp.needs(SEE_USERS)
@blp.lists(UserResponse, UserQuery)
def list_users(actor: Actor, query: dict[str, Any]) -> Page:
    """List users

    In the order in which they were added, with the seats that they hold.
    """
    return queries.users(actor, **window_of(query))


@blp.get("/accounts/<account_id>/users/<user_id>")
@blp.needs(SEE_USERS)
@blp.gives(200, UserResponse)
def get_user(actor: Actor, user_id: str) -> dict[str, Any]:
    """Read a user

    An invitation that is over by its date reads as `expired`.
    """
    return queries.user(actor, user_id)


@blp.patch("/accounts/<account_id>/users/<user_id>")
@blp.needs(CHANGE_USERS)
@blp.patches(UserPatch)
@blp.gives(200, UserResponse)
@blp.refuses(
    EmailTaken, ExternalIdTaken, AccountClosed, LastSuperAdmin, InvitationNotPending, *TRANSFERRING
)
def update_user(
    actor: Actor, user_id: str, body: dict[str, Any], if_match: int | None
) -> dict[str, Any]:
    """Change, deactivate or reactivate a user

    Only the members that are sent are changed. A deactivated user keeps the seats unless `seats` or
    `transfer_to` says otherwise; they go on counting as assigned (R13).
    """
    return operations.update_user(actor, user_id, body, if_match).resource()


@blp.delete("/accounts/<account_id>/users/<user_id>")
@blp.needs(CHANGE_USERS)
@blp.asks(DeleteUserQuery)
@blp.gives(204)
@blp.refuses(UserHoldsPaidSeats, LastSuperAdmin, AccountClosed, *TRANSFERRING)
def delete_user(actor: Actor, user_id: str, query: dict[str, Any]) -> None:
    """Delete a user

    A user who holds paid seats is deleted only with `take_seats=true` or `transfer_to`, which do
    both in one transaction. The log keeps what was.
    """
    deactivating.delete_user(actor, user_id, **query)


@blp.post("/accounts/<account_id>/users/<user_id>/acceptance")
@blp.needs(CHANGE_USERS)
@blp.gives(200, UserResponse)
@blp.refuses(InvitationExpired, InvitationNotPending, AccountClosed)
def accept_invitation(actor: Actor, user_id: str) -> dict[str, Any]:
    """Accept an invitation

    For the host product's back end, when the invited person signs in. It works when the pool is
    exactly full; accepting again answers the same.
    """
    return operations.accept_invitation(actor, user_id).resource()


@blp.post("/accounts/<account_id>/users/<user_id>/activity")
@blp.needs(REPORT_ACTIVITY)
@blp.takes(ActivityRequest)
@blp.gives(204)
@blp.refuses(AccountClosed)
def record_activity(actor: Actor, user_id: str, body: dict[str, Any]) -> None:
    """Report that a user was active

    An older date than the one known changes nothing, and the user's version stays as it is.
    """
    activity.record_activity(actor, user_id, **body)
