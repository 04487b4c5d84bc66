"""
The past, ready to be asked: each pool's figures, who held which seat, who did what and when.

All of it is filled from the log. Of a log whose beginning was deleted for its age, the past is
known from the first event that is left.
"""

import json
from collections import defaultdict
from datetime import UTC, datetime

from licensing.migrations.frozen_history import NO_SEATS, Told, counts_from

STATEMENTS = """
CREATE TABLE pool_ledger (
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
);

CREATE TABLE seat_holdings (
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
    PRIMARY KEY (account_id, sequence),
    CONSTRAINT seat_holdings_last CHECK (ends_at IS NULL OR ends_at >= starts_at),
    CONSTRAINT seat_holdings_ended_ones_say_why CHECK (
        (ends_at IS NULL) = (ended_by IS NULL) AND (ends_at IS NULL) = (reason IS NULL)
    )
);
CREATE UNIQUE INDEX seat_holdings_seat ON seat_holdings (account_id, seat_id)
    WHERE ends_at IS NULL;
CREATE UNIQUE INDEX seat_holdings_one_of_a_type ON seat_holdings (account_id, user_id, seat_type)
    WHERE ends_at IS NULL;
CREATE INDEX seat_holdings_user
    ON seat_holdings (account_id, user_id, seat_type, starts_at, ends_at);
CREATE INDEX seat_holdings_held ON seat_holdings (account_id, starts_at, seat_type)
    WHERE ends_at IS NULL;
CREATE INDEX seat_holdings_ended
    ON seat_holdings (account_id, ends_at, starts_at, seat_type) WHERE ends_at IS NOT NULL;

ALTER TABLE events ADD COLUMN actor_id TEXT NOT NULL DEFAULT '';
CREATE INDEX events_time ON events (account_id, occurred_at, sequence);

CREATE INDEX users_last_active ON users (account_id, last_active_at, id)
    WHERE last_active_at IS NOT NULL;
CREATE INDEX seats_paid ON seats (account_id, assigned_at, user_id, id) WHERE pool_id IS NOT NULL
"""
# After the column was filled: one by one, its index would be written twice.
ACTORS = "CREATE INDEX events_actor ON events (account_id, actor_id, type, sequence)"
ROWS_PER_READ = 500
# What some events once followed from without telling that they counted from the same date.
WRITTEN_LATE = ("subscription.ended", "subscription.tier_changed", "user.invitation_expired")


def up(migrator, db):
    for statement in STATEMENTS.split(";\n"):
        db.execute_sql(statement)
    on_sqlite = db.param == "?"
    actor = (
        "json_extract(body, '$.data.actor.id')"
        if on_sqlite
        else "body::json->'data'->'actor'->>'id'"
    )
    db.execute_sql(f"UPDATE events SET actor_id = {actor}")
    db.execute_sql(ACTORS)
    for account_id, purged_through in db.execute_sql(
        "SELECT id, purged_through FROM accounts WHERE last_sequence > 0 ORDER BY id"
    ).fetchall():
        past = Past(db, account_id, purged_through > 0)
        for told in _told(db, account_id):
            past.hear(told)
        past.write()


def _rows(db, sql, *parameters):
    return db.execute_sql(sql.replace("?", db.param), parameters).fetchall()


def _insert(db, table, rows):
    if rows:
        places = ", ".join(["?"] * len(rows[0]))
        sql = f"INSERT INTO {table} VALUES ({places})".replace("?", db.param)
        db.cursor().executemany(sql, rows)


def _told(db, account_id):
    after = 0
    while True:
        bodies = _rows(
            db,
            "SELECT sequence, type, body FROM events WHERE account_id = ? AND sequence > ? "
            f"ORDER BY sequence LIMIT {ROWS_PER_READ}",
            account_id,
            after,
        )
        for after, kind, text in bodies:
            event = json.loads(text)
            data = event["data"]
            at = counts_from(_instant(event["timestamp"]), _instant(data["effective_at"]))
            yield Told(after, kind, at, data | {"id": event["id"]})
        if len(bodies) < ROWS_PER_READ:
            return


