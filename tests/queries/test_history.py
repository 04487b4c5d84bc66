"""The log as a source of truth (R29, R32)."""

import json
from typing import Any

import pytest

from licensing.models import Event
from licensing.operations import assigning, buying, giving_back
from licensing.queries import history
from licensing.queries.cursors import Window
from licensing.rules.permissions import Permission
from licensing.rules.refusals import NotFound, PermissionDenied
from tests.world import NEXT_RENEWAL, AnAccount, Hands, an_account


def _pool_at(account: AnAccount, instant: str) -> dict[str, Any]:
    """The pool's numbers as the last event before an instant tells them."""
    told = [
        event["data"]["pool"]
        for event in account.log()
        if "pool" in event["data"] and event["data"]["effective_at"] <= instant
    ]
    return dict(told[-1])


def test_r29_the_count_at_any_past_date_can_be_answered_from_the_log(hands: Hands) -> None:
    account = an_account(core=10)
    admin, priya = account.super_admin, account.user()
    hands.move(days=5)
    assigning.assign_seat(admin, priya, "core")
    giving_back.schedule_removal(admin, "core", 4)
    hands.move(days=5)
    buying.purchase_seats(admin, "core", 2)
    hands.move_to(NEXT_RENEWAL)
    hands.move(days=3)
    buying.preview_purchase(admin, "core", 1)

    def numbers(instant: str) -> tuple[int, int]:
        pool = _pool_at(account, instant)
        return pool["purchased"], pool["assigned"]

    assert numbers("2026-03-03T00:00:00.000Z") == (10, 0)
    assert numbers("2026-03-08T00:00:00.000Z") == (10, 1)
    assert numbers("2026-03-13T00:00:00.000Z") == (12, 1)
    assert numbers("2026-04-02T08:59:59.999Z") == (12, 1)
    assert numbers("2026-04-02T09:00:00.000Z") == (8, 1)


def test_r29_an_event_is_compact_in_one_order_and_without_floats() -> None:
    account = an_account()

    body = Event.select().where(Event.account_id == account.id).order_by(Event.sequence)[1].body

    def no_float(text: str) -> None:
        raise AssertionError(f"a float: {text}")

    parsed = json.loads(body, parse_float=no_float)
    assert body == json.dumps(parsed, ensure_ascii=False, separators=(",", ":"))
    assert list(parsed) == [
        "id",
        "type",
        "timestamp",
        "api_version",
        "account_id",
        "epoch",
        "sequence",
        "data",
    ]


def test_r29_an_event_of_another_account_does_not_exist() -> None:
    account, other = an_account(), an_account()

    with pytest.raises(NotFound):
        history.event(account.by, other.log()[0]["id"])


def test_r10_the_log_takes_a_super_admin() -> None:
    account = an_account()

    history.events(account.super_admin, Window())
    with pytest.raises(PermissionDenied, match="super_admin"):
        history.events(account.actor(Permission.MANAGE_USERS), Window())


def test_r32_a_billing_system_without_memory_can_set_instead_of_add() -> None:
    account = an_account(core=5)
    admin = account.super_admin
    users = [account.user() for _ in range(3)]
    for user_id in users:
        assigning.assign_seat(admin, user_id, "core")
    assigning.take_back(admin, account.seat(users[0], "core"))
    removal = giving_back.schedule_removal(admin, "core", 2)
    giving_back.cancel_removal(admin, removal.id, 1)

    last = [event["data"]["pool"] for event in account.log() if "pool" in event["data"]][-1]

    shown = account.pool("core")
    assert last == {name: shown[name] for name in last}
