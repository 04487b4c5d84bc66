"""What a database operator could do to a log, behind the service's back."""

from licensing.db import db, on_sqlite

GUARDS = ("events_have_a_digest", "events_never_change", "events_stay")


def drop_guards() -> None:
    """Have the database let everything be done to events, until the transaction is undone."""
    for name in GUARDS:
        db.execute_sql(f"DROP TRIGGER IF EXISTS {name}" + ("" if on_sqlite() else " ON events"))
