"""Backups of an SQLite database, by command."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pysqlite3 import dbapi2 as sqlite3

from app import seatkeeper
from licensing import db, migrations, settings
from licensing.models import Account
from licensing.operations import restoring
from licensing.settings import PREFIX, Settings
from tests.conftest import SECRET
from tests.world import an_account

Run = Callable[..., Result]


@pytest.fixture
def live(tmp_path: Path, service: Settings) -> Iterator[Path]:
    """An SQLite database in use, with two accounts; the test's own one is back afterwards."""
    file = tmp_path / "live" / "seatkeeper.db"
    file.parent.mkdir()
    here = Settings(database_url=f"sqlite:///{file}", secret_key=SECRET)
    _work_on(here)
    with db.connection():
        migrations.apply()
        an_account(core=3).user("Priya", seats=["core"])
        an_account(core=1)
        yield file
        db.close()
    _work_on(service)


def _work_on(chosen: Settings) -> None:
    db.close()
    settings.put_in_force(chosen)
    db.open_database(chosen)
    db.db.connect()


@pytest.fixture
def run(live: Path) -> Run:
    """Run a command on that database, and go on working on it."""

    def run(*arguments: object, url: str = f"sqlite:///{live}") -> Result:
        here = settings.current()
        ours = dict.fromkeys((name for name in os.environ if name.startswith(PREFIX)), None)
        ours |= {f"{PREFIX}DATABASE_URL": url}
        if not url.startswith("sqlite:"):
            ours |= {f"{PREFIX}SECRET_KEY": SECRET}
        db.close()
        done = CliRunner().invoke(seatkeeper, [str(word) for word in arguments], env=ours)
        _work_on(here)
        return done

    return run


def _epochs(file: Path) -> list[int]:
    with sqlite3.connect(file) as opened:
        return [epoch for (epoch,) in opened.execute("SELECT epoch FROM accounts")]


def test_a_backup_that_is_put_back_holds_everything_in_a_new_epoch(
    run: Run, live: Path, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"

    made = run("backup", file)
    an_account(core=9)
    back = run("restore", file, "--replace")

    assert (made.exit_code, back.exit_code) == (0, 0)
    assert made.output == f"{file} holds everything; all invariants hold\n"
    assert back.output == (
        f"the former database is {live}.before-1 now\n"
        "restored; a new epoch has begun in 2 accounts\n"
    )
    assert _epochs(live) == [2, 2]
    assert len(_epochs(live.with_name("seatkeeper.db.before-1"))) == 3
    assert run("verify").output == "all invariants hold\n"


def test_the_secret_of_the_database_goes_with_it(run: Run, live: Path, tmp_path: Path) -> None:
    file, elsewhere = tmp_path / "backup.db", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run("backup", file)
    kept = live.with_suffix(".secret").read_text()

    run("restore", file, url=f"sqlite:///{elsewhere}/new.db")

    assert file.with_suffix(".secret").read_text() == kept
    assert file.with_suffix(".secret").stat().st_mode & 0o077 == 0
    assert file.stat().st_mode & 0o077 == 0
    assert _epochs(elsewhere / "new.db") == [2, 2]


def test_a_backup_is_one_state_however_much_is_written_meanwhile(
    run: Run, live: Path, tmp_path: Path
) -> None:
    writer = sqlite3.connect(live)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE accounts SET epoch = 7")
    try:
        made = run("backup", tmp_path / "backup.db")
    finally:
        writer.rollback()
        writer.close()

    assert made.exit_code == 0
    assert _epochs(tmp_path / "backup.db") == [1, 1]


def test_a_file_that_exists_is_never_overwritten(run: Run, live: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.db"
    taken.write_text("precious")

    made, back = run("backup", taken), run("restore", taken)

    assert (made.exit_code, back.exit_code) == (1, 1)
    assert "exists already" in made.output
    assert taken.read_text() == "precious"
    assert len(_epochs(live)) == 2


def test_a_damaged_backup_is_not_put_back(run: Run, live: Path, tmp_path: Path) -> None:
    whole, damaged, text = (tmp_path / name for name in ("whole.db", "damaged.db", "text.db"))
    run("backup", whole)
    content = bytearray(whole.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    damaged.write_bytes(content)
    text.write_text("this is no database" * 100)

    refused = [run("restore", file, "--replace") for file in (damaged, text)]

    assert [done.exit_code for done in refused] == [1, 1]
    assert "malformed" in refused[0].output
    assert "not a database" in refused[1].output
    assert _epochs(live) == [1, 1]


def test_a_database_in_use_is_not_replaced(run: Run, live: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "backup.db")
    with sqlite3.connect(live) as service:
        service.execute("SELECT count(*) FROM accounts").fetchone()

        refused = run("restore", tmp_path / "backup.db", "--replace")

    assert refused.exit_code == 1
    assert "is in use; stop the service first" in refused.output
    assert _epochs(live) == [1, 1]


def test_a_damaged_database_is_replaced(run: Run, live: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "backup.db")
    db.close()
    shutil.copyfile(tmp_path / "backup.db", tmp_path / "kept.db")
    live.write_bytes(b"lost" * 10_000)

    back = run("restore", tmp_path / "kept.db", "--replace")

    assert back.exit_code == 0, back.output
    assert _epochs(live) == [2, 2]


def test_a_backup_with_a_violation_says_so(run: Run, live: Path, tmp_path: Path) -> None:
    Account.update(super_admins=5).execute()

    made = run("backup", tmp_path / "backup.db")

    assert made.exit_code == 1
    assert "2 invariants do not hold" in made.output


def test_other_databases_have_backups_of_their_own(run: Run, tmp_path: Path) -> None:
    made = run("backup", tmp_path / "backup.db", url="postgresql://nobody@127.0.0.1:1/nothing")

    assert made.exit_code == 1
    assert "pg_dump" in made.output


def test_a_database_that_was_put_back_by_other_means_begins_new_epochs() -> None:
    account = an_account()
    account.user(seats=[])

    accounts = restoring.restored()
    account.user(seats=[])

    assert accounts == 1
    assert [event["epoch"] for event in account.log()][-1] == 2
    assert {event["epoch"] for event in account.log()} == {1, 2}
