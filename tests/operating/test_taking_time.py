"""PostgreSQL cuts off who works or rests for too long, but not what reads or writes everything."""

import json
import os
import select
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from peewee import OperationalError

from app import seatkeeper
from licensing import db, exporting, importing, settings
from licensing.queries import invariants
from licensing.settings import PREFIX, Settings
from tests.conftest import POSTGRES_URL
from tests.operating.test_moving import another_database
from tests.world import an_account

MILLISECONDS = 400
LIMITS = quote(
    f"-c timezone=UTC -c statement_timeout={MILLISECONDS} "
    f"-c idle_in_transaction_session_timeout={MILLISECONDS}"
)

pytestmark = pytest.mark.skipif(not POSTGRES_URL, reason="SQLite has no such limits")


@pytest.fixture
def hurried(service: Settings) -> Iterator[Settings]:
    """The database of the tests, with short limits; the handle points at it."""
    chosen = replace(service, database_url=f"{service.database_url}?options={LIMITS}")
    db.close()
    settings.put_in_force(chosen)
    db.open_database(chosen)
    db.db.connect()
    yield chosen
    db.close()
    settings.put_in_force(service)
    db.open_database(service)
    db.db.connect()


def _rest(hurried: Settings) -> None:
    """Leave the transaction in hand alone until one that began later was cut off for that."""
    import psycopg

    with closing(psycopg.connect(hurried.database_url)) as other:
        other.execute("SELECT 1")
        assert select.select([other.fileno()], [], [], 30)[0]


def _work(hurried: Settings) -> None:
    db.db.execute_sql(f"SELECT pg_sleep({2 * MILLISECONDS / 1000})")


@pytest.fixture
def dawdling(hurried: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Have whoever looks up invariants rest and work for long; what was looked up."""
    looked_up: list[str | None] = []

    def look_up(account_id: str | None) -> Iterator[str]:
        if not db.on_sqlite():
            looked_up.append(account_id)
            _rest(hurried)
            _work(hurried)
        yield from ()

    monkeypatch.setitem(invariants._others, "dawdling", look_up)
    return looked_up


@pytest.mark.parametrize("dawdle", [_rest, _work])
def test_others_are_cut_off(hurried: Settings, dawdle: Callable[[Settings], None]) -> None:
    """The control of the tests below."""

    def read() -> None:
        with db.snapshot():
            db.ping()
            dawdle(hurried)
            db.ping()

    with pytest.raises(OperationalError):
        read()


def test_an_export_waits_for_whoever_reads_it(hurried: Settings) -> None:
    account = an_account()

    lines = exporting.lines(account.id)
    first = json.loads(next(lines))
    _rest(hurried)
    rest = list(lines)

    assert len(rest) == sum(first["rows"].values()) + 1


def test_an_import_has_the_time_that_it_takes(
    hurried: Settings, dawdling: list[str | None], tmp_path: Path
) -> None:
    file = tmp_path / "one.ndjson"
    with another_database(tmp_path / "source"):
        account = an_account()
        file.write_bytes(b"".join(exporting.lines(account.id)))

    assert importing.put_in(file) == 1
    assert dawdling == [account.id]


def test_looking_all_through_has_the_time_that_it_takes(
    hurried: Settings, dawdling: list[str | None]
) -> None:
    env: dict[str, str | None] = {name: None for name in os.environ if name.startswith(PREFIX)}
    env |= {f"{PREFIX}DATABASE_URL": hurried.database_url}
    env |= {f"{PREFIX}SECRET_KEY": hurried.secret_key}
    db.close()

    done = CliRunner().invoke(seatkeeper, ["verify"], env=env)

    assert (done.exit_code, done.output) == (0, "all invariants hold\n")
    assert dawdling == [None]
