"""Two PostgreSQL servers of a test's own: one that is written to, one that follows it."""

import shutil
import time
from contextlib import ExitStack
from typing import Any, Self

from tests.faults.cluster import Server
from tests.faults.relaying import Relay

# How long what was written to the one is on its way to the other.
SECONDS_OF_LAG = 0.3
SECONDS_TO_FOLLOW = 60
STANDBY = "seatkeeper_standby"


class Place(Server):
    """A place of one of the two."""

    def follow(self, primary: Server, port: int) -> None:
        """Copy another server, and follow it from then on by way of a port."""
        shutil.rmtree(self.data, ignore_errors=True)
        self._work("pg_basebackup", "-d", primary.url, "-R", "-c", "fast", "--no-sync")
        way = f"host=127.0.0.1 port={port} user=postgres application_name={STANDBY}"
        with (self.data / "postgresql.auto.conf").open("a") as chosen:
            chosen.write(f"primary_conninfo = '{way}'\nwal_retrieve_retry_interval = 100ms\n")
        self.start()

    def promote(self) -> None:
        """Let who follows be written to."""
        self._work("pg_ctl", "promote", "-w")

    def ask(self, query: str) -> Any:
        """The first column of the first row of an answer."""
        import psycopg  # an optional dependency, which SQLite does not need

        with psycopg.connect(self.url, autocommit=True) as connection:
            answer = connection.execute(query)
            row = answer.fetchone() if answer.description else None
            return row and row[0]


class Pair:
    """
    A primary, and a standby that hears of everything a little later, until the block ends.

    Where they are `synchronous`, a commit waits until the standby has it on its disk.
    """

    def __init__(self, synchronous: bool) -> None:
        self._synchronous = synchronous
        self._primary, self._standby = Place(), Place()
        self._running: set[Place] = set()
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._remove)
            self._relay = stack.enter_context(Relay(SECONDS_OF_LAG))
            self._primary.make()
            self._primary.start()
            self._running.add(self._primary)
            self._ends = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    @property
    def url(self) -> str:
        """Where the one that can be written to is: either here or there."""
        ports = sorted((self._primary.port, self._standby.port))
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        return f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"

    def replicate(self) -> None:
        """Make the standby anew, of the primary, and have commits wait for it from then on."""
        self._relay.lead_to(self._primary.port)
        self._standby.follow(self._primary, self._relay.port)
        self._running.add(self._standby)
        names = f"ANY 1 ({STANDBY})" if self._synchronous else ""
        self._primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self._primary.ask("SELECT pg_reload_conf()")
        expected = "quorum" if self._synchronous else "async"
        deadline = time.monotonic() + SECONDS_TO_FOLLOW
        while self._state() != expected:
            assert time.monotonic() < deadline, "the standby does not follow"
            time.sleep(0.05)

    def fail_over(self) -> None:
        """Kill -9 the primary, and have the standby take its place with what it has heard."""
        self._primary.kill()
        self._running.remove(self._primary)
        self._relay.cut()
        self._standby.promote()
        self._primary, self._standby = self._standby, self._primary

    def _state(self) -> Any:
        return self._primary.ask(
            "SELECT sync_state FROM pg_stat_replication"
            f" WHERE application_name = '{STANDBY}' AND state = 'streaming'"
        )

    def _remove(self) -> None:
        for place in (self._primary, self._standby):
            if place in self._running:
                place.crash()
            place.remove()
