"""The service put together: settings, database, API, commands."""

import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo
from peewee import PeeweeException

from licensing import (
    __version__,
    api,
    backup_commands,
    cli,
    console,
    db,
    ending,
    key_commands,
    logs,
    move_commands,
    seat_commands,
    settings,
    tracing,
)
from licensing.queries import operating
from licensing.scheduler import Scheduler
from licensing.settings import Settings, StartRefused
from webhooks import beside, demo
from webhooks import cli as webhooks_cli
from webhooks.api import RESOURCES
from webhooks.running import Running


class Seatkeeper(Flask):
    """Flask without what the service has no use for."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """
        No function of ours is a coroutine.

        Flask would look for that in each hook and view, which takes as long as a quarter of the
        smallest request.
        """
        return func


def create_app(chosen: Settings | None = None) -> Flask:
    """
    The Flask application.

    Args:
        chosen: the settings; read from SEATKEEPER_* variables where None.

    Raises `StartRefused` when a setting is wrong, the SQLite library too old, or an operation
    declares nothing that its caller needs.
    """
    in_force = chosen or settings.from_environment()
    settings.put_in_force(in_force)
    db.open_database(in_force)
    beside.attach()
    operating.watch()
    app = Seatkeeper("seatkeeper", static_folder=None)
    api.add_api(app, in_force, RESOURCES)
    console.add_console(app)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app


def create_served_api() -> Flask:
    """The application and its log, with nothing beside it: what `serve --api-only` runs."""
    chosen = settings.from_environment()
    logs.configure(chosen)
    tracing.configure(chosen.observing)
    app = create_app(chosen)
    # What is there by now stays: the collector need not look through it over and over, which took
    # 50 ms each time, in the middle of whatever made objects enough, such as a batch.
    gc.collect()
    gc.freeze()
    return app


def create_served_app() -> Flask:
    """
    The application with a scheduler and a dispatcher beside it: what `seatkeeper serve` runs.

    The scheduler ends with the process: what it was doing is undone and done later. The dispatcher
    finishes what is on its way; what it could not write is sent again.
    """
    app = create_served_api()
    threading.Thread(target=Scheduler().run, name="scheduler", daemon=True).start()
    dispatcher = Running(settings.current())
    dispatcher.start()
    ending.at_the_end(dispatcher.finish)
    return app


COMMANDS = (
    *cli.COMMANDS,
    *key_commands.COMMANDS,
    *seat_commands.COMMANDS,
    *backup_commands.COMMANDS,
    *move_commands.COMMANDS,
    *webhooks_cli.COMMANDS,
)


@click.group(commands=list(COMMANDS), context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="seatkeeper")
@click.pass_context
def seatkeeper(context: click.Context) -> None:
    """Seat management for SaaS products: buy, assign, take back and transfer seats.

    Settings come from SEATKEEPER_* environment variables; without any, the data is kept in
    seatkeeper.db in the current directory. Try `seatkeeper serve --demo`.
    """
    beside.attach()
    context.obj = ScriptInfo(create_app=create_app)
    context.obj.data[cli.BESIDE_THE_DEMO] = [demo.receiver]


def main() -> None:
    """Run the command line; what cannot start says why in one line."""
    try:
        seatkeeper()
    except StartRefused as refusal:
        sys.exit(f"seatkeeper: {refusal}")
    except PeeweeException as problem:
        sys.exit(f"seatkeeper: the database cannot be used: {str(problem).strip()}")


if __name__ == "__main__":
    main()
