"""What happens to an endpoint while it is sent to, or waits to be (promises 1 and 2)."""

from collections.abc import Callable
from threading import Thread

import pytest

from licensing import db
from licensing.row_security import EVERY_ACCOUNT
from licensing.rules.permissions import system
from tests.receivers import Answer, Received, Receiver
from tests.webhooks.stage import Stage, a_stage, endpoint
from tests.world import AnAccount, Hands, an_account
from webhooks.models import Attempt, Endpoint
from webhooks.operations import endpoints


def _busy(company: AnAccount) -> None:
    company.user(seats=["core"])


@pytest.mark.parametrize(
    "interrupt",
    [
        pytest.param(lambda stage, id: endpoints.pause_endpoint(system(), id), id="paused"),
        pytest.param(lambda stage, id: endpoints.delete_endpoint(system(), id), id="deleted"),
        pytest.param(
            lambda stage, id: endpoints.update_endpoint(
                system(), id, {"event_types": ["seat.*"]}, None
            ),
            id="changed",
        ),
        pytest.param(lambda stage, id: endpoints.rotate_secret(system(), id), id="another secret"),
    ],
)
def test_what_happens_to_an_endpoint_while_it_is_sent_to(
    hands: Hands, interrupt: Callable[[Stage, str], None]
) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account)

        def answer(_: Received) -> Answer:
            if not done:
                done.append(1)
                _in_a_thread(lambda: interrupt(stage, id))
            return Answer(204)

        done: list[int] = []
        receiver.answer = answer
        _busy(account)
        stage.deliver()
        there = Endpoint.get_or_none(Endpoint.id == id)
        if there is not None:
            endpoints.enable_endpoint(system(), id)
            stage.deliver()

    sequences = [event["sequence"] for event in receiver.events]
    assert sequences == sorted(set(sequences))
    if there is not None:
        assert sequences == [event["sequence"] for event in account.log()[-2:]]
    else:
        assert Attempt.select().count() == 0


def _in_a_thread(work: Callable[[], None]) -> None:
    def run() -> None:
        with db.connection(EVERY_ACCOUNT):
            work()
        db.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()


def test_a_paused_endpoint_is_not_sent_to_and_loses_nothing(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account)
        endpoints.pause_endpoint(system(), id)
        _busy(account)
        stage.pass_time(days=3)
        assert receiver.requests == []
        endpoints.enable_endpoint(system(), id)
        stage.deliver()

    assert len(receiver.events) == 2


def test_another_address_answers_for_itself(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as old, Receiver() as new, a_stage(hands) as stage:
        id = stage.endpoint(old, account)
        old.answer = 500
        _busy(account)
        stage.pass_time(minutes=10)
        endpoints.update_endpoint(system(), id, {"url": new.url}, None)
        assert endpoint(id).status == "pending"
        stage.pass_time(seconds=1)

    assert new.requests[0].json["type"] == "webhook.verification"
    assert [e["sequence"] for e in new.events] == [e["sequence"] for e in account.log()[-2:]]
