"""
A chain over each account's log, which shows what was done to it behind the service's back.

From here on the database refuses to change events at all, and to delete others than the oldest,
after the account says that they are purged.
"""

import hashlib
from datetime import UTC

ROWS_PER_STEP = 500
BEGINNING = "0" * 64
ON_SQLITE = (
    f"ALTER TABLE accounts ADD COLUMN purged_digest TEXT NOT NULL DEFAULT '{BEGINNING}'",
    # SQLite cannot add a column without a default; the trigger below refuses it.
    "ALTER TABLE events ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
)
GUARDS_ON_SQLITE = (
    """
    CREATE TRIGGER events_have_a_digest BEFORE INSERT ON events WHEN length(NEW.digest) <> 64
    BEGIN SELECT RAISE(ABORT, 'an event needs a digest'); END
    """,
    """
    CREATE TRIGGER events_never_change BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END
    """,
    """
    CREATE TRIGGER events_stay BEFORE DELETE ON events
    WHEN OLD.sequence > (SELECT purged_through FROM accounts WHERE id = OLD.account_id)
    BEGIN SELECT RAISE(ABORT, 'only purged events are deleted'); END
    """,
)
ON_POSTGRESQL = (
    f"ALTER TABLE accounts ADD COLUMN purged_digest TEXT NOT NULL DEFAULT '{BEGINNING}'",
    "ALTER TABLE events ADD COLUMN digest TEXT",
)
GUARDS_ON_POSTGRESQL = (
    "ALTER TABLE events ALTER COLUMN digest SET NOT NULL",
    "ALTER TABLE events ADD CONSTRAINT events_digest CHECK (length(digest) = 64)",
    """
    CREATE FUNCTION refuse_to_change_events() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'events are never changed'
            USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE FUNCTION refuse_to_delete_events() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.sequence > (SELECT purged_through FROM accounts WHERE id = OLD.account_id) THEN
            RAISE EXCEPTION 'only purged events are deleted'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END $$
    """,
    """
    CREATE TRIGGER events_never_change BEFORE UPDATE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_events()
    """,
    """
    CREATE TRIGGER events_are_never_emptied BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_events()
    """,
    """
    CREATE TRIGGER events_stay BEFORE DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_to_delete_events()
    """,
)


def up(migrator, db):
    on_sqlite = db.param == "?"
    for statement in ON_SQLITE if on_sqlite else ON_POSTGRESQL:
        db.execute_sql(statement)
    previous = ("", 0, BEGINNING)
    while previous:
        previous = _chain(db, *previous)
    for statement in GUARDS_ON_SQLITE if on_sqlite else GUARDS_ON_POSTGRESQL:
        db.execute_sql(statement)


def _chain(db, account_id, sequence, digest):
    """Chain the events that come next to one; returns the last of them, None after the end."""
    mark = db.param
    rows = db.execute_sql(
        "SELECT account_id, sequence, id, type, occurred_at, actor_id, body FROM events "
        f"WHERE (account_id, sequence) > ({mark}, {mark}) ORDER BY account_id, sequence "
        f"LIMIT {ROWS_PER_STEP}",
        (account_id, sequence),
    ).fetchall()
    chained = []
    for row in rows:
        if row[0] != account_id:
            digest = BEGINNING
        account_id, sequence = row[:2]
        digest = _digest(digest, row)
        chained.append((digest, account_id, sequence))
    if not chained:
        return None
    db.cursor().executemany(
        f"UPDATE events SET digest = {mark} WHERE account_id = {mark} AND sequence = {mark}",
        chained,
    )
    return account_id, sequence, digest


def _digest(previous, row):
    account_id, sequence, id, kind, at, actor_id, body = row
    if not isinstance(at, str):
        at = at.astimezone(UTC).isoformat(" ", "microseconds")
    columns = (previous, account_id, str(sequence), id, kind, at, actor_id, body)
    return hashlib.sha256("\n".join(columns).encode()).hexdigest()
