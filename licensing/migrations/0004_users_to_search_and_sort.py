"""
What the seats table needs of users (R27): folded names, what kind of seats they hold, and indexes
for every order and filter, each led by the account.

Text is compared by its code points on both databases. The pieces of the search text are found
through FTS5 on SQLite, and through a GIN index on PostgreSQL.
"""

from licensing.migrations.frozen_searching import keep, name_key, search_text

ROWS_PER_STEP = 500
COLUMNS = """
ALTER TABLE users ADD COLUMN name_key TEXT {by_code_point} NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN search_text TEXT {by_code_point} NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN holding TEXT NOT NULL DEFAULT 'none'
    CONSTRAINT users_holding CHECK (holding IN ('paid', 'unpaid', 'none'));
UPDATE users SET holding = CASE
    WHEN EXISTS (SELECT 1 FROM seats WHERE seats.account_id = users.account_id
                 AND seats.user_id = users.id AND seats.pool_id IS NOT NULL) THEN 'paid'
    WHEN EXISTS (SELECT 1 FROM seats WHERE seats.account_id = users.account_id
                 AND seats.user_id = users.id) THEN 'unpaid'
    ELSE 'none' END
"""
INDEXES = """
CREATE INDEX users_by_name ON users (account_id, name_key, id);
CREATE INDEX users_by_activity ON users (account_id, COALESCE(last_active_at, {never}), id);
CREATE INDEX users_by_creation ON users (account_id, created_at, id);
CREATE INDEX users_by_holding ON users (account_id, holding, id);
CREATE INDEX users_by_invitation ON users (account_id, invitation, id)
"""
ON_SQLITE = """
CREATE VIRTUAL TABLE user_search USING fts5(
    user_id UNINDEXED, grams, content='', contentless_delete=1, contentless_unindexed=1,
    detail=none, tokenize='ascii'
)
"""
ON_POSTGRESQL = """
ALTER TABLE users ALTER COLUMN email_key TYPE TEXT COLLATE "C";
CREATE TABLE user_search (
    account_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    grams BIGINT[] NOT NULL,
    PRIMARY KEY (account_id, user_id),
    FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id) ON DELETE CASCADE
)
"""
# What was written last waits in a short list, which every search reads as well.
GRAMS_ON_POSTGRESQL = """
CREATE INDEX user_search_grams ON user_search USING gin (grams)
    WITH (fastupdate = on, gin_pending_list_limit = 256)
"""


def up(migrator, db):
    sqlite = db.param == "?"
    _run(db, COLUMNS.format(by_code_point="" if sqlite else 'COLLATE "C"'))
    _run(db, ON_SQLITE if sqlite else ON_POSTGRESQL)
    last = ("", "")
    while rows := _fold(db, last):
        last = rows[-1]
    _run(db, INDEXES.format(never="''" if sqlite else "'-infinity'::timestamptz"))
    if not sqlite:
        _run(db, GRAMS_ON_POSTGRESQL)


def _run(db, statements):
    for statement in statements.split(";\n"):
        db.execute_sql(statement)


def _fold(db, after):
    """Fold the names and addresses of some users; returns which they are."""
    mark = db.param
    rows = db.execute_sql(
        "SELECT account_id, id, name, email FROM users "
        f"WHERE (account_id, id) > ({mark}, {mark}) ORDER BY account_id, id LIMIT {mark}",
        (*after, ROWS_PER_STEP),
    ).fetchall()
    for account_id, id, name, email in rows:
        text = search_text(name, email)
        db.execute_sql(
            f"UPDATE users SET name_key = {mark}, search_text = {mark} "
            f"WHERE account_id = {mark} AND id = {mark}",
            (name_key(name), text, account_id, id),
        )
        keep(db, account_id, id, text)
    return [(account_id, id) for account_id, id, _, _ in rows]
