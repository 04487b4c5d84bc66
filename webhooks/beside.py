"""What `app.py` adds to the service: tables, a listener, operations, commands."""

from pathlib import Path

from licensing import events, migrations
from webhooks import lanes
from webhooks.api import event_types

HISTORY = "webhook_migration"


def attach() -> None:
    """Have the tables made, the log listened to, and the types published; once or again."""
    migrations.add(HISTORY, Path(__file__).parent / "migrations")
    events.listen("webhooks", lanes.heads_move)
    event_types.publish()
