"""What reads and commands cost: so many statements, however long the list; an index for each."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from licensing.db import db, on_sqlite
from licensing.models import Event, Pool, Removal, Subscription, User
from licensing.operations import api_keys, assigning, buying, giving_back, requesting
from licensing.queries import (
    accounts,
    actors,
    catalogue,
    entitlements,
    history,
    inactive_seats,
    pool_history,
    pools,
    seat_days,
    seat_requests,
    seats,
    users,
)
from licensing.queries.cursors import Window
from licensing.queries.seats_table import Sort, seats_table
from licensing.rules.event_types import LogOrder
from licensing.rules.permissions import Scope, system
from licensing.sessions import SHORTEST, mint
from tests.conftest import POSTGRES_URL
from tests.counting import asked
from tests.queries.test_seats_table import few_are
from tests.world import NEXT_RENEWAL, START, AnAccount, an_account


@dataclass
class Scene:
    """A busy account, and the ids of some of what is in it."""

    account: AnAccount
    everybody: list[str]
    holder: str
    seat: str
    pool: str
    subscription: str
    removal: str
    event: str
    token: str
    session: str
    asker: str
    request: str


YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
LATER = datetime(2030, 1, 1, tzinfo=UTC)
TWO_TYPES = ("seat.assigned", "seat.transferred")
Read = Callable[[Scene], Any]
READS: list[tuple[str, int, Read]] = [
    ("the catalogue", 0, lambda s: catalogue.catalogue(s.account.by)),
    ("an account", 1, lambda s: accounts.account(s.account.by)),
    # SQLite is asked first whether anything was written since the key was read.
    ("the actor of a key", 1 if POSTGRES_URL else 2, lambda s: actors.actor_of_key(s.token)),
    ("the actor of a session", 1, lambda s: actors.actor_of_session(s.session)),
    ("a new session", 1, lambda s: actors.session_for(system(), s.account.id, s.holder, SHORTEST)),
    ("a user", 2, lambda s: users.user(s.account.by, s.holder)),
    ("a seat", 1, lambda s: seats.seat(s.account.by, s.seat)),
    ("a seat request", 1, lambda s: seat_requests.seat_request(s.account.by, s.request)),
    ("a pool", 1, lambda s: pools.pool(s.account.by, s.pool)),
    ("a subscription", 2, lambda s: pools.subscription(s.account.by, s.subscription)),
    ("a removal", 1, lambda s: pools.removal(s.account.by, s.removal)),
    ("an event", 1, lambda s: history.event(s.account.by, s.event)),
    ("a pool's history", 4, lambda s: pool_history.pool_history(s.account.by, s.pool, *YEAR)),
    ("one entitlement", 1, lambda s: entitlements.entitlement(s.account.by, s.holder, "contacts")),
    ("all entitlements", 1, lambda s: entitlements.entitlements(s.account.by, s.holder)),
    ("entitlements of many", 3, lambda s: entitlements.entitlements_of(s.account.by, s.everybody)),
]
OF_A_USER = [read for read in READS if read[0] in ("a user", "one entitlement", "all entitlements")]
List = Callable[[Scene, Window], Any]
LISTS: list[tuple[str, int, List]] = [
    ("accounts", 1, lambda s, w: accounts.accounts(system(), w)),
    ("accounts by external id", 1, lambda s, w: accounts.accounts(system(), w, "crm-7")),
    ("a bound key's accounts", 1, lambda s, w: accounts.accounts(s.account.by, w)),
    ("keys", 1, lambda s, w: accounts.api_keys(system(), w)),
    ("users", 2, lambda s, w: users.users(s.account.by, w)),
    ("users by status", 2, lambda s, w: users.users(s.account.by, w, status="active")),
    ("users by address", 3, lambda s, w: users.users(s.account.by, w, email="x@example.com")),
    ("users by external id", 3, lambda s, w: users.users(s.account.by, w, external_id="crm-7")),
    ("seats", 1, lambda s, w: seats.seats(s.account.by, w)),
    ("seats of a user", 1, lambda s, w: seats.seats(s.account.by, w, user_id=s.holder)),
    ("seats of a type", 1, lambda s, w: seats.seats(s.account.by, w, seat_type="core")),
    ("seats of a pool", 1, lambda s, w: seats.seats(s.account.by, w, pool_id=s.pool)),
    ("seat requests", 1, lambda s, w: seat_requests.seat_requests(s.account.by, w)),
    ("open requests", 1, lambda s, w: seat_requests.seat_requests(s.account.by, w, "open")),
    (
        "requests of a user",
        1,
        lambda s, w: seat_requests.seat_requests(s.account.by, w, user_id=s.asker),
    ),
    (
        "requests for a type",
        1,
        lambda s, w: seat_requests.seat_requests(s.account.by, w, seat_type="core"),
    ),
    ("transfers", 1, lambda s, w: seats.transfers(s.account.by, w)),
    ("pools", 1, lambda s, w: pools.pools(s.account.by, w)),
    ("pools of a type", 1, lambda s, w: pools.pools(s.account.by, w, seat_type="core")),
    ("subscriptions", 2, lambda s, w: pools.subscriptions(s.account.by, w)),
    ("purchases", 1, lambda s, w: pools.purchases(s.account.by, w)),
    ("removals", 1, lambda s, w: pools.removals(s.account.by, w)),
    ("removals by status", 1, lambda s, w: pools.removals(s.account.by, w, status="scheduled")),
    ("events", 1, lambda s, w: _log(s, w)),
    ("events, newest first", 1, lambda s, w: _log(s, w, order=LogOrder.NEWEST)),
    ("later events", 2, lambda s, w: _log(s, w, after=3)),
    ("events of a type", 1, lambda s, w: _log(s, w, types=("seat.assigned",))),
    ("events of two types", 1, lambda s, w: _log(s, w, types=TWO_TYPES)),
    ("events of a noun", 1, lambda s, w: _log(s, w, types=("seat.*",))),
    ("events of a user", 1, lambda s, w: _log(s, w, user_id=s.holder)),
    ("events of a seat", 1, lambda s, w: _log(s, w, seat_id=s.seat)),
    ("events of a user and seat", 1, lambda s, w: _log(s, w, seat_id=s.seat, user_id=s.holder)),
    ("events of an actor", 1, lambda s, w: _log(s, w, actor_id="seatkeeper")),
    (
        "events of an actor and noun",
        1,
        lambda s, w: _log(s, w, actor_id="seatkeeper", types=("user.*",)),
    ),
    ("events of a time", 3, lambda s, w: _log(s, w, since=START, before=NEXT_RENEWAL)),
    ("seat-days", 5, lambda s, w: seat_days.seat_days(s.account.by, w, *YEAR)),
    ("inactive seats", 5, lambda s, w: inactive_seats.inactive_seats(s.account.by, w, LATER)),
    (
        "events of all filters, newest first",
        4,
        lambda s, w: _log(
            s,
            w,
            LogOrder.NEWEST,
            after=1,
            types=("seat.*",),
            user_id=s.holder,
            actor_id="seatkeeper",
            since=START,
            before=NEXT_RENEWAL,
        ),
    ),
]
INDEX_OF = {
    "name": "users_by_name",
    "email": "users_email",
    "last_active_at": "users_by_activity",
    "created_at": "users_by_creation",
}
LISTS += [
    (f"seats table by {s}", 3, partial(lambda sort, s, w: seats_table(s.account.by, w, sort), s))
    for s in Sort
]
# Filters of the seats table, and how many statements each needs beside those of the page.
FILTERS: dict[str, tuple[int, Any]] = {
    "search": (1, "user"),
    "seat_type": (1, "core"),
    "holding": (1, "paid"),
    "status": (1, "active"),
    "invitation": (1, "expired"),
    "inactive_since": (1, START),
}
LISTS += [
    (
        f"seats table, {name}",
        3 + more,
        partial(lambda f, s, w: seats_table(s.account.by, w, **f), {name: value}),
    )
    for name, (more, value) in FILTERS.items()
]


def _log(
    scene: Scene, window: Window, order: LogOrder = LogOrder.OLDEST, **wanted: Any
) -> history.Page:
    return history.events(scene.account.by, window, history.Wanted(**wanted), order)


Command = Callable[[Scene, str], Any]
COMMANDS: list[tuple[str, int, Command]] = [
    ("assign", 16, lambda s, user: assigning.assign_seat(s.account.by, user, "core")),
    ("change", 16, lambda s, _: assigning.change_seat(s.account.by, s.seat, "view_only")),
    ("take back", 17, lambda s, _: assigning.take_back(s.account.by, s.seat)),
    ("transfer", 22, lambda s, user: assigning.transfer_seat(s.account.by, s.seat, user)),
    ("ask", 13, lambda s, user: requesting.ask_for_seat(s.account.by, "core", user_id=user)),
    ("approve", 24, lambda s, _: requesting.approve_request(s.account.by, s.request)),
    ("decline", 13, lambda s, _: requesting.decline_request(s.account.by, s.request)),
    ("purchase", 10, lambda s, _: buying.purchase_seats(s.account.by, "core", 1)),
    ("give back", 9, lambda s, _: giving_back.schedule_removal(s.account.by, "core", 1)),
]


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """The statements that run inside the block, with their parameters."""
    with asked() as seen:
        yield seen.statements


def _busy_account(people: int) -> Scene:
    """An account with so many users, of whom the last holds the seat that they all had once."""
    account = an_account(core=people + 2)
    holder = account.user(seats=["core"])
    seat_id = account.seat(holder, "core")
    for _ in range(people):
        receiver = account.user()
        assigning.transfer_seat(account.by, seat_id, receiver)
        buying.purchase_seats(account.by, "core", 1)
        giving_back.schedule_removal(account.by, "core", 1)
        request = requesting.ask_for_seat(account.by, "core", user_id=account.user())
        _, token = api_keys.create_key(system(), "test", [Scope.ADMIN], account.id)
        holder = receiver
    return Scene(
        account,
        [row.id for row in User.select().where(User.account_id == account.id)],
        holder,
        seat_id,
        pool=Pool.get(Pool.account_id == account.id).id,
        subscription=Subscription.get(Subscription.account_id == account.id).id,
        removal=Removal.get(Removal.account_id == account.id).id,
        event=Event.get(Event.account_id == account.id).id,
        token=token,
        session=mint(account.id, holder, SHORTEST)[0],
        asker=request.user_id,
        request=request.id,
    )


@pytest.mark.parametrize(("budget", "read"), [r[1:] for r in READS], ids=[r[0] for r in READS])
def test_r28_a_read_stays_within_its_budget(budget: int, read: Read) -> None:
    scene = _busy_account(1)

    with statements() as seen:
        read(scene)

    assert len(seen) <= budget, seen


def test_r28_a_list_costs_the_same_however_long() -> None:
    short, long = _busy_account(2), _busy_account(50)

    costs = {name: (_cost(short, read), _cost(long, read)) for name, _, read in LISTS}

    assert {name: cost for name, cost in costs.items() if cost[0] != cost[1]} == {}
    budgets = {name: budget for name, budget, _ in LISTS}
    assert {name: cost for name, cost in costs.items() if max(cost) > budgets[name]} == {}


def _cost(scene: Scene, read: List) -> int:
    with statements() as seen:
        read(scene, Window(limit=200))
    return len(seen)


def test_r28_a_total_costs_one_statement_more() -> None:
    scene = _busy_account(2)

    with statements() as seen:
        users.users(scene.account.by, Window(include_total=True))

    assert len(seen) == 3, seen


@pytest.mark.parametrize("read", [r[2] for r in LISTS], ids=[r[0] for r in LISTS])
def test_r28_a_list_is_read_through_an_index_in_its_order(read: List) -> None:
    scene = _busy_account(2)
    # Also where many users pass a filter of the seats table, so that its order is walked.
    with few_are(-1), statements() as seen:
        read(scene, Window(limit=1))

    # An index over arrays is good for bitmaps only.
    plans = [(sql, _plan(sql, parameters, through_bitmaps="@>" in sql)) for sql, parameters in seen]
    page = next(plan for sql, plan in plans if "ORDER BY" in sql)

    # What belongs to the rows of one page may be sorted: it is as short as the page.
    assert not _sorts(page), page
    assert re.search(r"USING ((COVERING )?INDEX|PRIMARY KEY)|Index (Only )?Scan", page), page
    for sql, found in plans:
        assert not _reads_a_whole_table(sql, found), found


@pytest.mark.parametrize("sort", list(Sort))
def test_r27_each_order_of_the_seats_table_has_its_index_whatever_is_filtered(sort: Sort) -> None:
    scene = _busy_account(2)
    index = INDEX_OF[sort.removeprefix("-")]
    for filters in ({}, *({name: value} for name, (_, value) in FILTERS.items())):
        with few_are(-1), statements() as seen:
            first = seats_table(scene.account.by, Window(1), sort, **filters)
            window = Window(1, first.next_cursor)
            seats_table(scene.account.by, window, sort, **filters)

        of_rows = [(sql, p) for sql, p in seen if '"partner_eligible"' in sql and "ORDER BY" in sql]
        pages = [_plan(sql, parameters) for sql, parameters in of_rows]

        assert len(pages) == 2
        for plan in pages:
            assert f"{index} " in plan, (filters, plan)
            assert not _sorts(plan), plan


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"seat_type": "core"}, "seats_type"),
        ({"holding": "none"}, "users_by_holding"),
        ({"status": "deactivated"}, "users_status"),
        ({"invitation": "expired"}, "users_by_invitation"),
        ({"inactive_since": START}, "users_by_activity"),
        ({"search": "x"}, "VIRTUAL TABLE INDEX" if not POSTGRES_URL else "user_search_grams"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_r27_the_few_who_pass_a_filter_are_found_through_its_index(
    filters: dict[str, Any], index: str
) -> None:
    scene = _busy_account(2)
    with statements() as seen:
        seats_table(scene.account.by, Window(1), **filters)

    # The account, who passes, the page of them, and the seats of the page.
    find, page = seen[1:3]
    plan = _plan(*find, through_bitmaps="search" in filters)
    # PostgreSQL weighs how large the tables are, and may take another index of a small one.
    assert (index if on_sqlite() or "search" in filters else "Index") in plan, plan
    assert not _reads_a_whole_table(page[0], _plan(*page)), _plan(*page)


@pytest.mark.skipif(bool(POSTGRES_URL), reason="PostgreSQL weighs how large the tables are")
@pytest.mark.parametrize("read", [r[2] for r in OF_A_USER], ids=[r[0] for r in OF_A_USER])
def test_r28_what_a_user_holds_is_found_without_reading_everybodys_seats(read: Read) -> None:
    scene = _busy_account(1)
    with statements() as seen:
        read(scene)

    plans = [_plan(sql, parameters) for sql, parameters in seen if '"seats"' in sql]

    assert plans
    for plan in plans:
        assert "user_id=?" in plan, plan


def test_r28_a_list_without_an_index_would_be_noticed() -> None:
    """The negative control: a list by name, which has none."""
    _busy_account(2)
    query = User.select().where(User.name != "").order_by(User.name).limit(2)

    sql, parameters = query.sql()
    plan = _plan(sql, parameters)

    assert _sorts(plan), plan
    assert _reads_a_whole_table(sql, plan), plan


def _plan(sql: str, parameters: Any, through_bitmaps: bool = False) -> str:
    if on_sqlite():
        rows = db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
        return "\n".join(row[3] for row in rows)
    with db.atomic():
        # Small tables are read as a whole and sorted; what matters is that an index can be used.
        other = "indexscan" if through_bitmaps else "bitmapscan"
        for way in ("seqscan", other, "sort", "hashjoin", "mergejoin"):
            db.execute_sql(f"SET LOCAL enable_{way} = off")
        return "\n".join(row[0] for row in db.execute_sql(f"EXPLAIN {sql}", parameters))


def _reads_a_whole_table(sql: str, plan: str) -> bool:
    # A list of everything goes through an index from its start, until the limit ends it.
    of_everything = "WHERE" not in sql
    # The few rows that a statement has put aside; what they were read through is in its plan, too.
    own = {"CONSTANT", *re.findall(r"(\w+) AS MATERIALIZED \([^()]*LIMIT \?\s*\)", sql)}
    scans = [line for line in plan.splitlines() if line.startswith("SCAN")]
    scanned = [line for line in scans if line.split()[1] not in own]
    through_an_index = all("VIRTUAL TABLE INDEX" in line for line in scanned) or (
        of_everything and all("USING INDEX" in line for line in scanned)
    )
    return "Seq Scan" in plan or bool(scanned and not through_an_index)


def _sorts(plan: str) -> bool:
    # A Merge Append has a sort key, too, and sorts nothing; what comes user by user is sorted only
    # among the few seats of each.
    plan = re.sub(r"Incremental Sort[^\n]*\n[^\n]*\n *Presorted Key:[^\n]*\.user_id\n", "", plan)
    return "TEMP B-TREE FOR ORDER BY" in plan or bool(re.search(r"\bSort +\(cost", plan))


@pytest.mark.parametrize("command", [c[1:] for c in COMMANDS], ids=[c[0] for c in COMMANDS])
def test_r11_a_command_costs_so_many_statements_and_one_commit(
    command: tuple[int, Command],
) -> None:
    cost, run = command
    scene = _busy_account(1)
    newcomer = scene.account.user()

    with asked() as seen:
        run(scene, newcomer)

    # On PostgreSQL a lock keeps events and new webhook endpoints apart.
    locks = 0 if on_sqlite() else 1
    assert len(seen.statements) == cost + locks, [sql for sql, _ in seen.statements]
    assert seen.commits == 1