def _instant(value):
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.astimezone(UTC)


def _kept(instant):
    return instant and instant.isoformat(" ", "microseconds")


class Past:
    """What the log of an account tells about its past."""

    def __init__(self, db, account_id, purged):
        self.db, self.account_id, self.purged = db, account_id, purged
        self.begins_at = self.last_at = None
        self.latest = {}
        # By pool and instant: the sequence of the last change, and how much changed.
        self.changes = defaultdict(dict)
        self.open, self.over = {}, []
        self.ends = {}
        self.unknown = 0

    def hear(self, told):
        if told.type in WRITTEN_LATE:
            self.ends[told.data["id"]] = told.at
        at = self.ends.get(told.data["cause"], told.at)
        if self.purged:
            # Of what was before, nothing can be taken away: all counts in the order of the log.
            at = self.last_at = max(at, self.last_at or at)
        self.begins_at = self.begins_at or at
        self._hear_figures(told, at)
        self._hear_handover(told, at)

    def _hear_figures(self, told, at):
        for pool_id, figures in told.figures():
            change = figures - self.latest.get(pool_id, NO_SEATS)
            self.latest[pool_id] = figures
            if change != NO_SEATS:
                _, before = self.changes[pool_id].get(at, (0, NO_SEATS))
                self.changes[pool_id][at] = (told.sequence, before + change)

    def _hear_handover(self, told, at):
        seat = told.data["object"]
        if told.seat_ended:
            self._end(told, at, seat)
        if told.seat_began:
            holder = (seat["id"], seat["user_id"], seat["seat_type"], seat["pool_id"])
            self.open[seat["id"]] = (told.sequence, *holder, at)

    def _end(self, told, at, seat):
        begun = self.open.pop(seat["id"], None)
        if begun is None:
            seat = seat | told.data["previous"]
            known_from = seat["assigned_at"] if told.seat_ended != "transferred" else None
            begun = self._begun_before(seat, known_from)
        self.over.append((*begun, max(at, begun[-1]), told.seat_ended, told.data["reason"]))

    def _begun_before(self, seat, known_from):
        """A holding that began with an event that is not kept any more: numbered below zero."""
        self.unknown -= 1
        holder = (seat["id"], seat["user_id"], seat["seat_type"], seat["pool_id"])
        starts_at = _instant(known_from) if known_from else self.begins_at
        return (self.unknown, *holder, min(starts_at, self.begins_at))

    def write(self):
        if self.purged:
            self._add_what_the_log_has_lost()
        ledger = []
        for pool_id, changes in self.changes.items():
            figures = NO_SEATS
            for at in sorted(changes):
                sequence, change = changes[at]
                figures += change
                row = (figures.purchased, figures.assigned, figures.scheduled_removal)
                ledger.append((self.account_id, pool_id, _kept(at), sequence, *row))
        _insert(self.db, "pool_ledger", ledger)
        rows = [*self.over, *((*row, None, None, None) for row in self.open.values())]
        _insert(
            self.db,
            "seat_holdings",
            [
                (self.account_id, *row[:5], _kept(row[5]), _kept(row[6]), *row[7:])
                for row in sorted(rows)
            ],
        )

    def _add_what_the_log_has_lost(self):
        pools = "SELECT id, purchased, assigned, scheduled_removal FROM pools WHERE account_id = ?"
        for pool_id, *figures in _rows(self.db, pools, self.account_id):
            if pool_id not in self.latest and any(figures):
                known = type(NO_SEATS)(*figures)
                self.changes[pool_id][self.begins_at] = (0, known)
        seats = (
            "SELECT id, user_id, seat_type, pool_id, assigned_at FROM seats WHERE account_id = ?"
        )
        for *held, assigned_at in _rows(self.db, seats, self.account_id):
            if held[0] not in self.open:
                self.unknown -= 1
                self.open[held[0]] = (self.unknown, *held, _instant(assigned_at))
