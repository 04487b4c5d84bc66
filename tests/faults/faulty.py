"""
The service with a fault built in: what the processes of `tests.faults.machines` run.

`stock` builds the application and forks programs of it; `program` takes the name of a fault, then
the command line of `seatkeeper`.
"""

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable

from flask import Flask

import app
from licensing import db, settings
from licensing.settings import Settings
from tests import warm
from tests.faults.dispatching import hurry


def none() -> None:
    """The service as it is."""


FAULTS: dict[str, Callable[[], None]] = {fault.__name__: fault for fault in (none,)}


def stock() -> None:
    """Build the application once; what is forked from here on uses it, with its own database."""
    built = app.create_app()

    def create_app(chosen: Settings | None = None) -> Flask:
        in_force = chosen or settings.from_environment()
        settings.put_in_force(in_force)
        db.open_database(in_force)
        return built

    app.create_app = create_app
    hurry()
    multiprocessing.set_start_method("fork")  # the process that answers has the fault, too
    warm.serve(socket.socket(fileno=os.dup(0)))


def program() -> None:
    """What a stock forks."""
    FAULTS[sys.argv.pop(1)]()
    app.main()
