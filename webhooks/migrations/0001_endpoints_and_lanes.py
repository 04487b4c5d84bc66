"""
Endpoints, their secrets, and a lane for each endpoint and log: a cursor over the log.

Instants of the dispatcher are milliseconds of the database's clock. `account_id` names the log; it
is `operator` for the log of what happens to the endpoints themselves, and so no foreign key.
"""

TABLES = """
CREATE TABLE webhook_endpoints (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT REFERENCES accounts (id),
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    event_types TEXT NOT NULL,
    headers TEXT NOT NULL,
    header_names TEXT NOT NULL,
    max_in_flight INTEGER NOT NULL
        CONSTRAINT webhook_endpoints_in_flight CHECK (max_in_flight BETWEEN 1 AND 16),
    rate INTEGER CONSTRAINT webhook_endpoints_rate CHECK (rate BETWEEN 1 AND 1000),
    poison_policy TEXT NOT NULL
        CONSTRAINT webhook_endpoints_poison CHECK (poison_policy IN ('park', 'block')),
    status TEXT NOT NULL CONSTRAINT webhook_endpoints_status
        CHECK (status IN ('pending', 'active', 'paused', 'suspended', 'gone')),
    failures INTEGER NOT NULL,
    probes INTEGER NOT NULL,
    successes INTEGER NOT NULL,
    warnings INTEGER NOT NULL,
    failing_since BIGINT,
    last_success_at BIGINT,
    next_send_at BIGINT NOT NULL,
    paced_until BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX webhook_endpoints_account ON webhook_endpoints (account_id, id);

CREATE TABLE webhook_secrets (
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    expires_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (endpoint_id, id)
);

CREATE TABLE webhook_lanes (
    account_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    cursor BIGINT NOT NULL,
    previous BIGINT,
    head BIGINT NOT NULL,
    state TEXT NOT NULL
        CONSTRAINT webhook_lanes_state CHECK (state IN ('idle', 'ready', 'leased', 'blocked')),
    due_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    token BIGINT NOT NULL,
    refusals INTEGER NOT NULL,
    refused_since BIGINT,
    pace INTEGER,
    pace_until BIGINT NOT NULL,
    PRIMARY KEY (account_id, endpoint_id),
    CONSTRAINT webhook_lanes_rest_at_the_head CHECK (state <> 'idle' OR cursor >= head)
);
CREATE INDEX webhook_lanes_ready ON webhook_lanes (endpoint_id, due_at) WHERE state = 'ready';
CREATE INDEX webhook_lanes_leased ON webhook_lanes (lease_until) WHERE state = 'leased';
CREATE INDEX webhook_lanes_of_an_endpoint ON webhook_lanes (endpoint_id, account_id);

CREATE TABLE webhook_attempts (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    sequence BIGINT,
    previous BIGINT,
    occasion TEXT NOT NULL,
    verdict TEXT NOT NULL,
    status INTEGER,
    failure TEXT,
    detail TEXT NOT NULL,
    milliseconds TEXT NOT NULL,
    answer TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX webhook_attempts_endpoint ON webhook_attempts (endpoint_id, id);
CREATE INDEX webhook_attempts_created ON webhook_attempts (created_at);
CREATE INDEX webhook_attempts_event ON webhook_attempts (endpoint_id, event_id, id);

CREATE TABLE webhook_parked (
    account_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    previous BIGINT NOT NULL,
    reason TEXT NOT NULL,
    note TEXT,
    parked_by TEXT NOT NULL,
    due_at BIGINT,
    lease_until BIGINT NOT NULL,
    token BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, endpoint_id, sequence)
);
CREATE INDEX webhook_parked_endpoint ON webhook_parked (endpoint_id, account_id, sequence);
CREATE INDEX webhook_parked_due ON webhook_parked (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE webhook_replays (
    id TEXT NOT NULL PRIMARY KEY,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    account_id TEXT,
    from_sequence BIGINT,
    from_time TIMESTAMPTZ,
    rate INTEGER,
    requested_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX webhook_replays_endpoint ON webhook_replays (endpoint_id, id);

CREATE TABLE webhook_replay_lanes (
    replay_id TEXT NOT NULL REFERENCES webhook_replays (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    from_sequence BIGINT NOT NULL,
    until_sequence BIGINT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (replay_id, account_id)
);

CREATE TABLE webhook_notices (
    sequence BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL CONSTRAINT webhook_notices_id UNIQUE,
    type TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
)
"""


def up(migrator, db):
    for statement in TABLES.split(";\n"):
        db.execute_sql(statement)
