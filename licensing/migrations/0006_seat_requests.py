"""
Seats that users ask for, and the seat type that new users of an account get.

A user counts his open requests, so that whoever is given a seat costs no look at the requests.
"""

STATEMENTS = """
ALTER TABLE accounts ADD COLUMN default_seat_type TEXT;

ALTER TABLE users ADD COLUMN open_requests INTEGER NOT NULL DEFAULT 0
    CONSTRAINT users_open_requests CHECK (open_requests >= 0);

CREATE INDEX users_asking ON users (account_id) WHERE open_requests > 0;

CREATE TABLE seat_requests (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    seat_type TEXT NOT NULL,
    note TEXT,
    status TEXT NOT NULL CONSTRAINT seat_requests_status
        CHECK (status IN ('open', 'approved', 'declined', 'withdrawn')),
    requested_by_type TEXT NOT NULL,
    requested_by_id TEXT NOT NULL,
    decided_by_type TEXT,
    decided_by_id TEXT,
    decision_note TEXT,
    decided_at TIMESTAMPTZ,
    seat_id TEXT,
    purchase_id TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, purchase_id) REFERENCES purchases (account_id, id),
    CONSTRAINT seat_requests_decided CHECK (
        (status = 'open') = (decided_at IS NULL)
        AND (decided_at IS NULL) = (decided_by_type IS NULL)
        AND (decided_at IS NULL) = (decided_by_id IS NULL)
    ),
    CONSTRAINT seat_requests_approved_have_a_seat
        CHECK ((status = 'approved') = (seat_id IS NOT NULL)),
    CONSTRAINT seat_requests_bought_for_are_approved
        CHECK (purchase_id IS NULL OR status = 'approved'),
    CONSTRAINT seat_requests_noted_when_decided CHECK (decision_note IS NULL OR status <> 'open')
);
CREATE UNIQUE INDEX seat_requests_one_open ON seat_requests (account_id, user_id, seat_type)
    WHERE status = 'open';
CREATE INDEX seat_requests_by_status ON seat_requests (account_id, status, id);
CREATE INDEX seat_requests_by_user ON seat_requests (account_id, user_id, id);
CREATE INDEX seat_requests_by_type ON seat_requests (account_id, seat_type, id)
"""


def up(migrator, db):
    for statement in STATEMENTS.split(";\n"):
        db.execute_sql(statement)
