"""The command line: each command is short, and does what the API does where both can (R33)."""

import gc
import json
import os
import re
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from itertools import chain
from pathlib import Path
from typing import TextIO

import click
from flask import current_app
from flask.cli import ScriptInfo, with_appcontext
from granian.constants import Interfaces
from granian.server.mp import MPServer

from licensing import (
    db,
    demo,
    logs,
    metrics,
    migrations,
    roles,
    settings,
    tracing,
)
from licensing.api import openapi
from licensing.queries import anchors, invariants
from licensing.row_security import EVERY_ACCOUNT
from licensing.scheduler import Scheduler
from licensing.settings import PREFIX

# What else a demo runs: a context that yields a function, which says what it is.
Beside = Callable[[], AbstractContextManager[Callable[[], str]]]
BESIDE_THE_DEMO = "beside_the_demo"
APPLICATION = Path(__file__).parent.parent / "app.py"
SECONDS_TO_DRAIN = 25


def _host_and_port(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[str, int] | None:
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise click.BadParameter("expected an address and a port, such as 127.0.0.1:9100")
    return host.strip("[]"), int(port)


def _role_name(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
        raise click.BadParameter("expected lower-case letters, digits and underscores")
    return value


metrics_option = click.option(
    "--metrics",
    "metrics_at",
    metavar="ADDRESS:PORT",
    callback=_host_and_port,
    help="Answer Prometheus at http://ADDRESS:PORT/metrics.",
)


def be_observed(metrics_at: tuple[str, int] | None) -> None:
    """Log as the settings say, make spans and answer Prometheus where that is wanted."""
    logs.configure(settings.current())
    tracing.configure(settings.current().observing)
    if metrics_at is not None:
        try:
            metrics.serve(*metrics_at)
        except OSError as problem:
            raise click.ClickException(f"cannot listen: {problem.strerror}") from None


def refuse_an_old_schema() -> None:
    """Refuse to work on a database whose schema lacks something; says what to do."""
    missing = migrations.pending()
    if missing:
        raise click.ClickException(
            f"the database lacks {', '.join(missing)}; run: seatkeeper migrate"
        )


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--demo", "with_demo", is_flag=True, help="Start with demo companies.")
@click.option(
    "--api-only",
    is_flag=True,
    help="Only answer requests; run `renew --loop` and `dispatch` beside it.",
)
@click.pass_obj
def serve(script: ScriptInfo, host: str, port: int, with_demo: bool, api_only: bool) -> None:
    """Run the service until Ctrl-C or SIGTERM.

    Requests in hand are finished. A scheduler runs beside the API: it renews terms, applies
    removals, tells coming renewals and moves test clocks. A dispatcher delivers webhooks. With
    --api-only neither does: on PostgreSQL, other processes may do that. The database's schema is
    brought up to date first. With --demo and no SEATKEEPER_DATABASE_URL, the data lives in a
    temporary folder and is gone afterwards.
    """
    _refuse_a_taken_port(host, port)
    with ExitStack() as stack:
        if with_demo and f"{PREFIX}DATABASE_URL" not in os.environ:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="seatkeeper-demo-"))
            os.environ[f"{PREFIX}DATABASE_URL"] = f"sqlite:///{folder}/seatkeeper.db"
        besides: list[Beside] = script.data.get(BESIDE_THE_DEMO, []) if with_demo else []
        introductions = [stack.enter_context(beside()) for beside in besides]
        in_force = settings.from_environment()
        settings.put_in_force(in_force)
        logs.configure(in_force)
        db.open_database(in_force)
        with db.connection(EVERY_ACCOUNT):
            migrations.apply()
            db.look_at_tables()
            _refuse_a_catalogue_that_lacks_something()
            if with_demo:
                click.echo(demo.welcome(demo.load(), f"http://{host}:{port}"))
                for introduce in introductions:
                    click.echo(introduce())
        db.close()
        factory = "create_served_api" if api_only else "create_served_app"
        # The process that serves is forked off: what the collector never looks at again stays one
        # copy for both.
        gc.collect()
        gc.freeze()
        _server(factory, host, port, in_force.threads).serve()


def _refuse_a_catalogue_that_lacks_something() -> None:
    dropped = invariants.dropped_from_catalogue()
    if dropped:
        raise click.ClickException(
            f"the catalogue lacks {', '.join(dropped)}, which accounts in the database have"
        )


