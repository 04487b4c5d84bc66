"""
What becomes of the open requests of a user when something else happens to him.

A request is answered, as approved, by whatever gives its user the seat that it asks for, and by a
seat that includes it. It is withdrawn when its user leaves, or the account is closed. These are
steps of other commands: the user is locked, and counts his open requests, so that nobody else pays
for a look at them.
"""

from collections.abc import Collection
from typing import Any

from licensing import events, resources
from licensing.events import EventType, Reason
from licensing.models import Seat, SeatRequest, User
from licensing.operations.standing import Holder, Standing
from licensing.rules.permissions import Actor
from licensing.rules.seat_requests import RequestStatus, answered_by

TOLD_AS = {
    RequestStatus.APPROVED: EventType.SEAT_REQUEST_APPROVED,
    RequestStatus.DECLINED: EventType.SEAT_REQUEST_DECLINED,
    RequestStatus.WITHDRAWN: EventType.SEAT_REQUEST_WITHDRAWN,
}


def answer(
    standing: Standing, actor: Actor, holder: Holder, seat: Seat, reason: Reason, cause: str
) -> None:
    """Approve what the user has asked for and holds now; `cause` is the event of the seat."""
    if not holder.user.open_requests:
        return
    for request in _open(holder, answered_by(standing.catalogue.seat_type(seat.seat_type))):
        bought = holder.bought if request.seat_type == seat.seat_type else None
        found = {"seat_id": seat.id, "purchase_id": bought}
        decide(standing, actor, holder, request, RequestStatus.APPROVED, reason, cause, found)


def withdraw(
    standing: Standing, actor: Actor, holder: Holder, reason: Reason, cause: str | None
) -> None:
    """Withdraw what a user has asked for who leaves."""
    if not holder.user.open_requests:
        return
    for request in _open(holder):
        decide(standing, actor, holder, request, RequestStatus.WITHDRAWN, reason, cause)


def decide(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    request: SeatRequest,
    status: RequestStatus,
    reason: Reason = Reason.REQUESTED,
    cause: str | None = None,
    more: dict[str, Any] | None = None,
) -> None:
    """Close an open request of a locked user, with what `more` says of it, and tell."""
    decided = {
        "status": status,
        "decided_by_type": actor.type,
        "decided_by_id": actor.id,
        "decided_at": standing.now,
        **(more or {}),
    }
    for name, value in decided.items():
        setattr(request, name, value)
    request.version += 1
    request.save()
    # No change of the user that anybody sees: the version stays.
    user = holder.user
    user.open_requests -= 1
    User.update(open_requests=user.open_requests).where(
        User.account_id == user.account_id, User.id == user.id
    ).execute()
    events.record(
        actor,
        TOLD_AS[status],
        resources.seat_request(request),
        previous={"status": RequestStatus.OPEN},
        reason=reason,
        cause=cause,
    )


def _open(holder: Holder, seat_types: Collection[str] = ()) -> list[SeatRequest]:
    """The open requests of a user, the oldest first; of these types only, if any are named."""
    query = SeatRequest.select().where(
        SeatRequest.account_id == holder.user.account_id,
        SeatRequest.user_id == holder.user.id,
        SeatRequest.status == RequestStatus.OPEN,
    )
    if seat_types:
        query = query.where(SeatRequest.seat_type.in_(list(seat_types)))
    return list(query.order_by(SeatRequest.id))
