"""Each invariant is broken once, and named: what `verify` says means something (R11, R29)."""

import pytest

from licensing.db import db
from licensing.operations import giving_back
from licensing.queries.invariants import violations
from tests.world import an_account


def test_r29_a_sound_account_has_nothing_to_tell() -> None:
    account = an_account()
    account.user(seats=["core"])

    assert list(violations()) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        pytest.param(
            "UPDATE pools SET assigned = assigned + 1",
            "counts 2 assigned seats, 1 are held",
            id="held",
        ),
        pytest.param(
            "UPDATE pools SET scheduled_removal = scheduled_removal + 1",
            "counts 3 seats scheduled for removal, 2 are",
            id="scheduled",
        ),
        pytest.param(
            "UPDATE accounts SET super_admins = 3", "3 super admins are counted", id="admins"
        ),
        pytest.param(
            "UPDATE accounts SET last_sequence = last_sequence + 1", "the log has", id="sequence"
        ),
        pytest.param(
            "UPDATE events SET sequence = 900 WHERE sequence = 1", "the log has", id="a gap"
        ),
        pytest.param("DELETE FROM seats", "is active and holds no seat", id="no seat"),
        pytest.param(
            "UPDATE seats SET seat_type = 'partner' WHERE pool_id IS NULL",
            "but the log tells",
            id="another type than was told",
        ),
        pytest.param(
            "DELETE FROM users WHERE status = 'invited'", "which does not exist", id="gone"
        ),
        pytest.param(
            "UPDATE users SET holds_exclusive = false WHERE holds_exclusive",
            "is marked wrongly",
            id="the exclusive mark",
        ),
        pytest.param(
            "UPDATE pools SET minimum = 1", "but the log tells", id="a minimum that was never told"
        ),
    ],
)
def test_r29_what_does_not_hold_is_named(damage: str, told: str) -> None:
    account = an_account()
    account.user(seats=["core"])
    account.user()
    account.user(status="invited")
    giving_back.schedule_removal(account.super_admin, "core", 2)

    with db.atomic() as undone:
        if "events" in damage:
            db.execute_sql("DELETE FROM event_subjects")
        db.execute_sql(damage)
        found = list(violations())
        undone.rollback()

    assert any(told in text and account.id in text for text in found), found
