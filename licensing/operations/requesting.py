"""Asking for a seat, and deciding on what was asked for (R8, R10, R11, R32)."""

from licensing import events, ids, resources
from licensing.db import transactional
from licensing.events import EventType
from licensing.models import Pool, SeatRequest, User
from licensing.operations import answering, assigning, buying, holding, pooling, warning
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Holder, Standing, lock_holder
from licensing.rules import seats
from licensing.rules.catalogue import SeatType
from licensing.rules.permissions import (
    ASK_FOR_SEATS,
    CHANGE_BILLING,
    CHANGE_SEATS,
    Actor,
    ActorType,
    may,
    require,
)
from licensing.rules.pools import can_assign
from licensing.rules.refusals import (
    NotFound,
    SeatRequestNotOpen,
    SubscriptionSuspended,
    Unacceptable,
)
from licensing.rules.seat_requests import RequestStatus


@transactional
def ask_for_seat(
    actor: Actor, seat_type: str, note: str | None = None, user_id: str | None = None
) -> SeatRequest:
    """
    Ask for a seat, for oneself or, whoever may assign seats, for another user (`user_id`).

    A user has one open request of a type: asking again answers the same one and tells nothing
    (R32). Refuses what could not be approved as things stand even if seats were free: as
    `assigning.assign_seat` but for `NoSeatAvailable`, with `AlreadyAssigned`, and with
    `PermissionDenied`.
    """
    require(actor, ASK_FOR_SEATS)
    user_id = _asked_for(actor, user_id)
    standing = brought_up_to_date(actor)
    holder = lock_holder(standing, user_id)
    wanted = standing.catalogue.seat_type(seat_type)
    _refuse_hopeless(standing, holder, wanted)
    request = SeatRequest.get_or_none(
        SeatRequest.account_id == standing.account.id,
        SeatRequest.user_id == user_id,
        SeatRequest.seat_type == wanted.name,
        SeatRequest.status == RequestStatus.OPEN,
    )
    return request or _new(standing, actor, holder, wanted, note)


def _asked_for(actor: Actor, user_id: str | None) -> str:
    """Whom the seat is for: who asks, or whom he may ask for."""
    if actor.type is ActorType.USER:
        user_id = user_id or actor.id
    if user_id is None:
        raise Unacceptable("user_id", "is needed where no user asks for himself")
    if user_id != actor.id:
        require(actor, CHANGE_SEATS)
    return user_id


def _refuse_hopeless(standing: Standing, holder: Holder, wanted: SeatType) -> None:
    assigning.refuse_receiver(standing, holder, wanted)
    seats.refuse_unavailable(standing.catalogue, standing.situation, wanted)
    seats.replaced_by(standing.catalogue, holder.user.id, holder.seat_types, wanted)
    if wanted.paid:
        pool = holding.open_pool(standing, wanted.name)
        seller = standing.subscription_of(pool) if pool else pooling.seller_of(standing, wanted)
        if seller.suspended_at is not None:
            raise SubscriptionSuspended(seller.id, seller.product)


def _new(
    standing: Standing, actor: Actor, holder: Holder, wanted: SeatType, note: str | None
) -> SeatRequest:
    user = holder.user
    request = SeatRequest.create(
        account_id=user.account_id,
        id=ids.new("req"),
        user_id=user.id,
        seat_type=wanted.name,
        note=note,
        status=RequestStatus.OPEN,
        requested_by_type=actor.type,
        requested_by_id=actor.id,
        version=1,
        created_at=standing.now,
    )
    user.open_requests += 1
    User.update(open_requests=user.open_requests).where(
        User.account_id == user.account_id, User.id == user.id
    ).execute()
    events.record(actor, EventType.SEAT_REQUEST_CREATED, resources.seat_request(request))
    return request


@transactional
def approve_request(actor: Actor, request_id: str, buy: bool = False) -> SeatRequest:
    """
    Give the user the seat that he asks for; with `buy` one is bought first if none is free.

    Buying needs `modify_billing` as well, whether or not it comes to it. Both happen or neither.
    Approving what was approved changes nothing (R32). Refuses with `SeatRequestNotOpen` when the
    request was declined or withdrawn, as `assigning.assign_seat`, and as `buying.purchase_seats`.
    """
    require(actor, CHANGE_SEATS)
    if buy:
        require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor)
    request, holder = _locked(standing, request_id, RequestStatus.APPROVED)
    if holder is not None:
        pools = holding.locked_pools(standing, {request.seat_type, *holder.seat_types})
        # What is bought to be given is never free in between (R32).
        with warning.counting_together(standing, actor, pools):
            if buy:
                holder.bought = _bought(standing, actor, pools, request.seat_type)
            assigning.assign_to(standing, actor, holder, request.seat_type)
        request = _request(standing, request_id)
    return request


def _bought(standing: Standing, actor: Actor, pools: list[Pool], seat_type: str) -> str | None:
    """The purchase of a seat, where one has to be bought."""
    if not standing.catalogue.seat_type(seat_type).paid:
        return None
    if any(pool.seat_type == seat_type and can_assign(pool) for pool in pools):
        return None
    return str(buying.purchase_seats(actor, seat_type, 1).id)


@transactional
def decline_request(actor: Actor, request_id: str, note: str | None = None) -> SeatRequest:
    """
    Say no to a request, with a `note` for the user.

    Declining what was declined changes nothing (R32). Refuses with `SeatRequestNotOpen` when it was
    approved or withdrawn, `NotFound` and `PermissionDenied`.
    """
    require(actor, CHANGE_SEATS)
    standing = brought_up_to_date(actor)
    request, holder = _locked(standing, request_id, RequestStatus.DECLINED)
    if holder is not None:
        more = {"decision_note": note}
        answering.decide(standing, actor, holder, request, RequestStatus.DECLINED, more=more)
    return request


@transactional
def withdraw_request(actor: Actor, request_id: str) -> SeatRequest:
    """
    Take back one's own request; whoever may ask for others may withdraw theirs.

    Withdrawing what was withdrawn changes nothing (R32). Refuses with `SeatRequestNotOpen` when it
    was decided, and with `NotFound`, also for a request of somebody else.
    """
    require(actor, ASK_FOR_SEATS)
    standing = brought_up_to_date(actor)
    if _request(standing, request_id).user_id != actor.id and not may(actor, CHANGE_SEATS):
        raise NotFound("seat request", request_id)
    request, holder = _locked(standing, request_id, RequestStatus.WITHDRAWN)
    if holder is not None:
        answering.decide(standing, actor, holder, request, RequestStatus.WITHDRAWN)
    return request


def _locked(
    standing: Standing, request_id: str, wanted: RequestStatus
) -> tuple[SeatRequest, Holder | None]:
    """
    A request with its user, locked; without him where it is as `wanted` already.

    The user's lock keeps everybody else from deciding. Raises `SeatRequestNotOpen`, `NotFound`.
    """
    request = _request(standing, request_id)
    holder = None
    if request.status == RequestStatus.OPEN:
        holder = lock_holder(standing, request.user_id)
        request = _request(standing, request_id)
    if request.status == RequestStatus.OPEN:
        return request, holder
    if request.status != wanted:
        raise SeatRequestNotOpen(request.id, request.status)
    return request, None


def _request(standing: Standing, request_id: str) -> SeatRequest:
    request: SeatRequest | None = SeatRequest.get_or_none(
        SeatRequest.account_id == standing.account.id, SeatRequest.id == request_id
    )
    if request is None:
        raise NotFound("seat request", request_id)
    return request
