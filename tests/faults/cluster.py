"""A PostgreSQL server of a test's own, which may be crashed: in a temporary folder, fsync on."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from licensing import db, migrations, settings
from tests.serving import free_port

# Who may not be root: the server.
SERVER_USER = "postgres"
SECONDS_TO_START = 60


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, None where they are not installed."""
    known = shutil.which("initdb")
    if known is not None:
        return Path(known).parent
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((file.parent for file in found), default=None)


class Cluster:
    """A PostgreSQL server with an empty database, until the block ends."""

    def __enter__(self) -> Self:
        found = programs()
        assert found is not None, "PostgreSQL's programs are not installed"
        self._programs = found
        self._folder = Path(tempfile.mkdtemp(prefix="seatkeeper-cluster-"))
        self._port = free_port()
        if os.geteuid() == 0:
            shutil.chown(self._folder, SERVER_USER)
        self._run("initdb", "--auth=trust", "--no-sync", "--username=postgres", "--encoding=UTF8")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.crash()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where its database is."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, as soon as nothing is left of the one before."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1"
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                self._run("pg_ctl", "start", "-w", "-l", str(self._log), "-o", options)
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise AssertionError(self._log.read_text()) from None
                time.sleep(0.1)
            else:
                return

    def crash(self) -> None:
        """Stop it at once, without a checkpoint: the next start recovers from its log."""
        self._run("pg_ctl", "stop", "-m", "immediate")

    def kill(self) -> None:
        """Kill -9 the process that started all others."""
        number = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(number, signal.SIGKILL)

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _run(self, program: str, *arguments: str) -> None:
        whose: dict[str, Any] = {}
        if os.geteuid() == 0:
            whose = {"user": SERVER_USER, "group": SERVER_USER, "extra_groups": []}
        subprocess.run(  # noqa: S603 PostgreSQL's own
            [self._programs / program, "-D", self._folder / "data", *arguments],
            cwd=self._folder,
            check=True,
            # A server keeps what it is given; a pipe would be held open for as long as it runs.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **whose,
        )


@contextmanager
def another_database(url: str) -> Iterator[None]:
    """Have another database behind the handle, as it is, until the block ends."""
    before = settings.current()
    chosen = replace(before, database_url=url)
    db.close()
    settings.put_in_force(chosen)
    db.open_database(chosen)
    try:
        with db.connection():
            yield
            db.close()
    finally:
        db.close()
        settings.put_in_force(before)
        db.open_database(before)
        db.db.connect()


@contextmanager
def at_work_on(url: str) -> Iterator[None]:
    """Have another database behind the handle, with this release's schema, until the block ends."""
    with another_database(url):
        migrations.apply()
        yield
