"""The spans that OpenTelemetry is told of requests, commands and webhooks."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import app as application
from licensing import tracing
from licensing.api import add_api
from licensing.scheduler import Scheduler
from licensing.settings import Settings
from tests.http import Calling, a_client, calling, signed_in
from tests.receivers import Answer, Receiver
from tests.serving import Served, run, served
from tests.webhooks.stage import a_stage
from tests.world import Hands, an_account
from webhooks.api import RESOURCES

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Spans:
    """The spans that have ended so far."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of a name, oldest first."""
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """The only one of a name."""
        names = sorted(span.name for span in self._exporter.get_finished_spans())
        assert names.count(name) == 1, names
        return self.named(name)[0]

    @property
    def told(self) -> str:
        """All that would leave the process."""
        return "".join(span.to_json() for span in self._exporter.get_finished_spans())


@pytest.fixture(scope="module")
def kept() -> Iterator[InMemorySpanExporter]:
    """Where spans are kept."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider.get_tracer("tests"))
    yield exporter
    tracing.use(None)


@pytest.fixture
def spans(kept: InMemorySpanExporter) -> Spans:
    """The spans of this test."""
    kept.clear()
    return Spans(kept)


@pytest.fixture(scope="module")
def traced(kept: InMemorySpanExporter, migrated: Settings) -> Flask:
    """An application that was made while spans are wanted."""
    app = Flask("seatkeeper", static_folder=None)
    add_api(app, migrated, RESOURCES)
    return app


def _parent(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


def _name(span: ReadableSpan) -> str:
    names = span.context
    return f"00-{names.trace_id:032x}-{names.span_id:016x}-{names.trace_flags:02x}"


def test_a_request_is_a_span_of_its_callers_trace_with_its_command_inside(
    traced: Flask, spans: Spans
) -> None:
    account = an_account()
    body = {"user_id": account.user(), "seat_type": "core"}

    answer = calling(traced, account).send("POST", "seats", body, {"traceparent": TRACE})

    request, command = spans.one("POST assign_seat"), spans.one("assign_seat")
    assert _name(request).split("-")[1] == TRACE.split("-")[1]
    assert _parent(request) == TRACE.split("-")[2]
    assert _parent(command) == _name(request).split("-")[2]
    told = dict(request.attributes or {})
    assert told.pop("seatkeeper.actor").startswith("key_")
    assert told == {
        "http.request.method": "POST",
        "http.route": "/v1/accounts/<id:account_id>/seats",
        "http.response.status_code": 201,
        "seatkeeper.request_id": answer.headers["X-Request-Id"],
        "seatkeeper.account_id": account.id,
    }
    assert command.attributes == {"seatkeeper.outcome": "done"}


def test_a_command_with_an_idempotency_key_has_its_own_name(traced: Flask, spans: Spans) -> None:
    account = an_account()
    body = {"user_id": account.user(), "seat_type": "core"}

    calling(traced, account).post("seats", body, key="once")

    assert spans.one("assign_seat")


def test_a_refusal_is_told_by_its_code_and_is_no_failure(traced: Flask, spans: Spans) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    body = {"user_id": account.user(), "seat_type": "core"}

    calling(traced, account).post("seats", body)

    request, command = spans.one("POST assign_seat"), spans.one("assign_seat")
    assert (request.attributes or {})["seatkeeper.code"] == "no_seat_available"
    assert (command.attributes or {})["seatkeeper.outcome"] == "refused"
    assert request.status.is_ok
    assert command.status.is_ok


def test_a_path_that_does_not_exist_gives_no_span_its_name(traced: Flask, spans: Spans) -> None:
    a_client(traced).open("/v1/made-up", method="MADEUP")

    request = spans.one("HTTP")
    assert (request.attributes or {})["http.response.status_code"] == 404
    assert "made" not in spans.told.lower()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_what_is_asked_every_few_seconds_has_no_span(
    traced: Flask, spans: Spans, path: str
) -> None:
    a_client(traced).get(path)

    assert spans.told == ""


@pytest.mark.parametrize("sent", [TRACE, ""])
def test_a_webhook_is_sent_in_the_trace_of_the_request_that_caused_it(
    traced: Flask, spans: Spans, hands: Hands, sent: str
) -> None:
    account = an_account()
    body = {"user_id": account.user(), "seat_type": "core"}
    headers = {"traceparent": sent} if sent else {}
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, "seat.assigned")
        calling(traced, account).send("POST", "seats", body, headers)
        stage.deliver()

    request, delivery = spans.one("POST assign_seat"), spans.one("webhook delivery")
    (received,) = receiver.requests
    assert received.json["data"]["traceparent"] == _name(request)
    assert _parent(delivery) == _name(request).split("-")[2]
    assert received.headers["traceparent"] == _name(delivery)
    told = delivery.attributes or {}
    assert told["seatkeeper.event_id"] == received.json["id"]
    assert (told["seatkeeper.verdict"], told["http.response.status_code"]) == ("delivered", 204)


def test_a_webhook_that_is_refused_is_a_failure(traced: Flask, spans: Spans, hands: Hands) -> None:
    account = an_account()
    with Receiver(500) as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, "user.created")
        account.user(seats=[])
        stage.deliver()

    delivery = spans.one("webhook delivery")
    assert not delivery.status.is_ok
    assert (delivery.attributes or {})["error.type"] == "endpoint_trouble"


def test_what_comes_due_by_itself_has_a_trace_that_its_events_carry(
    spans: Spans, hands: Hands
) -> None:
    account = an_account()
    hands.move(days=40)

    Scheduler().work_through()

    renewals = [event for event in account.events() if event["type"] == "subscription.renewed"]
    parents = {span.context.trace_id for span in spans.named("do_one")}
    told = {int(event["data"]["traceparent"].split("-")[1], 16) for event in renewals}
    assert renewals
    assert told <= parents


def _a_story(traced: Flask, hands: Hands) -> list[str]:
    """All kinds of requests; returns what no span may hold of it."""
    account = an_account(name="Canary Company")
    api = calling(traced, account)
    person = {"email": "canary@example.com", "name": "Canary Person", "status": "active"}
    with Receiver(lambda _: Answer(500, {}, b"canary of a receiver")) as receiver:
        with a_stage(hands) as stage:
            stage.endpoint(receiver, account)
            user = api.post("users", person).json["id"]
            api.post("users", person)  # refused, with the address in its words
            api.get("users?search=canary-query")
            api.post("seats", {"user_id": user, "seat_type": "core"}, key="canary-key")
            api.patch(f"users/{user}", {"name": "Canary Renamed"})
            signed_in(traced, account, user).get("pools")
            Calling(a_client(traced), "sk_canary_token", account.id).get("users")
            api.get("/v1/canary-path?email=canary")
            stage.deliver()
        secrets = [*stage.secrets.values(), api.headers["Authorization"].split()[1]]
    return ["canary", receiver.host, *secrets]


def test_no_span_holds_a_secret_or_what_somebody_typed(
    traced: Flask, spans: Spans, hands: Hands
) -> None:
    forbidden = _a_story(traced, hands)

    told = spans.told.lower()
    assert told.count('"seatkeeper.request_id"') == 8
    assert [word for word in forbidden if word.lower() in told] == []
    with tracing.work("what a careless change would do") as span:
        span.say({"user.email": "Canary@example.com"})
    assert "canary" in spans.told.lower()


def test_without_a_place_to_send_spans_to_nothing_of_the_library_is_loaded(tmp_path: Path) -> None:
    ended = run(cwd=tmp_path, program="tests.operating.untraced:main")

    assert (ended.stdout, ended.returncode) == ("None []\n", 0), ended.stderr


def _collected(collector: Receiver) -> list[Any]:
    """The spans that came in, with the attributes of the process that they are of."""
    found = []
    for request in collector.requests:
        message = ExportTraceServiceRequest.FromString(request.body)
        for resource in message.resource_spans:
            of = {one.key: one.value.string_value for one in resource.resource.attributes}
            found += [(of, span) for scope in resource.scope_spans for span in scope.spans]
    return found


def _ask(running: Served) -> None:
    asked = urllib.request.Request(f"{running.address}/v1/accounts?limit=1")  # noqa: S310 ours
    asked.add_header("Authorization", f"Bearer {running.key}")
    with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 the same
        assert answer.status == 200


def test_a_served_process_sends_what_it_has_to_a_collector_before_it_ends(tmp_path: Path) -> None:
    with (
        Receiver(200) as collector,
        served(
            tmp_path,
            "--demo",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="3600000",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        ) as running,
    ):
        _ask(running)
        running.process.terminate()
        running.process.wait(timeout=60)

    found = _collected(collector)
    assert "GET list_accounts" in {span.name for _, span in found}
    assert {request.path for request in collector.requests} == {"/v1/traces"}
    (of,) = {json.dumps(of, sort_keys=True) for of, _ in found}
    expected = {"service.name": "seatkeeper", "deployment.environment.name": "test"}
    assert expected.items() <= json.loads(of).items()
    assert running.key.encode() not in b"".join(request.body for request in collector.requests)


def serve_without_the_library() -> None:
    """What `seatkeeper` does where the extra is not installed."""
    sys.modules["opentelemetry"] = None  # type: ignore[assignment]
    application.main()


def test_without_the_extra_the_service_starts_the_same_and_says_what_is_missing(
    tmp_path: Path,
) -> None:
    with served(
        tmp_path,
        "--demo",
        program=f"{__name__}:serve_without_the_library",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318",
    ) as running:
        _ask(running)

    assert "pip install 'seatkeeper[otel]'" in running.printed
