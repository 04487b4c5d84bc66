"""Threads write to an SQLite file through one connection, together, and read through their own."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from typing import Any

import pytest
from peewee import IntegrityError, OperationalError
from pysqlite3 import dbapi2 as sqlite3

from licensing import db, writer
from licensing.db import transactional
from licensing.models import ApiKey
from licensing.operations.api_keys import create_key
from licensing.rules.permissions import Scope, system
from licensing.settings import current, sqlite_file
from tests.conftest import POSTGRES_URL

pytestmark = pytest.mark.skipif(bool(POSTGRES_URL), reason="it is for an SQLite file")


def _connection() -> Any:
    return db.db.obj.connection()


@transactional
def _write(key_id: str = "key_1") -> Any:
    ApiKey.delete().where(ApiKey.id == key_id).execute()
    return _connection()


def _in_another_thread(work: Any) -> Any:
    def connected() -> Any:
        with db.connection():
            return work()

    with ThreadPoolExecutor(1) as one:
        return one.submit(connected).result()


def test_threads_write_through_one_connection_and_read_through_their_own() -> None:
    mine, theirs = _connection(), _in_another_thread(_connection)

    through = {_write(), _in_another_thread(_write)}

    assert len(through) == 1
    assert len({mine, theirs} | through) == 3
    assert _connection() is mine


def test_who_fails_to_write_reads_through_his_own_again() -> None:
    mine = _connection()

    @transactional
    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert _connection() is mine
    assert _write() is not mine


def test_what_is_undone_is_gone_for_who_writes_next() -> None:
    key, _ = create_key(system(), "billing", [Scope.READ])

    @transactional
    def rename_and_fail() -> None:
        ApiKey.update(name="renamed").where(ApiKey.id == key.id).execute()
        raise LookupError

    @transactional
    def name() -> str:
        return str(ApiKey.get_by_id(key.id).name)

    with pytest.raises(LookupError):
        rename_and_fail()

    assert _in_another_thread(name) == "billing"


def test_it_is_not_closed_under_who_writes() -> None:
    inside, go_on = threading.Event(), threading.Event()

    @transactional
    def write_slowly() -> Any:
        before = _connection()
        inside.set()
        go_on.wait()
        ApiKey.delete().where(ApiKey.id == "key_1").execute()
        return before

    with ThreadPoolExecutor(1) as one:
        written = one.submit(lambda: db.connection().__enter__() or write_slowly())
        inside.wait()
        db.close()
        db.db.connect()
        go_on.set()

        through = written.result()

    assert _write() is through


def test_who_writes_after_it_was_closed_opens_it_anew() -> None:
    before = _write()

    db.close()
    db.db.connect()

    assert _write() is not before


def test_a_process_that_was_forked_off_has_one_of_its_own() -> None:
    before = _write()

    child = os.fork()
    if child == 0:
        has_its_own = False
        try:
            db.db.obj._state.reset()  # a connection to read, too, is the parent's
            db.db.connect()
            has_its_own = _write() is not before
        finally:
            os._exit(0 if has_its_own else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert _write() is before


LONGEST = 30


class Crew:
    """Threads that write while the first of them holds the others up."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._line: Any = db._writer and db._writer._turn._threads
        self._started: list[Future[Any]] = []
        self.go_on = threading.Event()

    def first(self, *works: Callable[[], Any]) -> None:
        """Begin the first command, which does these things as soon as it may go on."""
        inside = threading.Event()

        @transactional
        def held_up() -> None:
            inside.set()
            assert self.go_on.wait(LONGEST)
            for work in works:
                work()

        self._start(held_up)
        assert inside.wait(LONGEST)

    def next(self, work: Callable[[], Any]) -> None:
        """Have another command wait behind those before it."""
        before = len(self._line._waiting)
        self._start(transactional(work))
        while len(self._line._waiting) == before:
            assert not self._started[-1].done()
            time.sleep(0.001)

    def _start(self, command: Callable[[], Any]) -> None:
        def connected() -> Any:
            with db.connection():
                return command()

        self._started.append(self._pool.submit(connected))

    def ended(self) -> list[Any]:
        """Let them go on; what each has raised, or None."""
        self.go_on.set()
        return [one.exception(LONGEST) for one in self._started]

    def has_ended(self, number: int) -> bool:
        """Whether one of them is told how it ended before long."""
        return bool(wait([self._started[number]], timeout=0.1).done)


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    monkeypatch.setattr(writer, "SECONDS_OF_A_GROUP", LONGEST)
    db.db.execute_sql("CREATE TABLE notes (note TEXT PRIMARY KEY)")
    with ThreadPoolExecutor(4) as pool:
        yield Crew(pool)


def note(text: str) -> Callable[[], Any]:
    return lambda: db.db.execute_sql("INSERT INTO notes VALUES (?)", (text,))


def notes() -> set[str]:
    return {text for (text,) in db.db.execute_sql("SELECT note FROM notes")}


