"""
Terms as rows, what the scheduler has to do and when, suspension, ended subscriptions, test clocks.

A term is written once, when it begins: its key is the last guard against a renewal that is applied
twice (R23).
"""

STATEMENTS = """
CREATE TABLE test_clocks (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    hands TIMESTAMPTZ NOT NULL,
    advancing_to TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT test_clocks_move_forward CHECK (advancing_to IS NULL OR advancing_to >= hands)
);
ALTER TABLE accounts DROP COLUMN test_clock_id;
ALTER TABLE accounts ADD COLUMN test_clock_id TEXT REFERENCES test_clocks (id);
CREATE INDEX accounts_test_clock ON accounts (test_clock_id) WHERE test_clock_id IS NOT NULL;

ALTER TABLE subscriptions ADD COLUMN billing_interval TEXT NOT NULL DEFAULT 'month'
    CONSTRAINT subscriptions_billing_interval CHECK (billing_interval IN ('month', 'year'));
ALTER TABLE subscriptions ADD COLUMN billing_interval_count INTEGER NOT NULL DEFAULT 1
    CONSTRAINT subscriptions_billing_interval_count
    CHECK (billing_interval_count BETWEEN 1 AND 120);
UPDATE subscriptions SET billing_interval = "interval", billing_interval_count = interval_count;
ALTER TABLE subscriptions ADD COLUMN suspended_at TIMESTAMPTZ;
ALTER TABLE subscriptions ADD COLUMN suspension_reason TEXT
    CONSTRAINT subscriptions_suspension
    CHECK (suspension_reason IS NULL OR suspended_at IS NOT NULL);
ALTER TABLE subscriptions ADD COLUMN ended_at TIMESTAMPTZ
    CONSTRAINT subscriptions_ended_at CHECK ((status = 'ended') = (ended_at IS NOT NULL));
ALTER TABLE subscriptions ADD COLUMN noticed_term INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD COLUMN test_clock_id TEXT REFERENCES test_clocks (id);
ALTER TABLE subscriptions ADD COLUMN due_at TIMESTAMPTZ
    CONSTRAINT subscriptions_due_at CHECK (due_at IS NULL OR status <> 'ended');
UPDATE subscriptions SET due_at = term_ends_at WHERE status <> 'ended'
    AND account_id IN (SELECT id FROM accounts WHERE status = 'active');
CREATE INDEX subscriptions_live_due ON subscriptions (due_at, account_id, id)
    WHERE due_at IS NOT NULL AND test_clock_id IS NULL;
CREATE INDEX subscriptions_test_due ON subscriptions (test_clock_id, due_at)
    WHERE due_at IS NOT NULL AND test_clock_id IS NOT NULL;

ALTER TABLE pools ADD COLUMN closed_at TIMESTAMPTZ
    CONSTRAINT pools_closed_ones_are_empty
    CHECK ((status = 'closed') = (closed_at IS NOT NULL) AND (closed_at IS NULL OR purchased = 0));

CREATE TABLE terms (
    account_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    tier TEXT NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, subscription_id, number),
    FOREIGN KEY (account_id, subscription_id) REFERENCES subscriptions (account_id, id),
    CONSTRAINT terms_have_a_length CHECK (starts_at < ends_at)
);
INSERT INTO terms
    SELECT account_id, id, term_number, tier, term_starts_at, term_ends_at, created_at
    FROM subscriptions;

ALTER TABLE purchases ADD COLUMN billed_until TIMESTAMPTZ;
ALTER TABLE purchases ADD COLUMN amount_per_billing_period BIGINT;

CREATE INDEX users_lapsing_invitations ON users (invitation_expires_at)
    WHERE invitation = 'pending'
"""


def up(migrator, db):
    for statement in STATEMENTS.split(";\n"):
        db.execute_sql(statement)
