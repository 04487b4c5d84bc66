"""Transactions on PostgreSQL that wait for no result unless somebody looks at it."""

import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from peewee import IntegrityError, InterfaceError, OperationalError, PeeweeException

from licensing import clock, db, ids
from licensing.db import sqlstate, transaction, transactional
from licensing.models import Account, Seat
from licensing.operations import assigning
from licensing.row_security import EVERY_ACCOUNT
from licensing.rules.refusals import NoSeatAvailable
from licensing.settings import Settings
from tests.conftest import POSTGRES_URL
from tests.world import AnAccount, an_account

pytestmark = pytest.mark.skipif(not POSTGRES_URL, reason="SQLite is in the same process")

UNIQUE, FOREIGN_KEY = "23505", "23503"


def _rename(account: AnAccount, name: str) -> None:
    db.db.execute_sql("UPDATE accounts SET name = %s WHERE id = %s", (name, account.id))


def _insert_again(account: AnAccount) -> None:
    """What the database refuses at once, and nobody looks at."""
    sql = "INSERT INTO accounts SELECT * FROM accounts WHERE id = %s"
    db.db.execute_sql(sql, (account.id,))


def _seat_of_nobody(account: AnAccount) -> None:
    """What the database refuses at the commit: the foreign key is deferred."""
    values = ("nobody", "core", None, False, clock.now(), "system", "x", 1, clock.now())
    Seat.insert_many([(account.id, ids.new("seat"), *values)]).as_rowcount().execute()


def _name(account: AnAccount) -> str:
    return str(Account.get_by_id(account.id).name)


def _waits(command: Callable[[], object]) -> int:
    """How often the database is asked to send what it has: each time, somebody waits for it."""
    pgconn = db.db.connection().pgconn
    with tempfile.TemporaryFile("r") as log:
        pgconn.trace(log.fileno())
        try:
            command()
        finally:
            pgconn.untrace()
        log.seek(0)
        kinds = [line.split("\t")[3].strip() for line in log if line.split("\t")[1] == "F"]
    return kinds.count("Sync") + kinds.count("Flush") + kinds.count("Query")


def test_p8_a_command_waits_for_half_of_its_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    account = an_account(core=30)
    people = [account.user() for _ in range(20)]

    def assign() -> None:
        assigning.assign_seat(account.by, people.pop(), "core")

    for _ in range(6):
        assign()  # from now on the driver's statements are prepared
    waits = _waits(assign)
    with monkeypatch.context() as control:
        control.setattr(db, "_waiting_for_no_result", nullcontext)
        without = _waits(assign)

    assert waits <= 11
    assert without >= 19


def test_what_is_refused_is_told_though_nobody_looks_at_it() -> None:
    account = an_account(name="Acme")
    done = []

    @transactional
    def command() -> None:
        _rename(account, "Other")
        transaction().afterwards["x"] = lambda: done.append("afterwards")
        _insert_again(account)

    with pytest.raises(IntegrityError) as told:
        command()

    assert sqlstate(told.value) == UNIQUE
    assert (_name(account), done) == ("Acme", [])


@pytest.mark.parametrize("work", [_insert_again, _seat_of_nobody], ids=["at once", "deferred"])
def test_and_the_connection_goes_on(work: Callable[[AnAccount], None]) -> None:
    account = an_account(name="Acme", core=3)

    @transactional
    def command() -> None:
        _rename(account, "Other")
        work(account)

    for _ in range(7):  # more often than the driver takes to prepare a statement
        with pytest.raises(IntegrityError):
            command()
        assert _name(account) == "Acme"
        assert account.user() is not None
    assigning.assign_seat(account.by, account.user(), "core")

    assert account.numbers("core") == (3, 1, 0)


def test_what_is_refused_at_the_commit_is_told() -> None:
    account = an_account(name="Acme")

    @transactional
    def command() -> None:
        _rename(account, "Other")
        _seat_of_nobody(account)

    with pytest.raises(IntegrityError) as told:
        command()

    assert sqlstate(told.value) == FOREIGN_KEY
    assert _name(account) == "Acme"


