"""What must always be true of requests for seats: who still asks, and what the log says."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from licensing import rows, settings
from licensing.models import Account, Event, Seat, SeatRequest, User
from licensing.rules.accounts import AccountStatus, UserStatus
from licensing.rules.seat_requests import RequestStatus, answered_by


def requests_of_account(account: Account) -> Iterator[str]:
    """What does not hold of an account's requests, as sentences."""
    requests = rows.of_account(SeatRequest, account)
    is_open = [request for request in requests if request.status == RequestStatus.OPEN]
    yield from _needless(account, is_open)
    yield from _askers(account, Counter(request.user_id for request in is_open))
    if not account.purged_through:
        yield from _log(account, {request.id: request.status for request in requests})


def _needless(account: Account, is_open: list[SeatRequest]) -> Iterator[str]:
    catalogue = settings.current().catalogue
    held: dict[str, set[str]] = defaultdict(set)
    for seat in Seat.select().where(
        Seat.account_id == account.id, Seat.user_id.in_([r.user_id for r in is_open])
    ):
        held[seat.user_id].update(answered_by(catalogue.seat_type(seat.seat_type)))
    for request in is_open:
        if request.seat_type in held[request.user_id]:
            yield f"seat request {request.id} is open, but its user holds the seat"


def _askers(account: Account, asking: Counter[str]) -> Iterator[str]:
    users = {user.id: user for user in rows.of_account(User, account)}
    for user_id in sorted(asking.keys() - users.keys()):
        yield f"user {user_id} is gone, but asks for a seat"
    for user in users.values():
        if user.open_requests != asking[user.id]:
            yield f"user {user.id} counts {user.open_requests} open requests, not {asking[user.id]}"
        if asking[user.id] and user.status == UserStatus.DEACTIVATED:
            yield f"user {user.id} is deactivated, but asks for a seat"
    if asking and account.status != AccountStatus.ACTIVE:
        yield "it is closed, but users ask for seats"


def _log(account: Account, kept: dict[str, str]) -> Iterator[str]:
    kinds = [f"seat_request.{what}" for what in ("created", *list(RequestStatus)[1:])]
    told: dict[str, str] = {}
    events = Event.select(Event.body).where(Event.account_id == account.id, Event.type.in_(kinds))
    for row in events.order_by(Event.sequence):
        request = json.loads(row.body)["data"]["object"]
        told[request["id"]] = request["status"]
    for id in sorted(told.keys() | kept.keys()):
        if told.get(id) != kept.get(id):
            yield f"seat request {id} is {kept.get(id)}, but the log tells {told.get(id)}"
