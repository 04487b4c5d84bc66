"""
Whatever is commanded in whatever order, the service does what the rule-book says (F1).

A failure is told as the shortest list of commands that shows it, after some minutes of shortening.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from app import create_app
from licensing import clock, db
from licensing import settings as of_service
from licensing.rules.reading import parse
from tests.conftest import POSTGRES_URL
from tests.faults.commands import Commands
from tests.faults.harness import Database, Harness, a_seed
from tests.faults.machine import Stage
from tests.faults.model import DEFAULT, EVERYWHERE, PAID_TIERS, Catalogue, Person, Pool
from tests.faults.model_billing import Model
from tests.faults.model_people import SEATS, Caller, command
from tests.world import Hands

# So many commands are sent, half of them with each catalogue; a release run sends more.
COMMANDS = 4_000 if POSTGRES_URL else 20_000
COMMANDS_IN_AN_EXAMPLE = 60
COMMANDS_THAT_GET_FAR = 10_000
# A rule that is broken only in a rare case is found by 5,000 on average.
COMMANDS_TO_FIND_A_BUG = 20_000
# Another one each time; to see a failure again, write the printed one here.
SEED: int | None = None

# What takes several commands in a row, so that it shows whether the machine gets that far.
RARE = {
    "a removal gave way",
    "a removal was applied",
    "a pool moved",
    "a pool closed",
    "a tier went down",
    "a subscription ended",
    "a viewer fell to the free tools",
    "an invitation expired",
    "somebody fell back",
}

# A service seat contains a core one (R8); sales is sold from professional on, and becomes core
# where nothing sells it any more (R25).
RICHER = Catalogue(
    {
        "core": EVERYWHERE,
        "sales": {"sales": PAID_TIERS[1:]},
        "service": {"service": PAID_TIERS},
    },
    includes={"service": ("core",)},
    becomes={"sales": "core"},
)
RICHER_IN_TOML = {
    'sold_by = { sales = ["starter", "professional", "enterprise"] }': (
        'sold_by = { sales = ["professional", "enterprise"] }\nbecomes = "core"'
    ),
    "[seat_types.service]\n": '[seat_types.service]\nincludes = ["core"]\n',
}


@contextmanager
def in_which(changes: dict[str, str]) -> Iterator[None]:
    """A world with another catalogue."""
    text = resources.files("licensing.rules").joinpath("catalogue.toml").read_text("utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    before = of_service.current()
    of_service.put_in_force(replace(before, catalogue=parse(text, "a test's catalogue")))
    try:
        yield
    finally:
        of_service.put_in_force(before)


def send(
    stage: Stage, commands: int, chosen: int, phases: tuple[Phase, ...] = tuple(Phase)
) -> None:
    """Send at least so many commands, in examples of some each."""
    if db.on_sqlite():
        db.db.execute_sql("PRAGMA synchronous = off")  # nothing is pulled out of the wall here
    machine = type("TheService", (Commands,), {"stage": stage})
    started, cpu = time.monotonic(), time.process_time()
    while stage.commands < commands:
        left = commands - stage.commands
        with_room(
            run_state_machine_as_test,
            seed(chosen)(machine),
            settings=settings(
                max_examples=left // COMMANDS_IN_AN_EXAMPLE + 1,
                stateful_step_count=COMMANDS_IN_AN_EXAMPLE,
                deadline=None,
                database=None,
                phases=phases,
                print_blob=True,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
        chosen += 1
    took, busy = time.monotonic() - started, time.process_time() - cpu
    told = f"{stage.commands} commands in {took:.0f} s ({busy:.0f} s of processor time)"
    print(told, dict(stage.seen))  # noqa: T201


def with_room(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """Call a function with room for the frames of all that it calls."""
    return call(*args, **more)


# Python keeps its frames in pieces of 16 KiB, each mapped when a call needs it and unmapped with
# the return. So deep under Hypothesis, the recursion of the query builder crosses a border
# thousands of times a second, which costs a quarter of the time. A frame as large as this one gets
# a large piece of its own, in which all others find room.
with_room.__code__ = with_room.__code__.replace(co_stacksize=100_000)


def run(seed: int, size: int) -> Mapping[str, int]:
    """So many commands, half of them with each catalogue; service and model say the same."""
    hands = Hands()
    totals: Counter[str] = Counter()
    with clock.reading(hands.read):
        app = create_app(of_service.current())
        db.db.connect(reuse_if_open=True)  # it has opened the database anew
        for catalogue, changes in ((DEFAULT, {}), (RICHER, RICHER_IN_TOML)):
            with in_which(changes):
                stage = Stage(app, hands, catalogue)
                send(stage, size // 2, seed)
            totals["commands"] += stage.commands
    return totals


HARNESSES = (
    Harness("F1", "a model on SQLite", run, 10_000, plan=30_000),
    Harness("F1", "a model on PostgreSQL", run, 5_000, Database.POSTGRESQL, plan=10_000),
)


def _a_seed() -> int:
    return a_seed() if SEED is None else SEED


def test_r33_service_and_model_say_the_same(app: Flask, hands: Hands) -> None:
    stage = Stage(app, hands, DEFAULT)

    send_far(stage, COMMANDS // 2, RARE)


def test_r25_they_say_the_same_with_seats_that_include_or_become_others(
    app: Flask, hands: Hands
) -> None:
    with in_which(RICHER_IN_TOML):
        stage = Stage(app, hands, RICHER)

        send_far(stage, COMMANDS // 2, RARE | {"a seat became another"})


def send_far(stage: Stage, commands: int, rare: set[str]) -> None:
    """Send so many commands, and as many again, up to three times, until all that is rare came."""
    most = 4 * commands if commands >= COMMANDS_THAT_GET_FAR else commands
    send(stage, commands, _a_seed())
    while not stage.seen.keys() >= rare and stage.commands < most:
        send(stage, stage.commands + commands, _a_seed())
    assert stage.commands >= commands
    # Chance may leave something out where only a few thousand are sent.
    assert stage.commands < COMMANDS_THAT_GET_FAR or stage.seen.keys() >= rare, stage.seen


class WithoutR22(Model):
    """Assigning never makes a removal give way."""

    def reduce_newest(self, pool: Pool) -> None:
        pass


class WithoutR8(Model):
    """A transfer leaves the giver without any seat."""

    @command(SEATS)
    def transfer(self, by: Caller, seat_id: str, to: str) -> str:
        giver, seat_type = self.held(seat_id)
        self.move(giver, seat_type, self.person(to))
        return seat_type


class WithoutR13(Model):
    """An invitation that is over goes on."""

    def is_over(self, person: Person) -> bool:
        return False


class WithoutR25b(Model):
    """From a suspended subscription everything can be had."""

    def refuse_suspended(self, pool: Pool) -> None:
        pass


@pytest.mark.parametrize("broken", [WithoutR22, WithoutR8, WithoutR13, WithoutR25b])
def test_a_rule_that_the_other_side_breaks_is_found(
    app: Flask, hands: Hands, broken: type[Model]
) -> None:
    stage = Stage(app, hands, DEFAULT, model=broken)

    with pytest.raises(AssertionError):
        send(stage, COMMANDS_TO_FIND_A_BUG, _a_seed(), phases=(Phase.generate,))
