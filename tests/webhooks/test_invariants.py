"""What `seatkeeper verify` says of webhooks that are not as they should be."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from licensing.db import db
from licensing.queries import invariants
from tests.webhooks import rows
from tests.world import AnAccount, an_account
from webhooks.models import Endpoint, Lane, Parked, Secret

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
    account, other = an_account(), an_account()
    rows.endpoint("whe_1", account_id=account.id)
    rows.fill("whe_1", account.id, 0)
    assert list(invariants.violations()) == []

    with db.atomic() as transaction:
        spoil().execute()  # type: ignore[attr-defined]
        found = list(invariants.violations())
        of_the_account = list(invariants.of_one(account.id))
        of_another = list(invariants.of_one(other.id))
        transaction.rollback()

    assert any(said in text and "whe_1" in text for text in found), found
    assert of_the_account == found
    assert of_another == []


def test_an_endpoint_that_is_told_of_another_account_is_named() -> None:
    account, other = an_account(), an_account()
    rows.endpoint("whe_1")
    rows.fill("whe_1", account.id, 0)

    with db.atomic() as transaction:
        Endpoint.update(account_id=other.id).execute()
        found = [list(look()) for look in (invariants.violations, *map(_of, (account, other)))]
        transaction.rollback()

    said = f"lane of webhook endpoint whe_1 in {account.id}: the endpoint belongs to {other.id}"
    assert found == [[said]] * 3


def test_a_lane_of_no_account_is_named() -> None:
    account = an_account()
    rows.endpoint("whe_1")
    rows.fill("whe_1", account.id, 0)

    with db.atomic() as transaction:
        Lane.update(account_id="acc_gone").execute()
        found = list(invariants.violations())
        transaction.rollback()

    assert found == ["lane of webhook endpoint whe_1 in acc_gone: there is no such account"]


def _of(account: AnAccount) -> Callable[[], Iterator[str]]:
    return partial(invariants.of_one, account.id)
