"""What must always be true of webhooks, looked up; part of `seatkeeper verify`."""

from collections.abc import Iterator
from typing import Any

from peewee import JOIN, fn

from licensing.models import Account
from webhooks.logs import OPERATOR
from webhooks.models import Endpoint, Lane, Notice, Parked, Secret
from webhooks.rules import LaneState


def violations(account_id: str | None = None) -> Iterator[str]:
    """
    Every invariant that does not hold, as a sentence that names the row.

    Args:
        account_id: look at what belongs to one account, or is about it; at everything for None.
    """
    yield from _lanes(account_id)
    yield from _strays(account_id)
    yield from _parked(account_id)
    yield from _endpoints(account_id)


def _endpoints(account_id: str | None) -> Iterator[str]:
    rows = Endpoint.select(Endpoint.id).where(Endpoint.id.not_in(Secret.select(Secret.endpoint_id)))
    if account_id is not None:
        rows = rows.where(Endpoint.account_id == account_id)
    for endpoint in rows.order_by(Endpoint.id):
        yield f"webhook endpoint {endpoint.id} has no secret"


def _of(account_id: str | None, rows: Any, table: Any) -> Any:
    """Those of the rows that are about the account, or of an endpoint that belongs to it."""
    if account_id is None:
        return rows
    its_own = Endpoint.select(Endpoint.id).where(Endpoint.account_id == account_id)
    return rows.where((table.account_id == account_id) | table.endpoint_id.in_(its_own))


def _lanes(account_id: str | None) -> Iterator[str]:
    """A lane is never ahead of its log, and rests only where it has sent everything."""
    last_notice = Notice.select(fn.MAX(Notice.sequence)).scalar() or 0
    rows = (
        Lane.select(Lane, Account.last_sequence.alias("end"))
        .join(Account, JOIN.LEFT_OUTER, on=(Account.id == Lane.account_id))
        .order_by(Lane.endpoint_id, Lane.account_id)
    )
    for lane in _of(account_id, rows, Lane).objects():
        name = f"lane of webhook endpoint {lane.endpoint_id} in {lane.account_id}"
        last = last_notice if lane.account_id == OPERATOR else lane.end
        if last is None:
            yield f"{name}: there is no such account"
        elif max(lane.head, lane.cursor) > last:
            yield f"{name} is at {lane.cursor} of {lane.head}, the log ends with {last}"
        if lane.state == LaneState.IDLE and lane.cursor < lane.head:
            yield f"{name} rests at {lane.cursor}, before its head {lane.head}"
        if (lane.previous or 0) > lane.cursor:
            yield f"{name} was sent {lane.previous} before its cursor {lane.cursor}"


def _strays(account_id: str | None) -> Iterator[str]:
    """An endpoint that belongs to an account is told of no other."""
    rows = (
        Lane.select(Lane, Endpoint.account_id.alias("owner"))
        .join(Endpoint, on=(Endpoint.id == Lane.endpoint_id))
        .where(Endpoint.account_id != Lane.account_id)
        .order_by(Lane.endpoint_id, Lane.account_id)
    )
    for lane in _of(account_id, rows, Lane).objects():
        yield (
            f"lane of webhook endpoint {lane.endpoint_id} in {lane.account_id}: "
            f"the endpoint belongs to {lane.owner}"
        )


def _parked(account_id: str | None) -> Iterator[str]:
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
    for row in _of(account_id, rows, Parked):
        yield (
            f"event {row.event_id} is parked for webhook endpoint {row.endpoint_id}, "
            f"which has yet to be sent it"
        )
