"""What connections to either database are like."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import peewee
from peewee import Database, SqliteDatabase
from playhouse.db_url import connect

from licensing.reaching import Pool
from licensing.settings import Settings, StartRefused

# Before 3.51.3 two connections that write and checkpoint at once can corrupt a WAL database.
OLDEST_SQLITE = (3, 51, 3)
# The scheduler, the dispatcher, and who deletes what is old.
BESIDE_REQUESTS = 3
# What Peewee brings along; nothing here uses them.
PYTHON_FUNCTIONS = ("date_part", "date_trunc", "_pw_json_contains")
# Some commands write in different numbers of rows; each number is a statement to SQLite.
STATEMENTS_KEPT = 500
SQLITE_PRAGMAS = {
    # Of a new file; others stay as they are. A command changes a little in each of sixty pages, all
    # of which are written and synced: with half the size of SQLite's own it takes a fifth less.
    "page_size": 2048,
    "synchronous": "full",
    "foreign_keys": 1,
    # Pages, so 32 MB. What many commands change is written back once, which saves another tenth.
    "wal_autocheckpoint": 16_000,
}
POSTGRES_PARAMETERS = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "tcp_user_timeout": "5000",
    "application_name": "seatkeeper",
    "options": " ".join(
        f"-c {name}={value}"
        for name, value in {
            "timezone": "UTC",
            "default_transaction_isolation": "read\\ committed",
            "lock_timeout": 2000,
            "statement_timeout": 10_000,
            "idle_in_transaction_session_timeout": 10_000,
        }.items()
    ),
}


def refuse_old_sqlite(found: tuple[int, ...]) -> None:
    """Raise `StartRefused` for a version of the SQLite library that is not safe to use."""
    if found < OLDEST_SQLITE:
        raise StartRefused(
            f"SQLite {'.'.join(map(str, found))} can corrupt a database in write-ahead mode; "
            f"{'.'.join(map(str, OLDEST_SQLITE))} is needed: pip install 'pysqlite3>=0.6.1'"
        )


def sqlite(settings: Settings, patience: int) -> Database:
    """
    The SQLite file of the settings; who finds it locked waits for so many seconds.

    Raises `StartRefused` when the SQLite library is too old for a write-ahead log.
    """
    driver: Any = peewee.sqlite3  # type: ignore[attr-defined]
    refuse_old_sqlite(driver.sqlite_version_info)
    database: SqliteDatabase = connect(
        settings.database_url,
        lock_type="IMMEDIATE",
        timeout=patience,
        autoconnect=False,
        # One of them is handed on from thread to thread, with the turn to write.
        check_same_thread=False,
        cached_statements=STATEMENTS_KEPT,
        pragmas=SQLITE_PRAGMAS,
    )
    # A connection that ends with its thread lets go of Python functions when the thread has none of
    # Python's state any more, which ends the whole process. The server ends threads that are idle.
    for name in PYTHON_FUNCTIONS:
        database.unregister_function(name)
    return database


def postgresql(settings: Settings, patience: int) -> Database:
    """
    The PostgreSQL of the settings; who finds no connection free waits for so many seconds.

    The driver reads the URL, which may name several hosts.
    """
    from licensing.bound_cursor import BoundCursor  # needs psycopg, which SQLite does not

    url = settings.database_url
    parameters: dict[str, Any] = {**postgres_parameters(url)}
    database: Database = Pool(
        # Peewee takes a name for a URL where it begins so.
        f"postgresql://{url.partition('://')[2]}",
        autoconnect=False,
        max_connections=settings.threads + BESIDE_REQUESTS,
        timeout=patience,
        stale_timeout=300,
        cursor_factory=BoundCursor,
        **parameters,
    )
    return database


def postgres_parameters(url: str) -> dict[str, str]:
    """What every connection to PostgreSQL is to have, but for what its URL says already."""
    chosen_in_url = {name for name, _ in parse_qsl(urlsplit(url).query)}
    return {k: v for k, v in POSTGRES_PARAMETERS.items() if k not in chosen_in_url}
