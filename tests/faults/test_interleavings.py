"""Every two commands on a pool, one in the middle of the other (R11, R15, R19 to R25b)."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from licensing import events
from licensing.db import transactional
from licensing.events import EventType
from licensing.models import Pool, Subscription
from licensing.operations import (
    assigning,
    batches,
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
from licensing.operations.standing import standing_of
from licensing.operations.subscriptions import Order
from licensing.rules.batches import Change, LineAction, Named
from licensing.rules.permissions import Actor, system
from licensing.rules.pools import spare
from licensing.rules.terms import Interval
from tests.faults.interleaving import Command, Stage, Theatre, a_theatre, clear
from tests.world import (
    NEXT_RENEWAL,
    START,
    AnAccount,
    Hands,
    a_free_account,
    in_which_starter_sells_no_sales,
)

# Every pair on every stage, stopped before every statement: for an hour of the night.
EVERYTHING = bool(os.environ.get("SEATKEEPER_EVERY_INTERLEAVING"))
SHOWN = 8


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


def batch(stage: Stage) -> Any:
    """One seat changes hands, and one more is given."""
    lines = [
        Change(LineAction.UNASSIGN, Named(stage["priya"]), "core"),
        Change(LineAction.ASSIGN, Named(stage["omar"]), "core"),
        Change(LineAction.ASSIGN, Named(stage["nina"]), "core"),
    ]
    return [line.outcome for line in batches.batch_seats(_by(stage), lines).lines]


def renew(stage: Stage) -> None:
    """The first thing that is due, as the scheduler does it."""
    scheduled.do_one(stage.account_id)


def set_the_minimum(stage: Stage) -> Any:
    """To what stays after the removals; whatever the version of the pool is."""
    any_version: Any = None
    changes = {"minimum": int(stage["stays"])}
    return contracts.update_pool(_by(stage), stage["core"], changes, any_version)


def deactivate_with_take_back(stage: Stage) -> Any:
    change = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}
    return users.update_user(_by(stage), stage["priya"], change).user


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
    Command(act.__name__, act, passes_over=act is renew)
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
        batch,
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
    hands: Hands,
    bought: int = 5,
    removal: int = 2,
    before: Callable[[Stage], Any] | None = None,
    about: tuple[Callable[[Stage], Any], ...] = (),
    at: datetime = START,
    later: datetime | None = None,
) -> Stage:
    """
    A stage on which a command may have been done `before`.

    Where a term ends meanwhile, its end is what is due next: the renewals have been told.
    """
    hands.move_to(START)
    account, named = _an_account(bought, removal)
    names = tuple(command.__name__ for command in about)
    stage = Stage(name, account.id, named, at, later, names)
    if before:
        before(stage)
    if later:
        hands.move_to(at)
        renew(stage)
        renew(stage)
    stage.keep()
    return stage


def _cancel_sales(stage: Stage) -> Any:
    return cancelling.cancel(_by(stage), stage["sales"])


RENEWAL = {"about": (renew,), "at": NEXT_RENEWAL + timedelta(hours=1)}
MIDNIGHT = {
    "about": (purchase,),
    "at": NEXT_RENEWAL - timedelta(milliseconds=1),
    "later": NEXT_RENEWAL + timedelta(seconds=1),
}
STAGES: dict[str, dict[str, Any]] = {
    "one seat to spare": {},
    "one free seat": {"bought": 3, "removal": 1, "about": (assign, change_to_core)},
    "a term is over": RENEWAL,
    "a term ends meanwhile": MIDNIGHT,
    "sales seats become core seats with the term": RENEWAL | {"before": move_down_at_the_renewal},
    "the pool moves with the term": RENEWAL | {"before": cancel_the_subscription},
    "a pool closes with the term": RENEWAL | {"before": _cancel_sales},
    "suspended": {"before": suspend, "about": (reactivate,)},
    "cancelled": {"before": cancel_the_subscription, "about": (resume,)},
}


@pytest.fixture(autouse=True)
def _a_world_with_consequences() -> Iterator[None]:
    with in_which_starter_sells_no_sales("core"):
        yield


_kept: dict[str, Stage] = {}


def _set(name: str, theatre: Theatre) -> Stage:
    """A stage, which is made once: a copy has the same ids in every test's database."""
    if name not in _kept:
        _kept[name] = _stage(name, theatre.hands, **STAGES[name])
        clear()
    return _kept[name]


