-- What the peers keep: no more than the three operations need.
CREATE TABLE pools (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, seat_type TEXT NOT NULL,
    purchased INTEGER NOT NULL, assigned INTEGER NOT NULL,
    CHECK (assigned BETWEEN 0 AND purchased), UNIQUE (account_id, seat_type)
);
CREATE TABLE seats (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL, pool_id TEXT NOT NULL REFERENCES pools (id),
    user_id TEXT NOT NULL, seat_type TEXT NOT NULL, created_at TEXT NOT NULL,
    UNIQUE (account_id, user_id, seat_type)
);
CREATE INDEX seats_of_account ON seats (account_id, id);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, account_id TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL
);
