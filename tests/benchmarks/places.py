"""Where databases are made and copied: a folder for SQLite, a server for PostgreSQL."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from urllib.parse import urlsplit

from tests.faults.cluster import Cluster, programs


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
    return programs() is not None


@contextmanager
def a_server() -> Iterator[OnPostgresql]:
    """A PostgreSQL server as it comes, which syncs at each commit, until the block ends."""
    with Cluster() as server:
        yield OnPostgresql(server.url)
