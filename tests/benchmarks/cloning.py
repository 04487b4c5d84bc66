"""Many accounts that are like one: its rows again and again, under other ids."""

from collections.abc import Sequence
from typing import Any

from licensing import db, models
from webhooks import models as webhook_models

# What ranges over accounts, or is no part of one.
NOT_CLONED = (models.TestClock, models.ApiKey, models.IdempotencyKey)
NOT_CLONED_OF_WEBHOOKS = (
    webhook_models.Endpoint,
    webhook_models.Secret,
    webhook_models.Replay,
    webhook_models.ReplayLane,
    webhook_models.Notice,
)


def account_id(number: int) -> str:
    """The id of a clone."""
    return f"acc_{number:032d}"


def clone(template: str, many: int) -> None:
    """So many more accounts like `template`: one statement a table, inside a connection."""
    if db.on_sqlite():
        # A database of tens of gigabytes need not go through a log of the same size. Only who has
        # the file for himself may do without: not beside the connection that writes.
        db.close_all()
        for pragma in ("foreign_keys = off", "cache_size = -2000000", "journal_mode = off"):
            db.db.execute_sql(f"PRAGMA {pragma}")
    with db.db.manual_commit():
        _begin()
        for model in _tables():
            _clone_rows(model, template, many)
        db.db.execute_sql("COMMIT")
    if db.on_sqlite():
        for pragma in ("journal_mode = wal", "foreign_keys = on"):
            db.db.execute_sql(f"PRAGMA {pragma}")


def _begin() -> None:
    if db.on_sqlite():
        db.db.execute_sql("BEGIN IMMEDIATE")
    else:
        db.db.execute_sql("BEGIN")
        db.db.execute_sql("SET LOCAL statement_timeout = 0")
        db.db.execute_sql("SET LOCAL session_replication_role = replica")


def _tables() -> Sequence[Any]:
    ours = [model for model in models.TABLES if model not in NOT_CLONED]
    theirs = [model for model in webhook_models.TABLES if model not in NOT_CLONED_OF_WEBHOOKS]
    return [*ours, *theirs]


def _clone_rows(model: Any, template: str, many: int) -> None:
    table = model._meta.table_name
    key = "id" if model is models.Account else "account_id"
    others = [
        f'"{field.column_name}"' for field in model._meta.sorted_fields if field.column_name != key
    ]
    new = "printf('acc_%032d', i)" if db.on_sqlite() else "'acc_' || lpad(i::text, 32, '0')"
    mark = "?" if db.on_sqlite() else "%s"
    # Who reads the table that he writes to keeps all that he will write, in memory on SQLite.
    db.db.execute_sql("DROP TABLE IF EXISTS template_rows")
    db.db.execute_sql(
        f"CREATE TEMPORARY TABLE template_rows AS SELECT * FROM {table} WHERE {key} = {mark}",
        (template,),
    )
    db.db.execute_sql(
        f"WITH RECURSIVE numbers (i) AS "
        f"(SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {int(many)}) "
        f"INSERT INTO {table} ({key}, {', '.join(others)}) "
        f"SELECT {new}, {', '.join(others)} FROM numbers CROSS JOIN template_rows"
    )