@pytest.fixture(scope="module")
def figures(request: pytest.FixtureRequest) -> Iterator["Counter[str]"]:
    """What has been counted, told at the end."""
    counted: Counter[str] = Counter()
    yield counted
    told = ", ".join(f"{count} {what}" for what, count in counted.items())
    plugins = request.config.pluginmanager
    with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
        plugins.get_plugin("terminalreporter").write_line(f"\n{told}")


@pytest.fixture
def theatre(hands: Hands, figures: "Counter[str]", service: Any) -> Iterator[Theatre]:
    with a_theatre(hands, figures, EVERYTHING) as theatre:
        yield theatre


def _pairs(theatre: Theatre, stage: Stage) -> list[tuple[Command, Command]]:
    """The ordered pairs that are to meet on a stage."""
    pairs = list(product(COMMANDS, repeat=2))
    if EVERYTHING:
        return pairs
    if stage.about:
        return [pair for pair in pairs if {command.name for command in pair} & {*stage.about}]
    able = {command for command in COMMANDS if theatre.does_something(stage, command)}
    return [pair for pair in pairs if able.issuperset(pair)]


@pytest.mark.parametrize("name", STAGES)
def test_r11_one_in_the_middle_of_the_other_is_as_one_after_the_other(
    name: str, theatre: Theatre
) -> None:
    stage = _set(name, theatre)
    pairs = _pairs(theatre, stage)
    theatre.figures["pairs"] += len(pairs)

    objections = [text for a, b in pairs for text in theatre.objections(stage, a, b)]

    assert not objections, f"{len(objections)} objections\n" + "\n\n".join(objections[:SHOWN])
    assert not theatre.wire.collisions, "all commands lock in the same order"


def test_r11_every_ordered_pair_meets_on_some_stage(theatre: Theatre) -> None:
    met = {pair for name in STAGES for pair in _pairs(theatre, _set(name, theatre))}

    missed = set(product(COMMANDS, repeat=2)) - met
    assert not missed, sorted((a.name, b.name) for a, b in missed)


# The negative control: who reads first and writes back what was read.


def shrink_naively(stage: Stage) -> int:
    of_account = Pool.account_id == stage.account_id
    pool = Pool.get(of_account, Pool.id == stage["core"])
    Subscription.get(Subscription.account_id == stage.account_id, Subscription.status == "active")
    return _write_back(_by(stage), pool) if spare(pool) >= 1 else 0


@transactional
def _write_back(actor: Actor, pool: Pool) -> int:
    standing = standing_of(actor)
    pool.purchased -= 1
    pool.version += 1
    pool.save()
    shown, numbers = standing.pool(pool), standing.pool_numbers(pool)
    events.record(actor, EventType.POOL_UPDATED, shown, pool=numbers)
    return 1


@pytest.mark.parametrize("other", [assign, unassign, purchase, schedule_a_removal])
def test_r11_the_harness_catches_who_reads_before_he_writes(
    other: Callable[[Stage], Any], theatre: Theatre
) -> None:
    stage = _set("one seat to spare", theatre)
    naive, meets = Command("shrink naively", shrink_naively), NAMED[other.__name__]

    before_it_read = theatre.objection(stage, naive, meets, 0)
    after_it_read = theatre.objection(stage, naive, meets, 1)

    assert before_it_read is None
    assert after_it_read is not None
    assert "pools" in after_it_read
