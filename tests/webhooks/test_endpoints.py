"""Endpoints over HTTP: made, challenged, changed, paused, and reached by their own tenant only."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Scope
from tests.http import Calling, calling
from tests.receivers import Answer, Received, Receiver
from tests.webhooks.stage import a_stage
from tests.world import Hands, an_account
from webhooks.models import Endpoint, Secret
from webhooks.operations.endpoints import MOST_ENDPOINTS

PATH = "/v1/webhook-endpoints"
GOOD = {"url": "https://billing.example.com/seats", "event_types": ["billing"]}


def _make(api: Calling, **more: Any) -> Any:
    answer = api.post(PATH, GOOD | more)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_a_new_endpoint_waits_for_its_challenge_to_be_echoed(app: Flask, hands: Hands) -> None:
    account = an_account(core=10)
    api = calling(app, account, Scope.WEBHOOKS, bound=False)
    with Receiver() as receiver, a_stage(hands) as stage:
        made = _make(api, url=receiver.url, event_types=["*"])
        account.user(seats=[])
        assert made["status"] == "pending"
        stage.deliver()
        stage.deliver()

        shown = api.get(f"{PATH}/{made['id']}").json

    assert (shown["status"], shown["version"]) == ("active", 2)
    assert [e["type"] for e in receiver.events] == ["user.created", "seat.assigned"]
    (sent,) = [r for r in receiver.requests if r.json["type"] == "webhook.verification"]
    assert sent.json["data"]["endpoint_id"] == made["id"]


def _echo(received: Received, how: str) -> Answer:
    challenge = received.json["data"].get("challenge", "")
    return {
        "in a header": Answer(204, {"webhook-challenge": challenge}),
        "as JSON": Answer(
            200, {"content-type": "application/json"}, f'{{"challenge":"{challenge}"}}'.encode()
        ),
        "as text with a line end": Answer(200, {}, f"{challenge}\n".encode()),
        "not at all": Answer(204),
        "another one": Answer(200, {}, b"x" * 32),
        "with an error": Answer(500, {}, challenge.encode()),
        "among other things": Answer(200, {}, f"it was {challenge}".encode()),
        "nested too deep": Answer(200, {}, b"[" * 60_000),
    }[how]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("in a header", "active"),
        ("as JSON", "active"),
        ("as text with a line end", "active"),
        ("not at all", "pending"),
        ("another one", "pending"),
        ("with an error", "pending"),
        ("among other things", "pending"),
        ("nested too deep", "pending"),
    ],
)
def test_a_challenge_is_echoed_or_not(app: Flask, hands: Hands, how: str, status: str) -> None:
    account = an_account(core=10)
    api = calling(app, account, bound=False)
    with Receiver(lambda received: _echo(received, how)) as receiver, a_stage(hands) as stage:
        receiver.answers_challenge = False
        made = _make(api, url=receiver.url)
        stage.pass_time(minutes=10)
        asked = len(receiver.requests)

    assert api.get(f"{PATH}/{made['id']}").json["status"] == status
    assert asked == 1 if status == "active" else 10 <= asked <= 40


def test_who_enables_a_pending_endpoint_vouches_for_it(app: Flask, hands: Hands) -> None:
    account = an_account(core=10)
    api = calling(app, account, bound=False)
    with Receiver() as receiver, a_stage(hands) as stage:
        receiver.answers_challenge = False
        made = _make(api, url=receiver.url, event_types=["*"])
        enabled = api.post(f"{PATH}/{made['id']}/enable").json
        account.user(seats=[])
        stage.deliver()

    assert enabled["status"] == "active"
    assert len(receiver.events) == 2


def test_the_secret_is_shown_once_and_kept_encrypted(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)

    made = _make(api, headers={"Authorization": "Bearer of-the-receiver"})
    shown = api.get(f"{PATH}/{made['id']}")

    assert made["secret"].startswith("whsec_")
    assert "secret" not in shown.json
    assert shown.json["header_names"] == ["Authorization"]
    row, endpoint = Secret.get(), Endpoint.get()
    for hidden in (made["secret"], "of-the-receiver"):
        assert hidden not in shown.text
        assert hidden not in row.sealed + endpoint.headers


def test_own_headers_are_sent(app: Flask, hands: Hands) -> None:
    account = an_account(core=10)
    api = calling(app, account, bound=False)
    with Receiver() as receiver, a_stage(hands) as stage:
        _make(api, url=receiver.url, headers={"X-Tenant": "acme", "Authorization": "Bearer x"})
        stage.deliver()

    assert receiver.requests[0].headers["x-tenant"] == "acme"
    assert receiver.requests[0].headers["authorization"] == "Bearer x"
    assert receiver.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "x"},
        {"content-length": "1"},
        {"Content-Type": "text/plain"},
        {"Transfer-Encoding": "chunked"},
        {"CONNECTION": "close"},
        {"Webhook-Id": "x"},
        {"webhook-signature": "x"},
        {"Proxy-Authorization": "x"},
        {"Cookie": "x"},
        {"Expect": "100-continue"},
        {"X-A": "a\r\nX-B: b"},
        {"X-A": "a\nb"},
        {"X-A": "a\x00"},
        {"X-A": "é"},
        {"X-A": ""},
        {"X-A": " a"},
        {"X-A": "x" * 1025},
        {"X A": "a"},
        {"X:A": "a"},
        {"": "a"},
        {"X-A\r\n": "a"},
        {"X-A": "a", "x-a": "b"},
        {"X-A": 1},
        {f"X-{n}": "a" for n in range(11)},
    ],
)
def test_headers_that_are_ours_or_none_are_refused(app: Flask, headers: dict[str, Any]) -> None:
    api = calling(app, an_account(), bound=False)

    answer = api.post(PATH, GOOD | {"headers": headers})

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"].startswith("/headers")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://billing.example.com/"}, "url_not_allowed"),
        ({"url": "https://localhost/"}, "url_not_allowed"),
        ({"url": "https://10.0.0.1/"}, "url_not_allowed"),
        ({"url": "https://169.254.169.254/latest"}, "url_not_allowed"),
        ({"url": "https://user:password@billing.example.com/"}, "url_not_allowed"),
        ({"url": "https://billing.example.com:22/"}, "url_not_allowed"),
        ({"url": "https://[::1]/"}, "url_not_allowed"),
        ({"url": "ftp://billing.example.com/"}, "url_not_allowed"),
        ({"url": "https://billing.example.com/" + "x" * 2048}, "validation_failed"),
        ({"event_types": []}, "validation_failed"),
        ({"event_types": ["seat.asigned"]}, "event_type_unknown"),
        ({"event_types": ["seats"]}, "event_type_unknown"),
        ({"event_types": ["*.assigned"]}, "event_type_unknown"),
        ({"start": "yesterday"}, "validation_failed"),
        ({"start": -1}, "validation_failed"),
        ({"start": 7}, "start_not_possible"),
        ({"max_in_flight": 0}, "validation_failed"),
        ({"max_in_flight": 17}, "validation_failed"),
        ({"rate": 0}, "validation_failed"),
        ({"poison_policy": "drop"}, "validation_failed"),
        ({"colour": "red"}, "validation_failed"),
    ],
)
def test_what_cannot_be_is_refused(app: Flask, body: dict[str, Any], code: str) -> None:
    api = calling(app, an_account(), bound=False)

    answer = api.post(PATH, GOOD | body)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert Endpoint.select().count() == 0


def test_a_start_beyond_the_log_is_refused(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    last = account.log()[-1]["sequence"]

    assert api.post(PATH, GOOD | {"start": last}).status_code == 201
    assert api.post(PATH, GOOD | {"start": str(last)}).status_code == 201
    assert api.post(PATH, GOOD | {"start": last + 1}).json["code"] == "start_not_possible"


def test_there_is_an_end_to_the_number_of_endpoints(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    for _ in range(MOST_ENDPOINTS):
        _make(api)

    answer = api.post(PATH, GOOD)

    assert (answer.status_code, answer.json["code"]) == (409, "too_many_endpoints")
    assert calling(app, an_account()).post(PATH, GOOD).status_code == 201


def test_a_key_of_one_account_reaches_the_endpoints_of_that_account_only(app: Flask) -> None:
    account, other = an_account(), an_account()
    everything = calling(app, account, bound=False)
    own, foreign, central = (
        _make(calling(app, account)),
        _make(calling(app, other)),
        _make(everything),
    )
    api = calling(app, account)

    assert (own["account_id"], central["account_id"]) == (account.id, None)
    assert [e["id"] for e in api.get(PATH).json["items"]] == [own["id"]]
    assert len(everything.get(PATH).json["items"]) == 3
    for hidden in (foreign["id"], central["id"]):
        for method, path, body in (
            ("GET", "", None),
            ("DELETE", "", None),
            ("POST", "/pause", None),
            ("POST", "/enable", None),
            ("POST", "/secret", {}),
            ("POST", "/ping", None),
            ("POST", "/test", {"type": "seat.assigned"}),
            ("POST", "/recover", {}),
            ("POST", "/replay", {"from_time": "2026-01-01T00:00:00Z"}),
            ("GET", "/lanes", None),
            ("GET", "/parked", None),
            ("GET", "/deliveries", None),
            ("GET", "/deliveries/evt_1", None),
            ("GET", "/replays", None),
        ):
            answer = api.send(method, f"{PATH}/{hidden}{path}", body)
            assert (answer.status_code, answer.json["code"]) == (404, "not_found"), path
    assert api.post(PATH, GOOD | {"account_id": other.id}).status_code == 404


def test_a_change_keeps_what_it_does_not_name(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)
    made = _make(api, headers={"X-A": "a"}, description="Billing")
    path, headers = f"{PATH}/{made['id']}", {"If-Match": '"v1"'}

    same = api.send("PATCH", path, {"headers": {"X-A": "a"}, "rate": None}, headers)
    changed = api.send("PATCH", path, {"event_types": ["seat.*", "seat.*"], "rate": 7}, headers)

    assert (same.json["version"], changed.json["version"]) == (1, 2)
    assert changed.json["event_types"] == ["seat.*"]
    assert (changed.json["rate"], changed.json["header_names"]) == (7, ["X-A"])
    assert changed.json["description"] == "Billing"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "https://127.0.0.2/"}, "url_not_allowed"),
        ({"event_types": ["no.such"]}, "event_type_unknown"),
        ({"headers": {"Host": "x"}}, "validation_failed"),
    ],
)
def test_a_change_to_what_cannot_be_is_refused(
    app: Flask, change: dict[str, Any], code: str
) -> None:
    api = calling(app, an_account(), bound=False)
    made = _make(api)

    answer = api.patch(f"{PATH}/{made['id']}", change, '"v1"')

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert api.get(f"{PATH}/{made['id']}").json["version"] == 1


def test_another_path_on_the_same_host_needs_no_new_challenge(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)
    made = _make(api)
    path = f"{PATH}/{made['id']}"
    api.post(f"{path}/enable")

    same_host = api.patch(path, {"url": "https://billing.example.com/other"}, '"v2"').json
    other_host = api.patch(path, {"url": "https://billing.example.org/other"}, '"v3"').json

    assert (same_host["status"], other_host["status"]) == ("active", "pending")


def test_a_rotation_ends_the_oldest_of_too_many_secrets(app: Flask, hands: Hands) -> None:
    api = calling(app, an_account(), bound=False)
    made = _make(api)
    path = f"{PATH}/{made['id']}"

    secrets = [made["secret"]]
    for _ in range(4):
        hands.move(minutes=1)
        secrets.append(api.post(f"{path}/secret", {"overlap_seconds": 3600}).json["secret"])
    shown = api.get(path).json["secrets"]

    assert len(set(secrets)) == 5
    assert len(shown) == 3
    assert [secret["expires_at"] is None for secret in shown] == [True, False, False]
    hands.move(hours=2)
    assert len(api.get(path).json["secrets"]) == 1


@pytest.mark.parametrize("overlap", [-1, 14 * 24 * 3600 + 1])
def test_an_overlap_has_bounds(app: Flask, overlap: int) -> None:
    api = calling(app, an_account(), bound=False)
    made = _make(api)

    answer = api.post(f"{PATH}/{made['id']}/secret", {"overlap_seconds": overlap})

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")


def test_a_wider_filter_tells_nothing_of_the_past(app: Flask, hands: Hands) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    with Receiver() as receiver, a_stage(hands) as stage:
        made = _make(api, url=receiver.url, event_types=["seat.assigned"])
        account.user(seats=["core"])
        stage.deliver()
        stage.deliver()
        before = len(receiver.events)
        for _ in range(3):
            account.user(seats=[])
        stage.deliver()
        api.patch(f"{PATH}/{made['id']}", {"event_types": ["*"]}, '"v2"')
        account.user(seats=[])
        stage.deliver()

        told = receiver.events[before:]

    assert [e["type"] for e in told] == ["seat.assigned"] * 3 + ["user.created", "seat.assigned"]


def test_a_gone_endpoint_cannot_be_paused(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)
    made = _make(api)
    Endpoint.update(status="gone").execute()

    answer = api.post(f"{PATH}/{made['id']}/pause")

    assert (answer.status_code, answer.json["code"]) == (409, "endpoint_gone")


def test_a_deleted_endpoint_is_gone_with_all_that_was_known_of_it(app: Flask, hands: Hands) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    with Receiver() as receiver, a_stage(hands) as stage:
        made = _make(api, url=receiver.url, event_types=["*"])
        account.user(seats=[])
        stage.deliver()
        api.post(f"{PATH}/{made['id']}/replay", {"from_sequence": 1})
        assert api.delete(f"{PATH}/{made['id']}").status_code == 204
        receiver.forget()
        account.user(seats=[])
        stage.pass_time(minutes=1)

    assert receiver.requests == []
    assert api.get(f"{PATH}/{made['id']}").status_code == 404
    assert Secret.select().count() == 0
