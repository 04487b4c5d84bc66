"""The commands that move accounts from one database to another."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import with_appcontext

from licensing import db, exporting, importing
from licensing.cli import refuse_an_old_schema
from licensing.exporting import ExportRefused
from licensing.importing import ImportRefused
from licensing.row_security import EVERY_ACCOUNT


@click.command("export")
@click.argument("account_id", metavar="ACCOUNT", required=False)
@click.option("--all", "of_all", is_flag=True, help="All that the database holds.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, which must not exist; standard output if left.",
)
@with_appcontext
def export_account(account_id: str | None, of_all: bool, output: Path | None) -> None:
    """Write everything of ACCOUNT (acc_…) as lines of JSON.

    One state of the database, beside whoever works on it: rows, log, endpoints of webhooks with
    their positions, API keys, stored answers. What is encrypted stays so; keep the file as safe as
    a backup. `seatkeeper import` reads it, on any database.
    """
    if of_all == (account_id is not None):
        raise click.UsageError("name one ACCOUNT, or say --all")
    try:
        with db.connection(EVERY_ACCOUNT):
            refuse_an_old_schema()
            with _writing(output) as out:
                for line in exporting.lines(account_id):
                    out.write(line)
    except ExportRefused as refusal:
        raise click.ClickException(str(refusal)) from None


@contextmanager
def _writing(output: Path | None) -> Iterator[BinaryIO]:
    """A file that has its name when it is whole."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if output.exists():
        raise click.ClickException(f"{output} exists already")
    part = output.with_name(output.name + ".part")
    try:
        # Made anew: what is there already may be read by others, or be the name of another file.
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise click.ClickException(
            f"{part} exists: another export writes it, or one was killed; delete it then"
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(descriptor)
        part.rename(output)
    finally:
        part.unlink(missing_ok=True)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def import_accounts(file: Path) -> None:
    """Put what `seatkeeper export` wrote into FILE into this database.

    All of it or nothing: into a database that has none of it, of the same release, with the secret
    key of the other one among its settings. Every account begins a new epoch, so that receivers of
    webhooks know to compare with the snapshot.
    """
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
        try:
            accounts = importing.put_in(file)
        except ImportRefused as refusal:
            raise click.ClickException(str(refusal)) from None
    counted = "1 account" if accounts == 1 else f"{accounts} accounts"
    click.echo(f"imported {counted}; all invariants hold")


COMMANDS = (export_account, import_accounts)
