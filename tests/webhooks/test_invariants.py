"""What `seatkeeper verify` says of webhooks that are not as they should be."""

from collections.abc import Callable

import pytest

from licensing.db import db
from licensing.queries import invariants
from tests.webhooks import rows
from tests.world import an_account
from webhooks.models import Lane, Parked, Secret

WRONG = [
    pytest.param(
        lambda: Lane.update(head=99, cursor=99), "the log ends with", id="a head beyond the log"
    ),
    pytest.param(lambda: Lane.update(cursor=98), "the log ends with", id="a cursor beyond it"),
    pytest.param(lambda: Lane.update(previous=2), "before its cursor", id="sent before its cursor"),
    pytest.param(lambda: Parked.update(sequence=2), "has yet to be sent", id="parked too early"),
    pytest.param(lambda: Secret.delete(), "has no secret", id="no secret"),
]


@pytest.mark.parametrize(("spoil", "said"), WRONG)
def test_what_is_not_as_it_should_be_is_named(spoil: Callable[[], object], said: str) -> None:
    account = an_account()
    rows.endpoint("whe_1")
    rows.fill("whe_1", account.id, 0)
    assert list(invariants.violations()) == []

    with db.atomic() as transaction:
        spoil().execute()  # type: ignore[attr-defined]
        found = list(invariants.violations())
        transaction.rollback()

    assert any(said in text and "whe_1" in text for text in found), found
