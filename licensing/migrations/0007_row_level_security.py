"""
Row-level security for roles that do not own the tables (PostgreSQL): an account sees its own rows.

What is written once has no policy to be changed, so nobody but the owner can. The log is deleted
only by work that ranges over accounts, because of its age.
"""

from licensing.migrations.frozen_policies import allow, bind

OF_ACCOUNTS = (
    "users",
    "subscriptions",
    "pools",
    "seats",
    "removals",
    "seat_requests",
    "idempotency_keys",
    "api_keys",
)
WRITTEN_ONCE = ("terms", "purchases", "transfers")
LOG = ("events", "event_subjects")
PAST = ("pool_ledger", "seat_holdings")
NOBODY = "false"


def up(migrator, db):
    if db.param == "?":
        return
    bind(db, "accounts", whose="id = {account}")
    for table in OF_ACCOUNTS:
        bind(db, table)
    for table in WRITTEN_ONCE:
        bind(db, table, ("SELECT", "INSERT"))
    for table in LOG:
        bind(db, table, ("SELECT", "INSERT"))
        allow(db, table, "DELETE", NOBODY)
    for table in PAST:
        bind(db, table, ("SELECT", "INSERT", "UPDATE"))
    # Its rows are hashes, under which the ids of users are found; who they are is in `users`. With
    # a condition the index could not be used: whether two arrays overlap may tell of other rows.
    bind(db, "user_search", ("INSERT", "UPDATE", "DELETE"))
    db.execute_sql("CREATE POLICY user_search_select ON user_search FOR SELECT USING (true)")
    bind(
        db,
        "test_clocks",
        whose="EXISTS (SELECT 1 FROM accounts WHERE test_clock_id = test_clocks.id "
        "AND accounts.id = {account})",
    )
