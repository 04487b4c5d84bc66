"""
What each thing looks like from outside.

One function per resource, used by the API's answers and by the events alike, so that the two can
never differ.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from licensing.clock import to_text
from licensing.models import (
    Account,
    ApiKey,
    Pool,
    Purchase,
    Removal,
    Seat,
    SeatRequest,
    Subscription,
    TestClock,
    Transfer,
    User,
)
from licensing.rules.accounts import invitation_at
from licensing.rules.pools import quantity_at_renewal, unassigned

Resource = dict[str, Any]


def text(instant: datetime | str) -> str:
    """`instant` as the API shows it; some rows that are only looked at have it so already."""
    return instant if isinstance(instant, str) else to_text(instant)


def text_or_none(instant: datetime | str | None) -> str | None:
    """The same; None as None."""
    return instant if instant is None or isinstance(instant, str) else to_text(instant)


def account(row: Account) -> Resource:
    """An account."""
    return {
        "id": row.id,
        "name": row.name,
        "pricing_model": row.pricing_model,
        "status": row.status,
        "currency": row.currency,
        "time_zone": row.time_zone,
        "test_clock_id": row.test_clock_id,
        "default_seat_type": row.default_seat_type,
        "external_id": row.external_id,
        "metadata": row.metadata,
        "version": row.version,
        "created_at": to_text(row.created_at),
    }


def user(row: User, seats: Iterable[Seat], now: datetime) -> Resource:
    """A user with the seats held; an invitation that is over by its date reads as expired (R13)."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        "email": row.email,
        "name": row.name,
        "status": row.status,
        "invitation": invitation_at(row.invitation, row.invitation_expires_at, now),
        "invitation_expires_at": text_or_none(row.invitation_expires_at),
        "permissions": row.permissions,
        "partner_eligible": row.partner_eligible,
        "last_active_at": text_or_none(row.last_active_at),
        "seats": [{"id": seat.id, "seat_type": seat.seat_type} for seat in seats],
        "external_id": row.external_id,
        "metadata": row.metadata,
        "version": row.version,
        "created_at": to_text(row.created_at),
    }


def term(row: Subscription) -> Resource:
    """The current term of a subscription (R24)."""
    return {
        "number": row.term_number,
        "starts_at": to_text(row.term_starts_at),
        "ends_at": to_text(row.term_ends_at),
    }


def subscription(row: Subscription, pools: Iterable[Pool]) -> Resource:
    """A subscription with the pools that follow its term."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        "product": row.product,
        "tier": row.tier,
        "interval": row.interval,
        "interval_count": row.interval_count,
        "billing_interval": row.billing_interval,
        "billing_interval_count": row.billing_interval_count,
        "status": row.status,
        "anchor": to_text(row.anchor),
        "term": term(row),
        "renews_at": to_text(row.term_ends_at) if row.status == "active" else None,
        "pending_tier": row.pending_tier,
        "suspended_at": text_or_none(row.suspended_at),
        "suspension_reason": row.suspension_reason,
        "ended_at": text_or_none(row.ended_at),
        "pools": [{"id": pool.id, "seat_type": pool.seat_type} for pool in pools],
        "external_id": row.external_id,
        "metadata": row.metadata,
        "version": row.version,
        "created_at": to_text(row.created_at),
    }


def pool_numbers(row: Pool, renews_at: datetime) -> Resource:
    """The numbers of a pool that every event about a quantity carries (R28, R32)."""
    return {
        "id": row.id,
        "seat_type": row.seat_type,
        "purchased": row.purchased,
        "assigned": row.assigned,
        "unassigned": unassigned(row),
        "scheduled_removal": row.scheduled_removal,
        "quantity_at_renewal": quantity_at_renewal(row),
        "renews_at": to_text(renews_at),
        "minimum": row.minimum,
    }


def pool(row: Pool, renews_at: datetime) -> Resource:
    """A pool: all paid seats of one type (R28)."""
    return {
        **pool_numbers(row, renews_at),
        "account_id": row.account_id,
        "subscription_id": row.subscription_id,
        "status": row.status,
        "low_mark": row.low_mark,
        "external_id": row.external_id,
        "metadata": row.metadata,
        "version": row.version,
        "created_at": to_text(row.created_at),
    }


OF_A_SEAT = (
    "account_id",
    "id",
    "user_id",
    "seat_type",
    "pool_id",
    "assigned_at",
    "assigned_by_type",
    "assigned_by_id",
    "version",
    "created_at",
)


def seat(row: Seat) -> Resource:
    """A held seat."""
    # All at once: to ask Peewee for each took three times as long.
    *first, assigned_at, by_type, by_id, version, created_at = map(row.__data__.get, OF_A_SEAT)
    columns = (*first, to_text(assigned_at), by_type, by_id, version, to_text(created_at))
    return seats_of([columns])[0]


def seats_of(rows: Iterable[tuple[Any, ...]]) -> list[Resource]:
    """
    Held seats, of what a page reads of their rows: the columns in the order of the table.

    All in one go: to call a function for each took as long as reading them.
    """
    return [
        {
            "id": id,
            "account_id": account_id,
            "seat_type": seat_type,
            "pool_id": pool_id,
            "user_id": user_id,
            "assigned_at": assigned_at,
            "assigned_by": {"type": by_type, "id": by_id},
            "version": version,
            "created_at": created_at,
        }
        for (
            account_id,
            id,
            user_id,
            seat_type,
            pool_id,
            assigned_at,
            by_type,
            by_id,
            version,
            created_at,
        ) in rows
    ]


def money(amount: int | None, currency: str) -> Resource | None:
    """An amount in minor units with its currency; None where the catalogue has no price."""
    return None if amount is None else {"amount": amount, "currency": currency}


def quote(row: Purchase) -> Resource:
    """What a purchase changes and costs (R17): a purchase without its identity."""
    return {
        "pool_id": row.pool_id,
        "seat_type": row.seat_type,
        "quantity": row.quantity,
        "purchased_before": row.purchased_before,
        "purchased_after": row.purchased_after,
        "term_share": {
            "numerator": row.share_numerator,
            "denominator": row.share_denominator,
            "days_left": row.days_left,
            "days_in_term": row.days_in_term,
        },
        "amount_now": money(row.amount_now, row.currency),
        "billed_until": text_or_none(row.billed_until),
        "amount_per_billing_period": money(row.amount_per_billing_period, row.currency),
        "amount_at_renewal": money(row.amount_at_renewal, row.currency),
    }


def purchase(row: Purchase) -> Resource:
    """Seats that were bought (R17)."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        **quote(row),
        "created_at": to_text(row.created_at),
    }


