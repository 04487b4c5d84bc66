"""What can be read in the log, and why it happened (R29, R30)."""

from collections.abc import Iterable
from enum import StrEnum


class EventType(StrEnum):
    """What can be read in the log: a noun and what happened to it."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_UPDATED = "account.updated"
    ACCOUNT_MIGRATED = "account.migrated"
    ACCOUNT_CLOSED = "account.closed"
    USER_CREATED = "user.created"
    USER_UPDATED = "user.updated"
    USER_DEACTIVATED = "user.deactivated"
    USER_REACTIVATED = "user.reactivated"
    USER_DELETED = "user.deleted"
    USER_INVITATION_ACCEPTED = "user.invitation_accepted"
    USER_INVITATION_EXPIRED = "user.invitation_expired"
    USER_ENTITLEMENTS_CHANGED = "user.entitlements_changed"
    SUBSCRIPTION_STARTED = "subscription.started"
    SUBSCRIPTION_UPDATED = "subscription.updated"
    SUBSCRIPTION_TIER_CHANGE_SCHEDULED = "subscription.tier_change_scheduled"
    SUBSCRIPTION_TIER_CHANGED = "subscription.tier_changed"
    SUBSCRIPTION_CANCELLATION_SCHEDULED = "subscription.cancellation_scheduled"
    SUBSCRIPTION_RESUMED = "subscription.resumed"
    SUBSCRIPTION_RENEWAL_UPCOMING = "subscription.renewal_upcoming"
    SUBSCRIPTION_RENEWED = "subscription.renewed"
    SUBSCRIPTION_SUSPENDED = "subscription.suspended"
    SUBSCRIPTION_REACTIVATED = "subscription.reactivated"
    SUBSCRIPTION_ENDED = "subscription.ended"
    SEATS_PURCHASED = "seats.purchased"
    SEAT_ASSIGNED = "seat.assigned"
    SEAT_UNASSIGNED = "seat.unassigned"
    SEAT_CHANGED = "seat.changed"
    SEAT_TRANSFERRED = "seat.transferred"
    SEAT_REMOVAL_SCHEDULED = "seat_removal.scheduled"
    SEAT_REMOVAL_REDUCED = "seat_removal.reduced"
    SEAT_REMOVAL_CANCELLED = "seat_removal.cancelled"
    SEAT_REMOVAL_APPLIED = "seat_removal.applied"
    SEAT_REQUEST_CREATED = "seat_request.created"
    SEAT_REQUEST_APPROVED = "seat_request.approved"
    SEAT_REQUEST_DECLINED = "seat_request.declined"
    SEAT_REQUEST_WITHDRAWN = "seat_request.withdrawn"
    POOL_LOW = "pool.low"
    POOL_EXHAUSTED = "pool.exhausted"
    POOL_REPLENISHED = "pool.replenished"
    POOL_MOVED = "pool.moved"
    POOL_CLOSED = "pool.closed"
    POOL_MINIMUM_CHANGED = "pool.minimum_changed"
    POOL_UPDATED = "pool.updated"


def types_named(names: Iterable[str]) -> list[EventType]:
    """The types that are meant by names of which each is one type, or all of a noun as `seat.*`."""
    wanted = set(names)
    return [one for one in EventType if wanted & {one, f"{one.partition('.')[0]}.*"}]


class LogOrder(StrEnum):
    """In which order the log is read."""

    OLDEST = "oldest"
    NEWEST = "newest"


class Reason(StrEnum):
    """Why it happened."""

    REQUESTED = "requested"
    REPLACED = "replaced"
    FALLBACK = "fallback"
    DEFAULT_SEAT = "default_seat"
    UPGRADED_FROM_FREE = "upgraded_from_free"
    ELIGIBILITY_LOST = "eligibility_lost"
    INVITATION_EXPIRED = "invitation_expired"
    INVITATION_REVOKED = "invitation_revoked"
    USER_DEACTIVATED = "user_deactivated"
    USER_DELETED = "user_deleted"
    ASSIGNED = "assigned"
    RENEWED = "renewed"
    RENEWAL_UPCOMING = "renewal_upcoming"
    TIER_CHANGED = "tier_changed"
    SUBSCRIPTION_ENDED = "subscription_ended"
    POOL_MOVED = "pool_moved"
    MIGRATED = "migrated"
    ACCOUNT_CLOSED = "account_closed"


# What a billing system needs: all that changes a quantity or a term, or that it will be changed.
BILLING = frozenset(
    {
        EventType.ACCOUNT_MIGRATED,
        EventType.ACCOUNT_CLOSED,
        EventType.SUBSCRIPTION_STARTED,
        EventType.SUBSCRIPTION_TIER_CHANGE_SCHEDULED,
        EventType.SUBSCRIPTION_TIER_CHANGED,
        EventType.SUBSCRIPTION_CANCELLATION_SCHEDULED,
        EventType.SUBSCRIPTION_RESUMED,
        EventType.SUBSCRIPTION_RENEWED,
        EventType.SUBSCRIPTION_ENDED,
        EventType.SEATS_PURCHASED,
        EventType.SEAT_REMOVAL_SCHEDULED,
        EventType.SEAT_REMOVAL_REDUCED,
        EventType.SEAT_REMOVAL_CANCELLED,
        EventType.SEAT_REMOVAL_APPLIED,
        EventType.POOL_MOVED,
        EventType.POOL_CLOSED,
        EventType.POOL_MINIMUM_CHANGED,
    }
)
