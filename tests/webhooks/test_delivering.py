"""Everything is delivered, in the order of each account, as the same bytes (promises 1 to 3)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from licensing.models import Event
from licensing.operations import users
from licensing.rules.permissions import system
from licensing.rules.refusals import EmailTaken
from tests.receivers import Answer, Received, Receiver
from tests.webhooks.stage import a_stage
from tests.world import AnAccount, Hands, an_account
from webhooks import signing
from webhooks.operations import endpoints


def _sequences(receiver: Receiver, account: AnAccount) -> list[int]:
    return [e["sequence"] for e in receiver.events if e["account_id"] == account.id]


def test_promise_1_whatever_happens_is_delivered_as_it_stands_in_the_log(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account)
        account.user("Priya", seats=["core"])
        told = account.log()[-2:]
        stage.deliver()

        sent = [{k: v for k, v in e.items() if k != "previous_sequence"} for e in receiver.events]
        lane = stage.lane(id, account)

    assert sent == told
    assert (lane.state, lane.cursor) == ("idle", told[-1]["sequence"])


def test_a_trace_goes_on_at_the_receiver(hands: Hands) -> None:
    account = an_account(core=10)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    words = {"traceparent": "00-of-metadata"}
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        for number, traceparent in enumerate((trace, None)):
            actor = replace(account.by, traceparent=traceparent)
            users.create_user(actor, f"user{number}@example.com", f"User {number}", metadata=words)
        stage.deliver()

        sent = [(r.json["type"], r.headers.get("traceparent")) for r in receiver.requests]

    assert [traced for type, traced in sent if type == "user.created"] == [trace, None]


def test_promise_2_events_of_an_account_come_in_its_order(hands: Hands) -> None:
    companies = [an_account(core=10) for _ in range(5)]
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver)
        for _ in range(12):
            for company in companies:
                company.user(seats=[])
        stage.deliver()

        for company in companies:
            assert _sequences(receiver, company) == sorted(_sequences(receiver, company))
            assert len(_sequences(receiver, company)) == 24


def test_promise_2_an_event_is_not_sent_before_the_one_before_it_was_taken(hands: Hands) -> None:
    account, other = an_account(core=10), an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver)
        receiver.answer = lambda r: Answer(422 if r.json["account_id"] == account.id else 204)
        for company in (account, other):
            company.user("Priya", seats=["core"])
        stage.deliver()

        assert len(_sequences(receiver, account)) == 1
        assert len(_sequences(receiver, other)) == 2


def test_previous_sequence_shows_what_a_filter_leaves_out(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, "seat.assigned")
        for name in ("Priya", "Noah", "Mei"):
            account.user(name, seats=["core"])
            stage.deliver()

        places = [(e["previous_sequence"], e["sequence"]) for e in receiver.events]

    assert all(before == after for (_, before), (after, _) in pairwise(places))
    assert {e["type"] for e in receiver.events} == {"seat.assigned"}


def test_promise_3_every_attempt_has_the_same_bytes_and_a_signature_of_its_own(
    hands: Hands,
) -> None:
    hands.move_to(datetime.now(UTC))
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account, "seat.*")
        receiver.answer = 503
        account.user("Zoë 座席", seats=["core"])
        stage.deliver()
        hands.move(seconds=10)
        receiver.answer = 204
        stage.deliver()

        first, second = receiver.requests
        for received in (first, second):
            assert Webhook(stage.secrets[id]).verify(received.body, received.headers)

    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == first.json["id"]
    assert first.headers["webhook-timestamp"] < second.headers["webhook-timestamp"]
    stored = Event.get(Event.id == first.json["id"]).body
    previous = first.json["previous_sequence"]
    assert first.body.decode().replace(f'"previous_sequence":{previous},', "") == stored


def test_promise_3_a_body_survives_the_round_trip_of_any_json_library(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        account.user("Zoë \u2028 座席 \U0001f4ba", seats=["core"])
        stage.deliver()

        for received in receiver.requests:
            again = json.dumps(received.json, ensure_ascii=False, separators=(",", ":"))
            assert again.encode() == received.body


def test_promise_3_a_rotated_secret_overlaps(hands: Hands) -> None:
    hands.move_to(datetime.now(UTC) - timedelta(hours=25))
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account, "seat.*")
        old = stage.secrets[id]
        _, new = endpoints.rotate_secret(system(), id)
        account.user("Priya", seats=["core"])
        stage.deliver()
        hands.move(hours=25)
        account.user("Noah", seats=["core"])
        stage.deliver()

        within, after = receiver.requests

    assert _is_signed_with(new, within, hands.now - timedelta(hours=25))
    assert _is_signed_with(old, within, hands.now - timedelta(hours=25))
    assert Webhook(new).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(after.body, after.headers)


def _is_signed_with(secret: str, received: Received, at: datetime) -> bool:
    signing.verify(secret, received.headers, received.body, int(at.timestamp()))
    return True


@pytest.mark.parametrize("start", ["beginning", 3])
def test_an_endpoint_can_begin_in_the_past(hands: Hands, start: str | int) -> None:
    account = an_account(core=10)
    account.user("Priya", seats=["core"])
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, start=start)
        stage.deliver()

        after = start if isinstance(start, int) else 0
        told = [event["sequence"] for event in account.log()]
        assert _sequences(receiver, account) == [n for n in told if n > after]
        assert receiver.events[0]["previous_sequence"] == after


def test_an_endpoint_is_told_nothing_of_other_accounts(hands: Hands) -> None:
    account, other = an_account(core=10), an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        other.user("Canary", seats=["core"])
        stage.deliver()

    assert receiver.requests == []


def test_a_command_that_is_refused_is_not_told(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        account.user("Priya", email="priya@example.com")
        stage.deliver()
        before = len(receiver.requests)
        with pytest.raises(EmailTaken):
            users.create_user(account.by, name="Ann", email="priya@example.com")
        stage.deliver()

    assert len(receiver.requests) == before
