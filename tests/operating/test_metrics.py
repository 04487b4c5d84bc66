"""What Prometheus is answered."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from licensing import clock, metrics
from licensing.models import Subscription
from tests.http import a_client, calling
from tests.receivers import Answer, Receiver
from tests.webhooks.stage import a_stage
from tests.world import Hands, an_account

TOKEN = "a token of Prometheus"
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
