"""
The first schema.

The account leads every key, so that the tables can be spread over machines by account. What must
never be false is said here a second time, below the code: counts that add up, one seat of a type
per user, an exclusive seat that stands alone.
"""

TABLES = """
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    pricing_model TEXT NOT NULL
        CONSTRAINT accounts_pricing_model CHECK (pricing_model IN ('seat_based', 'legacy')),
    status TEXT NOT NULL CONSTRAINT accounts_status CHECK (status IN ('active', 'closed')),
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    test_clock_id TEXT,
    super_admins INTEGER NOT NULL CONSTRAINT accounts_super_admins CHECK (super_admins >= 0),
    epoch INTEGER NOT NULL,
    last_sequence BIGINT NOT NULL CONSTRAINT accounts_last_sequence CHECK (last_sequence >= 0),
    external_id TEXT,
    metadata TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX accounts_external_id ON accounts (external_id) WHERE external_id IS NOT NULL;

CREATE TABLE users (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL
        CONSTRAINT users_status CHECK (status IN ('invited', 'active', 'deactivated')),
    invitation TEXT
        CONSTRAINT users_invitation
        CHECK (invitation IN ('pending', 'accepted', 'expired', 'revoked')),
    invitation_expires_at TIMESTAMPTZ,
    permissions TEXT NOT NULL,
    partner_eligible BOOLEAN NOT NULL,
    holds_exclusive BOOLEAN NOT NULL,
    last_active_at TIMESTAMPTZ,
    external_id TEXT,
    metadata TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT users_kind_of_holder UNIQUE (account_id, id, holds_exclusive),
    CONSTRAINT users_invited_have_an_invitation CHECK (
        (status = 'invited') = (COALESCE(invitation, 'none') IN ('pending', 'expired'))
    ),
    CONSTRAINT users_invitation_expires CHECK (
        invitation_expires_at IS NOT NULL
        OR COALESCE(invitation, 'none') NOT IN ('pending', 'expired')
    )
);
CREATE UNIQUE INDEX users_email ON users (account_id, email_key);
CREATE UNIQUE INDEX users_external_id ON users (account_id, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX users_open_invitations ON users (account_id, invitation_expires_at)
    WHERE invitation = 'pending';
CREATE INDEX users_status ON users (account_id, status, id);

CREATE TABLE subscriptions (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    product TEXT NOT NULL,
    tier TEXT NOT NULL,
    status TEXT NOT NULL
        CONSTRAINT subscriptions_status CHECK (status IN ('active', 'cancelling', 'ended')),
    pending_tier TEXT,
    "interval" TEXT NOT NULL
        CONSTRAINT subscriptions_interval CHECK ("interval" IN ('month', 'year')),
    interval_count INTEGER NOT NULL
        CONSTRAINT subscriptions_interval_count CHECK (interval_count BETWEEN 1 AND 120),
    anchor TIMESTAMPTZ NOT NULL,
    term_number INTEGER NOT NULL CONSTRAINT subscriptions_term_number CHECK (term_number >= 1),
    term_starts_at TIMESTAMPTZ NOT NULL,
    term_ends_at TIMESTAMPTZ NOT NULL,
    external_id TEXT,
    metadata TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT subscriptions_term CHECK (term_starts_at < term_ends_at)
);
CREATE UNIQUE INDEX subscriptions_product ON subscriptions (account_id, product)
    WHERE status <> 'ended';
CREATE UNIQUE INDEX subscriptions_external_id ON subscriptions (account_id, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX subscriptions_due ON subscriptions (account_id, term_ends_at) WHERE status <> 'ended';

CREATE TABLE pools (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    seat_type TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    status TEXT NOT NULL CONSTRAINT pools_status CHECK (status IN ('open', 'closed')),
    purchased INTEGER NOT NULL CONSTRAINT pools_purchased CHECK (purchased BETWEEN 0 AND 1000000),
    assigned INTEGER NOT NULL,
    scheduled_removal INTEGER NOT NULL,
    minimum INTEGER NOT NULL CONSTRAINT pools_minimum CHECK (minimum >= 0),
    low_mark INTEGER CONSTRAINT pools_low_mark CHECK (low_mark >= 1),
    external_id TEXT,
    metadata TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT pools_seat_type_of UNIQUE (account_id, id, seat_type),
    FOREIGN KEY (account_id, subscription_id) REFERENCES subscriptions (account_id, id),
    CONSTRAINT pools_never_oversold CHECK (assigned >= 0 AND assigned <= purchased),
    CONSTRAINT pools_scheduled_are_unassigned CHECK (
        scheduled_removal >= 0 AND scheduled_removal <= purchased - assigned
    ),
    CONSTRAINT pools_keep_the_minimum CHECK (purchased - scheduled_removal >= minimum)
);
CREATE UNIQUE INDEX pools_seat_type ON pools (account_id, seat_type) WHERE status = 'open';
CREATE UNIQUE INDEX pools_external_id ON pools (account_id, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX pools_subscription ON pools (account_id, subscription_id);

CREATE TABLE seats (
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
        REFERENCES users (account_id, id, holds_exclusive) ON UPDATE CASCADE,
    FOREIGN KEY (account_id, pool_id, seat_type) REFERENCES pools (account_id, id, seat_type)
);
CREATE UNIQUE INDEX seats_one_of_a_type ON seats (account_id, user_id, seat_type);
CREATE UNIQUE INDEX seats_one_exclusive ON seats (account_id, user_id) WHERE exclusive;
CREATE INDEX seats_pool ON seats (account_id, pool_id, id);
CREATE INDEX seats_type ON seats (account_id, seat_type, id);

CREATE TABLE purchases (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    seat_type TEXT NOT NULL,
    quantity INTEGER NOT NULL CONSTRAINT purchases_quantity CHECK (quantity >= 1),
    purchased_before INTEGER NOT NULL,
    purchased_after INTEGER NOT NULL,
    share_numerator BIGINT NOT NULL,
    share_denominator BIGINT NOT NULL,
    days_left INTEGER NOT NULL,
    days_in_term INTEGER NOT NULL,
    amount_now BIGINT,
    amount_at_renewal BIGINT,
    currency TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT purchases_add_up CHECK (purchased_after = purchased_before + quantity),
    FOREIGN KEY (account_id, pool_id, seat_type) REFERENCES pools (account_id, id, seat_type)
);

CREATE TABLE removals (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    seat_type TEXT NOT NULL,
    status TEXT NOT NULL
        CONSTRAINT removals_status CHECK (status IN ('scheduled', 'cancelled', 'applied')),
    quantity INTEGER NOT NULL,
    requested_quantity INTEGER NOT NULL,
    current_quantity INTEGER NOT NULL,
    renewal_quantity INTEGER NOT NULL,
    effective_at TIMESTAMPTZ NOT NULL,
    applied_at TIMESTAMPTZ,
    requested_by_type TEXT NOT NULL,
    requested_by_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, pool_id, seat_type) REFERENCES pools (account_id, id, seat_type),
    CONSTRAINT removals_quantity CHECK (quantity >= 0 AND quantity <= requested_quantity),
    CONSTRAINT removals_live_ones_remove CHECK (status = 'cancelled' OR quantity >= 1),
    CONSTRAINT removals_cancelled_ones_do_not CHECK (status <> 'cancelled' OR quantity = 0),
    CONSTRAINT removals_applied_at CHECK ((status = 'applied') = (applied_at IS NOT NULL))
);
CREATE INDEX removals_scheduled ON removals (account_id, pool_id, id) WHERE status = 'scheduled';

CREATE TABLE transfers (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    seat_id TEXT NOT NULL,
    seat_type TEXT NOT NULL,
    from_user_id TEXT NOT NULL,
    to_user_id TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT transfers_move CHECK (from_user_id <> to_user_id)
);

CREATE TABLE events (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    sequence BIGINT NOT NULL CONSTRAINT events_sequence CHECK (sequence >= 1),
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (account_id, sequence)
);
CREATE UNIQUE INDEX events_id ON events (account_id, id);
CREATE INDEX events_type ON events (account_id, type, sequence);

CREATE TABLE event_subjects (
    account_id TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (account_id, subject_id, sequence),
    FOREIGN KEY (account_id, sequence) REFERENCES events (account_id, sequence)
);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    account_id TEXT REFERENCES accounts (id),
    secret_hash TEXT NOT NULL,
    previous_hash TEXT,
    previous_expires_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT api_keys_previous CHECK ((previous_hash IS NULL) = (previous_expires_at IS NULL))
);

CREATE TABLE idempotency_keys (
    account_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER,
    headers TEXT,
    body TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, caller, idempotency_key)
)
"""


def up(migrator, db):
    for statement in TABLES.split(";\n"):
        db.execute_sql(statement)
