"""What is asked most often finds its rows through an index also where there are many."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from licensing import clock, ids
from licensing.compiled import Statement, compiled, in_parts
from licensing.db import db, look_at_tables, on_sqlite, transactional
from licensing.models import Seat, SeatHolding, User
from licensing.operations import assigning
from licensing.operations.batches import batch_seats
from licensing.queries import actors, entitlements, seats, users
from licensing.queries.cursors import Window
from licensing.queries.seats_table import Sort, seats_table
from licensing.rules.batches import Change, LineAction, Named
from tests.counting import asked
from tests.world import AnAccount, an_account

MANY = 10_000
CROWDED = (User, Seat, SeatHolding)
SOME_TOKEN = f"sk_{'0' * 32}_nothing"


def _person(account: AnAccount, number: int) -> dict[type[Any], dict[str, Any]]:
    now, name = clock.now(), f"Somebody {number}"
    user, seat = ids.new("usr"), ids.new("seat")
    held = {"account_id": account.id, "user_id": user, "seat_type": "view_only"}
    return {
        User: {
            "account_id": account.id, "id": user, "email": f"crowd{number}@example.com",
            "email_key": f"crowd{number}@example.com", "name": name, "name_key": name.lower(),
            "search_text": name.lower(), "status": "active", "permissions": [],
            "partner_eligible": False, "holds_exclusive": True, "holding": "unpaid",
            "open_requests": 0, "metadata": {}, "version": 1, "created_at": now,
        },
        Seat: held | {
            "id": seat, "exclusive": True, "assigned_at": now, "assigned_by_type": "system",
            "assigned_by_id": "crowd", "version": 1, "created_at": now,
        },
        SeatHolding: held | {"sequence": 10**6 + number, "seat_id": seat, "starts_at": now},
    }  # fmt: skip


@pytest.fixture
def crowded() -> Iterator[AnAccount]:
    """An account of many users among others that have some; they go again, since no event tells."""
    accounts = [an_account(core=20) for _ in range(5)]
    whose = [*accounts, *[accounts[0]] * 5]
    _write([_person(whose[number % len(whose)], number) for number in range(MANY)])
    db.execute_sql("ANALYZE")
    look_at_tables()  # as the service does, which keeps no samples
    yield accounts[0]
    _forget()
    db.execute_sql("ANALYZE")


@transactional
def _write(people: list[dict[type[Any], dict[str, Any]]]) -> None:
    for table in CROWDED:
        columns = tuple(people[0][table])
        insert = _inserting(table, columns)
        for part in in_parts(people, 50):
            insert.run(tuple(tuple(person[table].values()) for person in part))


def _inserting(table: Any, columns: tuple[str, ...]) -> Statement:
    return compiled(lambda rows: table.insert_many(rows, fields=columns).as_rowcount())


@transactional
def _forget() -> None:
    """What no event told of: the invariants would miss it."""
    SeatHolding.delete().where(SeatHolding.sequence >= 10**6).execute()
    Seat.delete().where(Seat.assigned_by_id == "crowd").execute()
    User.delete().where(User.email_key.startswith("crowd")).execute()


def _hot(account: AnAccount) -> dict[str, Callable[[], Any]]:
    holder, newcomer = account.user(seats=["core"]), account.user()
    held = account.seat(holder, "core")
    reads: dict[str, Callable[[], Any]] = {
        f"table by {sort}": lambda sort=sort: seats_table(account.by, Window(50), sort)
        for sort in Sort
    }
    return reads | {
        "the actor of a key": lambda: actors.actor_of_key(SOME_TOKEN),
        "one entitlement": lambda: entitlements.entitlement(account.by, holder, "contacts"),
        "a page of seats": lambda: seats.seats(account.by, Window(50)),
        "a page of users": lambda: users.users(account.by, Window(50)),
        "assign": lambda: assigning.assign_seat(account.by, newcomer, "core"),
        "take back": lambda: assigning.take_back(account.by, held),
    }


def test_p13_nothing_that_is_asked_often_reads_or_sorts_a_crowded_table(
    crowded: AnAccount,
) -> None:
    found = {}
    for name, run in _hot(crowded).items():
        with asked() as seen:
            run()
        found[name] = [plan for sql, bound in seen.statements for plan in _slow(sql, bound)]

    with asked() as control:
        list(User.select().where(User.name == "nobody"))
        list(User.select().where(User.account_id == crowded.id).order_by(User.search_text))

    assert {name: plans for name, plans in found.items() if plans} == {}
    # Names of no account, and an order that no index has, are noticed.
    assert all(any(_slow(sql, bound)) for sql, bound in control.statements)


@pytest.mark.skipif("not on_sqlite()", reason="PostgreSQL reads so small a table as a whole")
def test_p13_holdings_that_end_are_found_by_their_seats_also_where_many_end_at_once() -> None:
    account = an_account()
    people = [account.user() for _ in range(8)]

    with asked() as seen:
        batch_seats(account.by, [_assign(user) for user in people])

    (ended,) = [one for one in seen.statements if one[0].startswith("UPDATE seat_holdings")]
    # Nobody has looked at the tables: what SQLite takes for granted has to do.
    assert "seat_holdings_seat" in _plan(*ended)


def _assign(user: str) -> Change:
    return Change(LineAction.ASSIGN, Named(user_id=user), "core")


def _plan(sql: str, bound: Any) -> str:
    if on_sqlite():
        return "\n".join(row[3] for row in db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", bound))
    return "\n".join(row[0] for row in db.execute_sql(f"EXPLAIN {sql}", bound))


def _slow(sql: str, bound: Any) -> Iterator[str]:
    """The plan of a statement, where it reads or sorts as many rows as there are people."""
    if not any(f'"{table._meta.table_name}"' in sql for table in CROWDED):
        return  # an account has few of all else that is asked here
    plan = _plan(sql, bound)
    if on_sqlite():
        slow = re.search(r"^SCAN t\d|^SCAN (users|seats|seat_holdings)|USE TEMP B-TREE", plan, re.M)
    else:
        slow = re.search(r"Seq Scan on (users|seats|seat_holdings)\b|\bSort +\(cost", plan)
    if slow:
        yield f"{sql}\n{plan}"
