"""The endpoint is retried, not the message (promise 4); nothing is ever discarded (promise 1)."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Thread

import pytest

from licensing import settings
from licensing.rules.permissions import system
from licensing.settings import Settings
from tests.receivers import Answer, Received, Receiver
from tests.webhooks.stage import a_stage, endpoint
from tests.world import AnAccount, Hands, an_account
from webhooks import endpoints as endpoints_of
from webhooks import jobs, lanes, outcomes, rules
from webhooks.models import Attempt, Endpoint, Lane, Notice, Parked
from webhooks.operations import endpoints, replaying, sending
from webhooks.outcomes import Tried
from webhooks.rules import Poison, verdict

HOUR = 3_600_000


def _told(*, of: str = "") -> list[str]:
    return [row.type for row in Notice.select().order_by(Notice.sequence) if of in row.type]


def _busy(company: AnAccount) -> None:
    company.user(seats=["core"])


def test_promise_4_an_outage_of_an_hour_costs_few_attempts_no_event_and_a_minute_at_the_most(
    hands: Hands,
) -> None:
    account = an_account(core=100)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account, "seat.assigned")
        receiver.answer = 500
        for _ in range(30):
            _busy(account)
            stage.pass_time(minutes=2)
        in_vain = len(receiver.requests)
        receiver.forget()
        receiver.answer = 204
        stage.pass_time(seconds=60)
        assert receiver.events
        stage.pass_time(seconds=1)

        sequences = [event["sequence"] for event in receiver.events]
        lane = stage.lane(id, account)

    assert in_vain <= 100
    assert len(sequences) == 30
    assert sequences == sorted(sequences)
    assert (lane.state, endpoint(id).failures) == ("idle", 0)


def test_promise_4_without_the_breaker_a_minute_would_cost_more_than_that_hour(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the message is retried, not the endpoint."""
    monkeypatch.setattr(rules, "FAILURES_THAT_OPEN", 10**9)
    account = an_account(core=10)
    with Receiver(500) as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, "seat.assigned")
        _busy(account)
        stage.pass_time(seconds=55)

    assert len(receiver.requests) > 100


def test_promise_4_exactly_one_lane_probes_an_endpoint_in_trouble(hands: Hands) -> None:
    companies = [an_account(core=10) for _ in range(8)]
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, max_in_flight=1)
        receiver.answer = 500
        for company in companies:
            _busy(company)
        stage.pass_time(seconds=5)
        assert endpoint(id).failures >= 5
        receiver.forget()
        for _ in range(20):
            before = len(receiver.requests)
            hands.move(seconds=61)
            stage.deliver()
            assert len(receiver.requests) == before + 1


def test_promise_4_after_trouble_it_starts_slowly(hands: Hands) -> None:
    companies = [an_account(core=10) for _ in range(6)]
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver)
        receiver.answer = 500
        _busy(companies[0])
        stage.pass_time(minutes=3)
        for company in companies:
            _busy(company)
        together = _Together()
        receiver.answer = together
        hands.move(seconds=61)
        stage.deliver()

    assert endpoint(id).failures == 0
    assert together.most[:10] == [1] * 10


class _Together:
    """How many requests were being answered at once, at each of them."""

    def __init__(self) -> None:
        self.now = 0
        self.most: list[int] = []

    def __call__(self, _: Received) -> Answer:
        self.now += 1
        self.most.append(self.now)
        self.now -= 1
        return Answer(204)


def test_promise_4_every_status_is_sorted_as_it_says() -> None:
    named = {
        410: "gone",
        429: "slow_down",
        **dict.fromkeys((401, 403, 404, 405, 408, 421, 425), "endpoint_trouble"),
    }
    hundreds = {2: "delivered", 4: "message_trouble"}

    for status in range(100, 600):
        expected = named.get(status) or hundreds.get(status // 100, "endpoint_trouble")
        assert verdict(status) == expected, status
    assert verdict(503, slow=True) == "slow_down"
    assert verdict(None) == "endpoint_trouble"


@pytest.mark.parametrize("status", [400, 409, 413, 422, 451])
def test_promise_4_a_refused_message_holds_up_its_own_lane_only(hands: Hands, status: int) -> None:
    account, other = an_account(core=10), an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver)
        receiver.answer = lambda r: Answer(status if r.json["account_id"] == account.id else 204)
        for company in (account, other):
            _busy(company)
        stage.pass_time(minutes=30)

        refused = [e for e in receiver.events if e["account_id"] == account.id]
        lane = stage.lane(id, account)

    assert {e["sequence"] for e in refused} == {refused[0]["sequence"]}
    assert 5 <= len(refused) <= 9
    assert stage.lane(id, other).state == "idle"
    assert (lane.state, lane.refusals, endpoint(id).failures) == ("ready", len(refused), 0)


