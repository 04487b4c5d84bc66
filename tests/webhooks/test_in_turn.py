"""A sender that goes on with the next events of a lane by itself, and what ends that."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from licensing import db
from licensing.row_security import EVERY_ACCOUNT
from licensing.rules.permissions import system
from tests import hygiene
from tests.receivers import Answer, Received, Receiver
from tests.webhooks.stage import a_stage
from tests.world import AnAccount, Hands, an_account
from webhooks import jobs, signing
from webhooks.jobs import Delivery
from webhooks.models import Attempt, Lane
from webhooks.operations import endpoints, replaying

EVENTS, SECONDS_TO_WAIT = 20, 10
# A turn has one event, then two, then four: the first of these, and the one after it.
BY_ITSELF, AFTER_IT = 4, 5


@pytest.fixture
def company() -> AnAccount:
    """An account."""
    return an_account(core=10)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A sender goes on for as long as it likes, until the engine stops it, which this tells."""
    monkeypatch.setattr(jobs, "SECONDS_ON_ITS_OWN", 3600)
    is_stopped, stop = threading.Event(), Delivery.stop

    def stops(job: Delivery) -> None:
        stop(job)
        is_stopped.set()

    monkeypatch.setattr(Delivery, "stop", stops)
    return is_stopped


def _sent(
    hands: Hands, company: AnAccount, meanwhile: Callable[[str, int], Any], **more: Any
) -> list[Received]:
    """What comes when something is done while the n-th event of a lane is answered."""
    with a_stage(hands) as stage, Receiver() as receiver:
        id = stage.endpoint(receiver, company, "user.created", **more)
        for _ in range(EVENTS):
            company.user(seats=[])

        def answer(_: Received) -> Answer:
            with db.connection(EVERY_ACCOUNT):
                meanwhile(id, len(receiver.requests))
            db.close()
            return Answer(204)

        receiver.answer = answer
        stage.deliver()
        return receiver.requests


def _changed(change: Callable[[str], Any], stopped: threading.Event) -> Callable[[str, int], None]:
    """Change something, and answer the event after it when the engine has seen that."""

    def meanwhile(id: str, number: int) -> None:
        if number == BY_ITSELF:
            change(id)
        elif number == AFTER_IT:
            assert stopped.wait(SECONDS_TO_WAIT)

    return meanwhile


def _pause(id: str) -> None:
    endpoints.pause_endpoint(system(), id)


def test_an_endpoint_that_is_paused_is_sent_no_more_than_what_is_on_its_way(
    hands: Hands, company: AnAccount, stopped: threading.Event
) -> None:
    assert len(_sent(hands, company, _changed(_pause, stopped))) == AFTER_IT


def test_a_sender_that_nobody_stops_sends_more(
    hands: Hands, company: AnAccount, stopped: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(Delivery, "stop", lambda _: stopped.set())

    assert len(_sent(hands, company, _changed(_pause, stopped))) > AFTER_IT


def test_after_a_secret_was_rotated_what_is_in_hand_is_signed_anew(
    hands: Hands, company: AnAccount, stopped: threading.Event
) -> None:
    secrets = []

    def rotate(id: str) -> None:
        secrets.append(endpoints.rotate_secret(system(), id, timedelta(0))[1])

    came = _sent(hands, company, _changed(rotate, stopped))

    assert len(came) == EVENTS
    for received in came[AFTER_IT:]:
        now = int(received.headers["webhook-timestamp"])
        signing.verify(hygiene.secret(secrets[0]), dict(received.headers), received.body, now)


def test_promise_7_who_has_lost_the_lease_sends_no_more_than_what_is_on_its_way(
    hands: Hands, company: AnAccount, stopped: threading.Event
) -> None:
    def skip(id: str) -> None:
        head = Lane.get(Lane.endpoint_id == id).head
        replaying.skip(system(), id, company.id, head, "enough")

    assert len(_sent(hands, company, _changed(skip, stopped))) == AFTER_IT


def test_a_receiver_that_takes_its_time_is_sent_nothing_before_the_last_answer_was_written(
    hands: Hands, company: AnAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SECONDS_ON_ITS_OWN", 0)
    written = []

    came = _sent(hands, company, lambda *_: written.append(Attempt.select().count()))

    assert written == list(range(EVENTS))
    assert len(came) == EVENTS


@pytest.mark.parametrize("more", [{"rate": 1000}, {}], ids=["with a rate", "without"])
def test_events_that_have_a_time_of_their_own_are_not_sent_in_turn(
    hands: Hands, company: AnAccount, monkeypatch: pytest.MonkeyPatch, more: dict[str, int]
) -> None:
    in_hand = []

    def counts(job: Delivery, outcome: Any) -> Any:
        in_hand.append(len(job.ahead))
        return after(job, outcome)

    after = Delivery.after
    monkeypatch.setattr(Delivery, "after", counts)

    _sent(hands, company, lambda *_: None, **more)

    assert any(in_hand) is not bool(more)
