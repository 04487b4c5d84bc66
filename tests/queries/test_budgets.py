"""What reads and commands cost: so many statements, however long the list; an index for each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from licensing.db import db, on_sqlite
from licensing.operations import assigning, buying, giving_back
from licensing.queries import accounts, actors, entitlements, history, pools, seats, users
from licensing.queries.cursors import Window
from licensing.sessions import SHORTEST, mint
from tests.world import AnAccount, an_account

Read = Callable[[AnAccount, str], Any]
READS: list[tuple[str, int, Read]] = [
    ("an account", 1, lambda a, _: accounts.account(a.by)),
    ("a session", 1, lambda a, user: actors.actor_of_session(mint(a.id, user, SHORTEST)[0])),
    ("a user", 2, lambda a, user: users.user(a.by, user)),
    ("a seat", 3, lambda a, user: seats.seat(a.by, a.seat(user, "core"))),
    ("a pool", 2, lambda a, _: pools.pool(a.by, a.pool("core")["id"])),
    ("one entitlement", 3, lambda a, user: entitlements.entitlement(a.by, user, "contacts")),
    ("all entitlements", 3, lambda a, user: entitlements.entitlements(a.by, user)),
]
LISTS: list[tuple[str, int, Callable[[AnAccount, Window], Any]]] = [
    ("users", 2, lambda a, window: users.users(a.by, window)),
    ("seats", 1, lambda a, window: seats.seats(a.by, window)),
    ("transfers", 1, lambda a, window: seats.transfers(a.by, window)),
    ("pools", 1, lambda a, window: pools.pools(a.by, window)),
    ("subscriptions", 2, lambda a, window: pools.subscriptions(a.by, window)),
    ("purchases", 1, lambda a, window: pools.purchases(a.by, window)),
    ("removals", 1, lambda a, window: pools.removals(a.by, window)),
    ("events", 1, lambda a, window: history.events(a.by, window)),
    ("events of types", 1, lambda a, w: history.events(a.by, w, types=("seat.assigned",))),
]


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """The statements that run inside the block, with their parameters."""
    seen: list[tuple[str, Any]] = []
    hook = lambda event: seen.append((event.sql, event.params))  # noqa: E731 a hook in a line
    db.obj.query_hooks.append(hook)
    try:
        yield seen
    finally:
        db.obj.query_hooks.remove(hook)


def _busy_account(people: int) -> tuple[AnAccount, str]:
    """An account with so many users, and who of them holds the seat that they all had once."""
    account = an_account(core=people + 2)
    admin = account.super_admin
    holder = account.user(seats=["core"])
    for _ in range(people):
        receiver = account.user()
        assigning.transfer_seat(admin, account.seat(holder, "core"), receiver)
        holder = receiver
        buying.purchase_seats(admin, "core", 1)
        giving_back.schedule_removal(admin, "core", 1)
    return account, holder


@pytest.mark.parametrize(("budget", "read"), [r[1:] for r in READS], ids=[r[0] for r in READS])
def test_r28_a_read_stays_within_its_budget(budget: int, read: Read) -> None:
    account, holder = _busy_account(2)

    with statements() as seen:
        read(account, holder)

    assert len(seen) <= budget, seen


@pytest.mark.parametrize(("budget", "read"), [r[1:] for r in LISTS], ids=[r[0] for r in LISTS])
@pytest.mark.parametrize("people", [2, 30])
def test_r28_a_list_costs_the_same_however_long(
    budget: int, read: Callable[[AnAccount, Window], Any], people: int
) -> None:
    account, _ = _busy_account(people)

    with statements() as seen:
        read(account, Window(limit=50))

    assert len(seen) <= budget, seen


@pytest.mark.parametrize("read", [r[2] for r in LISTS], ids=[r[0] for r in LISTS])
def test_r28_a_list_is_read_through_an_index(read: Callable[[AnAccount, Window], Any]) -> None:
    account, _ = _busy_account(2)
    with statements() as seen:
        read(account, Window(limit=1))

    plans = [_plan(sql, parameters) for sql, parameters in seen]

    for plan in plans:
        assert "SCAN" not in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan


def _plan(sql: str, parameters: Any) -> str:
    if on_sqlite():
        rows = db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
        return "\n".join(row[3] for row in rows)
    with db.atomic():
        # Small tables are read as a whole; what matters is that an index can be used.
        db.execute_sql("SET LOCAL enable_seqscan = off")
        return "\n".join(row[0] for row in db.execute_sql(f"EXPLAIN {sql}", parameters))


def test_r11_assigning_stays_within_its_budget() -> None:
    account = an_account(core=5)
    admin, priya = account.user_admin, account.user()

    with statements() as seen:
        assigning.assign_seat(admin, priya, "core")

    assert len(seen) <= 14, [sql for sql, _ in seen]


def test_r15_transferring_stays_within_its_budget() -> None:
    account = an_account(core=5)
    admin, priya, noah = account.user_admin, account.user(seats=["core"]), account.user()
    seat_id = account.seat(priya, "core")

    with statements() as seen:
        assigning.transfer_seat(admin, seat_id, noah)

    assert len(seen) <= 20, [sql for sql, _ in seen]
