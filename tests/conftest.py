"""
A fresh database for every test, on SQLite or, with SEATKEEPER_TEST_DATABASE_URL, on PostgreSQL.

After every test all invariants are looked up: whatever a test did, the counters, the log and the
rows have to agree.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from flask import Flask

from app import create_app
from licensing import clock, db, migrations, roles, settings
from licensing.callers import Callers, Limits
from licensing.queries import invariants
from licensing.row_security import EVERY_ACCOUNT
from licensing.settings import Settings
from tests import hygiene
from tests.emitted import check_events
from tests.serving import Served, served
from tests.world import Hands
from webhooks import beside

POSTGRES_URL = os.environ.get("SEATKEEPER_TEST_DATABASE_URL", "")
# Some tests send in seconds what a company sends in hours.
PLENTY = Limits(*[10**7] * 6)
BOUND_FOLDERS = {"api", "webhooks"}
RUNTIME_ROLE, RUNTIME_PASSWORD = "seatkeeper_runtime", "only-for-tests"
SECRET = hygiene.secret("a secret that is only good for the tests")

pytest_plugins = ["tests.keeping"]


def _settings(database_url: str) -> Settings:
    return Settings(
        database_url=database_url,
        secret_key=SECRET,
        cors_origins=("https://app.example.com",),
        threads=20,
        webhook_allowed_hosts=frozenset({"127.0.0.1"}),
        callers=Callers(limits=PLENTY),
    )


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings for a database whose schema is up to date."""
    file = tmp_path_factory.mktemp("template") / "template.db"
    chosen = _settings(POSTGRES_URL or f"sqlite:///{file}")
    beside.attach()
    settings.put_in_force(chosen)
    db.open_database(chosen)
    with db.connection(EVERY_ACCOUNT):
        migrations.apply()
        if POSTGRES_URL:
            roles.set_up(RUNTIME_ROLE, RUNTIME_PASSWORD)
    db.close()
    yield chosen
    db.close_all()


@pytest.fixture(scope="session")
def owner(migrated: Settings) -> Iterator[Any]:
    """A connection of the role that owns the tables; None on SQLite, which has no roles."""
    if not POSTGRES_URL:
        yield None
        return
    import psycopg  # which SQLite does not need

    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def service(
    migrated: Settings, owner: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """
    The service's settings, with an empty database that is open for the test's own thread.

    On PostgreSQL the tests of the API and of webhooks run as the role that policies bind.
    """
    if POSTGRES_URL:
        chosen = as_runtime_role(migrated) if _is_bound(request) else migrated
        if settings.current().database_url != chosen.database_url:
            db.open_database(chosen)
        _empty_tables(owner)
    else:
        shutil.copy(settings.sqlite_file(migrated.database_url), tmp_path / "seatkeeper.db")
        chosen = _settings(f"sqlite:///{tmp_path}/seatkeeper.db")
        db.open_database(chosen)
    settings.put_in_force(chosen)
    with db.connection(EVERY_ACCOUNT):
        yield chosen
        db.db.connect(reuse_if_open=True)
        assert list(invariants.violations()) == []
    db.close()


def _is_bound(request: pytest.FixtureRequest) -> bool:
    """Whether a test runs as the service should: as a role that owns nothing."""
    node = request.node
    if node.get_closest_marker("owner"):
        return False
    return node.path.parent.name in BOUND_FOLDERS or bool(node.get_closest_marker("runtime_role"))


def as_runtime_role(chosen: Settings) -> Settings:
    """The same settings, for the role that runs the service and owns nothing."""
    parts = urlsplit(chosen.database_url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{RUNTIME_ROLE}:{RUNTIME_PASSWORD}@{host}"
    return replace(chosen, database_url=urlunsplit(parts._replace(netloc=netloc)))


def _empty_tables(owner: Any) -> None:
    tables = _tables(owner)
    full = owner.execute(
        " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables
        )
    ).fetchall()
    if full:
        # TRUNCATE takes ten times as long for the few rows of a test. Where all goes, no reference
        # has to be looked after.
        deletes = "; ".join(f"DELETE FROM {name}" for (name,) in full)
        owner.execute(
            f"SET session_replication_role = replica; {deletes}; "
            "SET session_replication_role = origin"
        )


@cache
def _tables(owner: Any) -> list[str]:
    """All tables but those that say which migrations were applied."""
    found = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return [name for (name,) in found if not name.endswith("migration")]


@pytest.fixture(autouse=True)
def hands() -> Iterator[Hands]:
    """The hands of the clock, which stand still until a test moves them."""
    hands = Hands()
    with clock.reading(hands.read):
        yield hands


@pytest.fixture(autouse=True)
def published(service: Settings, app: Flask) -> Iterator[None]:
    """Hold every event that a test leaves behind against the schema that is published for it."""
    yield
    db.db.connect(reuse_if_open=True)
    check_events(app)


@pytest.fixture(scope="session")
def app(migrated: Settings) -> Flask:
    """The application; each test has its own database behind it."""
    return create_app(migrated)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`seatkeeper serve --demo`, for all tests that add to what it has, and change none of it."""
    with served(tmp_path_factory.mktemp("demo"), "--demo") as running:
        yield running
