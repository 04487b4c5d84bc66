"""What operators do by hand: ping, test, retry, replay, recover, skip; and what they see."""

from typing import Any

import pytest
from flask import Flask

from tests.emitted import check_event
from tests.http import calling
from tests.receivers import Answer, Receiver
from tests.webhooks.stage import Stage, a_stage
from tests.world import Hands, an_account
from webhooks.event_types import NAMES
from webhooks.models import Parked

PATH = "/v1/webhook-endpoints"


class Scene:
    """An account with an endpoint that has taken the events of three users."""

    def __init__(self, app: Flask, receiver: Receiver, stage: Stage, *types: str) -> None:
        self.account = an_account(core=10)
        self.api = calling(app, self.account, bound=False)
        self.id = stage.endpoint(receiver, self.account, *(types or ("user.created",)))
        self.path = f"{PATH}/{self.id}"
        for name in ("Priya", "Noah", "Mei"):
            self.account.user(name, seats=[])
        stage.deliver()

    def get(self, path: str) -> Any:
        """What an operator reads."""
        return self.api.get(f"{self.path}/{path}").json

    def post(self, path: str, body: Any = None) -> Any:
        """What an operator has done."""
        answer = self.api.post(f"{self.path}/{path}", body)
        assert answer.status_code in (200, 201), answer.json
        return answer.json

    @property
    def lane(self) -> Any:
        """How far the endpoint is in the account."""
        (lane,) = self.get(f"lanes?account_id={self.account.id}")["items"]
        return lane


def _ids(receiver: Receiver) -> list[str]:
    return [event["id"] for event in receiver.events]


