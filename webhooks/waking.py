"""Waking dispatchers: those in this process at once, others by a NOTIFY sent after the commit."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from peewee import PeeweeException

from licensing.connecting import postgres_parameters
from licensing.db import db, on_sqlite

CHANNEL = "seatkeeper_webhooks"
SECONDS_BEFORE_LISTENING_AGAIN = 5.0

log = logging.getLogger(__name__)
_bells: WeakSet[threading.Event] = WeakSet()


def bell() -> threading.Event:
    """A bell that is rung whenever there may be something to send."""
    made = threading.Event()
    _bells.add(made)
    return made


def wake() -> None:
    """
    Tell all dispatchers that there is something to send; called after the commit.

    A call that is lost only delays: a dispatcher looks by itself, too.
    """
    ring_all()
    if not on_sqlite():
        try:
            db.execute_sql(f"NOTIFY {CHANNEL}")
        except PeeweeException:
            log.warning("the other dispatchers could not be woken; they will look by themselves")


def ring_all() -> None:
    """Ring the bells of this process."""
    for one in list(_bells):
        one.set()


def listen(database_url: str, stopped: Callable[[], bool]) -> None:
    """Ring the bells of this process for commits of others, on PostgreSQL, until `stopped`."""
    import psycopg  # an optional dependency, which SQLite does not need

    while not stopped():
        try:
            # Who only listens would not notice by himself that nobody is there any more.
            parameters: dict[str, Any] = {**postgres_parameters(database_url)}
            with psycopg.connect(database_url, autocommit=True, **parameters) as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                ring_all()  # what was committed while nobody listened
                while not stopped():
                    for _ in connection.notifies(timeout=1.0, stop_after=1):
                        ring_all()
        except psycopg.Error:
            log.warning("no connection to be woken by; looking for events goes on")
            time.sleep(SECONDS_BEFORE_LISTENING_AGAIN)