def test_who_looks_at_a_result_is_told_what_was_refused_before() -> None:
    account = an_account(name="Acme")
    looked = []

    @transactional
    def command() -> None:
        _insert_again(account)
        looked.append(Account.select().count())

    with pytest.raises(IntegrityError) as told:
        command()

    assert (sqlstate(told.value), looked) == (UNIQUE, [])


def test_what_the_database_refused_first_is_told_and_no_refusal_after_it() -> None:
    account = an_account(name="Acme")

    @transactional
    def command() -> None:
        _insert_again(account)
        raise NoSeatAvailable("core", 3, 3)

    with pytest.raises(IntegrityError) as told:
        command()

    assert sqlstate(told.value) == UNIQUE


def test_a_refusal_undoes_what_was_sent_before_it() -> None:
    account = an_account(name="Acme")

    @transactional
    def command() -> None:
        _rename(account, "Other")
        raise NoSeatAvailable("core", 3, 3)

    with pytest.raises(NoSeatAvailable):
        command()

    assert _name(account) == "Acme"
    account.user()


def test_rows_are_counted_and_read_as_without() -> None:
    account = an_account(name="Acme")

    @transactional
    def command() -> list[Any]:
        ours, nobodys = Account.id == account.id, Account.id == "acc_none"
        changed = [Account.update(name="B").where(one).execute() for one in (ours, nobodys)]
        (row,) = Account.select().where(ours)
        columns = [column.name for column in db.db.execute_sql("SELECT 1 AS one").description]
        few = db.db.execute_sql("SELECT * FROM generate_series(1, 3)").fetchmany(2)
        return [changed, row.name, columns, few, list(db.db.execute_sql("SELECT 7"))]

    assert command() == [[1, 0], "B", ["one"], [(1,), (2,)], [(7,)]]


@pytest.mark.parametrize("looks", [True, False], ids=["who looks at a result", "who looks at none"])
def test_a_statement_that_was_not_prepared_after_a_failure_is_prepared_later(looks: bool) -> None:
    account = an_account(name="Acme")
    tries: list[int] = []

    @transactional
    def refused() -> None:
        _rename(account, "Other")
        raise NoSeatAvailable("core", 3, 3)

    @transactional
    def command(fails: bool) -> int:
        if fails and not tries:
            tries.append(1)
            _insert_again(account)
        sql = "UPDATE accounts SET name = name || %s WHERE id = %s"
        changed = db.db.execute_sql(sql, ("!", account.id))
        return int(changed.rowcount) if looks else 1

    with pytest.raises(NoSeatAvailable):
        refused()  # the driver has seen a rollback before anything is prepared
    for _ in range(5):
        command(fails=False)  # the next time the statement is prepared

    # What is taken already is tried again, as it is where two commands race.
    assert [command(fails=True), command(fails=False)] == [1, 1]
    assert _name(account) == "Acme" + 7 * "!"


def test_the_database_ends_the_transaction_of_who_has_stopped(
    service: Settings, owner: Any
) -> None:
    account = an_account(name="Acme")
    patience = quote("-c idle_in_transaction_session_timeout=200", safe="")
    db.close()
    db.open_database(replace(service, database_url=f"{service.database_url}?options={patience}"))

    @transactional
    def stops() -> None:
        _rename(account, "Other")
        assert _name(account) == "Other"
        ours = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
        pid, deadline = db.db.connection().info.backend_pid, time.monotonic() + 30
        while owner.execute(ours, (pid,)).fetchone() and time.monotonic() < deadline:
            time.sleep(0.01)

    try:
        with db.connection(EVERY_ACCOUNT), pytest.raises(OperationalError):
            stops()
    finally:
        db.close()
        db.open_database(service)
        db.db.connect()
    assert _name(account) == "Acme"


def test_a_command_without_a_connection_opens_none() -> None:
    @transactional
    def command() -> None:
        raise AssertionError("unreachable")

    db.close()
    try:
        with pytest.raises(InterfaceError):
            command()
        assert db.db.is_closed()
    finally:
        db.db.connect()


def test_a_connection_that_ends_is_told_as_before() -> None:
    account = an_account(name="Acme")

    @transactional
    def command() -> None:
        _rename(account, "Other")
        db.db.execute_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(PeeweeException) as told:
        command()
    db.close()

    assert isinstance(told.value, OperationalError)
    with db.connection(EVERY_ACCOUNT):
        assert _name(account) == "Acme"