def removal(row: Removal) -> Resource:
    """Seats that leave a pool at its next renewal (R19 to R23)."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        "pool_id": row.pool_id,
        "seat_type": row.seat_type,
        "quantity": row.quantity,
        "requested_quantity": row.requested_quantity,
        "status": row.status,
        "current_quantity": row.current_quantity,
        "renewal_quantity": row.renewal_quantity,
        "effective_at": to_text(row.effective_at),
        "applied_at": text_or_none(row.applied_at),
        "requested_by": {"type": row.requested_by_type, "id": row.requested_by_id},
        "version": row.version,
        "created_at": to_text(row.created_at),
    }


def transfer(row: Transfer) -> Resource:
    """A seat that moved from one user to another (R15)."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        "seat_id": row.seat_id,
        "seat_type": row.seat_type,
        "from_user_id": row.from_user_id,
        "to_user_id": row.to_user_id,
        "created_at": to_text(row.created_at),
    }


def seat_request(row: SeatRequest) -> Resource:
    """A seat that a user asks for, and what became of it."""
    decided_by = {"type": row.decided_by_type, "id": row.decided_by_id}
    return {
        "id": row.id,
        "account_id": row.account_id,
        "user_id": row.user_id,
        "seat_type": row.seat_type,
        "note": row.note,
        "status": row.status,
        "requested_by": {"type": row.requested_by_type, "id": row.requested_by_id},
        "decided_by": decided_by if row.decided_at else None,
        "decision_note": row.decision_note,
        "decided_at": text_or_none(row.decided_at),
        "seat_id": row.seat_id,
        "purchase_id": row.purchase_id,
        "version": row.version,
        "created_at": to_text(row.created_at),
    }


def test_clock(row: TestClock) -> Resource:
    """The clock of test accounts (R26)."""
    return {
        "id": row.id,
        "name": row.name,
        "now": to_text(row.hands),
        "status": "ready" if row.advancing_to is None else "advancing",
        "advancing_to": text_or_none(row.advancing_to),
        "version": row.version,
        "created_at": to_text(row.created_at),
    }


def api_key(row: ApiKey) -> Resource:
    """An API key without its secret."""
    return {
        "id": row.id,
        "name": row.name,
        "scopes": row.scopes,
        "account_id": row.account_id,
        "expires_at": text_or_none(row.expires_at),
        "revoked_at": text_or_none(row.revoked_at),
        "version": row.version,
        "created_at": to_text(row.created_at),
    }
