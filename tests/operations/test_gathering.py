"""What a batch writes at its end is what single commands write one after the other (R16, R33)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from licensing.db import Busy, transactional
from licensing.events import Reason
from licensing.models import (
    Account,
    EventSubject,
    Pool,
    PoolFigures,
    Seat,
    SeatHolding,
    Transfer,
    User,
)
from licensing.operations import assigning, gathering, holding, users
from licensing.operations.batches import batch_seats
from licensing.operations.standing import Standing, standing_of
from licensing.operations.user_batches import batch_users
from licensing.rules.batches import Change, LineAction, LineOutcome, NewUser, OnError
from tests.operations.test_batches import NOISE, assign, change, crowd, transfer, unassign
from tests.queries.test_budgets import statements
from tests.world import AnAccount, Hands, a_free_account, an_account

TABLES = (User, Pool, Seat, SeatHolding, PoolFigures, Transfer, EventSubject)
# Which event is the how manieth: what a user may do, and is left with, is told last in a batch.
OF_THE_ORDER = {"sequence", "digest"}


def written(account: AnAccount) -> dict[str, list[str]]:
    """Every row of an account, in any order, with names for ids."""
    names = _names(account)
    found = {table.__name__: _rows(table, account.id) for table in TABLES}
    found["log"] = [
        {name: value for name, value in event.items() if name not in OF_THE_ORDER}
        for event in account.events()
    ]
    found["account"] = [{"last": Account.get_by_id(account.id).last_sequence}]
    rows = {table: sorted(_named(row, names) for row in rows) for table, rows in found.items()}
    in_order = [_named(event, names) for event in found["log"] if not _is_told_at_the_end(event)]
    return rows | {"in order": in_order}


def _is_told_at_the_end(event: dict[str, Any]) -> bool:
    return event["type"] in NOISE or event["data"]["reason"] == Reason.FALLBACK


def _rows(table: Any, account_id: str) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name not in OF_THE_ORDER}
        for row in table.select().where(table.account_id == account_id).dicts()
    ]


def _named(row: dict[str, Any], names: dict[str, str]) -> str:
    text = json.dumps(row, default=str, sort_keys=True)
    for id, name in names.items():
        text = text.replace(id, name)
    return text


def _names(account: AnAccount) -> dict[str, str]:
    """Names for the ids of an account, that say what it is that has the id."""
    people = {user.id: user.email for user in User.select().where(User.account_id == account.id)}
    names = {account.id: "the account", **people}
    for pool in Pool.select().where(Pool.account_id == account.id):
        names |= {pool.id: f"pool of {pool.seat_type}", pool.subscription_id: "its subscription"}
    for event in account.log():
        thing = event["data"]["object"]
        if event["type"] == "seat.assigned":
            names.setdefault(thing["id"], f"{thing['seat_type']} of {people[thing['user_id']]}")
    for transfer_ in Transfer.select().where(Transfer.account_id == account.id):
        names[transfer_.id] = f"transfer of {names[transfer_.seat_id]}"
    for event in account.log():
        thing = event["data"]["object"]
        about = thing.get("id") or thing["user_id"]
        names[event["id"]] = f"{event['type']} of {names.get(about, about)}"
    return names


def a_crowd() -> AnAccount:
    """An account with a crowd of all kinds, the same each time."""
    account = a_free_account()
    account.subscribe(seats={"core": 40})
    account.subscribe("sales", seats={"sales": 40})
    for number in range(8):
        for kind, seats in {
            "none": [], "core": ["core"], "both": ["core", "sales"], "idle": [],
        }.items():  # fmt: skip
            name = f"{kind}{number}"
            more = {"status": "invited"} if kind == "idle" else {}
            account.people[name] = account.user(
                name, seats or None, email=f"{name}@example.com", **more
            )
    return account


def _single(account: AnAccount, line: Change) -> None:
    user = str(line.user.user_id)
    if line.action == LineAction.ASSIGN:
        assigning.assign_seat(account.by, user, line.seat_type)
        return
    seat = account.seat(user, line.seat_type)
    if line.action == LineAction.UNASSIGN:
        assigning.take_back(account.by, seat)
    elif line.to_user is not None:
        assigning.transfer_seat(account.by, seat, str(line.to_user.user_id))
    else:
        assigning.change_seat(account.by, seat, str(line.to_seat_type))


BATCHES: dict[str, Callable[[dict[str, str]], list[Change]]] = {
    "assign": lambda people: [
        assign(people[f"{kind}{n}"]) for n in range(8) for kind in ("none", "idle")
    ],
    "take back, and assign": lambda people: [
        *[unassign(people[f"both{n}"], "sales") for n in range(8)],
        *[assign(people[f"none{n}"], "sales") for n in range(8)],
        *[assign(people[f"core{n}"], "sales") for n in range(8)],
    ],
    "transfer": lambda people: [transfer(people[f"core{n}"], people[f"none{n}"]) for n in range(8)],
    "change": lambda people: [change(people["core0"], "core", "sales")],
    "change nothing": lambda people: [assign(people[f"core{n}"]) for n in range(8)],
}


@pytest.mark.parametrize("lines", BATCHES.values(), ids=BATCHES)
def test_r33_a_batch_leaves_the_rows_that_the_single_commands_leave(
    lines: Callable[[dict[str, str]], list[Change]], hands: Hands
) -> None:
    together, single = a_crowd(), a_crowd()
    hands.move(minutes=1)

    batch = batch_seats(together.by, lines(together.people))
    for line in lines(single.people):
        _single(single, line)

    assert batch.count(LineOutcome.REFUSED) == 0
    assert written(together) == written(single)


def test_r33_a_batch_of_users_leaves_the_rows_that_the_single_commands_leave(hands: Hands) -> None:
    together, single = a_crowd(), a_crowd()
    new = [
        NewUser(f"new{n}@example.com", f"New {n}", seat_types=(("core",), ("sales", "core"))[n % 2])
        for n in range(8)
    ]
    hands.move(minutes=1)

    batch_users(together.by, new)
    for line in new:
        users.create_user(single.by, line.email, line.name, seat_types=line.seat_types)

    assert written(together) == written(single)


def test_r16_a_refused_line_leaves_nothing_beside_the_good_ones(hands: Hands) -> None:
    with_bad_ones, good_alone = a_crowd(), a_crowd()
    hands.move(minutes=1)

    def good(account: AnAccount) -> list[Change]:
        return [assign(account.people[f"none{n}"]) for n in range(8)]

    people = with_bad_ones.people
    bad = [assign("usr_nobody"), unassign(people["idle1"]), assign(people["idle0"], "partner")]
    lines = [line for pair in zip(good(with_bad_ones), bad * 3, strict=False) for line in pair]
    batch = batch_seats(with_bad_ones.by, lines, on_error=OnError.CONTINUE)
    batch_seats(good_alone.by, good(good_alone))

    assert (batch.count(LineOutcome.CHANGED), batch.count(LineOutcome.REFUSED)) == (8, 8)
    assert written(with_bad_ones) == written(good_alone)


def test_r16_whoever_is_given_a_seat_by_a_batch_can_pass_it_on_in_the_same() -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={"sales": 1})
    giver, receiver = account.user(), account.user()

    batch = batch_seats(account.by, [assign(giver), transfer(giver, receiver)])

    assert batch.count(LineOutcome.CHANGED) == 2
    assert (account.seats_of(giver), account.seats_of(receiver)) == (["view_only"], ["core"])


def test_r16_all_that_a_batch_tells_happens_at_one_instant() -> None:
    account = an_account(core=50)
    account.promise("core", low_mark=30)
    people = crowd(account, 40)
    account.from_here()

    batch_seats(account.by, [assign(user) for user in people])

    told = account.events()
    sequences = [event["sequence"] for event in told]
    assert len({event["timestamp"] for event in told}) == 1
    assert sequences == list(range(sequences[0], sequences[0] + len(told)))
    assert account.happened().count("pool.low") == 1


def test_r16_hundreds_of_lines_take_hardly_more_statements_than_ten() -> None:
    def cost(lines: int) -> int:
        account = an_account(core=lines)
        people = crowd(account, lines)
        with statements() as seen:
            batch_seats(account.by, [assign(user) for user in people])
        return len(seen)

    few, many = cost(10), cost(500)

    assert few <= 20, few
    assert many <= few + 10, (few, many)


def test_r11_what_was_counted_in_meanwhile_refuses_the_whole_batch() -> None:
    account = an_account(core=5)
    users_ = crowd(account, 2)
    core = Pool.get(Pool.account_id == account.id, Pool.seat_type == "core")

    @transactional
    def count_in_a_pool_that_is_old(standing: Standing | None = None) -> None:
        assigning.assign_seat(account.by, users_[0], "core")
        standing = standing_of(account.by)
        with gathering.together(account.id, [core]):
            holding.claim_seat(standing, standing.catalogue.seat_type("core"))

    with pytest.raises(Busy):
        count_in_a_pool_that_is_old()

    assert account.numbers("core") == (5, 0, 0)
    assert account.seats_of(users_[0]) == ["view_only"]