@contextmanager
def _commits() -> Iterator[list[None]]:
    database, seen = db.db.obj, []
    commit = database.commit
    database.commit = lambda: (seen.append(None), commit())
    try:
        yield seen
    finally:
        del database.commit


def test_commands_that_wait_are_committed_with_the_one_before_them(crew: Crew) -> None:
    with _commits() as together:
        crew.first(note("first"))
        crew.next(note("second"))
        crew.next(note("third"))
        ended = crew.ended()
    with _commits() as apart:
        for text in ("fourth", "fifth"):
            transactional(note(text))()

    assert ended == [None, None, None]
    assert (len(together), len(apart)) == (1, 2)
    assert notes() == {"first", "second", "third", "fourth", "fifth"}


def test_nobody_joins_those_who_have_waited_for_long_enough(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SECONDS_OF_A_GROUP", 0)

    with _commits() as apart:
        crew.first(note("first"))
        crew.next(note("second"))
        crew.next(note("third"))
        ended = crew.ended()

    assert ended == [None, None, None]
    assert len(apart) == 3


@pytest.mark.usefixtures("crew")
def test_a_command_begins_anew_where_beginning_failed() -> None:
    with closing(sqlite3.connect(str(sqlite_file(current().database_url)))) as outside:
        outside.execute("BEGIN IMMEDIATE")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(db.db.obj, "_timeout", 0)
            db.close_all()
            with pytest.raises(OperationalError, match="locked"):
                transactional(note("first"))()
        outside.rollback()

    transactional(note("second"))()

    assert notes() == {"second"}


@pytest.mark.usefixtures("crew")
@pytest.mark.parametrize("times", [1, 2])
def test_a_command_is_one_transaction_where_the_file_could_not_be_opened_before(
    times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot_open() -> Any:
        raise OperationalError("unable to open database file")

    def fail_in_the_middle() -> None:
        note("undone")()
        raise LookupError

    db.close_all()
    with monkeypatch.context() as patch:
        patch.setattr(db.db.obj, "_connect", cannot_open)
        for _ in range(times):
            with pytest.raises(OperationalError, match="unable to open"):
                transactional(note("never"))()
    with pytest.raises(LookupError):
        transactional(fail_in_the_middle)()
    transactional(note("done"))()

    assert notes() == {"done"}


def test_nobody_is_told_and_nobody_sees_what_is_not_committed(crew: Crew) -> None:
    inside, found = threading.Event(), threading.Event()

    def look_around() -> None:
        inside.set()
        assert found.wait(LONGEST)

    crew.first(note("first"))
    crew.next(look_around)
    crew.go_on.set()
    assert inside.wait(LONGEST)
    told, seen = crew.has_ended(0), notes()
    found.set()

    assert crew.ended() == [None, None]
    assert (told, seen) == (False, set())
    assert notes() == {"first"}


def test_later_commands_see_what_earlier_ones_have_done(crew: Crew) -> None:
    seen: list[set[str]] = []
    crew.first(note("first"))
    crew.next(lambda: seen.append(notes()))

    crew.ended()

    assert seen == [{"first"}]


@pytest.mark.parametrize("failing", ["first", "second", "third"])
def test_who_fails_undoes_nothing_of_the_others(crew: Crew, failing: str) -> None:
    def work(text: str) -> Callable[[], None]:
        def run() -> None:
            note(text)()
            if text == failing:
                raise LookupError(text)

        return run

    crew.first(work("first"))
    crew.next(work("second"))
    crew.next(work("third"))

    ended = crew.ended()

    assert [str(problem) for problem in ended if problem] == [failing]
    assert notes() == {"first", "second", "third"} - {failing}


def test_what_a_command_undoes_of_its_own_is_undone_alone(crew: Crew) -> None:
    def second() -> None:
        note("kept")()
        with db.rehearsal():
            note("undone")()

    crew.first(note("first"))
    crew.next(second)

    assert crew.ended() == [None, None]
    assert notes() == {"first", "kept"}


def test_who_cannot_be_committed_hinders_nobody_else(crew: Crew) -> None:
    """A foreign key that is looked at no sooner than at the commit, which then fails for all."""
    db.db.execute_sql(
        "CREATE TABLE replies (note TEXT REFERENCES notes DEFERRABLE INITIALLY DEFERRED)"
    )
    crew.first(note("first"))
    crew.next(lambda: db.db.execute_sql("INSERT INTO replies VALUES ('to nothing')"))
    crew.next(note("third"))

    first, second, third = crew.ended()

    assert (first, third) == (None, None)
    assert isinstance(second, IntegrityError)
    assert notes() == {"first", "third"}


def test_where_sqlite_undoes_everything_the_others_are_done_again(crew: Crew) -> None:
    transactional(note("taken"))()
    crew.first(note("first"))
    crew.next(lambda: db.db.execute_sql("INSERT OR ROLLBACK INTO notes VALUES ('taken')"))
    crew.next(note("third"))

    first, second, third = crew.ended()

    assert (first, third) == (None, None)
    assert isinstance(second, IntegrityError)
    assert notes() == {"taken", "first", "third"}
