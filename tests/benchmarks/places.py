"""Where databases are made and copied: a folder for SQLite, a server for PostgreSQL."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from urllib.parse import urlsplit

from tests.serving import free_port


class Place(Protocol):
    """A place for databases, by name."""

    @property
    def name(self) -> str:
        """What kind of database it has."""

    def url(self, name: str) -> str:
        """The URL of a database of this place."""

    def make(self, name: str) -> str:
        """An empty database; returns its URL."""

    def copy(self, old: str, new: str) -> str:
        """A copy of a database that nobody is connected to; returns its URL."""


@dataclass(frozen=True)
class OnSqlite:
    """Files of a folder."""

    folder: Path
    name: str = "SQLite"

    def url(self, name: str) -> str:
        """The URL of a database of this place."""
        return f"sqlite:///{self.folder / name}.db"

    def make(self, name: str) -> str:
        """An empty database; returns its URL."""
        return self.url(name)

    def copy(self, old: str, new: str) -> str:
        """A copy of a database that nobody is connected to; returns its URL."""
        for rest in ("-wal", "-shm"):
            (self.folder / f"{new}.db{rest}").unlink(missing_ok=True)
        shutil.copy(self.folder / f"{old}.db", self.folder / f"{new}.db")
        return self.url(new)


@dataclass(frozen=True)
class OnPostgresql:
    """Databases of a server, which a URL of one of them leads to."""

    server: str
    name: str = "PostgreSQL"

    def url(self, name: str) -> str:
        """The URL of a database of this place."""
        return urlsplit(self.server)._replace(path=f"/{name}").geturl()

    def make(self, name: str) -> str:
        """An empty database; returns its URL."""
        return self._made(name, "template1")

    def copy(self, old: str, new: str) -> str:
        """A copy of a database that nobody is connected to; returns its URL."""
        return self._made(new, old)

    def _made(self, name: str, template: str) -> str:
        import psycopg

        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)


@contextmanager
def a_folder() -> Iterator[OnSqlite]:
    """A folder until the block ends."""
    with TemporaryDirectory(prefix="seatkeeper-benchmark-") as folder:
        yield OnSqlite(Path(folder))


def postgresql_is_there() -> bool:
    """Whether a server can be started here."""
    return _programs() != Path()


@contextmanager
def a_server() -> Iterator[OnPostgresql]:
    """A PostgreSQL server as it comes, which syncs at each commit, until the block ends."""
    port = free_port()
    with TemporaryDirectory(prefix="seatkeeper-benchmark-") as folder:
        data = Path(folder) / "data"
        as_user: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]
        programs = _programs()
        _run(*as_user, str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres")
        control = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
        options = f"-p {port} -k {folder} -h 127.0.0.1 -c max_connections=200"
        _run(*control, "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield OnPostgresql(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        finally:
            _run(*control, "-m", "immediate", "stop")


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    where = shutil.which("initdb")
    return found[-1].parent if found else Path(where).parent if where else Path()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 PostgreSQL's programs
