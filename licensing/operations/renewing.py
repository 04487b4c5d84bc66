"""The end of one term and the start of the next (R23, R23b, R24, R25)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from licensing import events, resources, settings
from licensing.events import EventType, Reason
from licensing.models import Pool, Removal, Subscription, Term
from licensing.operations import consequences, warning
from licensing.operations.standing import Standing
from licensing.rules import terms
from licensing.rules.permissions import Actor
from licensing.rules.pools import unassigned
from licensing.rules.subscriptions import SubscriptionStatus
from licensing.rules.terms import Interval


def renew_due(standing: Standing, actor: Actor) -> None:
    """
    Work through every term of the account that is over, the earliest first (R23).

    Each pending removal is applied exactly once, at the renewal that it was scheduled for; the
    events carry the date at which they took effect. Nobody else is at work on the account: who
    finds a term that is over is alone on it.
    """
    while renew_earliest(standing, actor):
        pass


def renew_earliest(standing: Standing, actor: Actor) -> bool:
    """Renew or end the subscription whose term was over first; whether there was one."""
    over = [s for s in standing.subscriptions if s.term_ends_at <= standing.now]
    if not over:
        return False
    # Of those that are over at the same instant, what ends comes first: a pool that moves to one
    # that renews is renewed with it, whichever is older.
    due = min(over, key=lambda s: (s.term_ends_at, s.status != SubscriptionStatus.CANCELLING, s.id))
    if due.status == SubscriptionStatus.CANCELLING:
        consequences.end(standing, actor, due)
    else:
        _renew(standing, actor, due)
    return True


def begin(subscription: Subscription, term: terms.Term, tier: str, now: datetime) -> None:
    """
    Write the term that a subscription is in from now on, and when it has something due next.

    The key on subscription and number is the last guard: a term begins once (R23).
    """
    Term.create(
        account_id=subscription.account_id,
        subscription_id=subscription.id,
        number=term.number,
        tier=tier,
        starts_at=term.starts_at,
        ends_at=term.ends_at,
        created_at=now,
    )


def current_term(subscription: Subscription) -> terms.Term:
    """The term that a subscription is in."""
    return terms.Term(
        subscription.term_number, subscription.term_starts_at, subscription.term_ends_at
    )


def due_at(term: terms.Term) -> datetime:
    """When a subscription in this term has something due: the notice of its renewal (R24)."""
    days = settings.current().renewal_notice_days
    return terms.notice_at(term.starts_at, term.ends_at, days) if days else term.ends_at


def _renew(standing: Standing, actor: Actor, over: Subscription) -> None:
    renewed = _next_term(standing, over)
    standing.subscriptions[standing.subscriptions.index(over)] = renewed
    cause = _tell(standing, actor, over, renewed)
    if renewed.pending_tier is not None:
        consequences.move_to_tier(
            standing, actor, renewed, renewed.pending_tier, over.term_ends_at, cause
        )


def _next_term(standing: Standing, over: Subscription) -> Subscription:
    term = terms.term(
        over.anchor,
        Interval(over.interval),
        over.interval_count,
        over.term_number + 1,
        ZoneInfo(standing.account.time_zone),
    )
    (renewed,) = (
        Subscription.update(
            term_number=term.number,
            term_starts_at=term.starts_at,
            term_ends_at=term.ends_at,
            due_at=due_at(term),
            version=Subscription.version + 1,
        )
        .where(
            Subscription.account_id == over.account_id,
            Subscription.id == over.id,
            Subscription.term_number == over.term_number,
        )
        .returning(Subscription)
        .execute()
    )
    begin(renewed, term, renewed.pending_tier or renewed.tier, standing.now)
    found: Subscription = renewed
    return found


def _tell(standing: Standing, actor: Actor, over: Subscription, subscription: Subscription) -> str:
    effective_at = over.term_ends_at
    rows = (
        Pool.update(version=Pool.version + 1)
        .where(
            Pool.account_id == subscription.account_id,
            Pool.subscription_id == subscription.id,
            Pool.status == "open",
        )
        .returning(Pool)
        .execute()
    )
    pools = sorted(rows, key=lambda pool: str(pool.id))
    renewed = events.record(
        actor,
        EventType.SUBSCRIPTION_RENEWED,
        resources.subscription(subscription, pools),
        previous={"term": resources.term(over)},
        effective_at=effective_at,
        reason=Reason.RENEWED,
    )
    for pool in pools:
        _apply_removals(standing, actor, pool, effective_at, renewed)
    return renewed


def _apply_removals(
    standing: Standing, actor: Actor, pool: Pool, effective_at: datetime, cause: str
) -> None:
    scheduled = (
        Removal.select()
        .where(
            Removal.account_id == pool.account_id,
            Removal.pool_id == pool.id,
            Removal.status == "scheduled",
        )
        .order_by(Removal.created_at, Removal.id)
    )
    for removal in scheduled:
        before = pool.purchased
        pool.purchased -= removal.quantity
        pool.scheduled_removal -= removal.quantity
        pool.version += 1
        pool.save()
        removal.status = "applied"
        removal.applied_at = standing.now
        removal.current_quantity, removal.renewal_quantity = before, pool.purchased
        removal.version += 1
        removal.save()
        applied = events.record(
            actor,
            EventType.SEAT_REMOVAL_APPLIED,
            resources.removal(removal),
            previous={"status": "scheduled"},
            pool=standing.pool_numbers(pool),
            effective_at=effective_at,
            reason=Reason.RENEWED,
            cause=cause,
        )
        warning.warn(standing, actor, pool, unassigned(pool) + removal.quantity, applied)
