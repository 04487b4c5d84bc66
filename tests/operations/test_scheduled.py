"""What comes due by itself, for accounts that nobody commands (R13, R23)."""

import pytest

from licensing.models import Account
from licensing.operations import giving_back, scheduled
from licensing.queries import pools as queries
from licensing.scheduler import Scheduler, work_through
from tests.world import NEXT_RENEWAL, Hands, an_account


def test_r23_terms_are_renewed_without_any_command(hands: Hands) -> None:
    account = an_account(core=5)
    giving_back.schedule_removal(account.by, "core", 2)
    account.from_here()
    hands.move(days=100)

    steps = work_through()

    assert account.happened() == [
        "subscription.renewed",
        "seat_removal.applied",
        "subscription.renewed",
        "subscription.renewed",
    ]
    assert steps == 3
    assert work_through() == 0


def test_r23_one_term_is_one_step(hands: Hands) -> None:
    account = an_account()
    hands.move(days=100)

    assert scheduled.do_one(account.id)

    subscription = queries.subscription(account.by, account.pool("core")["subscription_id"])
    assert subscription["term"]["number"] == 2


def test_r23_nothing_due_is_nothing_done(hands: Hands) -> None:
    account = an_account()

    assert scheduled.due_accounts(10) == []
    assert not scheduled.do_one(account.id)
    assert account.events() == []


def test_r23_a_closed_account_never_renews(hands: Hands) -> None:
    account = an_account()
    account.close()
    hands.move(days=100)

    assert scheduled.due_accounts(10) == []
    assert not scheduled.do_one(account.id)
    assert work_through() == 0


def test_r13_invitations_end_by_themselves(hands: Hands) -> None:
    account = an_account()
    felix = account.user(status="invited", seats=["core"])
    hands.move(days=14)

    work_through()

    assert account.happened() == ["user.invitation_expired", "seat.unassigned"]
    assert account.shown(felix)["seats"] == []


def test_r23_an_account_that_cannot_be_renewed_does_not_hold_up_the_others(
    hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    broken, well = an_account(), an_account()
    Account.update(time_zone="Nowhere/Land").where(Account.id == broken.id).execute()
    hands.move_to(NEXT_RENEWAL)
    scheduler = Scheduler()

    scheduler.work_through()
    again = scheduler.work_through()

    assert well.happened() == ["subscription.renewed"]
    assert broken.events() == []
    assert again == 0
    assert [record.getMessage() for record in caplog.records] == [
        f"what is due in account {broken.id} could not be done"
    ]
