"""
What follows for pools and holders when a subscription ends or no longer sells their seats (R25).

A pool whose type another subscription sells moves there and follows its term. Another one closes:
its seats end, and each holder gets what the catalogue says that they become, or falls back. Nobody
else is at work on the account meanwhile.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from licensing import clock, events, resources
from licensing.events import EventType, Reason
from licensing.models import Pool, Removal, Seat, Subscription
from licensing.operations import answering, giving_way, holding, pooling
from licensing.operations.standing import Holder, Standing, lock_all_holders
from licensing.rules import seats
from licensing.rules.catalogue import SeatType
from licensing.rules.permissions import Actor
from licensing.rules.subscriptions import Fate, SubscriptionStatus


@dataclass(frozen=True)
class Happening:
    """Why something happens to pools and holders: told by their events."""

    actor: Actor
    reason: Reason
    effective_at: datetime
    cause: str


def end(standing: Standing, actor: Actor, subscription: Subscription) -> None:
    """End a subscription whose term is over, with all that follows."""
    lock_all_holders(standing)
    effective_at = subscription.term_ends_at
    was = {"status": subscription.status, "pending_tier": subscription.pending_tier}
    subscription.status = SubscriptionStatus.ENDED
    subscription.ended_at = effective_at
    subscription.pending_tier = subscription.due_at = None
    subscription.suspended_at = subscription.suspension_reason = None
    subscription.version += 1
    subscription.save()
    standing.subscriptions.remove(subscription)
    ended = events.record(
        actor,
        EventType.SUBSCRIPTION_ENDED,
        resources.subscription(subscription, []),
        previous=was if was["pending_tier"] else {"status": was["status"]},
        effective_at=effective_at,
        reason=Reason.SUBSCRIPTION_ENDED,
    )
    standing.upheaval = ended
    why = Happening(actor, Reason.SUBSCRIPTION_ENDED, effective_at, ended)
    settle_pools(standing, subscription, why)
    _end_unavailable_seats(standing, why)


def move_to_tier(
    standing: Standing,
    actor: Actor,
    subscription: Subscription,
    tier: str,
    effective_at: datetime,
    cause: str | None = None,
) -> None:
    """Give a subscription another tier from `effective_at` on, with all that follows."""
    lock_all_holders(standing)
    was = {"tier": subscription.tier, "pending_tier": subscription.pending_tier}
    subscription.tier, subscription.pending_tier = tier, None
    subscription.version += 1
    subscription.save()
    changed = events.record(
        actor,
        EventType.SUBSCRIPTION_TIER_CHANGED,
        resources.subscription(subscription, pooling.pools_of(subscription)),
        previous=was if was["pending_tier"] else {"tier": was["tier"]},
        effective_at=effective_at,
        reason=Reason.REQUESTED if cause is None else Reason.RENEWED,
        cause=cause,
    )
    standing.upheaval = changed
    settle_pools(
        standing, subscription, Happening(actor, Reason.TIER_CHANGED, effective_at, changed)
    )


def fate_of(
    standing: Standing, subscription: Subscription, pool: Pool, at: datetime
) -> tuple[Fate, Subscription | None]:
    """What becomes of a pool of the subscription as things stand, and whose term it follows."""
    stands = subscription in standing.subscriptions
    if stands and standing.catalogue.sells(subscription.product, subscription.tier, pool.seat_type):
        return Fate.STAYS, subscription
    follows = pooling.successor(standing, subscription, pool.seat_type, at)
    return (Fate.CLOSES if follows is None else Fate.MOVES), follows


def settle_pools(standing: Standing, subscription: Subscription, why: Happening) -> None:
    """Let each pool of the subscription stay, move or close."""
    pools = pooling.pools_of(subscription)
    fates = [fate_of(standing, subscription, pool, why.effective_at) for pool in pools]
    # What closes may become seats of a pool that moves, so that one has to be in its place.
    for pool, (fate, follows) in zip(pools, fates, strict=True):
        if fate is Fate.MOVES and follows is not None:
            _move(standing, subscription, pool, follows, why)
    for pool, (fate, _) in zip(pools, fates, strict=True):
        if fate is Fate.CLOSES:
            _close(standing, subscription, pool, why)


def _move(
    standing: Standing, old: Subscription, pool: Pool, follows: Subscription, why: Happening
) -> None:
    was = {"subscription_id": old.id, "renews_at": clock.to_text(old.term_ends_at)}
    pool.subscription_id = follows.id
    pool.version += 1
    pool.save()
    numbers = standing.pool_numbers(pool)
    moved = events.record(
        why.actor,
        EventType.POOL_MOVED,
        standing.pool(pool),
        previous=was,
        pool=numbers,
        effective_at=why.effective_at,
        reason=why.reason,
        cause=why.cause,
    )
    for removal in _scheduled(pool):
        before = removal.effective_at
        removal.effective_at = follows.term_ends_at
        removal.version += 1
        removal.save()
        events.record(
            why.actor,
            EventType.SEAT_REMOVAL_SCHEDULED,
            resources.removal(removal),
            previous={"effective_at": clock.to_text(before)},
            pool=numbers,
            effective_at=removal.effective_at,
            reason=Reason.POOL_MOVED,
            cause=moved,
        )


def _scheduled(pool: Pool) -> Iterable[Removal]:
    found: Iterable[Removal] = (
        Removal.select()
        .where(
            Removal.account_id == pool.account_id,
            Removal.pool_id == pool.id,
            Removal.status == "scheduled",
        )
        .order_by(Removal.created_at, Removal.id)
    )
    return found


def _close(standing: Standing, old: Subscription, pool: Pool, why: Happening) -> None:
    ends_at = old.term_ends_at
    previous = {
        name: getattr(pool, name)
        for name in ("purchased", "assigned", "scheduled_removal", "minimum")
        if getattr(pool, name)
    }
    for removal in _scheduled(pool):
        pool.scheduled_removal -= removal.quantity
        numbers = resources.pool_numbers(pool, ends_at)
        giving_way.reduce_removal(
            why.actor,
            removal,
            removal.quantity,
            numbers,
            why.reason,
            why.cause,
            why.effective_at,
        )
    _end_seats(standing, pool, ends_at, why)
    pool.status, pool.closed_at = "closed", standing.now
    pool.purchased = pool.scheduled_removal = pool.minimum = 0
    pool.version += 1
    pool.save()
    events.record(
        why.actor,
        EventType.POOL_CLOSED,
        resources.pool(pool, ends_at),
        previous={"status": "open"} | previous,
        pool=resources.pool_numbers(pool, ends_at),
        effective_at=why.effective_at,
        reason=why.reason,
        cause=why.cause,
    )


def _end_seats(standing: Standing, pool: Pool, ends_at: datetime, why: Happening) -> None:
    """Every seat of the pool ends or becomes another; the pool's row is written afterwards."""
    wanted = seats.replacement(
        standing.catalogue, standing.situation, standing.catalogue.seat_type(pool.seat_type)
    )
    target = _pool_for(standing, wanted) if wanted is not None and wanted.paid else None
    held = Seat.select().where(Seat.account_id == pool.account_id, Seat.pool_id == pool.id)
    for row in sorted(held, key=lambda seat: str(seat.id)):
        holder = standing.holders[row.user_id]
        seat = next(seat for seat in holder.seats if seat.id == row.id)
        pool.assigned -= 1
        numbers = resources.pool_numbers(pool, ends_at)
        if wanted is not None and _can_become(standing, holder, seat, wanted):
            _become(standing, holder, seat, wanted, target, numbers, why)
        else:
            _end_seat(standing, holder, seat, numbers, why)
    if target is not None:
        target.version += 1
        target.save()


