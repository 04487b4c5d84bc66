"""
Backups of an SQLite database: made while the service runs, looked through, put back.

PostgreSQL has tools of its own for this; what has to be done after them is `restored` in
`licensing.operations.restoring`.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import peewee

from licensing import settings
from licensing.settings import sqlite_file

sqlite: Any = peewee.sqlite3  # type: ignore[attr-defined]

SECONDS_TO_WAIT = 30
UNFINISHED = ".part"


class BackupRefused(Exception):
    """A backup cannot be made or put back; the message says why and what to do."""


def back_up(file: Path) -> None:
    """
    Write all that the database holds now to a file of its own, beside whoever works on it.

    The secret that was made for the database is put beside the backup, since what is sealed cannot
    be read without it. The file has its name only when it is whole and on the disk.

    Raises `BackupRefused` for another database than SQLite, a file that exists, and damage.
    """
    source = _database()
    if file.exists():
        raise BackupRefused(f"{file} exists already")
    part = file.with_name(file.name + UNFINISHED)
    try:
        _copy(source, part)
        _look_through(part)
        _onto_the_disk(part)
        _put_secret_beside(source, file)
        part.rename(file)
        _onto_the_disk(file.absolute().parent)
    finally:
        part.unlink(missing_ok=True)


def put_back(file: Path, replace: bool) -> Path | None:
    """
    Make a backup the database of this service, which must not be running.

    Args:
        file: the backup.
        replace: whether a database that is there already may be moved aside.

    Returns where the former database is now, None where there was none. Raises `BackupRefused`.
    """
    target = _database()
    if not file.is_file():
        raise BackupRefused(f"{file} is no file")
    _look_through(file)
    aside = _moved_aside(target, replace) if target.exists() else None
    part = target.with_name(target.name + UNFINISHED)
    shutil.copyfile(file, part)
    _onto_the_disk(part)
    _put_secret_beside(file, target)
    part.rename(target)
    _onto_the_disk(target.absolute().parent)
    return aside


def _database() -> Path:
    in_force = settings.current()
    if not in_force.on_sqlite:
        raise BackupRefused("this is for SQLite; use pg_dump, pg_basebackup and their kin")
    return sqlite_file(in_force.database_url)


def _copy(source: Path, part: Path) -> None:
    if not source.exists():
        raise BackupRefused(f"there is no database {source}")
    part.touch(mode=0o600)
    origin, copy = _opened(source), _opened(part)
    try:
        # In one step: it sees one state, and starts over for nobody.
        origin.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    finally:
        copy.close()
        origin.close()


def _opened(file: Path) -> Any:
    return sqlite.connect(file, timeout=SECONDS_TO_WAIT)


def _look_through(file: Path) -> None:
    """Refuse a file in which a page or a reference is broken."""
    found = _opened(file)
    try:
        (said,) = found.execute("PRAGMA integrity_check(1)").fetchone()
        broken = found.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite.DatabaseError as problem:
        raise BackupRefused(f"{file} cannot be used: {problem}") from None
    finally:
        found.close()
    if said != "ok" or broken is not None:
        raise BackupRefused(f"{file} is damaged: {said if broken is None else broken}")


def _moved_aside(target: Path, replace: bool) -> Path:
    if not replace:
        raise BackupRefused(f"{target} exists; --replace moves it aside")
    used = _opened(target)
    try:
        # Nobody else may have it open to leave the write-ahead log.
        used.execute("PRAGMA busy_timeout = 0")
        used.execute("PRAGMA journal_mode = DELETE")
    except sqlite.OperationalError:
        raise BackupRefused(f"{target} is in use; stop the service first") from None
    except sqlite.DatabaseError:
        pass  # it is damaged, which may be why a backup is put back
    finally:
        used.close()
    aside = _free_name(target)
    target.rename(aside)
    for beside in ("-wal", "-shm"):
        target.with_name(target.name + beside).unlink(missing_ok=True)
    return aside


def _free_name(target: Path) -> Path:
    names = (target.with_name(f"{target.name}.before-{number}") for number in range(1, 10_000))
    return next(name for name in names if not name.exists())


def _put_secret_beside(source: Path, target: Path) -> None:
    """Copy the secret that was made for a database; one that is there already stays."""
    secret, copy = source.with_suffix(".secret"), target.with_suffix(".secret")
    if secret.exists() and not copy.exists():
        copy.touch(mode=0o600)
        copy.write_text(secret.read_text(encoding="ascii"), encoding="ascii")
        _onto_the_disk(copy)


def _onto_the_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
