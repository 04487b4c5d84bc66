"""What `app.py` adds to the service: tables, a listener, operations, commands."""

from pathlib import Path

from licensing import events, migrations, portable
from licensing.queries import invariants
from webhooks import invariants as webhook_invariants
from webhooks import lanes, moving, watching
from webhooks.api import event_types

HISTORY = "webhook_migration"


def attach() -> None:
    """
    Have the tables made and moved, the log listened to, invariants and figures looked up, types
    published.

    Doing it again changes nothing.
    """
    migrations.add(HISTORY, Path(__file__).parent / "migrations")
    events.listen("webhooks", lanes.heads_move)
    invariants.also("webhooks", webhook_invariants.violations)
    portable.also("webhooks", moving.TABLES)
    event_types.publish()
    watching.watch()
