"""What Prometheus is answered."""

import socket
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from licensing import clock, db, heartbeats, metrics
from licensing.models import Subscription
from licensing.settings import Settings
from tests.http import a_client, calling
from tests.receivers import Answer, Receiver
from tests.serving import SECONDS_TO_START, started
from tests.webhooks.stage import a_stage
from tests.world import Hands, an_account

TOKEN = "a token of Prometheus"
NOWHERE = "sqlite:////nowhere/seatkeeper.db"
Figures = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture(autouse=True)
def scraped(app: Flask) -> Iterator[None]:
    """A service whose metrics may be read, each time anew."""
    before = app.config["METRICS_TOKEN"], metrics.SECONDS_FRESH
    app.config["METRICS_TOKEN"], metrics.SECONDS_FRESH = TOKEN, 0.0
    yield
    app.config["METRICS_TOKEN"], metrics.SECONDS_FRESH = before


def _scrape(app: Flask) -> Figures:
    answer = a_client(app).get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def _added(app: Flask, before: Figures) -> Figures:
    return {
        key: value - before.get(key, 0)
        for key, value in _scrape(app).items()
        if value != before.get(key, 0)
    }


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer another token", "Basic Og==", "Bearer é"])
def test_metrics_are_for_who_has_the_token(app: Flask, sent: str) -> None:
    answer = a_client(app).get("/metrics", headers={"Authorization": sent})

    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


def test_without_a_token_in_the_settings_there_are_no_metrics(app: Flask) -> None:
    app.config["METRICS_TOKEN"] = ""

    answer = a_client(app).get("/metrics", headers={"Authorization": "Bearer "})

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_requests_and_refusals_are_counted_by_operation(app: Flask) -> None:
    account = an_account(core=1)
    api = calling(app, account)
    holder, other = account.user(), account.user()
    before = _scrape(app)

    api.post("seats", {"user_id": holder, "seat_type": "core"})
    api.post("seats", {"user_id": other, "seat_type": "core"})
    api.get("/v1/made-up-by-the-caller")

    added = _added(app, before)
    assert added["seatkeeper_requests_total", ("assign_seat", "201")] == 1
    assert added["seatkeeper_requests_total", ("assign_seat", "409")] == 1
    assert added["seatkeeper_refusals_total", ("no_seat_available", "assign_seat")] == 1
    assert added["seatkeeper_requests_total", ("none", "404")] == 1
    assert added["seatkeeper_request_seconds_count", ("assign_seat",)] == 2


def test_commands_are_counted_by_what_came_of_them(app: Flask) -> None:
    account = an_account(core=1)
    api = calling(app, account)
    first, second = account.user(), account.user()
    before = _scrape(app)

    for user_id, key in ((first, "one"), (first, "one"), (second, "two"), (second, None)):
        api.post("seats", {"user_id": user_id, "seat_type": "core"}, key)

    added = _added(app, before)
    assert added["seatkeeper_commands_total", ("assign_seat", "done")] == 1
    assert added["seatkeeper_commands_total", ("assign_seat", "refused")] == 2
    assert {command for name, (command, *_) in added if name == "seatkeeper_commands_total"} == {
        "assign_seat"
    }


def test_figures_of_accounts_pools_and_terms_are_looked_up(app: Flask) -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    an_account(core=2)
    overdue = clock.now() - timedelta(hours=2)
    Subscription.update(due_at=overdue).where(Subscription.account_id == account.id).execute()

    figures = _scrape(app)

    assert figures["seatkeeper_accounts", ("active",)] == 2
    assert figures["seatkeeper_pools", ("exhausted",)] == 1
    assert figures["seatkeeper_pools", ("with_free_seats",)] == 1
    assert figures["seatkeeper_scheduler_lag_seconds", ()] == 7200


def test_troubles_are_told_where_readiness_is(app: Flask) -> None:
    heartbeats.beat("scheduler")
    with pytest.MonkeyPatch.context() as world:
        world.setattr(heartbeats, "SECONDS_TO_LIVE", -1.0)
        figures = _scrape(app)
    heartbeats.rest("scheduler")

    troubles = {labels: value for (name, labels), value in figures.items() if "troubles" in name}
    assert troubles == {
        ("clock",): 0,
        ("database",): 0,
        ("disk",): 0,
        ("scheduler",): 1,
        ("schema",): 0,
    }


def test_without_a_database_what_was_counted_is_answered_all_the_same(
    app: Flask, service: Settings
) -> None:
    a_client(app).get("/livez")
    db.close()
    db.open_database(replace(service, database_url=NOWHERE))

    figures = _scrape(app)
    db.open_database(service)

    assert figures["seatkeeper_requests_total", ("get_liveness", "200")] > 0
    assert figures["seatkeeper_troubles", ("database",)] == 1
    assert ("seatkeeper_accounts", ("active",)) not in figures


def test_a_dispatcher_on_its_own_answers_prometheus(service: Settings) -> None:
    environment = {
        "SEATKEEPER_DATABASE_URL": service.database_url,
        "SEATKEEPER_SECRET_KEY": service.secret_key,
    }
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    process = started("dispatch", "--metrics", address, **environment)
    try:
        shown = ""
        while 'seatkeeper_troubles{trouble="dispatcher"} 0.0' not in shown:  # before its first beat
            with _answering(f"http://{address}/metrics") as answer:
                shown = answer.read().decode()
    finally:
        process.kill()
        process.wait(timeout=60)

    assert 'seatkeeper_webhook_endpoints{status="active"} 0.0' in shown


def _answering(url: str) -> Any:
    """The answer, as soon as somebody listens."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            return urllib.request.urlopen(url, timeout=20)  # noqa: S310 ours
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_figures_are_not_read_again_at_once(app: Flask) -> None:
    first = _scrape(app)["seatkeeper_accounts", ("active",)]
    metrics.SECONDS_FRESH = 3600.0
    an_account()

    again = _scrape(app)["seatkeeper_accounts", ("active",)]

    assert (first, again) == (0, 0)


def test_deliveries_are_counted_and_timed_from_the_commit(app: Flask, hands: Hands) -> None:
    account = an_account()
    refuses_one = iter([Answer(500), Answer()])
    with Receiver(lambda _: next(refuses_one)) as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, "user.created")
        before = _scrape(app)
        account.user(seats=[])

        stage.pass_time(minutes=1)
        added = _added(app, before)

    assert added["seatkeeper_deliveries_total", ("delivered",)] == 1
    assert added["seatkeeper_deliveries_total", ("endpoint_trouble",)] == 1
    assert added["seatkeeper_delivery_seconds_count", ()] == 1


def test_lanes_that_wait_and_endpoints_are_looked_up(app: Flask, hands: Hands) -> None:
    account = an_account()
    with Receiver(lambda _: Answer(400)) as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        account.user(seats=[])
        stage.deliver()

        figures = _scrape(app)

    assert figures["seatkeeper_webhook_endpoints", ("active",)] == 1
    assert figures["seatkeeper_webhook_lanes", ("ready",)] == 1
    assert figures["seatkeeper_webhook_parked", ()] == 0
