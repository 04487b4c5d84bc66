"""Many seat changes in one request, as JSON or CSV (R16)."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from licensing.api import fields, lines, problems
from licensing.api.fields import EXAMPLE_ID
from licensing.api.kit import Blueprint, Request, Response
from licensing.api.seats import SEAT_TYPE, SeatResponse
from licensing.operations import batches
from licensing.rules.batches import LARGEST_BATCH, Change, LineAction, LineOutcome, Named, OnError
from licensing.rules.permissions import CHANGE_SEATS, Actor
from licensing.rules.refusals import AccountClosed, BatchRefused

blp = Blueprint("batches", __name__, description="Many seat changes in one request")

LARGEST_BATCH_BODY = 1024 * 1024
MISSING = "Missing data for required field."
# What a line has beside its user and seat type.
RECEIVER, TYPE, GIVE_BACK = ("to_user_id", "to_email"), ("to_seat_type",), ("give_back",)
OF_ACTION: dict[LineAction, tuple[str, ...]] = {
    LineAction.ASSIGN: (),
    LineAction.UNASSIGN: GIVE_BACK,
    LineAction.TRANSFER: RECEIVER,
    LineAction.CHANGE: TYPE,
}


class ChangeRequest(Request):
    """A line of a batch; which members it has depends on its action."""

    action = fields.Choice(LineAction, required=True, description="What to do", example="assign")
    user_id = fields.Id("usr", description="Who gets the seat, or holds it until now")
    email = fields.Email(
        description="The same user by address, without regard to case; in place of `user_id`",
        example="priya@example.com",
    )
    seat_type = fields.Name(required=True, **SEAT_TYPE)
    to_user_id = fields.Id("usr", description="Who gets it; for `transfer`")
    to_email = fields.Email(
        description="The same user by address; in place of `to_user_id`",
        example="noah@example.com",
    )
    to_seat_type = fields.Name(description="What it becomes; for `change`", example="sales")
    give_back = fields.Boolean(
        description="Also schedule the seat's removal at the next renewal; for `unassign`",
        example=True,
    )

    @validates_schema
    def check_members(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a line that has too few or too many members for its action."""
        action = data["action"]
        wrong = wrong_user(data, "user_id", "email")
        if action == LineAction.TRANSFER:
            wrong |= wrong_user(data, *RECEIVER)
        if action == LineAction.CHANGE and "to_seat_type" not in data:
            wrong["to_seat_type"] = [MISSING]
        for name in (*RECEIVER, *TYPE, *GIVE_BACK):
            if name in data and name not in OF_ACTION[action]:
                wrong[name] = [f"Does not go with {action}."]
        if wrong:
            raise ValidationError(wrong)

    @post_load
    def as_change(self, data: dict[str, Any], **_: Any) -> Change:
        """The line as the operation takes it."""
        receiver = Named(data.get("to_user_id"), data.get("to_email"))
        return Change(
            data["action"],
            Named(data.get("user_id"), data.get("email")),
            data["seat_type"],
            receiver if data["action"] == LineAction.TRANSFER else None,
            data.get("to_seat_type"),
            data.get("give_back", False),
        )


def wrong_user(data: dict[str, Any], id: str, email: str) -> dict[str, list[str]]:
    """What is wrong with how a line names a user: by one of two members, not by both."""
    if id in data and email in data:
        return {email: [f"Cannot go with {id}."]}
    return {} if id in data or email in data else {id: [MISSING]}


class BatchRequest(Request):
    """What to change."""

    changes = fields.ListOf(
        fields.Nested(ChangeRequest, description="A change"),
        plain=lines.changes,
        required=True,
        min=1,
        max=LARGEST_BATCH,
        description="The changes; their order says who comes first where there is too little",
        example=[
            {"action": "unassign", "user_id": f"usr_{EXAMPLE_ID}", "seat_type": "core"},
            {"action": "assign", "email": "noah@example.com", "seat_type": "core"},
        ],
    )


class BatchQuery(Request):
    """How to go about it."""

    dry_run = fields.QueryBoolean(
        load_default=False, description="Answer what would happen, and do nothing", example=False
    )
    on_error = fields.Choice(
        OnError,
        load_default=OnError.ABORT,
        description="When a line is refused: do nothing at all, or the other lines",
        example="abort",
    )


class AnsweredLine(Response):
    """What became of a line, and why it was refused where it was."""

    line = fields.Integer(
        min=1, description="Which of the changes, counted from 1, without a CSV's header", example=1
    )
    outcome = fields.Choice(
        LineOutcome,
        description="`not_applied` is a line of a dry run that is right in a batch that is not",
        example="changed",
    )
    problem = fields.AnyObject(
        allow_none=True,
        description=(
            "Why it was refused: `code`, `title`, `detail` and the facts that the same problem has "
            "when the change is asked for alone; null where it was not"
        ),
    )


class BatchLineResponse(AnsweredLine):
    """What became of a seat change."""

    seat = fields.Nested(
        SeatResponse,
        allow_none=True,
        description="The seat as it is now; null where it was taken back, or nothing was done",
    )


class CountedLines(Response):
    """How many lines of a batch came out how."""

    changed = fields.Integer(min=0, description="How many lines change something", example=1)
    unchanged = fields.Integer(min=0, description="How many find it so already", example=0)
    refused = fields.Integer(min=0, description="How many were refused", example=0)


class BatchResponse(CountedLines):
    """What became of a batch."""

    applied = fields.Boolean(description="False for a dry run", example=True)
    dry_run = fields.Boolean(description="Whether it was one", example=False)
    lines = fields.ListOf(
        fields.Nested(BatchLineResponse, description="A line"),
        min=1,
        max=LARGEST_BATCH,
        description="An answer for each of the changes, in their order",
    )


@blp.post("/accounts/<account_id>/seat-batches")
@blp.needs(CHANGE_SEATS)
@blp.asks(BatchQuery)
@blp.takes(BatchRequest, largest=LARGEST_BATCH_BODY, rows="changes")
@blp.gives(200, BatchResponse)
@blp.refuses(BatchRefused, AccountClosed)
def batch_seats(actor: Actor, body: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    """Change many seats at once

    Up to 500 changes, in JSON or CSV, are applied whole or not at all: where one is refused, the
    409 lists the lines with their codes. With `on_error=continue` the others are applied. The batch
    is judged by its net effect: what a line gives up is there for the others wherever they stand,
    so that two users can swap seats in a full pool. A dry run answers every line and does nothing.

    A line with `give_back` needs `modify_billing` (or the scope `billing`) too. A CSV has the
    members of a change as its columns, in any order; what does not apply is left empty.
    """
    return shown(batches.batch_seats(actor, body["changes"], **query), "seat")


def shown(batch: batches.Batch[Any], about: str) -> dict[str, Any]:
    """A batch as it is answered; `about` names the member of a line that says what it is about."""
    return {
        "applied": batch.applied,
        "dry_run": batch.dry_run,
        **counted(batch),
        "lines": [answered(line) | {about: getattr(line, about)} for line in batch.lines],
    }


def counted(batch: batches.Batch[Any]) -> dict[str, Any]:
    """How many lines of a batch came out how."""
    return {
        "changed": batch.count(LineOutcome.CHANGED),
        "unchanged": batch.count(LineOutcome.UNCHANGED),
        "refused": batch.count(LineOutcome.REFUSED),
    }


def answered(line: Any) -> dict[str, Any]:
    """What became of a line, without the thing that it is about."""
    return {
        "line": line.number,
        "outcome": line.outcome,
        "problem": problems.described(line.refusal) if line.refusal else None,
    }