def test_promise_4_what_is_refused_for_three_days_is_parked(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, Receiver() as operator, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account)
        stage.endpoint(operator, None, "event.parked")
        _busy(account)
        first = account.log()[-2]
        receiver.answer = lambda r: Answer(422 if r.json["id"] == first["id"] else 204)
        stage.pass_time(hours=80)

        (parked,) = Parked.select()
        lane = stage.lane(id, account)
        after = receiver.events[-1]
        (notice,) = operator.events

    assert (parked.event_id, parked.reason) == (first["id"], "message_trouble")
    assert (lane.state, lane.cursor) == ("idle", lane.head)
    # What comes after it says that something is missing.
    assert after["previous_sequence"] == first["sequence"]
    assert notice["type"] == "event.parked"
    assert notice["data"]["object"]["event_id"] == first["id"]
    assert notice["data"]["object"]["endpoint_id"] == id


def test_promise_4_or_blocks_its_lane_where_that_is_wanted(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account, poison_policy=Poison.BLOCK)
        receiver.answer = 422
        _busy(account)
        stage.pass_time(hours=80)
        sent = len(receiver.requests)
        stage.pass_time(hours=80)

        lane = stage.lane(id, account)

    assert (lane.state, len(receiver.requests)) == ("blocked", sent)
    assert Parked.select().count() == 0


def test_promise_4_a_receiver_can_give_up_a_message(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        _busy(account)
        receiver.answer = lambda _: Answer(422, {"webhook-delivery": "abort-message"})
        stage.deliver()

    assert [row.reason for row in Parked.select()] == ["given_up"] * 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30),
        ({"retry-after": "0"}, 5),
        ({"retry-after": "-1"}, 5),
        ({"retry-after": "1.5"}, 5),
        ({"retry-after": "soon"}, 5),
        ({"retry-after": "1000000000"}, 3600),
        ({"retry-after": "Mon, 02 Mar 2026 09:10:00 GMT"}, 600),
        ({"retry-after": "Mon, 02 Mar 2020 09:00:00 GMT"}, 5),
        ({}, 5),
    ],
)
def test_promise_4_slowing_down_is_not_charged(
    hands: Hands, headers: dict[str, str], seconds: int
) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account)
        receiver.answer = lambda _: Answer(429, headers)
        _busy(account)
        stage.deliver()

        waits = endpoint(id).next_send_at - stage.now()
        assert (waits, endpoint(id).failures) == (seconds * 1000, 0)
        hands.move(seconds=seconds - 1)
        assert stage.deliver() == 0
        hands.move(seconds=1)
        assert stage.deliver() == 1


def test_promise_4_who_asks_for_a_pause_is_sent_less_at_once_until_it_copes(hands: Hands) -> None:
    account = an_account(core=30)
    with Receiver() as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account, max_in_flight=16)
        receiver.answer = 429
        _busy(account)
        stage.deliver()
        halved = endpoints_of.allowance(endpoint(id))
        receiver.answer = 204
        for _ in range(20):
            _busy(account)
        stage.pass_time(seconds=5)

    assert (halved, endpoints_of.allowance(endpoint(id))) == (8, 16)


@pytest.mark.parametrize(
    "goodbye", [Answer(410), Answer(200, {"webhook-delivery": "disable"})], ids=["410", "disable"]
)
def test_promise_4_who_is_gone_is_left_alone(hands: Hands, goodbye: Answer) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, Receiver() as operator, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account)
        stage.endpoint(operator, None, "endpoint.*")
        receiver.answer = lambda _: goodbye
        _busy(account)
        stage.pass_time(hours=2)
        assert (len(receiver.requests), endpoint(id).status) == (1, "gone")
        _busy(account)
        endpoints.enable_endpoint(system(), id)
        receiver.answer = 204
        stage.pass_time(seconds=1)

    assert [e["type"] for e in operator.events] == ["endpoint.gone"]
    assert [e["sequence"] for e in receiver.events[1:]] == [
        event["sequence"] for event in account.log()[-4:]
    ]


def test_promise_4_after_a_week_it_is_tried_once_a_day_and_resumes_by_itself(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, Receiver() as operator, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account)
        stage.endpoint(operator, None, "endpoint.*")
        receiver.answer = 500
        _busy(account)
        stage.pass_time(minutes=10)
        week = 7 * 24 * HOUR - 4 * HOUR
        Endpoint.update(failing_since=stage.now() - week, probes=600).where(
            Endpoint.id == id
        ).execute()
        stage.pass_time(hours=5)
        assert endpoint(id).status == "suspended"
        before = len(receiver.requests)
        stage.pass_time(days=5)
        assert len(receiver.requests) - before in (4, 5)
        receiver.answer = 204
        stage.pass_time(days=1)

        assert endpoint(id).status == "active"
        assert receiver.events[-1]["id"] == account.log()[-1]["id"]
        told = [event["type"] for event in operator.events]

    assert told == ["endpoint.failing"] * 2 + ["endpoint.suspended", "endpoint.resumed"]


