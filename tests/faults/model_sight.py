"""What the model shows: everything that can be read over HTTP, and what a user may do (R9, R28)."""

from datetime import UTC, datetime
from typing import Any

from tests.faults.model import TIERS, Account, Person, Pool, Removal, Subscription

# Product, lowest tier, and whether only the product's own seats open it (R5).
FEATURES = {
    "contacts": ("marketing", "free", False),
    "forms": ("marketing", "free", False),
    "email_campaigns": ("marketing", "starter", False),
    "social_posts": ("marketing", "professional", False),
    "attribution": ("marketing", "enterprise", False),
    "deals": ("sales", "free", False),
    "quotes": ("sales", "starter", False),
    "sequences": ("sales", "professional", True),
    "conversation_insights": ("sales", "enterprise", True),
    "tickets": ("service", "free", False),
    "help_desk": ("service", "professional", True),
    "blog": ("content", "starter", False),
}
CLOSED_TO_VIEWERS = ("social_posts", "forms")
FREE_TOOLS = ("free", "partner")
LEVELS = ("none", "view", "edit")


def text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def of_person(account: Account, person: Person) -> dict[str, Any]:
    """R13: an invitation is expired by its date, whether or not a job has run."""
    lapsed = person.invitation == "pending" and account.is_over(person)
    return {
        "email": person.email,
        "status": person.status,
        "invitation": "expired" if lapsed else person.invitation,
        "permissions": sorted(person.permissions),
        "partner_eligible": person.eligible,
        "seats": sorted(person.seats),
    }


def of_pool(account: Account, pool: Pool) -> dict[str, Any]:
    """R28."""
    assigned, leaving = account.assigned(pool.seat_type), account.scheduled(pool)
    return {
        "seat_type": pool.seat_type,
        "purchased": pool.purchased,
        "assigned": assigned,
        "unassigned": pool.purchased - assigned,
        "scheduled_removal": leaving,
        "quantity_at_renewal": pool.purchased - leaving,
        "renews_at": text(account.subscriptions[pool.follows].ends_at),
        "minimum": pool.minimum,
        "low_mark": pool.low_mark,
    }


def of_removal(account: Account, removal: Removal) -> dict[str, Any]:
    """R20: while it stands, with the quantity of this term and of the next."""
    pool = account.pools[removal.pool]
    shown = {
        "seat_type": pool.seat_type,
        "requested_quantity": removal.requested,
        "quantity": removal.quantity,
        "status": removal.status,
        "effective_at": text(removal.effective_at),
    }
    if removal.status == "scheduled":
        shown["current_quantity"] = pool.purchased
        shown["renewal_quantity"] = pool.purchased - account.scheduled(pool)
    return shown


def of_subscription(account: Account, subscription: Subscription) -> dict[str, Any]:
    """R24, R25. Open: one that is cancelled has no next renewal."""
    active = subscription.status == "active"
    followers = [] if subscription.status == "ended" else account.followers(subscription)
    return {
        "product": subscription.product,
        "tier": subscription.tier,
        "status": subscription.status,
        "pending_tier": subscription.pending_tier,
        "anchor": text(subscription.anchor),
        "term": {"number": subscription.term, "ends_at": text(subscription.ends_at)},
        "renews_at": text(subscription.ends_at) if active else None,
        "suspended": subscription.suspended,
        "pools": sorted(pool.seat_type for pool in followers),
    }


def entitlement(account: Account, person: Person, feature: str) -> tuple[str, str | None]:
    """R5 to R7, R9: the level, and why it is none."""
    if person.status != "active":
        return "none", "deactivated" if person.status == "deactivated" else "not_accepted"
    if not person.seats:
        return "none", "no_seat"
    # R9: what is over by its date no longer counts, whether or not a job has run.
    in_force = {
        one.product: one
        for one in account.live
        if one.status == "active" or one.ends_at > account.now
    }
    answers = [_answer(account, in_force, seat_type, feature) for seat_type in person.seats]
    return max(answers, key=lambda answer: LEVELS.index(answer[0]))


def _answer(
    account: Account, in_force: dict[str, Subscription], seat_type: str, feature: str
) -> tuple[str, str | None]:
    product, lowest, advanced = FEATURES[feature]
    if not in_force:
        free = seat_type in FREE_TOOLS and lowest == "free"
        return ("edit", None) if free else ("none", "not_subscribed")
    if product not in in_force:
        return "none", "not_subscribed"
    subscription = in_force[product]
    if TIERS.index(subscription.tier) < TIERS.index(lowest):
        return "none", "tier"
    own = seat_type == product and account.sells(subscription, seat_type)
    closed = seat_type == "view_only" and feature in CLOSED_TO_VIEWERS
    if closed or (advanced and not own and seat_type != "partner"):
        return "none", "seat_type"
    # R6, R25b: what the catalogue leaves of a suspended product is `view`.
    return "view" if seat_type == "view_only" or subscription.suspended else "edit", None
