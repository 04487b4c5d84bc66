"""
The tables, as Peewee sees them.

Constraints and indexes are written once, in `licensing/migrations`; a test compares the two.
"""

from datetime import UTC, datetime
from typing import Any

import orjson
from peewee import CompositeKey, Model

from licensing import chain, clock
from licensing.columns import BigIntegerField, BooleanField, Field, IntegerField, TextField
from licensing.db import db


class InstantField(Field):
    """An instant in UTC. SQLite keeps it as text of fixed width, which sorts."""

    field_type = "TIMESTAMPTZ"

    def db_value(self, value: datetime | None) -> str | None:
        """Aware datetimes only: a naive one has no instant."""
        return None if value is None else clock.to_kept(value)

    def python_value(self, value: str | datetime | None) -> datetime | None:
        """An aware datetime in UTC, whatever the driver gives."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        # In UTC already, as what is kept is: a page has some hundred of these.
        return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


class JsonField(TextField):
    """A small JSON value, kept as text."""

    def db_value(self, value: Any) -> str | None:
        """Compact JSON; None stays NULL."""
        return None if value is None else orjson.dumps(value).decode()

    def python_value(self, value: str | None) -> Any:
        """What was stored."""
        return None if value is None else orjson.loads(value)


class Row(Model):
    """What all tables share: the handle."""

    class Meta:
        database = db
        legacy_table_names = False


class TestClock(Row):
    id = TextField(primary_key=True)
    name = TextField()
    hands = InstantField()
    advancing_to = InstantField(null=True)
    deleted_at = InstantField(null=True)
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "test_clocks"


class Account(Row):
    id = TextField(primary_key=True)
    name = TextField()
    pricing_model = TextField()
    status = TextField()
    currency = TextField()
    time_zone = TextField()
    test_clock_id = TextField(null=True)
    default_seat_type = TextField(null=True)
    super_admins = IntegerField()
    epoch = IntegerField()
    last_sequence = BigIntegerField()
    purged_through = BigIntegerField(default=0)
    purged_digest = TextField(default=chain.BEGINNING)
    external_id = TextField(null=True)
    metadata = JsonField()
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "accounts"


class User(Row):
    account_id = TextField()
    id = TextField()
    email = TextField()
    email_key = TextField()
    name = TextField()
    name_key = TextField()
    search_text = TextField()
    status = TextField()
    invitation = TextField(null=True)
    invitation_expires_at = InstantField(null=True)
    permissions = JsonField()
    partner_eligible = BooleanField()
    holds_exclusive = BooleanField()
    holding = TextField(default="none")
    open_requests = IntegerField(default=0)
    last_active_at = InstantField(null=True)
    external_id = TextField(null=True)
    metadata = JsonField()
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "users"
        primary_key = CompositeKey("account_id", "id")


class Subscription(Row):
    account_id = TextField()
    id = TextField()
    product = TextField()
    tier = TextField()
    status = TextField()
    pending_tier = TextField(null=True)
    interval = TextField()
    interval_count = IntegerField()
    billing_interval = TextField()
    billing_interval_count = IntegerField()
    anchor = InstantField()
    term_number = IntegerField()
    term_starts_at = InstantField()
    term_ends_at = InstantField()
    suspended_at = InstantField(null=True)
    suspension_reason = TextField(null=True)
    ended_at = InstantField(null=True)
    noticed_term = IntegerField(default=0)
    test_clock_id = TextField(null=True)
    due_at = InstantField(null=True)
    external_id = TextField(null=True)
    metadata = JsonField()
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "subscriptions"
        primary_key = CompositeKey("account_id", "id")


class Term(Row):
    account_id = TextField()
    subscription_id = TextField()
    number = IntegerField()
    tier = TextField()
    starts_at = InstantField()
    ends_at = InstantField()
    created_at = InstantField()

    class Meta:
        table_name = "terms"
        primary_key = CompositeKey("account_id", "subscription_id", "number")


class Pool(Row):
    account_id = TextField()
    id = TextField()
    seat_type = TextField()
    subscription_id = TextField()
    status = TextField()
    purchased = IntegerField()
    assigned = IntegerField()
    scheduled_removal = IntegerField()
    minimum = IntegerField()
    low_mark = IntegerField(null=True)
    closed_at = InstantField(null=True)
    external_id = TextField(null=True)
    metadata = JsonField()
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "pools"
        primary_key = CompositeKey("account_id", "id")


class Seat(Row):
    account_id = TextField()
    id = TextField()
    user_id = TextField()
    seat_type = TextField()
    pool_id = TextField(null=True)
    exclusive = BooleanField()
    assigned_at = InstantField()
    assigned_by_type = TextField()
    assigned_by_id = TextField()
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "seats"
        primary_key = CompositeKey("account_id", "id")


class Purchase(Row):
    account_id = TextField()
    id = TextField()
    pool_id = TextField()
    seat_type = TextField()
    quantity = IntegerField()
    purchased_before = IntegerField()
    purchased_after = IntegerField()
    share_numerator = BigIntegerField()
    share_denominator = BigIntegerField()
    days_left = IntegerField()
    days_in_term = IntegerField()
    amount_now = BigIntegerField(null=True)
    amount_at_renewal = BigIntegerField(null=True)
    amount_per_billing_period = BigIntegerField(null=True)
    billed_until = InstantField(null=True)
    currency = TextField()
    created_at = InstantField()

    class Meta:
        table_name = "purchases"
        primary_key = CompositeKey("account_id", "id")


class Removal(Row):
    account_id = TextField()
    id = TextField()
    pool_id = TextField()
    seat_type = TextField()
    status = TextField()
    quantity = IntegerField()
    requested_quantity = IntegerField()
    current_quantity = IntegerField()
    renewal_quantity = IntegerField()
    effective_at = InstantField()
    applied_at = InstantField(null=True)
    requested_by_type = TextField()
    requested_by_id = TextField()
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "removals"
        primary_key = CompositeKey("account_id", "id")


class Transfer(Row):
    account_id = TextField()
    id = TextField()
    seat_id = TextField()
    seat_type = TextField()
    from_user_id = TextField()
    to_user_id = TextField()
    created_at = InstantField()

    class Meta:
        table_name = "transfers"
        primary_key = CompositeKey("account_id", "id")


class PoolFigures(Row):
    account_id = TextField()
    pool_id = TextField()
    starts_at = InstantField()
    sequence = BigIntegerField()
    purchased = IntegerField()
    assigned = IntegerField()
    scheduled_removal = IntegerField()

    class Meta:
        table_name = "pool_ledger"
        primary_key = CompositeKey("account_id", "pool_id", "starts_at")


class SeatHolding(Row):
    account_id = TextField()
    sequence = BigIntegerField()
    seat_id = TextField()
    user_id = TextField()
    seat_type = TextField()
    pool_id = TextField(null=True)
    starts_at = InstantField()
    ends_at = InstantField(null=True)
    ended_by = TextField(null=True)
    reason = TextField(null=True)

    class Meta:
        table_name = "seat_holdings"
        primary_key = CompositeKey("account_id", "user_id", "seat_type", "starts_at", "sequence")


class SeatRequest(Row):
    account_id = TextField()
    id = TextField()
    user_id = TextField()
    seat_type = TextField()
    note = TextField(null=True)
    status = TextField()
    requested_by_type = TextField()
    requested_by_id = TextField()
    decided_by_type = TextField(null=True)
    decided_by_id = TextField(null=True)
    decision_note = TextField(null=True)
    decided_at = InstantField(null=True)
    seat_id = TextField(null=True)
    purchase_id = TextField(null=True)
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "seat_requests"
        primary_key = CompositeKey("account_id", "id")


class Event(Row):
    account_id = TextField()
    sequence = BigIntegerField()
    id = TextField()
    type = TextField()
    occurred_at = InstantField()
    body = TextField()
    actor_id = TextField()
    digest = TextField()

    class Meta:
        table_name = "events"
        primary_key = CompositeKey("account_id", "sequence")


class EventSubject(Row):
    account_id = TextField()
    subject_id = TextField()
    sequence = BigIntegerField()

    class Meta:
        table_name = "event_subjects"
        primary_key = CompositeKey("account_id", "subject_id", "sequence")


class ApiKey(Row):
    id = TextField(primary_key=True)
    name = TextField()
    scopes = JsonField()
    account_id = TextField(null=True)
    secret_hash = TextField()
    previous_hash = TextField(null=True)
    previous_expires_at = InstantField(null=True)
    expires_at = InstantField(null=True)
    revoked_at = InstantField(null=True)
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "api_keys"


class IdempotencyKey(Row):
    account_id = TextField()
    caller = TextField()
    idempotency_key = TextField()
    fingerprint = TextField()
    status = IntegerField(null=True)
    headers = JsonField(null=True)
    body = TextField(null=True)
    created_at = InstantField()

    class Meta:
        table_name = "idempotency_keys"
        primary_key = CompositeKey("account_id", "caller", "idempotency_key")


TABLES = (
    TestClock,
    Account,
    User,
    Subscription,
    Term,
    Pool,
    Seat,
    Purchase,
    Removal,
    Transfer,
    PoolFigures,
    SeatHolding,
    SeatRequest,
    Event,
    EventSubject,
    ApiKey,
    IdempotencyKey,
)
