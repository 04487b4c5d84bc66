"""How the service fares, for whoever runs it: what is wrong, and figures worth watching."""

import shutil
from collections.abc import Iterator

from licensing import clock, db, heartbeats, metrics, migrations, settings
from licensing.metrics import Reading
from licensing.models import Account, Pool, Subscription
from licensing.rules.accounts import AccountStatus
from licensing.rules.pools import unassigned

# SQLite needs room for its write-ahead log before it can change anything.
LEAST_FREE_BYTES = 64 * 1024 * 1024
MOST_SECONDS_APART = 5.0
# Beside the threads that have gone silent.
OF_THE_SURROUNDINGS = ("database", "schema", "disk", "clock")


def troubles() -> Iterator[str]:
    """
    Why the service cannot work, in a word for each reason; nothing when it can.

    Raises Peewee's `OperationalError` when the database does not answer.
    """
    db.ping()
    if migrations.pending():
        yield "schema"
    if settings.current().on_sqlite and _free_bytes() < LEAST_FREE_BYTES:
        yield "disk"
    if abs(clock.system_time().timestamp() - db.seconds_since_1970()) > MOST_SECONDS_APART:
        yield "clock"
    yield from heartbeats.silent()


def _free_bytes() -> int:
    file = settings.sqlite_file(settings.current().database_url)
    return shutil.disk_usage(file.absolute().parent).free


def watch() -> None:
    """Have troubles, accounts, pools and terms looked up whenever metrics are asked for."""
    metrics.look_up(
        "seatkeeper_troubles",
        "Whether /readyz of this process has such a trouble: 1 or 0.",
        ("trouble",),
        _troubles,
    )
    metrics.look_up(
        "seatkeeper_accounts", "Accounts by status.", ("status",), db.connected(_accounts)
    )
    metrics.look_up(
        "seatkeeper_pools",
        "Open pools, by whether a seat is free.",
        ("state",),
        db.connected(_pools),
    )
    metrics.look_up(
        "seatkeeper_scheduler_lag_seconds",
        "For how long the term that should have been renewed first has been over.",
        (),
        db.connected(_lag),
    )


def _troubles() -> Iterator[Reading]:
    try:
        found = set(db.connected(troubles)())
    except Exception:
        found = {"database"}  # whatever it says, it does not answer
    for trouble in sorted({*OF_THE_SURROUNDINGS, *heartbeats.expected()}):
        yield (trouble,), float(trouble in found)


def _accounts() -> Iterator[Reading]:
    for status in AccountStatus:
        yield (status,), Account.select().where(Account.status == status).count()


def _pools() -> Iterator[Reading]:
    is_open = Pool.status == "open"
    exhausted = Pool.select().where(is_open, unassigned(Pool) == 0).count()
    yield ("exhausted",), exhausted
    yield ("with_free_seats",), Pool.select().where(is_open).count() - exhausted


def _lag() -> Iterator[Reading]:
    earliest = (
        Subscription.select(Subscription.due_at)
        .where(Subscription.test_clock_id.is_null(), Subscription.due_at.is_null(False))
        .order_by(Subscription.due_at)
        .limit(1)
        .scalar()
    )
    overdue = 0.0 if earliest is None else (clock.now() - earliest).total_seconds()
    yield (), max(overdue, 0.0)
