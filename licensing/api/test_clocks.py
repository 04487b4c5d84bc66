"""Test clocks: time that integrators move forward (R26)."""

from enum import StrEnum
from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.operations import test_clocks as operations
from licensing.queries import test_clocks as queries
from licensing.rules.permissions import MANAGE_TEST_CLOCKS, Actor
from licensing.rules.refusals import AdvanceTooFar, ClockAdvancing

blp = Blueprint("test clocks", __name__, description="Time that integrators move forward")


class TestClockStatus(StrEnum):
    """Whether a clock has arrived."""

    __test__ = False
    READY = "ready"
    ADVANCING = "advancing"


class TestClockRequest(Request):
    """A new test clock."""

    name = fields.Text(max=200, required=True, description="What it is for", example="Renewals")
    now = fields.Instant(
        required=True, description="Where its hands stand", example="2026-01-31T09:00:00.000Z"
    )


class TestClockAdvanceRequest(Request):
    """How far to go."""

    to = fields.Instant(
        required=True,
        description="Where its hands are to be moved, at most two terms of the shortest "
        "subscription ahead",
        example="2026-02-28T09:00:00.000Z",
    )


class TestClockResponse(Response):
    """The clock of test accounts."""

    id = fields.Id("clk", description="The clock's identifier")
    name = fields.Text(max=200, description="What it is for", example="Renewals")
    now = fields.Instant(description="Where its hands stand", example="2026-01-31T09:00:00.000Z")
    status = fields.Choice(
        TestClockStatus,
        description="`advancing` until all that came due on the way was done",
        example="ready",
    )
    advancing_to = fields.Instant(
        allow_none=True, description="Where it is moving to, null when it is ready", example=None
    )
    version = fields.Version()
    created_at = fields.CreatedAt()


@blp.post("/test-clocks")
@blp.needs(MANAGE_TEST_CLOCKS)
@blp.takes(TestClockRequest)
@blp.gives(201, TestClockResponse, location="/v1/test-clocks/{id}")
def create_test_clock(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Make a test clock

    Create accounts with its id as `test_clock_id`: their terms, removals and invitations follow it.
    """
    return resources.test_clock(operations.create_clock(actor, **body))


@blp.get("/test-clocks")
@blp.needs(MANAGE_TEST_CLOCKS)
@blp.lists(TestClockResponse)
def list_test_clocks(actor: Actor, query: dict[str, Any]) -> Page:
    """List the test clocks

    The oldest comes first.
    """
    return queries.test_clocks(actor, **window_of(query))


@blp.get("/test-clocks/<clock_id>")
@blp.needs(MANAGE_TEST_CLOCKS)
@blp.gives(200, TestClockResponse)
def get_test_clock(actor: Actor, clock_id: str) -> dict[str, Any]:
    """Read a test clock

    Its status is `ready` when it has arrived.
    """
    return queries.test_clock(actor, clock_id)


@blp.post("/test-clocks/<clock_id>/advance")
@blp.needs(MANAGE_TEST_CLOCKS)
@blp.takes(TestClockAdvanceRequest)
@blp.gives(200, TestClockResponse)
@blp.refuses(AdvanceTooFar, ClockAdvancing)
def advance_test_clock(actor: Actor, clock_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Move a test clock forward

    Everything that comes due on the way happens at its own instant; read the clock until it is
    `ready`.
    """
    return resources.test_clock(operations.advance_clock(actor, clock_id, **body))


@blp.delete("/test-clocks/<clock_id>")
@blp.needs(MANAGE_TEST_CLOCKS)
@blp.gives(204)
def delete_test_clock(actor: Actor, clock_id: str) -> None:
    """Delete a test clock

    The accounts that are bound to it are closed.
    """
    operations.delete_clock(actor, clock_id)