def _refuse_a_taken_port(host: str, port: int) -> None:
    """The server would share the port with another one, which would answer half of the requests."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # Without listening: who connects to a probe would be cut off when it is closed.
            probe.bind((host, port))
        except OSError as problem:
            raise click.ClickException(
                f"cannot listen on {host}:{port}: {problem.strerror}"
            ) from None


def _server(factory: str, host: str, port: int, threads: int) -> MPServer:
    return MPServer(
        f"{APPLICATION.stem}:{factory}",
        factory=True,
        working_dir=APPLICATION.parent,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        # One process: SQLite's writers queue inside it. PostgreSQL may have any number of these.
        workers=1,
        blocking_threads=threads,
        workers_kill_timeout=SECONDS_TO_DRAIN,
        websockets=False,
        log_dictconfig=logs.OF_THE_SERVER,
    )


@click.command()
@click.option("--loop", is_flag=True, help="Go on until Ctrl-C or SIGTERM.")
@metrics_option
@with_appcontext
def renew(loop: bool, metrics_at: tuple[str, int] | None) -> None:
    """Renew terms, and do whatever else has come due.

    Removals are applied, cancelled subscriptions end, renewals are told in advance, invitations
    expire, test clocks move. `seatkeeper serve` does the same by itself. On PostgreSQL any number
    of these may run at once, beside any number of servers; nothing is done twice. Prints how many
    steps there were to do.
    """
    be_observed(metrics_at)
    scheduler = Scheduler()
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
        if not loop:
            click.echo(f"{_counted(scheduler.work_through())} done")
            return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: scheduler.stop())
    click.echo("doing what comes due; Ctrl-C ends it")
    scheduler.run()


def _counted(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps} steps"


@click.command()
@click.option(
    "--runtime-role",
    metavar="NAME",
    callback=_role_name,
    help="Let this PostgreSQL role run the service; it is made where it is not there.",
)
@click.option(
    "--password-file",
    type=click.File(),
    help="What the role will log in with, as the first line of a file.",
)
@with_appcontext
def migrate(runtime_role: str | None, password_file: TextIO | None) -> None:
    """Bring the database's schema up to date.

    Prints the migrations that were applied. Several may run at once: one works, the others wait.

    On PostgreSQL, the runtime role works on rows as the policies of the tables say, for one account
    at a time; it can neither change the schema nor what is written in the log. Name it whenever the
    schema was changed.
    """
    if runtime_role and settings.current().on_sqlite:
        raise click.UsageError("SQLite has no roles; --runtime-role is for PostgreSQL")
    if password_file and not runtime_role:
        raise click.UsageError("--password-file needs --runtime-role")
    password = _first_line(password_file) if password_file else None
    with db.connection(EVERY_ACCOUNT):
        applied = migrations.apply()
        for name in applied:
            click.echo(f"applied {name}")
        if not applied:
            click.echo("the schema is up to date")
        if runtime_role:
            made = roles.set_up(runtime_role, password)
            click.echo(f"{'made' if made else 'set up'} {runtime_role}, to run the service as")


def _first_line(password_file: TextIO) -> str:
    password = password_file.readline().rstrip("\r\n")
    if not password:
        raise click.ClickException(f"{password_file.name} has no password in its first line")
    return password


@click.command("openapi")
@click.option(
    "--output",
    default="openapi",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the files to.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail when a file differs.")
@with_appcontext
def write_openapi(output: Path, check: bool) -> None:
    """Write the contract as files.

    openapi.json is OpenAPI 3.1.1; openapi-3.0.json says the same for older generators.
    """
    document = openapi.document(current_app)
    files = {"openapi.json": document, "openapi-3.0.json": openapi.as_3_0(document)}
    for name, content in files.items():
        file, text = output / name, json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        if not check:
            output.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            click.echo(f"wrote {file}")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            raise click.ClickException(f"{file} is not what the code says; run: seatkeeper openapi")


@click.command("demo")
@with_appcontext
def load_demo() -> None:
    """Load three demo companies into the database.

    One is on each pricing model, one on a test clock. Prints an API key that may do everything.
    Running it again adds three more companies.
    """
    with db.connection(EVERY_ACCOUNT):
        migrations.apply()
        click.echo(demo.welcome(demo.load(), "http://127.0.0.1:8080"))


@click.command()
@click.option(
    "--anchors",
    "kept",
    type=click.File(encoding="utf-8"),
    help="Compare with what `seatkeeper anchors` wrote.",
)
@with_appcontext
def verify(kept: TextIO | None) -> None:
    """Check every invariant of the data.

    Counters against rows, the chain over each log, constraints, and that each change has its event.
    Prints what does not hold and exits with 1; reads only, and may run beside the service.
    """
    found = 0
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
        with db.snapshot():
            db.take_any_time()
            try:
                for text in chain(
                    invariants.violations(), anchors.broken(anchors.read(kept or ()))
                ):
                    found += 1
                    click.echo(text)
            except anchors.BadAnchor as bad:
                raise click.ClickException(str(bad)) from None
    if found:
        raise click.ClickException(f"{found} invariants do not hold")
    click.echo("all invariants hold")


@click.command("anchors")
@with_appcontext
def write_anchors() -> None:
    """Print the last event of each account's log, with the digest of the chain that it ends.

    To be kept elsewhere: `seatkeeper verify --anchors FILE` then finds out if the end of a log was
    cut off, or all of it written anew.
    """
    with db.connection(EVERY_ACCOUNT):
        refuse_an_old_schema()
        with db.snapshot():
            db.take_any_time()
            for anchor in anchors.anchors():
                click.echo(anchor.line())


COMMANDS = (serve, renew, migrate, write_openapi, load_demo, verify, write_anchors)
