"""
What a command writes goes to fewer pages of SQLite: of an assignment to 62, where it were 74.

- Commands change what kind of seat a user holds in the row of the user and in that of the seat, so
  the database need not carry the change over: it looks at the commit whether both agree. As long as
  it had to, SQLite wrote every index of users anew.
- What events are about is looked up for users and seats alone (R29), in one tree and not in two.
- The ids of events grow with time, so that they all go to the end of an index which they lead.
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
ON_POSTGRESQL = """
ALTER TABLE seats DROP CONSTRAINT seats_exclusive_ones_stand_alone;
ALTER TABLE seats ADD CONSTRAINT seats_exclusive_ones_stand_alone
    FOREIGN KEY (account_id, user_id, exclusive)
    REFERENCES users (account_id, id, holds_exclusive) DEFERRABLE INITIALLY DEFERRED;
DROP INDEX seats_pool;
DELETE FROM event_subjects WHERE left(subject_id, 3) <> 'usr' AND left(subject_id, 4) <> 'seat'
"""
INDEXES = """
CREATE INDEX seats_pool ON seats (account_id, pool_id, id) WHERE pool_id IS NOT NULL;
DROP INDEX events_id;
CREATE UNIQUE INDEX events_id ON events (id, account_id)
"""


def up(migrator, db):
    parts = (SEATS, SUBJECTS) if db.param == "?" else (ON_POSTGRESQL,)
    for statements in (*parts, INDEXES):
        for statement in statements.split(";\n"):
            db.execute_sql(statement)