def _end_seat(
    standing: Standing,
    holder: Holder,
    seat: Seat,
    numbers: resources.Resource | None,
    why: Happening,
) -> None:
    Seat.delete().where(Seat.account_id == seat.account_id, Seat.id == seat.id).execute()
    holder.seats.remove(seat)
    holding.touch(holder)
    ended = events.record(
        why.actor,
        EventType.SEAT_UNASSIGNED,
        resources.seat(seat),
        pool=numbers,
        effective_at=why.effective_at,
        reason=why.reason,
        cause=why.cause,
    )
    holding.give_fallback(standing, why.actor, holder, ended, why.effective_at)


def _can_become(standing: Standing, holder: Holder, seat: Seat, wanted: SeatType) -> bool:
    """Whether the holder can hold the seat that it would become beside the others (R8)."""
    others = [other for other in holder.seats if other is not seat]
    includes = any(
        wanted.name in standing.catalogue.seat_type(other.seat_type).includes for other in others
    )
    holds = any(other.seat_type == wanted.name for other in others)
    eligible = holder.user.partner_eligible or not wanted.eligible_only
    return eligible and not (holds or includes or (wanted.exclusive and others))


def _become(
    standing: Standing,
    holder: Holder,
    seat: Seat,
    wanted: SeatType,
    target: Pool | None,
    numbers: resources.Resource,
    why: Happening,
) -> None:
    """The seat keeps its id; a paid one stays paid for, in the pool of its new type."""
    previous = {"seat_type": seat.seat_type, "pool_id": seat.pool_id}
    if target is not None:
        target.purchased += 1
        target.assigned += 1
    holding.retype(holder, seat, wanted, target)
    changed = events.record(
        why.actor,
        EventType.SEAT_CHANGED,
        resources.seat(seat),
        previous=previous,
        pool=standing.numbers_or_none(target),
        previous_pool=numbers,
        effective_at=why.effective_at,
        reason=why.reason,
        cause=why.cause,
    )
    answering.answer(standing, why.actor, holder, seat, why.reason, changed)


def _pool_for(standing: Standing, seat_type: SeatType) -> Pool:
    pool = holding.open_pool(standing, seat_type.name)
    if pool is None:
        pool = pooling.new_pool(standing, pooling.seller_of(standing, seat_type), seat_type)
        pool.save(force_insert=True)
    return pool


def _end_unavailable_seats(standing: Standing, why: Happening) -> None:
    """R25: where nothing paid is left, the viewing seats become those of the free tools."""
    for holder in standing.holders.values():
        for seat in list(holder.seats):
            seat_type = standing.catalogue.seat_type(seat.seat_type)
            if seats.is_available(standing.catalogue, standing.situation, seat_type):
                continue
            _end_seat(standing, holder, seat, None, why)
            if not holder.seats:
                free = standing.catalogue.seat_type(standing.catalogue.free_tools)
                holding.give(
                    standing,
                    why.actor,
                    holder,
                    free,
                    reason=Reason.FALLBACK,
                    cause=why.cause,
                    effective_at=why.effective_at,
                )
