"""The tables of webhooks, as Peewee sees them; their constraints stand in `webhooks/migrations`."""

from peewee import CompositeKey

from licensing.columns import BigIntegerField, IntegerField, TextField
from licensing.models import InstantField, JsonField, Row


class Endpoint(Row):
    """Where events are sent, and how that fares."""

    id = TextField(primary_key=True)
    account_id = TextField(null=True)
    url = TextField()
    description = TextField()
    event_types = JsonField()
    headers = TextField()
    header_names = JsonField()
    max_in_flight = IntegerField()
    rate = IntegerField(null=True)
    poison_policy = TextField()
    status = TextField()
    failures = IntegerField()
    probes = IntegerField()
    successes = IntegerField()
    warnings = IntegerField()
    failing_since = BigIntegerField(null=True)
    last_success_at = BigIntegerField(null=True)
    next_send_at = BigIntegerField()
    paced_until = BigIntegerField()
    version = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "webhook_endpoints"


class Secret(Row):
    """A signing secret of an endpoint, encrypted."""

    endpoint_id = TextField()
    id = TextField()
    sealed = TextField()
    expires_at = InstantField(null=True)
    created_at = InstantField()

    class Meta:
        table_name = "webhook_secrets"
        primary_key = CompositeKey("endpoint_id", "id")


class Lane(Row):
    """
    One endpoint and one log: a cursor over the log.

    `previous` is the last sequence before the cursor that the endpoint asked for, null until it is
    needed. `pace` is how many milliseconds to leave between two events up to `pace_until`.
    """

    account_id = TextField()
    endpoint_id = TextField()
    cursor = BigIntegerField()
    previous = BigIntegerField(null=True)
    head = BigIntegerField()
    state = TextField()
    due_at = BigIntegerField()
    lease_until = BigIntegerField()
    token = BigIntegerField()
    refusals = IntegerField()
    refused_since = BigIntegerField(null=True)
    pace = IntegerField(null=True)
    pace_until = BigIntegerField()

    class Meta:
        table_name = "webhook_lanes"
        primary_key = CompositeKey("account_id", "endpoint_id")


class Attempt(Row):
    """A message that was sent, and what came back."""

    account_id = TextField()
    id = TextField()
    endpoint_id = TextField()
    event_id = TextField()
    event_type = TextField()
    sequence = BigIntegerField(null=True)
    previous = BigIntegerField(null=True)
    occasion = TextField()
    verdict = TextField()
    status = IntegerField(null=True)
    failure = TextField(null=True)
    detail = TextField()
    milliseconds = JsonField()
    answer = TextField(null=True)
    created_at = InstantField()

    class Meta:
        table_name = "webhook_attempts"
        primary_key = CompositeKey("account_id", "id")


class Parked(Row):
    """
    An event that the receiver refused for too long, or that an operator passed over.

    With a `due_at` it is to be sent again.
    """

    account_id = TextField()
    endpoint_id = TextField()
    sequence = BigIntegerField()
    event_id = TextField()
    event_type = TextField()
    previous = BigIntegerField()
    reason = TextField()
    note = TextField(null=True)
    parked_by = TextField()
    due_at = BigIntegerField(null=True)
    lease_until = BigIntegerField()
    token = BigIntegerField()
    created_at = InstantField()

    class Meta:
        table_name = "webhook_parked"
        primary_key = CompositeKey("account_id", "endpoint_id", "sequence")


class Replay(Row):
    """An order to send a part of the log again."""

    id = TextField(primary_key=True)
    endpoint_id = TextField()
    account_id = TextField(null=True)
    from_sequence = BigIntegerField(null=True)
    from_time = InstantField(null=True)
    rate = IntegerField(null=True)
    requested_by = TextField()
    created_at = InstantField()

    class Meta:
        table_name = "webhook_replays"


class ReplayLane(Row):
    """The part of one log that a replay sends again."""

    replay_id = TextField()
    account_id = TextField()
    from_sequence = BigIntegerField()
    until_sequence = BigIntegerField()
    events = IntegerField()

    class Meta:
        table_name = "webhook_replay_lanes"
        primary_key = CompositeKey("replay_id", "account_id")


class Notice(Row):
    """What happened to an endpoint, told to operators: the log of no account."""

    sequence = BigIntegerField(primary_key=True)
    id = TextField()
    type = TextField()
    endpoint_id = TextField()
    body = TextField()
    created_at = InstantField()

    class Meta:
        table_name = "webhook_notices"


TABLES = (Endpoint, Secret, Lane, Attempt, Parked, Replay, ReplayLane, Notice)
