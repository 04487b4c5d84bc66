"""Telling operators how endpoints fare: events in a log of their own (`logs.OPERATOR`)."""

import json
from functools import partial
from typing import Any

from peewee import fn

from licensing import clock, ids
from licensing.db import transaction
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

    `object` is what it is about, the endpoint itself where it is left out.
    """
    now, actor = clock.to_text(clock.now()), system()
    data = {
        "object": object or endpoint_resource(endpoint),
        "previous": previous or {},
        "effective_at": now,
        "actor": {"type": actor.type, "id": actor.id},
        "reason": reason,
        "cause": None,
        "request_id": None,
    }
    # Right before the commit: who is told at the same time waits for the sequence.
    transaction().closing.append(partial(_append, type, endpoint.id, data))


def _append(type: OperatorEvent, endpoint_id: str, data: dict[str, Any]) -> None:
    """Write it. Two at once collide in the sequence; the second transaction is then repeated."""
    sequence = (Notice.select(fn.MAX(Notice.sequence)).scalar() or 0) + 1
    id = ids.new("evt")
    content = {
        "id": id,
        "type": type,
        "timestamp": data["effective_at"],
        "api_version": API_VERSION,
        "account_id": None,
        "epoch": EPOCH,
        "sequence": sequence,
        "data": data,
    }
    Notice.insert(
        sequence=sequence,
        id=id,
        type=type,
        endpoint_id=endpoint_id,
        body=json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        created_at=clock.now(),
    ).execute()
    lanes.heads_move(OPERATOR, [(sequence, type)])
