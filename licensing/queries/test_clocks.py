"""Test clocks: one, and all (R26)."""

from licensing import resources
from licensing.models import TestClock
from licensing.queries.cursors import Page, Window, page
from licensing.resources import Resource
from licensing.rules.permissions import MANAGE_TEST_CLOCKS, Actor, Scope, require
from licensing.rules.refusals import NotFound, PermissionDenied


def test_clock(actor: Actor, clock_id: str) -> Resource:
    """One test clock. Raises `NotFound`."""
    _require(actor)
    row = TestClock.get_or_none(TestClock.id == clock_id, TestClock.deleted_at.is_null())
    if row is None:
        raise NotFound("test_clock", clock_id)
    return resources.test_clock(row)


def test_clocks(actor: Actor, window: Window) -> Page:
    """The test clocks, oldest first."""
    _require(actor)
    query = TestClock.select().where(TestClock.deleted_at.is_null())
    return page(query, TestClock.id, window, ("test_clocks",)).mapped(resources.test_clock)


def _require(actor: Actor) -> None:
    """Clocks belong to no account, so a key that is bound to one has none."""
    require(actor, MANAGE_TEST_CLOCKS)
    if actor.account_id is not None:
        raise PermissionDenied("scope", f"{Scope.ADMIN} without being bound to an account")
