"""How long attempts and events are kept, and what is never deleted (promise 10)."""

import threading
from dataclasses import replace

import pytest
from flask import Flask

from licensing import db, events, settings
from licensing.db import transactional
from licensing.models import Event, EventSubject, IdempotencyKey
from licensing.operations import test_clocks
from licensing.row_security import EVERY_ACCOUNT
from licensing.rules.permissions import system
from tests.http import calling
from tests.queries.test_budgets import _plan as plan
from tests.queries.test_budgets import statements
from tests.receivers import Receiver
from tests.webhooks.stage import a_stage
from tests.world import START, AnAccount, Hands, an_account
from webhooks import retention
from webhooks.models import Attempt, Notice
from webhooks.operations import endpoints, replaying

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

    assert purged == {"attempts": 2, "events": 0, "notices": 0, "answers": 0}
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
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_PER_STEP", 1)
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


def _answers() -> list[str]:
    return sorted(row.idempotency_key for row in IdempotencyKey.select())


def test_r18_answers_are_kept_for_seven_days(app: Flask, hands: Hands) -> None:
    account = an_account()
    api = calling(app, account)
    api.post("users", {"email": "a@example.com", "name": "A"}, key="old")
    hands.move(days=1)
    api.post("users", {"email": "b@example.com", "name": "B"}, key="new")
    hands.move(days=6)
    kept = retention.purge()["answers"], _answers()
    hands.move(seconds=1)
    purged = retention.purge()["answers"], _answers()
    again = api.post("users", {"email": "c@example.com", "name": "C"}, key="old")

    assert kept == (0, ["new", "old"])
    assert purged == (1, ["new"])
    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers


def test_r18_for_how_long_answers_are_kept_is_a_setting(app: Flask, hands: Hands) -> None:
    calling(app, an_account()).post("users", {"email": "a@example.com", "name": "A"}, key="one")
    before = settings.current()
    hands.move(days=1, seconds=1)

    settings.put_in_force(replace(before, idempotency_days=1))
    purged = retention.purge()["answers"]
    settings.put_in_force(before)

    assert purged == 1


def test_r18_what_is_being_worked_on_stays_whatever_its_age(hands: Hands) -> None:
    IdempotencyKey.create(
        account_id="acc_1", caller="key_1", idempotency_key="one", fingerprint="f", created_at=START
    )
    hands.move(days=99)

    assert retention.purge()["answers"] == 0
    assert _answers() == ["one"]


def test_r18_old_answers_are_found_through_an_index(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_PER_STEP", 2)
    for number in range(5):
        columns = {"caller": "key_1", "fingerprint": "f", "status": 201, "created_at": START}
        IdempotencyKey.create(account_id="acc_1", idempotency_key=str(number), **columns)
    hands.move(days=99)

    with statements() as seen:
        purged = retention.purge()["answers"]

    (delete, *steps) = [found for found in seen if found[0].startswith('DELETE FROM "idempotency')]
    assert (purged, len(steps)) == (5, 3)
    assert "idempotency_keys_created" in plan(*delete)


def _replay_while_purged(account: AnAccount, endpoint_id: str) -> None:
    """A purge begins when the replay has looked at the log, and has not been committed yet."""
    purge = threading.Thread(target=_purge_elsewhere)

    @transactional
    def replay() -> None:
        replaying.replay(system(), endpoint_id, from_sequence=1)
        purge.start()
        while purge.is_alive() and not _waits():
            purge.join(0.01)

    replay()
    purge.join()


def _purge_elsewhere() -> None:
    with db.connection(EVERY_ACCOUNT):
        retention.purge()
    db.close()


def _waits() -> bool:
    """Whether the other thread waits for this one; SQLite lets in one writer anyway."""
    if db.on_sqlite():
        return True
    return db.db.execute_sql("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None


@pytest.mark.parametrize("held", [True, False])
def test_promise_10_a_purge_does_not_pass_a_replay_that_is_being_made(
    hands: Hands, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    """The negative control: without the lock, what was promised is gone."""
    if not held and db.on_sqlite():
        pytest.skip("SQLite lets in one writer at a time")
    account = an_account()
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account, start="beginning")
        stage.deliver()
        told = len(receiver.events)
        hands.move(**LONG)
        if not held:
            monkeypatch.setattr(events, "hold", lambda *_: None)

        _replay_while_purged(account, id)
        receiver.forget()
        stage.deliver()

    assert (len(receiver.events) == told) == held


def test_promise_10_a_replay_begins_with_what_a_purge_has_left(hands: Hands) -> None:
    account = an_account()
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account)
        hands.move(**LONG)
        account.user(seats=[])
        stage.deliver()
        retention.purge()
        receiver.forget()
        replaying.replay(system(), id, from_sequence=1)
        stage.deliver()
        left = _sequences(account)

    assert [event["sequence"] for event in receiver.events] == left
    assert left[0] > 1


def test_promise_10_two_purges_at_once_leave_a_log_that_is_whole(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the test, the invariants are looked up: the chain begins where the account says."""
    monkeypatch.setattr(retention, "ROWS_PER_STEP", 1)
    account = an_account()
    for _ in range(10):
        account.user(seats=[])
    last = _sequences(account)[-1]
    hands.move(**LONG)
    purges = [threading.Thread(target=_purge_elsewhere) for _ in range(4)]
    for purge in purges:
        purge.start()
    for purge in purges:
        purge.join()

    assert _sequences(account) == [last]


def test_logs_without_anything_old_are_not_even_looked_at(hands: Hands) -> None:
    for _ in range(3):
        an_account()
    hands.move(days=100)

    with statements() as seen:
        retention.purge()

    assert len([sql for sql, _ in seen if '"events"' in sql]) == 1


def test_much_is_deleted_in_small_steps(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS_PER_STEP", 2)
    account = an_account()
    count = len(_sequences(account))
    hands.move(**LONG)

    assert retention.purge()["events"] == count - 1
