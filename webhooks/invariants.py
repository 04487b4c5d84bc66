"""What must always be true of webhooks, looked up; part of `seatkeeper verify`."""

from collections.abc import Iterator
from typing import Any, cast

from peewee import JOIN, fn

from licensing.models import Account
from webhooks.logs import OPERATOR
from webhooks.models import Endpoint, Lane, Notice, Parked, Secret
from webhooks.rules import LaneState


def violations() -> Iterator[str]:
    """Every invariant that does not hold, as a sentence that names the row."""
    yield from _lanes()
    yield from _parked()
    without = Endpoint.id.not_in(Secret.select(Secret.endpoint_id))
    for endpoint in Endpoint.select(Endpoint.id).where(without).order_by(Endpoint.id):
        yield f"webhook endpoint {endpoint.id} has no secret"


def _lanes() -> Iterator[str]:
    """A lane is never ahead of its log, and rests only where it has sent everything."""
    last_notice = Notice.select(fn.MAX(Notice.sequence)).scalar() or 0
    rows = (
        Lane.select(Lane, Account.last_sequence)
        .join(Account, JOIN.LEFT_OUTER, on=(Account.id == Lane.account_id), attr="account")
        .order_by(Lane.endpoint_id, Lane.account_id)
    )
    for lane in cast(Any, rows):
        name = f"lane of webhook endpoint {lane.endpoint_id} in {lane.account_id}"
        last = last_notice if lane.account_id == OPERATOR else lane.account.last_sequence
        if last is None:
            yield f"{name}: there is no such account"
        elif max(lane.head, lane.cursor) > last:
            yield f"{name} is at {lane.cursor} of {lane.head}, the log ends with {last}"
        if lane.state == LaneState.IDLE and lane.cursor < lane.head:
            yield f"{name} rests at {lane.cursor}, before its head {lane.head}"
        if (lane.previous or 0) > lane.cursor:
            yield f"{name} was sent {lane.previous} before its cursor {lane.cursor}"


def _parked() -> Iterator[str]:
    """What is parked lies behind the cursor."""
    rows = (
        Parked.select(Parked, Lane.cursor)
        .join(
            Lane,
            on=(Lane.account_id == Parked.account_id) & (Lane.endpoint_id == Parked.endpoint_id),
            attr="lane",
        )
        .where(Parked.sequence > Lane.cursor)
        .order_by(Parked.endpoint_id, Parked.account_id, Parked.sequence)
    )
    for row in rows:
        yield (
            f"event {row.event_id} is parked for webhook endpoint {row.endpoint_id}, "
            f"which has yet to be sent it"
        )
