"""F14: while the database is locked, requests are told to come again; nothing is lost."""

from typing import Any

import pytest
from peewee import OperationalError

from licensing import db
from licensing.models import Seat
from licensing.operations import assigning
from tests.faults.harness import a_seed
from tests.faults.locking import WRITERS, run

ROUNDS = 10


def test_while_the_database_is_locked_requests_are_told_to_come_again() -> None:
    totals = run(a_seed(), ROUNDS)

    print(dict(totals))  # noqa: T201
    assert totals["refused"] >= WRITERS


def test_who_says_done_when_it_was_not_is_found() -> None:
    """The negative control."""
    assign = assigning.assign_seat

    def hopeful(*arguments: Any, **more: Any) -> Seat:
        try:
            return assign(*arguments, **more)
        except (OperationalError, db.Busy):
            return Seat.get()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assigning, "assign_seat", hopeful)
        with pytest.raises(AssertionError, match=r"in spite of the lock|is lost"):
            run(a_seed(), ROUNDS)