def test_promise_10_every_attempt_is_kept(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, "seat.assigned")
        receiver.answer = lambda _: Answer(500, {"content-type": "text/plain"}, b"x" * 5000)
        _busy(account)
        stage.deliver()
        receiver.answer = lambda _: Answer(200, {"content-type": "image/png"}, b"\x89PNG")
        hands.move(seconds=5)
        stage.deliver()

        failed, taken = Attempt.select().order_by(Attempt.id)

    assert (failed.status, failed.verdict, failed.answer) == (500, "endpoint_trouble", "x" * 1024)
    assert (taken.status, taken.verdict, taken.answer) == (200, "delivered", None)
    assert set(failed.milliseconds) >= {"connect", "first_byte", "total"}
    assert failed.event_id == taken.event_id


def test_a_secret_that_cannot_be_read_blocks_its_own_endpoint_only(
    hands: Hands, service: Settings
) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, Receiver() as other, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account)
        settings.put_in_force(replace(service, secret_key="y" * 40))
        stage.endpoint(other, None, "*", "endpoint.*")
        _busy(account)
        stage.pass_time(minutes=1)
        told = {event["type"]: event["data"]["reason"] for event in other.events}
        assert (receiver.requests, len(other.events)) == ([], 3)
        assert told["endpoint.failing"] == "blocked"
        settings.put_in_force(replace(service, former_secret_keys=("y" * 40,)))
        stage.pass_time(minutes=5)

    assert len(receiver.events) == 2
    assert endpoint(id).failing_since is None


def test_a_secret_that_becomes_unreadable_while_a_lane_is_sent_blocks_its_own_endpoint_only(
    hands: Hands, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "EVENTS_IN_HAND", 1)
    account = an_account(core=10)
    with Receiver() as receiver, Receiver() as other, a_stage(hands) as stage:
        stage.endpoint(receiver, account)

        def another_key(_: Received) -> Answer:
            settings.put_in_force(replace(service, secret_key="y" * 40))
            return Answer(204)

        receiver.answer = another_key
        _busy(account)
        stage.pass_time(seconds=1)
        stage.endpoint(other, account)
        _busy(account)
        stage.pass_time(seconds=1)
        assert (len(receiver.events), len(other.events)) == (1, 2)
        receiver.answer = 204
        settings.put_in_force(replace(service, former_secret_keys=("y" * 40,)))
        stage.pass_time(minutes=5)

    assert len(receiver.events) == 4


def test_a_dispatcher_survives_whatever_goes_wrong_in_it(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = an_account(core=10)
    found = [RuntimeError("out of the blue")]

    def fails(endpoint_id: str, most: int, now: int) -> list[Lane]:
        if found:
            raise found.pop()
        return claim(endpoint_id, most, now)

    claim = lanes.claim
    monkeypatch.setattr(lanes, "claim", fails)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        thread = Thread(target=stage.dispatcher.run)
        thread.start()
        _busy(account)
        receiver.wait_for(2)
        stage.dispatcher.stop()
        thread.join()


def test_what_cannot_be_written_of_one_message_does_not_hold_up_the_others(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, other = an_account(core=10), an_account(core=10)

    def fails(tried: Sequence[Tried]) -> None:
        if any(one.log == account.id for one in tried):
            raise ArithmeticError("out of the blue")
        note(tried)

    note = outcomes.note_attempts
    monkeypatch.setattr(outcomes, "note_attempts", fails)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver)
        for company in (account, other):
            _busy(company)
        stage.deliver()

    taken = [event for event in receiver.events if event["account_id"] == other.id]
    assert len(taken) == 2


@pytest.mark.parametrize("how", ["retried", "skipped"])
def test_a_blocked_lane_goes_on_when_somebody_decides(hands: Hands, how: str) -> None:
    account = an_account(core=10)
    with Receiver(422) as receiver, a_stage(hands) as stage:
        id = stage.endpoint(receiver, account, poison_policy=Poison.BLOCK)
        _busy(account)
        stage.pass_time(hours=80)
        assert stage.lane(id, account).state == "blocked"
        first = receiver.events[0]
        receiver.forget()
        receiver.answer = 204
        if how == "retried":
            sending.retry(system(), id, first["id"])
        else:
            replaying.skip(system(), id, account.id, first["sequence"], "sent by hand")
        stage.deliver()

    assert len(receiver.events) == (2 if how == "retried" else 1)
    assert stage.lane(id, account).state == "idle"
