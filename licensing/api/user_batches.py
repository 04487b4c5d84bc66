"""Many users in one request: invited or added, and when they were active (R16, R27)."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from licensing.api import fields
from licensing.api import lines as plain_lines
from licensing.api.batches import (
    LARGEST_BATCH_BODY,
    AnsweredLine,
    BatchQuery,
    BatchResponse,
    CountedLines,
    answered,
    counted,
    shown,
    wrong_user,
)
from licensing.api.kit import Blueprint, Request
from licensing.api.users import NewUserMembers, UserResponse, seat_types_field
from licensing.operations import activity, user_batches
from licensing.rules.batches import LARGEST_ACTIVITY, LARGEST_USER_BATCH, Named, NewUser
from licensing.rules.permissions import CHANGE_USERS, REPORT_ACTIVITY, Actor
from licensing.rules.refusals import AccountClosed, BatchRefused

blp = Blueprint("user batches", __name__, description="Many users in one request")


class NewUserRequest(NewUserMembers):
    """A new user."""

    seat_types = seat_types_field("Seats to assign; the account's default where it is left out")
    external_id = fields.ExternalId()

    @post_load
    def as_new_user(self, data: dict[str, Any], **_: Any) -> NewUser:
        """The line as the operation takes it."""
        for name in ("permissions", "seat_types"):
            if name in data:
                data[name] = tuple(data[name])
        return NewUser(**data)


class UserBatchRequest(Request):
    """Whom to add."""

    lines = fields.ListOf(
        fields.Nested(NewUserRequest, description="A user"),
        plain=plain_lines.new_users,
        required=True,
        min=1,
        max=LARGEST_USER_BATCH,
        description="The users; their order says who gets a seat where there are too few",
        example=[
            {"email": "priya@example.com", "name": "Priya Raghavan", "seat_types": ["core"]},
            {"email": "noah@example.com", "name": "Noah Becker", "permissions": ["manage_users"]},
        ],
    )


class UserBatchLineResponse(AnsweredLine):
    """What became of a new user."""

    user = fields.Nested(
        UserResponse, allow_none=True, description="The user; null where nobody was added"
    )


class UserBatchResponse(BatchResponse):
    """What became of a batch of users."""

    lines = fields.ListOf(
        fields.Nested(UserBatchLineResponse, description="A line"),
        min=1,
        max=LARGEST_USER_BATCH,
        description="An answer for each of the users, in their order",
    )


class ActivityLineRequest(Request):
    """When a user was active."""

    user_id = fields.Id("usr", description="Who was active")
    email = fields.Email(
        description="The same user by address, without regard to case; in place of `user_id`",
        example="priya@example.com",
    )
    at = fields.Instant(
        description="When the user was active; now where it is left out",
        example="2026-11-20T08:15:00.000Z",
    )

    @validates_schema
    def check_members(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a line that names nobody, or somebody twice."""
        wrong = wrong_user(data, "user_id", "email")
        if wrong:
            raise ValidationError(wrong)

    @post_load
    def as_line(self, data: dict[str, Any], **_: Any) -> tuple[Named, Any]:
        """The line as the operation takes it."""
        return Named(data.get("user_id"), data.get("email")), data.get("at")


class ActivityBatchRequest(Request):
    """Who was active when."""

    lines = fields.ListOf(
        fields.Nested(ActivityLineRequest, description="An activity"),
        required=True,
        min=1,
        max=LARGEST_ACTIVITY,
        description="The activities, in any order",
        example=[{"email": "priya@example.com", "at": "2026-11-20T08:15:00.000Z"}],
    )


class ActivityBatchResponse(CountedLines):
    """What became of reported activities."""

    lines = fields.ListOf(
        fields.Nested(AnsweredLine, description="A line"),
        min=1,
        max=LARGEST_ACTIVITY,
        description="An answer for each of the activities, in their order",
    )


@blp.post("/accounts/<account_id>/user-batches")
@blp.needs(CHANGE_USERS)
@blp.asks(BatchQuery)
@blp.takes(UserBatchRequest, largest=LARGEST_BATCH_BODY, rows="lines")
@blp.gives(200, UserBatchResponse)
@blp.refuses(BatchRefused, AccountClosed)
def batch_users(actor: Actor, body: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    """Invite or add many users at once

    Up to 1,000 users, in JSON or CSV, are added whole or not at all: where one is refused, the 409
    lists the lines with their codes. With `on_error=continue` the others are added. A dry run
    answers every line and does nothing. Seats that are named come before default ones.

    Lines with `seat_types` need `manage_users` (or the scope `seats`) too. A CSV has the members of
    a user as its columns, in any order; what does not apply is left empty, and permissions and seat
    types are separated by `;`.
    """
    return shown(user_batches.batch_users(actor, body["lines"], **query), "user")


@blp.post("/accounts/<account_id>/activity")
@blp.needs(REPORT_ACTIVITY)
@blp.takes(ActivityBatchRequest, largest=LARGEST_BATCH_BODY, rows="lines")
@blp.gives(200, ActivityBatchResponse)
@blp.refuses(AccountClosed)
def record_activities(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Report when many users were active

    Up to 1,000 lines, in JSON or CSV. An older date than the one known changes nothing; a user who
    is unknown, or a date in the future, is told in its line and keeps none of the others back. No
    event tells of activity, and no user's version changes.
    """
    batch = activity.record_activities(actor, body["lines"])
    return {**counted(batch), "lines": [answered(line) for line in batch.lines]}
