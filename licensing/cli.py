"""The command line: each command is short, and does what the API does where both can (R33)."""

import json
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import TextIO

import click
from flask import current_app
from flask.cli import ScriptInfo, with_appcontext
from granian.constants import Interfaces
from granian.server.mp import MPServer

from licensing import clock, db, demo, logs, metrics, migrations, resources, settings
from licensing.api import openapi
from licensing.operations import api_keys
from licensing.queries import accounts, anchors, invariants
from licensing.queries.cursors import Window
from licensing.rules.permissions import Scope, system
from licensing.rules.refusals import Refusal
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


metrics_option = click.option(
    "--metrics",
    "metrics_at",
    metavar="ADDRESS:PORT",
    callback=_host_and_port,
    help="Answer Prometheus at http://ADDRESS:PORT/metrics.",
)


def be_observed(metrics_at: tuple[str, int] | None) -> None:
    """Log as the settings say, and answer Prometheus where that is wanted."""
    logs.configure(settings.current())
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
@click.pass_obj
def serve(script: ScriptInfo, host: str, port: int, with_demo: bool) -> None:
    """Run the service until Ctrl-C or SIGTERM.

    Requests in hand are finished. A scheduler runs beside the API: it renews terms, applies
    removals, tells coming renewals and moves test clocks. A dispatcher delivers webhooks. The
    database's schema is brought up to date first. With --demo and no SEATKEEPER_DATABASE_URL, the
    data lives in a temporary folder and is gone afterwards.
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
        db.open_database(in_force)
        with db.connection():
            migrations.apply()
            db.look_at_tables()
            _refuse_a_catalogue_that_lacks_something()
            if with_demo:
                click.echo(demo.welcome(demo.load(), f"http://{host}:{port}"))
                for introduce in introductions:
                    click.echo(introduce())
        db.close()
        _server(host, port, in_force.threads).serve()


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
            probe.bind((host, port))
            probe.listen(1)
        except OSError as problem:
            raise click.ClickException(
                f"cannot listen on {host}:{port}: {problem.strerror}"
            ) from None


def _server(host: str, port: int, threads: int) -> MPServer:
    return MPServer(
        f"{APPLICATION.stem}:create_served_app",
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
    with db.connection():
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
@with_appcontext
def migrate() -> None:
    """Bring the database's schema up to date.

    Prints the migrations that were applied. Several may run at once: one works, the others wait.
    """
    with db.connection():
        applied = migrations.apply()
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("the schema is up to date")


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command("create")
@click.option("--name", required=True, help="What the key is for, such as 'billing system'.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key may do; repeat for several. admin contains the others.",
)
@click.option("--account", "account_id", help="Bind the key to one account (acc_…).")
@click.option("--days", type=click.IntRange(1, 3650), help="Expire after so many days.")
@with_appcontext
def create_key(
    name: str, scopes: tuple[str, ...], account_id: str | None, days: int | None
) -> None:
    """Create an API key and print it, and nothing else. It cannot be shown again."""
    expires_at = clock.now() + timedelta(days=days) if days else None
    with db.connection():
        refuse_an_old_schema()
        try:
            _, token = api_keys.create_key(
                system(), name, [Scope(scope) for scope in scopes], account_id, expires_at
            )
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(token)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@with_appcontext
def list_keys(as_json: bool) -> None:
    """List the API keys, oldest first, without their secrets."""
    cursor: str | None = None
    with db.connection():
        refuse_an_old_schema()
        while True:
            page = accounts.api_keys(system(), Window(limit=200, cursor=cursor))
            for key in page.items:
                click.echo(json.dumps(key) if as_json else _line_of(key))
            cursor = page.next_cursor
            if cursor is None:
                return


def _line_of(key: resources.Resource) -> str:
    state = "revoked" if key["revoked_at"] else f"expires {key['expires_at'] or 'never'}"
    bound = key["account_id"] or "all accounts"
    return f"{key['id']}  {key['name']}  [{' '.join(key['scopes'])}]  {bound}  {state}"


@keys.command("revoke")
@click.argument("key_id")
@with_appcontext
def revoke_key(key_id: str) -> None:
    """End an API key at once. KEY_ID is its id (key_…), as `keys list` shows it."""
    with db.connection():
        refuse_an_old_schema()
        try:
            api_keys.revoke_key(system(), key_id)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(f"revoked {key_id}")


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
    with db.connection():
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
    with db.connection():
        refuse_an_old_schema()
        with db.snapshot():
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
    with db.connection():
        refuse_an_old_schema()
        with db.snapshot():
            for anchor in anchors.anchors():
                click.echo(anchor.line())


COMMANDS = (serve, renew, migrate, keys, write_openapi, load_demo, verify, write_anchors)
