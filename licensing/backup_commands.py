"""The commands that care for backups."""

from dataclasses import replace
from pathlib import Path

import click
from flask.cli import with_appcontext

from licensing import backups, db, settings
from licensing.backups import BackupRefused
from licensing.operations import restoring
from licensing.queries import invariants
from licensing.row_security import EVERY_ACCOUNT


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Write a backup of the SQLite database to FILE.

    The service may be running. The backup is one state of the data. It is called FILE when it is
    whole, sound and on the disk; then everything that `seatkeeper verify` checks is checked in it.
    The secret that was made for the database is put beside it; a secret from the settings has to be
    kept elsewhere.
    """
    try:
        backups.back_up(file)
    except BackupRefused as refusal:
        raise click.ClickException(str(refusal)) from None
    found = _violations(file)
    for text in found:
        click.echo(text)
    if found:
        raise click.ClickException(f"{file} was written; {len(found)} invariants do not hold")
    click.echo(f"{file} holds everything; all invariants hold")


def _violations(file: Path) -> list[str]:
    before = settings.current()
    copy = replace(before, database_url=f"sqlite:///{file}")
    settings.put_in_force(copy)
    db.open_database(copy)
    try:
        with db.connection(EVERY_ACCOUNT), db.snapshot():
            return list(invariants.violations())
    finally:
        db.close()
        settings.put_in_force(before)
        db.open_database(before)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", "replaces", is_flag=True, help="Move a database that exists aside.")
@with_appcontext
def restore(file: Path, replaces: bool) -> None:
    """Put the backup FILE back as the SQLite database.

    The service must not be running. Every account begins a new epoch, so that receivers of webhooks
    know to compare with the snapshot: what happened after the backup is gone, and may be known to
    them.
    """
    try:
        aside = backups.put_back(file, replaces)
    except BackupRefused as refusal:
        raise click.ClickException(str(refusal)) from None
    if aside is not None:
        click.echo(f"the former database is {aside} now")
    _begin_epochs()


@click.command()
@with_appcontext
def restored() -> None:
    """Say that the database was put back from a backup by other means.

    To be run once after a PostgreSQL database was restored, before the service starts: every
    account begins a new epoch. `seatkeeper restore` does it by itself.
    """
    _begin_epochs()


def _begin_epochs() -> None:
    with db.connection(EVERY_ACCOUNT):
        accounts = restoring.restored()
    click.echo(f"restored; a new epoch has begun in {accounts} accounts")


COMMANDS = (backup, restore, restored)
