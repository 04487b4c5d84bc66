"""A database of an earlier release, brought up to date: everything is there, and works on."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from playhouse.migrations import Runner

from licensing import db, finding, migrations, settings
from licensing.models import Account, Event, Pool
from licensing.operations import assigning
from licensing.queries import invariants
from licensing.rules.permissions import system
from licensing.settings import PREFIX, Settings
from tests.conftest import POSTGRES_URL, SECRET
from tests.test_migrations import a_database_of_its_own
from tests.world import AnAccount
from webhooks import secrets
from webhooks.models import Lane, Secret

ROOT = Path(__file__).parent.parent
FORMER = sorted(ROOT.glob("tests/upgrades/*.ndjson.gz"))
FOLDERS = {
    "schema_migration": ROOT / "licensing/migrations",
    "webhook_migration": ROOT / "webhooks/migrations",
}


@pytest.fixture(params=FORMER, ids=lambda file: file.name.removesuffix(".ndjson.gz"))
def former(
    request: pytest.FixtureRequest, service: Settings, tmp_path: Path
) -> Iterator[list[dict[str, Any]]]:
    """The rows of a database of an earlier release, which is behind the handle."""
    header, *rows = map(json.loads, gzip.decompress(request.param.read_bytes()).splitlines())
    with a_database_of_its_own(service, tmp_path):
        for history, last in header["schema"].items():
            folder = tmp_path / history
            folder.mkdir()
            for file in FOLDERS[history].glob("0*.py"):
                if file.stem <= last:
                    shutil.copy(file, folder)
            Runner(db.db.obj, str(folder), history).up()
        with db.db.atomic():
            for table, of_table in groupby(rows, lambda line: str(line["table"])):
                for line in of_table:
                    _insert(table, line["row"])
        yield rows


def _insert(table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join([db.db.param] * len(row))
    db.db.execute_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
    if table == "users":
        finding.keep(row["account_id"], [(row["id"], row["search_text"])])


Rows = list[dict[str, Any]]


def _column(rows: Rows, table: str, name: str) -> list[Any]:
    return sorted(line["row"][name] for line in rows if line["table"] == table)


def test_f22_everything_of_an_earlier_release_is_there_and_sound(former: Rows) -> None:
    applied = migrations.apply()

    assert applied
    assert migrations.pending() == []
    assert list(invariants.violations()) == []
    assert sorted(row.body for row in Event.select(Event.body)) == _column(former, "events", "body")
    assert sorted(row.id for row in Pool.select(Pool.id)) == _column(former, "pools", "id")
    assert all(secrets.opened(row).startswith("whsec_") for row in Secret.select())
    cursors = sorted(row.cursor for row in Lane.select(Lane.cursor))
    assert cursors == _column(former, "webhook_lanes", "cursor")


def test_f22_work_goes_on_after_an_upgrade(former: Rows) -> None:
    migrations.apply()
    row = Account.get(Account.name == "Zoë & Söhne")
    account = AnAccount(row.id, system(row.id))

    priya = account.user("Priya", seats=["core"], email="priya@example.net")
    assigning.take_back(account.by, account.seat(priya, "core"))

    assert account.log()[-1]["sequence"] > row.last_sequence
    assert list(invariants.violations()) == []


# Ends the process, as `kill -9` does, before the n-th statement that begins so.
KILLED = """
import os, signal, sys
from licensing import db, migrations, settings
from webhooks import beside

beginning, left = sys.argv[1], int(sys.argv[2])

def counted(sql, *arguments, **options):
    global left
    left -= sql.startswith(beginning)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, *arguments, **options)

settings.put_in_force(settings.from_environment())
db.open_database(settings.current())
beside.attach()
with db.connection():
    execute, db.db.obj.execute_sql = db.db.obj.execute_sql, counted
    migrations.apply()
"""


def _migrate_and_die(beginning: str, number: int) -> "subprocess.CompletedProcess[str]":
    url = settings.current().database_url
    if POSTGRES_URL:
        url += (
            "&" if "?" in url else "?"
        ) + "options=-c%20search_path%3Dbefore%20-c%20timezone%3DUTC"
    else:
        url = f"sqlite:///{db.db.obj.database}"
    ours = {f"{PREFIX}DATABASE_URL": url, f"{PREFIX}SECRET_KEY": SECRET}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.run(  # noqa: S603 our own code
        [sys.executable, "-c", KILLED, beginning, str(number)],
        cwd=ROOT,
        env=inherited | ours | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_f22_a_migration_that_is_killed_is_begun_again(former: Rows) -> None:
    """
    In the middle, and when all is done but it is not written down: nothing of it is left.

    Those before it are done, each in a transaction of its own.
    """
    before = migrations.pending()
    for beginning, number in (("ALTER TABLE", 2), ('INSERT INTO "schema_migration"', 1)):
        killed = _migrate_and_die(beginning, number)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        left = migrations.pending()
        assert "0008_chained_events" in left
        assert left == before[-len(left) :]

    migrations.apply()

    assert list(invariants.violations()) == []
    assert sorted(row.body for row in Event.select(Event.body)) == _column(former, "events", "body")
