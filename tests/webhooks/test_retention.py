"""How long attempts and events are kept, and what is never deleted (promise 10)."""

import pytest
from flask import Flask

from licensing.models import Event, EventSubject
from licensing.operations import test_clocks
from licensing.rules.permissions import system
from tests.http import calling
from tests.receivers import Receiver
from tests.webhooks.stage import a_stage
from tests.world import START, AnAccount, Hands, an_account
from webhooks import retention
from webhooks.models import Attempt, Notice
from webhooks.operations import endpoints

LONG = {"days": 401}


def _sequences(account: AnAccount) -> list[int]:
    rows = Event.select().where(Event.account_id == account.id).order_by(Event.sequence)
    return [row.sequence for row in rows]


def test_promise_10_attempts_are_kept_for_thirty_days(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        account.user(seats=[])
        stage.deliver()
        hands.move(days=20)
        account.user(seats=[])
        stage.deliver()
        hands.move(days=10, seconds=1)
        purged = retention.purge()

    assert purged == {"attempts": 2, "events": 0, "notices": 0}
    assert Attempt.select().count() == 2


def test_promise_10_events_are_kept_for_four_hundred_days(hands: Hands) -> None:
    account = an_account()
    old = _sequences(account)
    hands.move(**LONG)
    account.user(seats=[])
    told = _sequences(account)

    assert retention.purge()["events"] == len(old)
    assert _sequences(account) == told[len(old) :]
    assert EventSubject.select().where(EventSubject.sequence <= old[-1]).count() == 0


def test_promise_10_the_last_event_always_stays(hands: Hands) -> None:
    account = an_account()
    last = _sequences(account)[-1]
    hands.move(**LONG)

    retention.purge()

    assert _sequences(account) == [last]


@pytest.mark.parametrize("status", ["paused", "failing", "gone"])
def test_promise_10_a_purge_never_passes_a_live_cursor(hands: Hands, status: str) -> None:
    account = an_account()
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account, "user.created")
        if status == "paused":
            endpoints.pause_endpoint(system(), id)
        receiver.answer = 410 if status == "gone" else 500
        account.user(seats=[])
        waits = [e["sequence"] for e in account.log() if e["type"] == "user.created"][-1]
        for _ in range(3):
            account.user(seats=[])
        stage.deliver()
        hands.move(**LONG)
        retention.purge()

        left = _sequences(account)
        assert left[0] == (left[-1] if status == "gone" else waits)
        if status == "gone":
            return
        receiver.answer = 204
        receiver.forget()
        endpoints.enable_endpoint(system(), id)
        stage.deliver()

    assert len(receiver.events) == 4


def test_promise_10_what_is_parked_is_kept(hands: Hands) -> None:
    account = an_account()
    with Receiver(422) as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, "user.created")
        account.user(seats=[])
        waits = [e["sequence"] for e in account.log() if e["type"] == "user.created"][-1]
        stage.pass_time(hours=80)
        hands.move(**LONG)
        retention.purge()

    assert _sequences(account)[0] == waits


def test_promise_10_operators_are_told_of_old_troubles_until_they_have_been(
    hands: Hands,
) -> None:
    account = an_account()
    with Receiver(410) as receiver, Receiver() as operator, a_stage(hands) as stage:
        ids = [stage.endpoint(receiver, account) for _ in range(3)]
        listening = stage.endpoint(operator, None, "endpoint.gone")
        endpoints.pause_endpoint(system(), listening)
        account.user(seats=[])
        stage.deliver()
        hands.move(**LONG)
        retention.purge()
        assert Notice.select().count() == len(ids)
        endpoints.enable_endpoint(system(), listening)
        stage.deliver()
        retention.purge()

    assert len(operator.events) == len(ids)
    assert Notice.select().count() == 1


def test_events_on_a_test_clock_stay(hands: Hands) -> None:
    clock = test_clocks.create_clock(system(), "Old", START)
    account = an_account(test_clock_id=clock.id)
    before = _sequences(account)
    hands.move(**LONG)

    retention.purge()

    assert _sequences(account) == before


def test_who_asks_for_events_that_were_deleted_is_told(app: Flask, hands: Hands) -> None:
    account = an_account()
    hands.move(**LONG)
    account.user(seats=[])
    retention.purge()
    api = calling(app, account)
    first = _sequences(account)[0]

    answer = api.get("events?after=0")

    assert (answer.status_code, answer.json["code"]) == (410, "events_purged")
    assert answer.json["first"] == first
    assert api.get(f"events?after={first - 1}").json["items"][0]["sequence"] == first
    assert api.get("events").json["items"][0]["sequence"] == first


def test_much_is_deleted_in_small_steps(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS_PER_STEP", 2)
    account = an_account()
    count = len(_sequences(account))
    hands.move(**LONG)

    assert retention.purge()["events"] == count - 1
