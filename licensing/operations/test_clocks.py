"""
Test clocks: accounts whose time their integrator moves forward (R26).

An account is bound to a clock when it is created, or never. Advancing is asked for here and done by
the scheduler: the hands stop at each instant at which something is due in one of the accounts, so
what is told carries the date at which it would have happened.
"""

from datetime import datetime

from dateutil.relativedelta import relativedelta
from peewee import fn

from licensing import clock, ids
from licensing.db import for_update, transactional
from licensing.models import Account, Subscription, TestClock, User
from licensing.operations import accounts
from licensing.rules.accounts import AccountStatus, Invitation
from licensing.rules.permissions import MANAGE_TEST_CLOCKS, Actor, Scope, require
from licensing.rules.refusals import (
    AdvanceTooFar,
    ClockAdvancing,
    NotFound,
    PermissionDenied,
    Unacceptable,
)
from licensing.rules.terms import Interval

TERMS_IN_A_STEP = 2
MONTHS_WITHOUT_A_TERM = 24


@transactional
def create_clock(actor: Actor, name: str, now: datetime) -> TestClock:
    """
    Make a test clock that stands at `now`, in the past or in the future.

    Refuses with `PermissionDenied`; a key that is bound to an account makes no clocks.
    """
    _require(actor)
    made: TestClock = TestClock.create(
        id=ids.new("clk"), name=name, hands=now, version=1, created_at=clock.now()
    )
    return made


@transactional
def advance_clock(actor: Actor, clock_id: str, to: datetime) -> TestClock:
    """
    Let the scheduler move a clock forward; it is `ready` again when all that is due was done.

    At most two terms of the shortest subscription in one step, two years where there is none.
    Advancing to where it stands changes nothing. Refuses with `Unacceptable` instants in its past,
    `AdvanceTooFar`, `ClockAdvancing`, `NotFound` and `PermissionDenied`.
    """
    _require(actor)
    found = _locked(clock_id)
    if found.advancing_to is not None:
        raise ClockAdvancing(found.id, clock.to_text(found.advancing_to))
    if to < found.hands:
        raise Unacceptable("to", f"lies before {clock.to_text(found.hands)}, where the clock is")
    furthest = found.hands + relativedelta(months=_months_in_a_step(clock_id))
    if to > furthest:
        raise AdvanceTooFar(found.id, clock.to_text(furthest))
    if to > found.hands:
        found.advancing_to = to
        found.version += 1
        found.save()
    return found


def delete_clock(actor: Actor, clock_id: str) -> None:
    """
    Delete a test clock; the accounts that are bound to it are closed, their logs stay.

    Each account is closed in a transaction of its own. Refuses with `NotFound` and
    `PermissionDenied`.
    """
    _require(actor)
    while account_id := _mark_deleted(clock_id):
        accounts.update_account(actor.within(account_id), {"status": AccountStatus.CLOSED})


@transactional
def _mark_deleted(clock_id: str) -> str | None:
    """Delete the clock unless an account still runs on it; then that one is returned."""
    found = _locked(clock_id)
    running = (
        Account.select(Account.id)
        .where(Account.test_clock_id == clock_id, Account.status == AccountStatus.ACTIVE)
        .order_by(Account.id)
        .first()
    )
    if running is not None:
        return str(running.id)
    found.deleted_at, found.advancing_to = clock.now(), None
    found.version += 1
    found.save()
    return None


def _require(actor: Actor) -> None:
    require(actor, MANAGE_TEST_CLOCKS)
    if actor.account_id is not None:
        raise PermissionDenied("scope", f"{Scope.ADMIN} without being bound to an account")


def _locked(clock_id: str) -> TestClock:
    of_clock = TestClock.select().where(TestClock.id == clock_id, TestClock.deleted_at.is_null())
    found: TestClock | None = for_update(of_clock).get_or_none()
    if found is None:
        raise NotFound("test_clock", clock_id)
    return found


def _months_in_a_step(clock_id: str) -> int:
    rows = Subscription.select().where(
        Subscription.test_clock_id == clock_id, Subscription.due_at.is_null(False)
    )
    terms = [Interval(row.interval).months * row.interval_count for row in rows]
    return TERMS_IN_A_STEP * min(terms) if terms else MONTHS_WITHOUT_A_TERM


def advancing_clocks() -> list[str]:
    """The clocks that are to be moved."""
    rows = TestClock.select(TestClock.id).where(TestClock.advancing_to.is_null(False))
    return [row.id for row in rows.order_by(TestClock.id)]


@transactional
def move_clock(clock_id: str) -> bool:
    """
    Move an advancing clock to the next instant at which something is due; whether it was moved.

    It stays where something is still due, until that was done. Where nothing is due any more it
    arrives, and is ready.
    """
    found = for_update(
        TestClock.select().where(TestClock.id == clock_id, TestClock.advancing_to.is_null(False)),
        "FOR UPDATE SKIP LOCKED",
    ).get_or_none()
    if found is None:
        return False
    next_due = _next_due(clock_id)
    if next_due is not None and next_due <= found.hands:
        return False
    if next_due is not None and next_due <= found.advancing_to:
        found.hands = next_due
    else:
        found.hands, found.advancing_to = found.advancing_to, None
    found.version += 1
    found.save()
    return True


def _next_due(clock_id: str) -> datetime | None:
    of_clock = Subscription.test_clock_id == clock_id
    due = Subscription.select(fn.MIN(Subscription.due_at)).where(of_clock).scalar()
    lapses = (
        User.select(fn.MIN(User.invitation_expires_at))
        .join(Account, on=(Account.id == User.account_id))
        .where(
            Account.test_clock_id == clock_id,
            Account.status == AccountStatus.ACTIVE,
            User.invitation == Invitation.PENDING,
        )
        .scalar()
    )
    return min((instant for instant in (due, lapses) if instant is not None), default=None)
