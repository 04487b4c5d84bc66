"""P15: what a page of the seats table and a search in it cost as the account grows."""

import random
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from flask import Flask
from peewee import chunked

from licensing import clock, db, finding, ids
from licensing.demo import STAFF
from licensing.models import Pool, Seat, User
from licensing.operations import api_keys
from licensing.queries.cursors import Window
from licensing.queries.seats_table import seats_table
from licensing.rules.permissions import Scope, system
from licensing.rules.searching import name_key, search_text
from tests.benchmarks.companies import opened
from tests.benchmarks.figures import Figure
from tests.benchmarks.places import Place
from tests.benchmarks.ratios import ratio
from tests.world import AnAccount, an_account

NOW = clock.now()
# Of which a growth and a percentile are promised; the others are told beside them.
PROMISED = ("search", "first page")
REQUESTS = {
    "first page": "",
    "first page by e-mail, backwards": "sort=-email",
    "first page by last activity": "sort=last_active_at",
    "search of many, a name": "search=marchetti",
    "search of many, a letter": "search=a",
    "search of many, two words": "search=sof+marchetti",
    "search of one, an address": "search=number777@",
    "search of none": "search=xyzzy",
    "search of none, two letters": "search=qx",
    "status of few": "status=deactivated",
    "seat type of few": "seat_type=partner",
    "holding of few": "holding=none",
    "paid and active, by name": "holding=paid&status=active",
    "inactive since, by name": f"inactive_since={clock.to_text(NOW - timedelta(days=300))}",
    "inactive since, nobody": f"inactive_since={clock.to_text(NOW - timedelta(days=4000))}",
    "expired invitations of many": "invitation=pending&search=no",
}


def _people(account: AnAccount, pool: Pool, many: int) -> Iterator[tuple[Any, Any]]:
    """So many users and their seats, as the operations would have written them."""
    drawn = random.Random(many)  # noqa: S311 no secret
    firsts, lasts = zip(*(row[0].split(" ", 1) for row in STAFF), strict=True)
    for number in range(many):
        name = f"{drawn.choice(firsts)} {drawn.choice(lasts)}"
        rare_type = number % 297 == 0
        rare, invited = number % 1_000 == 3, number % 20 == 7
        kind = "none" if rare else "unpaid" if number % 9 == 0 else "paid"
        email = f"{name_key(name).replace(' ', '.')}.number{number}@example.com"
        active = None if invited else NOW - timedelta(minutes=drawn.randrange(600_000))
        user: dict[str, Any] = {
            "account_id": account.id, "id": ids.new("usr"), "email": email, "email_key": email,
            "name": name, "name_key": name_key(name), "search_text": search_text(name, email),
            "status": "deactivated" if rare else "invited" if invited else "active",
            "invitation": "pending" if invited and not rare else None,
            "invitation_expires_at": NOW + timedelta(days=5),
            "permissions": [], "partner_eligible": False, "holds_exclusive": kind == "unpaid",
            "holding": kind, "last_active_at": active, "metadata": {}, "version": 1,
            "created_at": NOW - timedelta(days=700),
        }  # fmt: skip
        seat = {
            "account_id": account.id, "id": ids.new("seat"), "user_id": user["id"],
            "seat_type": "core" if kind == "paid" else "partner" if rare_type else "view_only",
            "pool_id": pool.id if kind == "paid" else None, "exclusive": kind == "unpaid",
            "assigned_at": NOW, "assigned_by_type": "system", "assigned_by_id": "benchmark",
            "version": 1, "created_at": NOW,
        }  # fmt: skip
        yield user, None if rare else seat


@db.transactional
def _write(people: list[tuple[Any, Any]]) -> None:
    User.insert_many([user for user, _ in people]).execute()
    Seat.insert_many([seat for _, seat in people if seat]).execute()
    for user, _ in people:
        finding.keep(user["account_id"], [(user["id"], user["search_text"])])


def _load(many: int) -> AnAccount:
    account = an_account(core=1)
    pool = Pool.get(Pool.account_id == account.id)
    for people in chunked(_people(account, pool, many), 1_000):
        _write(people)
    return account


def _paths(account: AnAccount, many: int) -> dict[str, str]:
    """What is asked for in an account: the requests, and a page in the middle of it."""
    deep = seats_table(account.by, Window(many // 2)).next_cursor
    table = f"/v1/accounts/{account.id}/seat-table"
    queries = REQUESTS | {"deep page": f"cursor={deep}"}
    return {name: f"{table}?{query}" for name, query in queries.items()}


def _timed(app: Flask, path: str, token: str) -> float:
    start = time.perf_counter()
    answer = app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
    took = time.perf_counter() - start
    assert answer.status_code == 200, answer.text
    return took * 1000


def measure(place: Place, sizes: Sequence[int], rounds: int) -> Iterator[Figure]:
    """
    Ask accounts of these sizes, all in one database, for the same pages in turns.

    Requests go through the whole application, but for the server.
    """
    with opened(place.make("seats_table")) as app:
        found = _found(app, sizes, rounds)
    small, large = sizes[0], sizes[-1]
    for name, took in found.items():
        middle = {size: statistics.median(took[size]) for size in sizes}
        promised = name.startswith(PROMISED)
        yield Figure(
            "P15" if promised else "",
            f"seats table, {name}, {large:,} users, {place.name}",
            f"{small:,}",
            ratio(took[large], took[small]),
            at_most=3 if promised else None,
            absolute=f"{middle[large]:.2f} ms : {middle[small]:.2f} ms",
        )
    late = {
        name: statistics.quantiles(took[large], n=20)[-1]
        for name, took in found.items()
        if name.startswith(PROMISED)
    }
    slowest = max(late, key=lambda name: late[name])
    what = f"seats table, p95 of the slowest, {slowest}, {large:,} users, {place.name}"
    yield Figure("P15", what, "", ratio([late[slowest]], [1.0]), "ms", at_most=50)


def _found(app: Flask, sizes: Sequence[int], rounds: int) -> dict[str, dict[int, list[float]]]:
    """The milliseconds that each request took, by the size of the account."""
    paths = {size: _paths(_load(size), size) for size in sizes}
    db.look_at_tables()
    for tidy in (
        ("PRAGMA wal_checkpoint(TRUNCATE)",) if db.on_sqlite() else ("ANALYZE", "CHECKPOINT")
    ):
        db.db.execute_sql(tidy)
    _, token = api_keys.create_key(system(), "benchmark", [Scope.READ])
    found: dict[str, dict[int, list[float]]] = {}
    for number in range(-1, rounds):
        for size in sizes:
            for name, path in paths[size].items():
                took = _timed(app, path, token)
                if number >= 0:
                    found.setdefault(name, {}).setdefault(size, []).append(took)
    return found
