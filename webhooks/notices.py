"""Telling operators how endpoints fare: events in a log of their own (`logs.OPERATOR`)."""

import json
from typing import Any

from peewee import fn

from licensing import clock, ids
from licensing.rules.permissions import system
from webhooks import lanes
from webhooks.event_types import OperatorEvent
from webhooks.logs import OPERATOR
from webhooks.messages import API_VERSION
from webhooks.models import Endpoint, Notice
from webhooks.resources import endpoint_resource

EPOCH = 1


def tell(
    type: OperatorEvent,
    endpoint: Endpoint,
    reason: str,
    object: dict[str, Any] | None = None,
    previous: dict[str, Any] | None = None,
) -> None:
    """
    Append to the operators' log, in the transaction in which it happens.

    `object` is what it is about, the endpoint itself where it is left out. Two at once collide in
    the sequence; the second transaction is then repeated.
    """
    sequence = (Notice.select(fn.MAX(Notice.sequence)).scalar() or 0) + 1
    now, id = clock.now(), ids.new("evt")
    actor = system()
    content = {
        "id": id,
        "type": type,
        "timestamp": clock.to_text(now),
        "api_version": API_VERSION,
        "account_id": None,
        "epoch": EPOCH,
        "sequence": sequence,
        "data": {
            "object": object or endpoint_resource(endpoint),
            "previous": previous or {},
            "effective_at": clock.to_text(now),
            "actor": {"type": actor.type, "id": actor.id},
            "reason": reason,
            "cause": None,
            "request_id": None,
        },
    }
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    Notice.insert(
        sequence=sequence, id=id, type=type, endpoint_id=endpoint.id, body=body, created_at=now
    ).execute()
    lanes.heads_move(OPERATOR, [(sequence, type)])
