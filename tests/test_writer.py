"""Threads write to an SQLite file through one connection, and read through their own."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from licensing import db
from licensing.db import transactional
from licensing.models import ApiKey
from licensing.operations.api_keys import create_key
from licensing.rules.permissions import Scope, system
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
