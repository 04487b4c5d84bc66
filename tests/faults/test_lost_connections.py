"""What becomes of connections to PostgreSQL that end, or cannot be made."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from peewee import OperationalError

from licensing import clock, connecting, db, settings
from licensing.reaching import Pool
from licensing.rules.permissions import system
from tests.conftest import POSTGRES_URL
from tests.faults.seen import Seen
from tests.receivers import RawReceiver, Receiver
from tests.world import an_account
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint
from webhooks.running import Running

WAITING = 6
ENDS = 3
SECONDS_TO_DELIVER = 30
END_ALL_OTHERS = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'seatkeeper'
    AND pid <> pg_backend_pid()
"""


@pytest.mark.skipif(not POSTGRES_URL, reason="SQLite has no connections that end")
def test_a_dispatcher_whose_connections_were_closed_goes_on() -> None:
    seen = Seen()
    with clock.reading(clock.system_time), Receiver(seen) as receiver:
        account = an_account()
        made, _ = endpoints.create_endpoint(system(), NewEndpoint(receiver.url, ["user.created"]))
        endpoints.enable_endpoint(system(), made.id)
        running = Running(settings.current())
        running.start()
        try:
            for _ in range(ENDS):
                account.user()
                told = {
                    (account.id, event["sequence"])
                    for event in account.log()
                    if event["type"] == "user.created"
                }
                assert seen.wait_for(told, SECONDS_TO_DELIVER) == set()
                (ended,) = db.db.execute_sql(END_ALL_OTHERS).fetchone()
                assert ended
        finally:
            running.finish()


def test_those_who_wait_for_a_connection_are_told_when_nobody_answers() -> None:
    over = threading.Event()
    with RawReceiver(lambda _: over.wait(60) and None) as silent:
        pool = Pool(
            "nowhere", host="127.0.0.1", port=silent.port, connect_timeout=2, autoconnect=False
        )
        with ThreadPoolExecutor(WAITING) as threads:
            asked = [threads.submit(pool.connect) for _ in range(WAITING)]
            for one in asked:
                with pytest.raises(OperationalError):
                    one.result()
        over.set()
        tried = silent.connections

    assert tried < WAITING


@pytest.mark.skipif(not POSTGRES_URL, reason="SQLite has no connections that end")
def test_where_one_connection_has_ended_those_beside_it_are_not_asked_one_by_one() -> None:
    pool: Any = connecting.postgresql(settings.current(), 5)
    together = threading.Barrier(WAITING)

    def use_one() -> int:
        pool.connect()
        (backend,) = pool.execute_sql("SELECT pg_backend_pid()").fetchone()
        together.wait()
        pool.close()
        return int(backend)

    with ThreadPoolExecutor(WAITING) as threads:
        idle = {one.result() for one in [threads.submit(use_one) for _ in range(WAITING)]}
    (oldest, *_) = pool._connections
    db.db.execute_sql("SELECT pg_terminate_backend(%s)", (oldest[-1].info.backend_pid,))

    with pool.connection_context():
        (backend,) = pool.execute_sql("SELECT pg_backend_pid()").fetchone()
        beside = list(pool._connections)

    assert len(idle) == WAITING
    assert backend not in idle
    assert beside == []
    pool.close_all()
