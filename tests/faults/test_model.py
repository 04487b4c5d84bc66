"""Whatever is commanded in whatever order, the service does what the rule-book says (F1)."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import resources

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from licensing import db
from licensing import settings as service_settings
from licensing.rules.reading import parse
from tests.conftest import POSTGRES_URL
from tests.faults.commands import Commands
from tests.faults.machine import Stage
from tests.faults.model import DEFAULT, Catalogue, Person
from tests.faults.model_commands import Model
from tests.world import Hands

STEPS = 3000
STEPS_IN_AN_EXAMPLE = 60
# Another one each time; to see a failure again, write the printed one here.
SEED: int | None = None


def run(stage: Stage, steps: int, phases: tuple[Phase, ...] = tuple(Phase)) -> None:
    """Send at least so many commands."""
    chosen = secrets.randbelow(2**32) if SEED is None else SEED
    print(f"seed {chosen}")  # noqa: T201 shown when the test fails
    machine = type("TheService", (Commands,), {"stage": stage})
    if not POSTGRES_URL:
        db.db.execute_sql("PRAGMA synchronous = off")  # nothing is pulled out of the wall here
    started, cpu = time.monotonic(), time.process_time()
    run_state_machine_as_test(
        seed(chosen)(machine),
        settings=settings(
            max_examples=steps // STEPS_IN_AN_EXAMPLE,
            stateful_step_count=STEPS_IN_AN_EXAMPLE,
            deadline=None,
            database=None,
            phases=phases,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    took = time.monotonic() - started
    print(f"{stage.commands} commands in {took:.0f} s {time.process_time()-cpu:.1f} cpu")  # noqa: T201


def test_r33_service_and_model_say_the_same(app: Flask, hands: Hands) -> None:
    stage = Stage(app, hands, DEFAULT)

    run(stage, STEPS)

    assert stage.commands >= STEPS
