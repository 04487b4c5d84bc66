"""What the database itself refuses, and how commands use it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from peewee import IntegrityError, OperationalError
from pysqlite3 import dbapi2 as sqlite3

from licensing import clock, connecting, db, ids, migrations, scheduler
from licensing.db import Busy, transaction, transactional
from licensing.models import TABLES, Account, Event, Pool, Removal, Seat, Subscription, User
from licensing.operations import giving_back
from licensing.queries import invariants
from licensing.scheduler import Scheduler
from licensing.settings import Settings, StartRefused, sqlite_file
from tests.conftest import POSTGRES_URL
from tests.http import calling
from tests.serving import free_port
from tests.world import an_account
from webhooks import running
from webhooks.models import TABLES as WEBHOOK_TABLES


def test_the_models_say_what_the_schema_is() -> None:
    models = (*TABLES, *WEBHOOK_TABLES)
    tables = {model._meta.table_name for model in models}
    of_the_runner = {
        name for name in db.db.get_tables() if not name.startswith("user_search")
    } - tables

    assert tables <= set(db.db.get_tables())
    assert all("migration" in name for name in of_the_runner), of_the_runner
    for model in models:
        found = {column.name for column in db.db.get_columns(model._meta.table_name)}
        assert found == {field.column_name for field in model._meta.sorted_fields}
    assert migrations.pending() == []


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        pytest.param({"assigned": 11}, "never_oversold", id="oversold"),
        pytest.param({"assigned": -1}, "never_oversold", id="fewer than none"),
        pytest.param(
            {"scheduled_removal": 10}, "scheduled_are_unassigned", id="a held seat leaves"
        ),
        pytest.param({"minimum": 9}, "keep_the_minimum", id="below the minimum"),
        pytest.param({"purchased": 1_000_001}, "purchased", id="too large"),
        pytest.param({"status": "lost"}, "status", id="no status"),
    ],
)
def test_r11_a_pool_with_wrong_counts_cannot_be_written(
    change: dict[str, Any], constraint: str
) -> None:
    account = an_account(core=10)
    account.user(seats=["core"])
    giving_back.schedule_removal(account.super_admin, "core", 2)

    with pytest.raises(IntegrityError, match=constraint), db.db.atomic():
        Pool.update(**change).where(Pool.account_id == account.id).execute()


def _seat(account_id: str, user_id: str, **more: Any) -> dict[str, Any]:
    values = {
        "account_id": account_id,
        "id": ids.new("seat"),
        "user_id": user_id,
        "seat_type": "core",
        "exclusive": False,
        "assigned_at": clock.now(),
        "assigned_by_type": "system",
        "assigned_by_id": "test",
        "version": 1,
        "created_at": clock.now(),
    }
    return values | more


def test_r8_a_second_seat_of_a_type_cannot_be_written() -> None:
    account = an_account()
    priya = account.user(seats=["core"])

    with pytest.raises(IntegrityError), db.db.atomic():
        Seat.create(**_seat(account.id, priya))


def test_r8_nor_a_seat_beside_an_exclusive_one() -> None:
    account = an_account()
    priya = account.user()

    with pytest.raises(IntegrityError), db.db.atomic():
        Seat.create(**_seat(account.id, priya))
    with pytest.raises(IntegrityError), db.db.atomic():
        Seat.create(**_seat(account.id, priya, seat_type="partner", exclusive=True))


def test_nor_a_seat_of_another_tenants_user() -> None:
    account, other = an_account(), an_account()
    stranger = other.user(seats=["core"])

    with pytest.raises(IntegrityError), db.db.atomic():
        Seat.create(**_seat(account.id, stranger))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        pytest.param({"super_admins": -1}, "super_admins", id="fewer admins than none"),
        pytest.param({"last_sequence": -1}, "last_sequence", id="a log before its beginning"),
        pytest.param({"status": "lost"}, "status", id="no status"),
        pytest.param({"pricing_model": "free"}, "pricing_model", id="no pricing model"),
    ],
)
def test_an_account_with_wrong_counts_cannot_be_written(
    change: dict[str, Any], constraint: str
) -> None:
    account = an_account()

    with pytest.raises(IntegrityError, match=constraint), db.db.atomic():
        Account.update(**change).where(Account.id == account.id).execute()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"quantity": 3}, id="more than was asked for"),
        pytest.param({"quantity": -1}, id="fewer than none"),
        pytest.param({"quantity": 0}, id="a live one that removes nothing"),
        pytest.param({"status": "cancelled"}, id="a cancelled one that removes"),
        pytest.param({"status": "applied"}, id="applied at no time"),
    ],
)
def test_r20_a_removal_that_contradicts_itself_cannot_be_written(change: dict[str, Any]) -> None:
    account = an_account()
    giving_back.schedule_removal(account.super_admin, "core", 2)

    with pytest.raises(IntegrityError, match="removals_"), db.db.atomic():
        Removal.update(**change).where(Removal.account_id == account.id).execute()


def test_r4_a_second_live_subscription_to_a_product_cannot_be_written() -> None:
    account = an_account()
    row = Subscription.get(Subscription.account_id == account.id)

    with pytest.raises(IntegrityError), db.db.atomic():
        Subscription.create(**row.__data__ | {"id": ids.new("sub")})


def test_r11_a_second_open_pool_of_a_type_cannot_be_written() -> None:
    account = an_account()
    row = Pool.get(Pool.account_id == account.id)

    with pytest.raises(IntegrityError), db.db.atomic():
        Pool.create(**row.__data__ | {"id": ids.new("pool")})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="a place in the log that is taken"),
        pytest.param({"sequence": 0}, id="a place before the first"),
        pytest.param({"sequence": 900}, id="an event that was told already"),
        pytest.param({"account_id": "acc_none"}, id="an account that does not exist"),
    ],
)
def test_r29_an_event_that_would_spoil_the_log_cannot_be_written(change: dict[str, Any]) -> None:
    account = an_account()
    row = Event.get(Event.account_id == account.id)

    with pytest.raises(IntegrityError), db.db.atomic():
        Event.create(**row.__data__ | change)


def test_r29_what_is_left_out_of_the_log_is_found() -> None:
    account = an_account()
    row = Event.get(Event.account_id == account.id)

    with db.db.atomic() as undone:
        Event.create(**row.__data__ | {"sequence": 900, "id": ids.new("evt")})
        found = list(invariants.violations())
        undone.rollback()

    assert any("is missing, the next one is 900" in text for text in found), found


def test_r14_a_user_with_a_seat_cannot_be_deleted_from_the_table() -> None:
    account = an_account()
    priya = account.user(seats=["core"])

    with pytest.raises(IntegrityError), db.db.atomic():
        User.delete().where(User.account_id == account.id, User.id == priya).execute()


def test_an_sqlite_that_can_lose_data_is_refused_with_what_to_do() -> None:
    with pytest.raises(StartRefused, match=r"SQLite 3\.40\.1 can corrupt .* pip install"):
        connecting.refuse_old_sqlite((3, 40, 1))
    connecting.refuse_old_sqlite((3, 51, 3))


def test_a_transaction_is_joined_and_undone_as_a_whole() -> None:
    account = an_account()

    @transactional
    def inner() -> None:
        Account.update(name="Renamed").where(Account.id == account.id).execute()

    @transactional
    def outer() -> None:
        inner()
        raise ValueError("after the inner one was done")

    with pytest.raises(ValueError, match="inner one"):
        outer()

    assert Account.get_by_id(account.id).name == "Acme"


def test_a_command_that_collided_is_repeated_as_a_whole() -> None:
    tries = []

    @transactional
    def collides_twice() -> str:
        tries.append(len(tries))
        if len(tries) < 3:
            raise _collision()
        return "done"

    assert collides_twice() == "done"
    assert len(tries) == 3


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "SECONDS_OF_REPEATING", 0.1)
    tries = []

    @transactional
    def collides_always() -> None:
        tries.append(len(tries))
        raise _collision()

    with pytest.raises(OperationalError):
        collides_always()

    assert len(tries) > 1


class _Collision(Exception):
    sqlstate = "40001"


def _collision() -> OperationalError:
    failure = OperationalError("could not serialise")
    failure.orig = _Collision()
    return failure


def test_what_has_to_run_inside_a_transaction_says_so() -> None:
    with pytest.raises(RuntimeError, match="inside a transaction"):
        transaction()


@pytest.mark.skipif(bool(POSTGRES_URL), reason="PostgreSQL plans a statement as often as it likes")
def test_sqlite_keeps_no_samples_for_which_it_would_plan_each_time() -> None:
    for _ in range(3):
        an_account()
    db.db.execute_sql("ANALYZE")
    before = _kept_of_the_tables()

    db.look_at_tables()

    assert min(before.values()) > 0
    assert _kept_of_the_tables() == before | {"sqlite_stat4": 0}


def _kept_of_the_tables() -> dict[str, int]:
    return {
        table: db.db.execute_sql(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("sqlite_stat1", "sqlite_stat4")
    }


@pytest.mark.skipif(bool(POSTGRES_URL), reason="PostgreSQL runs no functions of this process")
def test_a_connection_that_ends_with_its_thread_has_no_python_function_to_let_go_of() -> None:
    """Else the server dies when it ends a thread that was idle, half a minute after a request."""
    functions = "SELECT DISTINCT name FROM pragma_function_list"
    with closing(sqlite3.connect(":memory:")) as bare:
        of_the_library = set(bare.execute(functions))

    assert set(db.db.execute_sql(functions)) == of_the_library


@pytest.mark.skipif(bool(POSTGRES_URL), reason="PostgreSQL lets many write at once")
def test_who_waits_too_long_for_the_turn_to_write_is_told() -> None:
    in_hand, finish = threading.Event(), threading.Event()

    @transactional
    def slow() -> None:
        in_hand.set()
        finish.wait(timeout=30)

    @transactional
    def quick() -> None:
        raise AssertionError("its turn never came")

    def elsewhere() -> None:
        with db.connection():
            slow()
            db.close()

    with ThreadPoolExecutor(1) as other:
        running = other.submit(elsewhere)
        in_hand.wait(timeout=30)
        with pytest.raises(Busy):
            quick()
        finish.set()
        running.result()


@pytest.mark.skipif(bool(POSTGRES_URL), reason="PostgreSQL has no file to lock")
def test_where_the_file_to_lock_cannot_be_opened_the_database_is_out_of_order(
    service: Settings, app: Flask
) -> None:
    """As for whoever works on the database: 503 to callers, and threads that try again."""
    account = an_account()
    caller = calling(app, account)
    db.open_database(service)  # with the file still to be opened
    writing = Path(f"{sqlite_file(service.database_url)}.writing")
    writing.unlink()
    writing.mkdir()

    with pytest.raises(OperationalError, match="turn to write"):
        account.user(seats=[])
    answer = caller.post("users", {"email": "x@example.com", "name": "X"})

    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    writing.rmdir()
    account.user(seats=[])


TOLD = ("could not look for what is due", "what is old could not be deleted")


@pytest.mark.skipif(not POSTGRES_URL, reason="SQLite has no pool of connections")
def test_threads_go_on_and_callers_are_told_when_all_connections_are_in_use(
    service: Settings, app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(running, "SECONDS_BETWEEN_PURGES", 0.01)
    caller = calling(app, an_account())
    renewing, sending = Scheduler(), running.Running(service)
    threads = [threading.Thread(target=renewing.run, name="scheduler")]

    with monkeypatch.context() as exhausted, ThreadPoolExecutor(1) as elsewhere:
        db.close_all()  # those that wait in the pool
        exhausted.setattr(db.db.obj, "_max_connections", 1)  # which is the one of this thread
        exhausted.setattr(db.db.obj, "_wait_timeout", 0.01)
        threads[0].start()
        sending.start()
        answer = elsewhere.submit(caller.get, "users").result(timeout=30)
        deadline = time.monotonic() + 30
        while not all(told in caplog.text for told in TOLD) and time.monotonic() < deadline:
            time.sleep(0.001)
    threads += [one for one in threading.enumerate() if one.name == "webhook-keeper"]
    alive = [one.name for one in threads if one.is_alive()]
    renewing.stop()
    sending.finish()
    for thread in threads:
        thread.join()

    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert alive == ["scheduler", "webhook-keeper"]


def test_a_database_in_memory_leaves_no_file_behind(
    service: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    db.close()
    db.open_database(replace(service, database_url="sqlite:///:memory:"))
    try:
        with db.connection():
            migrations.apply()
            assert an_account().id
        db.close()
    finally:
        db.open_database(service)
        db.db.connect()

    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not POSTGRES_URL, reason="SQLite is in no other place")
@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_of_the_hosts_in_a_url_one_that_can_be_written_to_is_found(
    service: Settings, scheme: str
) -> None:
    user, _, rest = service.database_url.partition("://")[2].rpartition("@")
    place, _, name = rest.partition("/")
    hosts = f"127.0.0.1:{free_port()},{place}"
    url = f"{scheme}://{user}@{hosts}/{name}?target_session_attrs=read-write"
    db.close()

    db.open_database(replace(service, database_url=url))

    try:
        with db.connection():
            db.ping()
    finally:
        db.open_database(service)