def test_a_ping_says_what_came_back_and_changes_nothing(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        before = scene.api.get(scene.path).json
        for status in (204, 410, 500):
            answer = Answer(status, {"content-type": "text/plain"}, b"hello")
            receiver.answer = lambda _, answer=answer: answer
            attempt = scene.post("ping")

            assert (attempt["status"], attempt["occasion"], attempt["event_type"]) == (
                status,
                "ping",
                "webhook.ping",
            )
            assert receiver.requests[-1].json["type"] == "webhook.ping"
            check_event(app, receiver.requests[-1].json)
            assert scene.api.get(scene.path).json == before


def test_a_ping_of_nobody_says_so(app: Flask, hands: Hands) -> None:
    with a_stage(hands) as stage:
        with Receiver() as receiver:
            scene = Scene(app, receiver, stage)
        attempt = scene.post("ping")

    assert (attempt["status"], attempt["failure"], attempt["outcome"]) == (
        None,
        "connect",
        "endpoint_trouble",
    )
    assert attempt["detail"]


def test_an_example_of_every_type_can_be_sent(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        attempts = {kind: scene.post("test", {"type": kind}) for kind in sorted(NAMES)}
        sent = {request.json["type"]: request.json for request in receiver.requests}

    for kind, attempt in attempts.items():
        assert (attempt["status"], attempt["occasion"]) == (204, "test")
        assert sent[kind]["test"] is True
        check_event(app, sent[kind])


def test_a_type_that_there_is_not_is_refused(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        answer = scene.api.post(f"{scene.path}/test", {"type": "seat.asigned"})

    assert (answer.status_code, answer.json["code"]) == (422, "event_type_unknown")


def test_what_was_sent_is_listed_newest_first_with_every_attempt(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        receiver.answer = 503
        scene.account.user("Zoë", seats=[])
        stage.deliver()
        hands.move(seconds=10)
        stage.deliver()
        sent = _ids(receiver)
        listed = scene.get("deliveries")["items"]
        failed = scene.get("deliveries?outcome=endpoint_trouble")["items"]
        early = scene.get("deliveries?until=2026-03-02T09:00:01Z")["items"]
        detail = scene.get(f"deliveries/{sent[-1]}")

    assert [item["event_id"] for item in listed] == [sent[3], *reversed(sent[:3])]
    assert [(item["state"], item["attempt_count"]) for item in listed] == [
        ("next", 2),
        ("delivered", 1),
        ("delivered", 1),
        ("delivered", 1),
    ]
    assert [item["event_id"] for item in failed] == [sent[3]]
    assert [item["event_id"] for item in early] == list(reversed(sent[:3]))
    assert [attempt["status"] for attempt in detail["attempts"]] == [503, 503]
    assert detail["attempts"][0]["created_at"] > detail["attempts"][1]["created_at"]


def test_deliveries_can_be_filtered_by_account_and_type(app: Flask, hands: Hands) -> None:
    other = an_account(core=10)
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        central = stage.endpoint(receiver, None, "user.created", "seat.assigned")
        for company in (scene.account, other):
            company.user(seats=["core"])
        stage.deliver()
        path = f"{PATH}/{central}/deliveries"
        of_other = scene.api.get(f"{path}?account_id={other.id}").json["items"]
        of_type = scene.api.get(f"{path}?event_type=seat.assigned").json["items"]

    assert {item["account_id"] for item in of_other} == {other.id}
    assert len(of_other) == 2
    assert {item["account_id"] for item in of_type} == {other.id, scene.account.id}


def test_a_delivered_event_can_be_sent_again_as_it_was(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        event_id = _ids(receiver)[1]
        retried = scene.post(f"deliveries/{event_id}/retry")
        lane = scene.lane

    assert _ids(receiver)[3:] == [event_id]
    assert receiver.requests[3].body == receiver.requests[1].body
    assert (retried["state"], retried["attempts"][0]["occasion"]) == ("delivered", "retry")
    assert (lane["state"], lane["waiting"]) == ("idle", 0)


def test_a_retry_brings_the_next_event_of_a_lane_forward(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        receiver.answer = 422
        for name in ("Zoë", "Ann"):
            scene.account.user(name, seats=[])
        stage.pass_time(hours=2)
        waiting = [e["id"] for e in scene.account.log() if e["type"] == "user.created"][-2:]
        before = scene.get(f"deliveries/{waiting[0]}")["state"]
        behind = scene.api.post(f"{scene.path}/deliveries/{waiting[1]}/retry")
        receiver.answer = 204
        scene.post(f"deliveries/{waiting[0]}/retry")
        stage.deliver()

    assert before == "next"
    assert (behind.status_code, behind.json["code"]) == (409, "delivery_waits")
    assert _ids(receiver)[-2:] == waiting


def test_an_event_that_was_never_to_be_sent_cannot_be_retried(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        not_asked_for = scene.account.log()[0]["id"]
        for event_id in ("evt_none", not_asked_for):
            answer = scene.api.post(f"{scene.path}/deliveries/{event_id}/retry")
            assert (answer.status_code, answer.json["code"]) == (404, "not_found")
            assert scene.api.get(f"{scene.path}/deliveries/{event_id}").status_code == 404


@pytest.mark.parametrize("by", ["sequence", "time"])
def test_a_replay_sends_a_part_of_the_log_again(app: Flask, hands: Hands, by: str) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        hands.move(minutes=5)
        first = receiver.events[1]
        start = {
            "sequence": {"from_sequence": first["sequence"]},
            "time": {"from_time": "2026-03-02T09:00:00Z"},
        }[by]
        count = 2 if by == "sequence" else 3
        rehearsed = scene.post("replay", start | {"dry_run": True})
        assert stage.deliver() == 0
        replay = scene.post("replay", start)
        scene.account.user("Zoë", seats=[])
        stage.deliver()
        done = scene.get(f"replays/{replay['id']}")
        listed = scene.get("replays")["items"]

    assert rehearsed["events"] == replay["events"] == count
    assert (replay["status"], replay["events_sent"]) == ("running", 0)
    assert (done["status"], done["events_sent"]) == ("done", count)
    assert [item["id"] for item in listed] == [replay["id"]]
    sent = receiver.events
    again = sent[3:]
    assert [e["id"] for e in again[:-1]] == [e["id"] for e in sent[3 - count : 3]]
    assert again[-1]["data"]["object"]["name"] == "Zoë"
    assert [r.body for r in receiver.requests[3:-1]] == [
        r.body for r in receiver.requests[3 - count : 3]
    ]


def test_a_replay_keeps_its_rate_and_tells_its_progress(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        for _ in range(7):
            scene.account.user(seats=[])
        stage.deliver()
        receiver.forget()
        replay = scene.post("replay", {"from_sequence": 1, "rate": 2})
        progress = []
        for _ in range(4):
            stage.deliver()
            progress.append(scene.get(f"replays/{replay['id']}")["events_sent"])
            hands.move(milliseconds=500)

    assert progress == [1, 2, 3, 4]


def test_a_replay_skips_nothing_that_was_still_to_be_sent(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        receiver.answer = 500
        for _ in range(3):
            scene.account.user(seats=[])
        stage.deliver()
        last = scene.account.log()[-1]["sequence"]
        receiver.forget()
        receiver.answer = 204
        scene.post("replay", {"from_sequence": last})
        stage.pass_time(minutes=2)

    assert len(receiver.events) == 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"account_id": "acc_none"}, 404, "not_found"),
        ({"from_sequence": 0}, 422, "validation_failed"),
        ({"rate": 0}, 422, "validation_failed"),
    ],
)
def test_a_replay_of_what_is_not_there_is_refused(
    app: Flask, hands: Hands, body: dict[str, Any], status: int, code: str
) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        answer = scene.api.post(f"{scene.path}/replay", body)

    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_sequence_is_one_of_one_account(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        central = stage.endpoint(receiver)
        answer = scene.api.post(f"{PATH}/{central}/replay", {"from_sequence": 1})

    assert (answer.status_code, answer.json["code"]) == (422, "start_not_possible")


def _skipped(scene: Scene, receiver: Receiver, stage: Stage) -> list[dict[str, Any]]:
    """Three events that the receiver refuses, of which two are skipped."""
    receiver.answer = 422
    for name in ("Zoë", "Ann", "Bob"):
        scene.account.user(name, seats=[])
    stage.deliver()
    refused = [e for e in scene.account.log() if e["type"] == "user.created"][-3:]
    receiver.answer = 204
    body = {
        "account_id": scene.account.id,
        "through_sequence": refused[1]["sequence"],
        "reason": "sent by hand",
    }
    items = scene.post("skip", body)["items"]
    assert [item["event_id"] for item in items] == [e["id"] for e in refused[:2]]
    return refused


def test_what_is_skipped_is_parked_with_the_reason(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        refused = _skipped(scene, receiver, stage)
        stage.deliver()
        parked = scene.get("parked")["items"]
        state = scene.get(f"deliveries/{refused[0]['id']}")["state"]

    assert receiver.events[-1]["id"] == refused[2]["id"]
    assert receiver.events[-1]["previous_sequence"] == refused[1]["sequence"]
    assert [item["note"] for item in parked] == ["sent by hand"] * 2
    assert [item["reason"] for item in parked] == ["skipped"] * 2
    assert state == "parked"


def test_recovering_sends_what_is_parked_in_order(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        refused = _skipped(scene, receiver, stage)
        stage.deliver()
        receiver.forget()
        assert scene.post("recover", {}) == {"events": 2}
        stage.pass_time(seconds=5)
        left = scene.get("parked")["items"]

    assert _ids(receiver) == [e["id"] for e in refused[:2]]
    assert left == []


def test_what_is_refused_again_stays_parked(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        _skipped(scene, receiver, stage)
        stage.deliver()
        receiver.answer = 422
        scene.post("recover", {})
        stage.pass_time(hours=1)
        parked = scene.get("parked")["items"]
        retried = scene.post(f"deliveries/{parked[0]['event_id']}/retry")
        assert retried["state"] == "parked"
        receiver.answer = 204
        retried = scene.post(f"deliveries/{parked[0]['event_id']}/retry")

    assert [item["recovering"] for item in parked] == [False, False]
    assert retried["state"] == "delivered"
    assert Parked.select().count() == 1


def test_nothing_is_skipped_that_does_not_wait(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        body = {"account_id": scene.account.id, "through_sequence": 99, "reason": "x"}
        answer = scene.api.post(f"{scene.path}/skip", body)
        unknown = scene.api.post(f"{scene.path}/skip", body | {"account_id": "acc_none"})

    assert (answer.status_code, answer.json["code"]) == (409, "nothing_to_skip")
    assert unknown.status_code == 404


def test_the_lanes_show_how_far_an_endpoint_is(app: Flask, hands: Hands) -> None:
    with Receiver() as receiver, a_stage(hands) as stage:
        scene = Scene(app, receiver, stage)
        receiver.answer = 500
        for _ in range(4):
            scene.account.user(seats=[])
        stage.deliver()
        lane = scene.lane
        lag = scene.api.get(scene.path).json["lag"]
        receiver.answer = 204
        stage.pass_time(minutes=1)
        assert scene.api.get(scene.path).json["lag"] == 0

    created = [e["sequence"] for e in scene.account.log() if e["type"] == "user.created"]
    assert (lane["state"], lane["waiting"]) == ("ready", 4)
    assert (lane["cursor"], lane["head"]) == (created[-4] - 1, created[-1])
    assert lag == created[-1] - created[-4] + 1
