"""Reconciling: all of an account as of one sequence (R30)."""

from typing import Any

from licensing.api import fields
from licensing.api.kit import Blueprint, Response
from licensing.api.pools import PoolNumbers
from licensing.api.removals import RemovalResponse
from licensing.api.seats import SeatResponse
from licensing.api.subscriptions import SubscriptionResponse
from licensing.queries import snapshot as queries
from licensing.rules.permissions import RECONCILE, Actor

blp = Blueprint("snapshot", __name__, description="Reconciling with a billing system")

MANY = 1_000_000


class SnapshotSubscription(SubscriptionResponse):
    """A subscription and its term."""

    class Meta(Response.Meta):
        fields = queries.OF_A_SUBSCRIPTION


class SnapshotPool(PoolNumbers):
    """A pool and its numbers."""

    subscription_id = fields.Id("sub", description="The subscription whose term it follows")
    external_id = fields.ExternalId()


class SnapshotRemoval(RemovalResponse):
    """Seats that will leave a pool."""

    class Meta(Response.Meta):
        fields = queries.OF_A_REMOVAL


class SnapshotSeat(SeatResponse):
    """A seat that somebody holds."""

    class Meta(Response.Meta):
        fields = queries.OF_A_SEAT


class SnapshotResponse(Response):
    """All of an account that a billing system could care about, as of one sequence."""

    account_id = fields.Id("acc", description="The account")
    epoch = fields.Integer(
        min=1, description="Rises when the database is restored from a backup", example=1
    )
    sequence = fields.Integer(
        min=0, description="The last event whose effect is in here", example=1042
    )
    log_digest = fields.Text(
        max=80,
        description="`sha256:` and the digest of that event, which is taken over all events before "
        "it, too: whoever keeps it can tell later whether the log was tampered with",
        example="sha256:3b1f4dba3b5d8f7d4f3f1f3b8a0c8f1be0f0b6d3b1a0e7f6c5d4e3f2a1b0c9d8",
    )
    taken_at = fields.Instant(description="When it was read", example="2026-11-23T10:15:30.123Z")
    subscriptions = fields.ListOf(
        fields.Nested(SnapshotSubscription, description="A subscription"),
        max=MANY,
        description="The subscriptions, ended ones too, with their terms",
    )
    pools = fields.ListOf(
        fields.Nested(SnapshotPool, description="A pool"), max=MANY, description="The open pools"
    )
    removals = fields.ListOf(
        fields.Nested(SnapshotRemoval, description="A removal"),
        max=MANY,
        description="The removals that are scheduled",
    )
    seats = fields.ListOf(
        fields.Nested(SnapshotSeat, description="A seat"),
        max=MANY,
        description="The seats that somebody holds",
    )
    checksum = fields.Text(
        max=80,
        description="`sha256:` and the SHA-256 of an object of subscriptions, pools, removals and "
        "seats as JSON with sorted members and without blanks (RFC 8785)",
        example="sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    )


@blp.get("/accounts/<account_id>/snapshot")
@blp.needs(RECONCILE)
@blp.gives(200, SnapshotResponse)
def get_snapshot(actor: Actor) -> dict[str, Any]:
    """Read all of an account at once

    As of one sequence of its log, so that a billing system can compare, once a day or when it has
    missed something, and then go on with `events?after=`.
    """
    return queries.snapshot(actor)
