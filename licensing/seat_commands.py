"""The commands about seats: many changes from a file (R16)."""

import sys
from pathlib import Path

import click

from licensing.applying import (
    Application,
    BadFile,
    Done,
    Failed,
    Line,
    Progress,
    read_lines,
    write_report,
)
from licensing.remote import Remote, ServiceRefused
from licensing.rules.batches import LARGEST_BATCH, OnError

REFUSED, WRONG, NOT_DONE, INTERRUPTED = 1, 2, 3, 130


@click.group()
def seats() -> None:
    """Change many seats at once."""


@seats.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", "account_id", required=True, help="The account (acc_…).")
@click.option(
    "--url",
    envvar="SEATKEEPER_URL",
    default="http://127.0.0.1:8080",
    show_default=True,
    help="The service (or variable SEATKEEPER_URL).",
)
@click.option(
    "--key",
    envvar="SEATKEEPER_KEY",
    required=True,
    help="API key (or variable SEATKEEPER_KEY): seats, and billing for give_back.",
)
@click.option("--dry-run", is_flag=True, help="Ask what would happen to each batch; do nothing.")
@click.option(
    "--on-error",
    type=click.Choice([choice.value for choice in OnError]),
    default=OnError.ABORT.value,
    show_default=True,
    help="When a line is refused: stop before its batch, or do the other lines.",
)
@click.option(
    "--batch",
    default=LARGEST_BATCH,
    show_default=True,
    type=click.IntRange(1, LARGEST_BATCH),
    help="How many lines are applied at once.",
)
@click.option("--again", is_flag=True, help="Apply a file once more that was applied before.")
@click.option(
    "--progress",
    "kept",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to remember what is done; beside FILE if left.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write refused lines; beside FILE if left.",
)
def apply_file(
    file: Path,
    account_id: str,
    url: str,
    key: str,
    dry_run: bool,
    on_error: str,
    batch: int,
    again: bool,
    kept: Path | None,
    report: Path | None,
) -> None:
    """Apply the seat changes in FILE, as CSV or JSON.

    \b
    action,email,seat_type,to_email,to_seat_type,give_back
    assign,priya@example.com,core,,,
    transfer,noah@example.com,sales,lena@example.com,,
    unassign,felix@example.com,core,,,true

    The changes go to a running service, up to 500 at a time; each batch is applied whole or, with
    --on-error continue, its good lines. A batch is judged by itself: keep what belongs together
    together. Whatever interrupts it, run the same command again: it goes on where it was, and
    repeats nothing. What is done is remembered beside FILE. Refused lines are written to a report,
    which can be corrected and applied.

    Exits with 0 when every line is done, 1 when lines were refused, 2 when the command or the file
    is wrong, 3 when the service does not answer or refuses: then run it again.
    """
    try:
        lines = read_lines(file)
    except BadFile as bad:
        click.echo(f"Error: {file}: {bad}", err=True)
        sys.exit(WRONG)
    kept = None if dry_run else kept or file.with_name(file.name + ".progress")
    progress = Progress(kept, url.rstrip("/"))
    progress.load()
    if again:
        progress.begin_again()
    task = Application(Remote(url, key), account_id, OnError(on_error), dry_run, progress)
    done = _applied(task, [lines[n : n + batch] for n in range(0, len(lines), batch)])
    _tell(done, len(lines), dry_run, report or _report_of(file))


def _report_of(file: Path) -> Path:
    return file.with_suffix(".refused.json" if file.suffix == ".json" else ".refused.csv")


def _applied(task: Application, batches: list[list[Line]]) -> list[Done]:
    """What became of the batches; ends the command where something keeps them from being sent."""
    done: list[Done] = []
    length = sum(map(len, batches))
    try:
        with click.progressbar(
            length=length, label="Applying", file=sys.stderr, hidden=len(batches) == 1
        ) as bar:
            for lines, one in task.apply(batches):
                done.append(one)
                bar.update(len(lines))
    except KeyboardInterrupt:
        click.echo(f"interrupted after {_of(done, batches)}; run it again to go on", err=True)
        sys.exit(INTERRUPTED)
    except ServiceRefused as refused:
        click.echo(f"Error: {refused}", err=True)
        click.echo(f"{_of(done, batches)} are done; run it again to go on", err=True)
        sys.exit(NOT_DONE)
    return done


def _of(done: list[Done], batches: list[list[Line]]) -> str:
    return f"{len(done)} of {len(batches)} batches"


def _tell(done: list[Done], count: int, dry_run: bool, report: Path) -> None:
    changed = sum(one.changed for one in done)
    unchanged = sum(one.unchanged for one in done)
    if all(one.before for one in done):
        click.echo("all of it was done before; --again applies it once more", err=True)
    failed: list[Failed] = [failed for one in done for failed in one.failed]
    left = count - changed - unchanged - len(failed)
    would = "would be " if dry_run else ""
    click.echo(
        f"{count} lines: {changed} {would}changed, {unchanged} unchanged, {len(failed)} refused"
        + (f", {left} not applied" if left else "")
    )
    if failed:
        write_report(report, failed)
        click.echo(f"the refused lines are in {report}")
        sys.exit(REFUSED)


COMMANDS = (seats,)
