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
        return Path(known).resolve().parent  # where a link to one leads, all others are
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((file.parent for file in found), default=None)


class Server:
    """A place for a PostgreSQL server: a folder, a port, and programs that work on it."""

    def __init__(self) -> None:
        found = programs()
        assert found is not None, "PostgreSQL's programs are not installed"
        self._programs = found
        self._folder = Path(tempfile.mkdtemp(prefix="seatkeeper-cluster-"))
        self.port = free_port()
        if os.geteuid() == 0:
            shutil.chown(self._folder, SERVER_USER)

    @property
    def url(self) -> str:
        """Where its database is."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """The folder that a server keeps its data in."""
        return self._folder / "data"

    def make(self) -> None:
        """Make an empty database, for a server that is to be started."""
        self._work("initdb", "--auth=trust", "--no-sync", "--username=postgres", "--encoding=UTF8")

    def start(self) -> None:
        """Start it, as soon as nothing is left of the one before."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1"
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                self._work("pg_ctl", "start", "-w", "-l", str(self._log), "-o", options)
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise AssertionError(self._log.read_text()) from None
                time.sleep(0.1)
            else:
                return

    def crash(self) -> None:
        """Stop it at once, without a checkpoint: the next start recovers from its log."""
        self._work("pg_ctl", "stop", "-m", "immediate")

    def kill(self) -> None:
        """Kill -9 the process that started all others."""
        number = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(number, signal.SIGKILL)

    def remove(self) -> None:
        """Remove all that it has left."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _work(self, program: str, *arguments: str) -> None:
        whose: dict[str, Any] = {}
        if os.geteuid() == 0:
            whose = {"user": SERVER_USER, "group": SERVER_USER, "extra_groups": []}
        subprocess.run(  # noqa: S603 PostgreSQL's own
            [self._programs / program, "-D", self.data, *arguments],
            cwd=self._folder,
            check=True,
            # A server keeps what it is given; a pipe would be held open for as long as it runs.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **whose,
        )


class Cluster(Server):
    """A PostgreSQL server with an empty database, until the block ends."""

    def __enter__(self) -> Self:
        self.make()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.crash()
        self.remove()


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
