"""Whether the service can work, and why not (/readyz)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from licensing import heartbeats
from licensing.clock import system_time
from licensing.queries import operating
from licensing.scheduler import Scheduler
from tests.http import a_client
from tests.world import Hands, an_account


def _readiness(app: Flask) -> tuple[int, list[str]]:
    answer = a_client(app).get("/readyz")
    return answer.status_code, answer.json.get("troubles", [])


@contextmanager
def _elsewhere(module: Any, name: str, value: Any) -> Iterator[None]:
    """The outside world in another state: its disk, its clock."""
    with pytest.MonkeyPatch.context() as world:
        world.setattr(module, name, value)
        yield


def test_a_service_in_order_is_ready(app: Flask) -> None:
    assert _readiness(app) == (200, [])


def test_a_clock_that_is_not_the_databases_is_a_trouble(app: Flask) -> None:
    with _elsewhere(operating.clock, "system_time", lambda: system_time() - timedelta(seconds=6)):
        assert _readiness(app) == (503, ["clock"])


def test_a_full_disk_is_a_trouble_on_sqlite(app: Flask) -> None:
    on_sqlite = operating.settings.current().on_sqlite

    with _elsewhere(operating, "LEAST_FREE_BYTES", 2**63):
        assert _readiness(app) == ((503, ["disk"]) if on_sqlite else (200, []))


def test_a_thread_that_has_gone_silent_is_missed_until_it_rests(app: Flask) -> None:
    heartbeats.beat("scheduler")
    alive = _readiness(app)
    with _elsewhere(heartbeats, "SECONDS_TO_LIVE", -1.0):
        silent = _readiness(app)
        heartbeats.rest("scheduler")
        ended = _readiness(app)

    assert (alive, silent, ended) == ((200, []), (503, ["scheduler"]), (200, []))


def test_a_scheduler_that_was_stopped_is_not_missed() -> None:
    scheduler = Scheduler()
    scheduler.stop()
    scheduler.run()

    with _elsewhere(heartbeats, "SECONDS_TO_LIVE", -1.0):
        assert heartbeats.silent() == []


def test_a_scheduler_that_works_through_once_is_not_missed_afterwards(hands: Hands) -> None:
    an_account()
    hands.move(days=40)
    Scheduler().work_through()

    with _elsewhere(heartbeats, "SECONDS_TO_LIVE", -1.0):
        assert heartbeats.silent() == []


def test_what_is_asked_often_is_not_logged(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        _readiness(app)

    assert caplog.messages == []
