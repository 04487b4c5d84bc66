"""
Row-level security, as `licensing/migrations/0007_row_level_security.py` has it for its tables.

Endpoints for all accounts are told of the events of each, so that each finds them.
"""

from licensing.migrations.frozen_policies import allow, bind

OF_ACCOUNTS = ("webhook_lanes", "webhook_parked", "webhook_replays", "webhook_replay_lanes")
OF_AN_ENDPOINT = (
    "EXISTS (SELECT 1 FROM webhook_endpoints WHERE id = endpoint_id AND account_id = {account})"
)
NOBODY = "false"


def up(migrator, db):
    if db.param == "?":
        return
    bind(db, "webhook_endpoints", ("INSERT", "UPDATE", "DELETE"))
    allow(db, "webhook_endpoints", "SELECT", "account_id IS NULL OR account_id = {account}")
    for table in OF_ACCOUNTS:
        bind(db, table)
    bind(db, "webhook_attempts", ("SELECT", "INSERT", "DELETE"))
    bind(db, "webhook_secrets", whose=OF_AN_ENDPOINT)
    bind(db, "webhook_notices", ("SELECT", "INSERT", "DELETE"), whose=NOBODY)
