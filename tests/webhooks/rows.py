"""Rows of the tables of webhooks, for tests that ask only how they are shown."""

from licensing import clock, ids
from tests.world import START
from webhooks import secrets
from webhooks.models import Attempt, Endpoint, Lane, Parked, Replay
from webhooks.rules import FULL_SPEED


def endpoint(id: str, **more: object) -> Endpoint:
    """An active endpoint for all accounts, which nothing is sent to."""
    columns: dict[str, object] = {
        "id": id,
        "url": "https://billing.example.com/seats",
        "description": "",
        "event_types": ["endpoint.*"],
        "headers": secrets.sealed_headers(id, {}),
        "header_names": [],
        "max_in_flight": 4,
        "poison_policy": "park",
        "status": "active",
        "failures": 0,
        "probes": 0,
        "successes": FULL_SPEED,
        "warnings": 0,
        "next_send_at": 0,
        "paced_until": 0,
        "version": 1,
        "created_at": START,
    }
    made: Endpoint = Endpoint.create(**columns | more)
    secrets.add(id, clock.now())
    return made


def fill(endpoint_id: str, account_id: str, sequence: int) -> None:
    """One of each thing that an endpoint has: a lane, a parked event, a delivery, a replay."""
    event = {
        "account_id": account_id,
        "endpoint_id": endpoint_id,
        "event_id": ids.new("evt"),
        "event_type": "seat.assigned",
        "sequence": sequence + 1,
        "created_at": clock.now(),
    }
    Lane.create(
        account_id=account_id,
        endpoint_id=endpoint_id,
        cursor=sequence + 1,
        head=sequence + 1,
        state="idle",
        due_at=0,
        lease_until=0,
        token=0,
        refusals=0,
        pace_until=0,
    )
    Parked.create(**event, previous=0, reason="skipped", parked_by="x", lease_until=0, token=0)
    Attempt.create(
        **event,
        id=ids.new("att"),
        occasion="delivery",
        verdict="delivered",
        status=204,
        detail="",
        milliseconds={"total": 1},
    )
    Replay.create(
        id=ids.new("rpl"), endpoint_id=endpoint_id, requested_by="x", created_at=clock.now()
    )
