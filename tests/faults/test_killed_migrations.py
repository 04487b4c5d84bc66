"""
A migration that is killed: the next one finishes it, and nothing of it is there twice (F7, F22).

It dies before some statement or commit of the way from an older release with users to this one.
"""

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import peewee
import pytest
from playhouse.migrate import SchemaMigrator

from licensing import db, migrations, settings
from tests.faults.cluster import another_database
from tests.faults.harness import Database, Harness, a_seed
from tests.faults.machines import Machine, Works
from tests.test_migrations import ACCOUNT, a_user, insert, migrate_through

KILLS = 9
OLDER_RELEASE, USERS = 3, 50
Content = dict[str, Any]


class Copies:
    """Databases of an older release, all alike: files, or databases of one server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[str] = []

    def url(self, name: str) -> str:
        """Where the database of this name is."""
        present = settings.current().database_url
        if present.startswith("sqlite:"):
            return f"sqlite:///{self._folder}/{name}.db"
        return urlsplit(present)._replace(path=f"/{name}").geturl()

    def make(self, name: str, like: str | None = None) -> None:
        """Make a database: an empty one, or one that is like another."""
        self._made.append(name)
        if not db.on_sqlite():
            template = "" if like is None else f" TEMPLATE {like}"
            self._tell_the_server(f"CREATE DATABASE {name}{template}")
        elif like is not None:
            shutil.copy(self._folder / f"{like}.db", self._folder / f"{name}.db")

    def drop(self) -> None:
        """Drop what was made; files go with their folder."""
        if not db.on_sqlite():
            for name in self._made:
                self._tell_the_server(f"DROP DATABASE {name} WITH (FORCE)")

    def _tell_the_server(self, order: str) -> None:
        import psycopg  # an optional dependency, which SQLite does not need

        with psycopg.connect(settings.current().database_url, autocommit=True) as connection:
            connection.execute(order)


@contextmanager
def _copies() -> Iterator[Copies]:
    with tempfile.TemporaryDirectory(prefix="seatkeeper-migrations-") as folder:
        copies = Copies(Path(folder))
        try:
            copies.make("older")
            with another_database(copies.url("older")):
                migrate_through(OLDER_RELEASE, Path(folder) / "scripts")
                insert("accounts", ACCOUNT)
                for number in range(USERS):
                    insert("users", a_user(number, f"Zoë {number}"))
            yield copies
        finally:
            copies.drop()


def _content() -> Content:
    """The schema, and the rows that the migrations bring along."""
    tables = [name for name in db.db.get_tables() if not name.endswith("migration")]
    found: Content = {"migrations": migrations.pending()}
    for table in sorted(tables):
        rows = db.db.execute_sql(f"SELECT * FROM {table}").fetchall()
        found[table] = (
            sorted((column.name, column.data_type) for column in db.db.get_columns(table)),
            sorted(index.name for index in db.db.get_indexes(table)),
            sorted(map(str, rows)),
        )
    return found


def _undisturbed(copies: Copies, as_a_whole: bool) -> tuple[Content, int]:
    """What comes of migrations that nobody disturbs, and how many steps they take."""
    steps: Counter[str] = Counter()

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(peewee.Database, name)

        def run(*arguments: Any) -> Any:
            steps[name] += 1
            return original(*arguments)

        return run

    copies.make("undisturbed", like="older")
    with another_database(copies.url("undisturbed")):
        with pytest.MonkeyPatch.context() as patched:
            for name in ("execute_sql", "commit"):
                patched.setattr(peewee.Database, name, counted(name))
            if not as_a_whole:
                patched.setattr(SchemaMigrator, "migration_context", lambda *_: nullcontext())
            migrations.apply()
        return _content(), steps.total()


def run(seed: int, size: int, as_a_whole: bool = True) -> dict[str, int]:
    """Kill so many migrations, each at some step, and migrate again."""
    fault = "at_step" if as_a_whole else "at_step_without_transactions"
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    with _copies() as copies, Works(settings.current()) as works:
        expected, steps = _undisturbed(copies, as_a_whole)
        for kill in range(size):
            name = f"killed_{kill}"
            copies.make(name, like="older")
            works.move_to(copies.url(name))
            step = chance.randrange(1, steps + 1)
            with Machine(works, "migrate", fault=f"{fault}:{step}") as machine:
                machine.wait_until_it_dies()
                machine.start()
                machine.wait_until_it_ends()
            with another_database(copies.url(name)):
                found = _content()
            assert found == expected, f"differs when killed before step {step} of {steps}"
    return {"kills": size}


HARNESSES = (Harness("F7", "kill migrations", run, size=50, database=Database.BOTH, plan=9),)


def test_a_migration_that_is_killed_is_finished_by_the_next_one() -> None:
    run(a_seed(), KILLS)


def test_a_migration_that_is_not_done_as_a_whole_cannot_be_finished() -> None:
    """The negative control: the next one fails, or what was done twice is there twice."""
    with pytest.raises(AssertionError, match=r"ended with 1|differs when killed"):
        run(a_seed(), KILLS, as_a_whole=False)
