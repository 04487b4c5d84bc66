"""Every two commands on a pool, one in the middle of the other (R11, R15, R19 to R25b)."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from licensing.models import Pool, Seat
from licensing.operations import (
    assigning,
    buying,
    cancelling,
    contracts,
    giving_back,
    scheduled,
    subscriptions,
    suspending,
    tiers,
    users,
)
from licensing.operations.deactivating import SeatsAfterwards
from licensing.operations.subscriptions import Order
from licensing.rules.permissions import Actor, system
from licensing.rules.terms import Interval
from tests.faults.interleaving import Command, Stage, Theatre, a_theatre
from tests.world import (
    NEXT_RENEWAL,
    START,
    AnAccount,
    Hands,
    a_free_account,
    in_which_starter_sells_no_sales,
)

EVERY_POINT = bool(os.environ.get("SEATKEEPER_EVERY_POINT"))
AFTER_THE_RENEWAL = NEXT_RENEWAL + timedelta(hours=1)


# The commands.


def _by(stage: Stage) -> Actor:
    return system(stage.account_id)


def assign(stage: Stage) -> Any:
    return assigning.assign_seat(_by(stage), stage["omar"], "core")


def assign_to_another(stage: Stage) -> Any:
    return assigning.assign_seat(_by(stage), stage["nina"], "core")


def unassign(stage: Stage) -> Any:
    return assigning.take_back(_by(stage), stage["priya's core"])


def unassign_and_give_back(stage: Stage) -> Any:
    return assigning.take_back_and_give_back(_by(stage), stage["priya's core"])


def transfer(stage: Stage) -> Any:
    return assigning.transfer_seat(_by(stage), stage["priya's core"], stage["omar"])


def change_to_sales(stage: Stage) -> Any:
    return assigning.change_seat(_by(stage), stage["priya's core"], "sales")


def change_to_core(stage: Stage) -> Any:
    return assigning.change_seat(_by(stage), stage["rosa's sales"], "core")


def purchase(stage: Stage) -> Any:
    return buying.purchase_seats(_by(stage), "core", 2)


def schedule_a_removal(stage: Stage) -> Any:
    return giving_back.schedule_removal(_by(stage), "core", 1)


def cancel_a_removal(stage: Stage) -> Any:
    return giving_back.cancel_removal(_by(stage), stage["removal"])


def cancel_a_part_of_a_removal(stage: Stage) -> Any:
    return giving_back.cancel_removal(_by(stage), stage["removal"], 1)


def renew(stage: Stage) -> int:
    """As the scheduler does it, but without its log."""
    steps = 0
    while scheduled.do_one(stage.account_id):
        steps += 1
    return steps


def set_the_minimum(stage: Stage) -> Any:
    """To what stays after the removals; whatever the version of the pool is."""
    any_version: Any = None
    changes = {"minimum": int(stage["stays"])}
    return contracts.update_pool(_by(stage), stage["core"], changes, any_version)


def deactivate_with_take_back(stage: Stage) -> Any:
    change = {"status": "deactivated"}
    return users.update_user(
        _by(stage), stage["priya"], change, seats=SeatsAfterwards.TAKE_BACK
    ).user


def check_out_more(stage: Stage) -> Any:
    order = Order("content", "starter", Interval.MONTH, 1, {"core": 1})
    return subscriptions.checkout(_by(stage), order)


def move_up(stage: Stage) -> Any:
    return tiers.change_tier(_by(stage), stage["marketing"], "enterprise")


def move_down_at_the_renewal(stage: Stage) -> Any:
    return tiers.change_tier(_by(stage), stage["sales"], "starter")


def cancel_the_subscription(stage: Stage) -> Any:
    return cancelling.cancel(_by(stage), stage["marketing"])


def resume(stage: Stage) -> Any:
    return cancelling.resume(_by(stage), stage["marketing"])


def suspend(stage: Stage) -> Any:
    return suspending.suspend(_by(stage), stage["marketing"], "unpaid")


def reactivate(stage: Stage) -> Any:
    return suspending.reactivate(_by(stage), stage["marketing"])


COMMANDS = [
    Command(act.__name__, act)
    for act in (
        assign,
        assign_to_another,
        unassign,
        unassign_and_give_back,
        transfer,
        change_to_sales,
        change_to_core,
        purchase,
        schedule_a_removal,
        cancel_a_removal,
        cancel_a_part_of_a_removal,
        set_the_minimum,
        deactivate_with_take_back,
        check_out_more,
        move_up,
        move_down_at_the_renewal,
        cancel_the_subscription,
        resume,
        suspend,
        reactivate,
        renew,
    )
]
NAMED = {command.name: command for command in COMMANDS}


# The stages.


def _an_account(bought: int, removal: int) -> tuple[AnAccount, dict[str, str]]:
    """Two of the core seats are held, one of two sales seats; some of the others are to leave."""
    account = a_free_account()
    marketing = account.subscribe("marketing", seats={"core": bought})
    sales = account.subscribe("sales", seats={"sales": 2})
    priya, rosa = account.user("Priya", seats=["core"]), account.user("Rosa", seats=["sales"])
    account.user("Sam", seats=["core"])
    removed = giving_back.schedule_removal(account.by, "core", removal)
    named = {
        "marketing": marketing,
        "sales": sales,
        "core": account.pool("core")["id"],
        "priya": priya,
        "omar": account.user("Omar"),
        "nina": account.user("Nina"),
        "priya's core": account.seat(priya, "core"),
        "rosa's sales": account.seat(rosa, "sales"),
        "removal": str(removed.id),
        "stays": str(bought - removal),
    }
    return account, named


def _stage(
    name: str,
    bought: int = 5,
    removal: int = 2,
    *before: Callable[[Stage], Any],
    at: datetime = START,
    later: datetime | None = None,
) -> Stage:
    """A stage on which some commands have been done."""
    account, named = _an_account(bought, removal)
    stage = Stage(name, account.id, named, at, later)
    for act in before:
        act(stage)
    stage.keep()
    return stage


def _cancel_sales(stage: Stage) -> Any:
    return cancelling.cancel(_by(stage), stage["sales"])


STAGES: dict[str, Callable[[str], Stage]] = {
    "one seat to spare": _stage,
    "one free seat": lambda name: _stage(name, 3, 1),
    "a term is over": lambda name: _stage(name, at=AFTER_THE_RENEWAL),
    "a term ends meanwhile": lambda name: _stage(
        name, at=NEXT_RENEWAL - timedelta(milliseconds=1), later=NEXT_RENEWAL
    ),
    "sales seats become core seats with the term": lambda name: _stage(
        name, 5, 2, move_down_at_the_renewal, at=AFTER_THE_RENEWAL
    ),
    "the pool moves with the term": lambda name: _stage(
        name, 5, 2, cancel_the_subscription, at=AFTER_THE_RENEWAL
    ),
    "a pool closes with the term": lambda name: _stage(
        name, 5, 2, _cancel_sales, at=AFTER_THE_RENEWAL
    ),
    "suspended": lambda name: _stage(name, 5, 2, suspend),
    "cancelled": lambda name: _stage(name, 5, 2, cancel_the_subscription),
}


@pytest.fixture(autouse=True)
def _a_world_with_consequences() -> Iterator[None]:
    with in_which_starter_sells_no_sales("core"):
        yield


@cache
def _kept(name: str) -> Stage:
    return STAGES[name](name)


@pytest.fixture(scope="module")
def figures(request: pytest.FixtureRequest) -> Iterator["Counter[str]"]:
    """What has been counted, told at the end."""
    counted: Counter[str] = Counter()
    yield counted
    reporter: Any = request.config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line("")
    reporter.write_line(", ".join(f"{count} {what}" for what, count in counted.items()))


@pytest.fixture
def theatre(hands: Hands, figures: "Counter[str]", service: Any) -> Iterator[Theatre]:
    with a_theatre(hands, figures, EVERY_POINT) as theatre:
        yield theatre


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("a", COMMANDS, ids=lambda command: command.name)
def test_all(name: str, a: Command, theatre: Theatre) -> None:
    theatre.hands.move_to(START)
    stage = _kept(name)
    objections = []
    points = theatre.points(stage, a)
    for b in COMMANDS:
        for point in points:
            objection = theatre.objection(stage, a, b, point)
            if objection:
                objections.append(objection)
    assert not objections, f"{len(objections)} objections\n" + "\n\n".join(objections[:3])
