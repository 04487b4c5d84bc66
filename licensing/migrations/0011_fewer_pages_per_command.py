"""
A command writes to fewer pages of SQLite: an assignment to 57 of 4 KB, where it were 74.

- Commands change what kind of seat a user holds in the row of the user and in that of the seat, so
  the database need not carry the change over: it looks at the commit whether both agree. As long as
  it had to, SQLite wrote every index of users anew.
- The past, and what events are about, are kept in the order of their key: in one tree, and not in
  one for the key and one for the rows; holdings by their user, as they are looked for. Not seats:
  as long as SQLite does not know what is in it, it reads such a table whole rather than an index.
- What events are about is looked up for users and seats alone (R29).
- Ids grow with time, so that those of events and seats go to the end of an index which they lead;
  not on PostgreSQL, which is not slowed down by that, and may be spread by account.
- Seats without a pool are not looked for by their pool.
"""

SEATS = """
CREATE TABLE new_seats (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    seat_type TEXT NOT NULL,
    pool_id TEXT,
    exclusive BOOLEAN NOT NULL,
    assigned_at TIMESTAMPTZ NOT NULL,
    assigned_by_type TEXT NOT NULL,
    assigned_by_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT seats_exclusive_ones_stand_alone FOREIGN KEY (account_id, user_id, exclusive)
        REFERENCES users (account_id, id, holds_exclusive) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (account_id, pool_id, seat_type) REFERENCES pools (account_id, id, seat_type)
);
INSERT INTO new_seats SELECT account_id, id, user_id, seat_type, pool_id, exclusive, assigned_at,
    assigned_by_type, assigned_by_id, version, created_at FROM seats;
DROP TABLE seats;
ALTER TABLE new_seats RENAME TO seats;
CREATE UNIQUE INDEX seats_one_of_a_type ON seats (account_id, user_id, seat_type);
CREATE UNIQUE INDEX seats_one_exclusive ON seats (account_id, user_id) WHERE exclusive;
CREATE INDEX seats_type ON seats (account_id, seat_type, id);
CREATE INDEX seats_paid ON seats (account_id, assigned_at, user_id, id) WHERE pool_id IS NOT NULL
"""
SUBJECTS = """
CREATE TABLE new_subjects (
    account_id TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (account_id, subject_id, sequence),
    FOREIGN KEY (account_id, sequence) REFERENCES events (account_id, sequence)
) WITHOUT ROWID;
INSERT INTO new_subjects SELECT account_id, subject_id, sequence FROM event_subjects
    WHERE subject_id LIKE 'usr%' OR subject_id LIKE 'seat%'
    ORDER BY account_id, subject_id, sequence;
DROP TABLE event_subjects;
ALTER TABLE new_subjects RENAME TO event_subjects
"""
PAST = """
CREATE TABLE new_holdings (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    sequence BIGINT NOT NULL,
    seat_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    seat_type TEXT NOT NULL,
    pool_id TEXT,
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ,
    ended_by TEXT
        CONSTRAINT seat_holdings_ended_by
        CHECK (ended_by IN ('unassigned', 'changed', 'transferred')),
    reason TEXT,
    PRIMARY KEY (account_id, user_id, seat_type, starts_at, sequence),
    CONSTRAINT seat_holdings_last CHECK (ends_at IS NULL OR ends_at >= starts_at),
    CONSTRAINT seat_holdings_ended_ones_say_why CHECK (
        (ends_at IS NULL) = (ended_by IS NULL) AND (ends_at IS NULL) = (reason IS NULL)
    )
) WITHOUT ROWID;
INSERT INTO new_holdings SELECT account_id, sequence, seat_id, user_id, seat_type, pool_id,
    starts_at, ends_at, ended_by, reason FROM seat_holdings
    ORDER BY account_id, user_id, seat_type, starts_at, sequence;
DROP TABLE seat_holdings;
ALTER TABLE new_holdings RENAME TO seat_holdings;
CREATE UNIQUE INDEX seat_holdings_one_of_a_type ON seat_holdings (account_id, user_id, seat_type)
    WHERE ends_at IS NULL;
CREATE INDEX seat_holdings_held ON seat_holdings (account_id, starts_at, seat_type)
    WHERE ends_at IS NULL;
CREATE INDEX seat_holdings_ended
    ON seat_holdings (account_id, ends_at, starts_at, seat_type) WHERE ends_at IS NOT NULL;

CREATE TABLE new_ledger (
    account_id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL,
    sequence BIGINT NOT NULL,
    purchased INTEGER NOT NULL CONSTRAINT pool_ledger_purchased CHECK (purchased >= 0),
    assigned INTEGER NOT NULL CONSTRAINT pool_ledger_assigned CHECK (assigned >= 0),
    scheduled_removal INTEGER NOT NULL
        CONSTRAINT pool_ledger_scheduled_removal CHECK (scheduled_removal >= 0),
    PRIMARY KEY (account_id, pool_id, starts_at),
    FOREIGN KEY (account_id, pool_id) REFERENCES pools (account_id, id)
) WITHOUT ROWID;
INSERT INTO new_ledger SELECT account_id, pool_id, starts_at, sequence, purchased, assigned,
    scheduled_removal FROM pool_ledger ORDER BY account_id, pool_id, starts_at;
DROP TABLE pool_ledger;
ALTER TABLE new_ledger RENAME TO pool_ledger
"""
IDS = """
DROP INDEX events_id;
CREATE UNIQUE INDEX events_id ON events (id, account_id);
CREATE UNIQUE INDEX seat_holdings_seat ON seat_holdings (seat_id, account_id)
    WHERE ends_at IS NULL
"""
ON_POSTGRESQL = """
ALTER TABLE seat_holdings DROP CONSTRAINT seat_holdings_pkey;
ALTER TABLE seat_holdings
    ADD PRIMARY KEY (account_id, user_id, seat_type, starts_at, sequence);
DROP INDEX seat_holdings_user;
ALTER TABLE seats DROP CONSTRAINT seats_exclusive_ones_stand_alone;
ALTER TABLE seats ADD CONSTRAINT seats_exclusive_ones_stand_alone
    FOREIGN KEY (account_id, user_id, exclusive)
    REFERENCES users (account_id, id, holds_exclusive) DEFERRABLE INITIALLY DEFERRED;
DROP INDEX seats_pool;
DELETE FROM event_subjects WHERE left(subject_id, 3) <> 'usr' AND left(subject_id, 4) <> 'seat'
"""
OF_POOLS = """
CREATE INDEX seats_pool ON seats (account_id, pool_id, id) WHERE pool_id IS NOT NULL
"""


def up(migrator, db):
    parts = (SEATS, SUBJECTS, PAST, IDS) if db.param == "?" else (ON_POSTGRESQL,)
    for statements in (*parts, OF_POOLS):
        for statement in statements.split(";\n"):
            db.execute_sql(statement)
