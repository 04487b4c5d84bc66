"""Pricing models, users, invitations and activity (R1, R2, R13, R27)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

# R1: what was created before, on or before 5 March 2024 in UTC, is legacy.
FIRST_SEAT_BASED_INSTANT = datetime(2024, 3, 6, tzinfo=UTC)


class PricingModel(StrEnum):
    """How an account is priced (R1)."""

    SEAT_BASED = "seat_based"
    LEGACY = "legacy"


class AccountStatus(StrEnum):
    """Whether an account is in use."""

    ACTIVE = "active"
    CLOSED = "closed"


class UserStatus(StrEnum):
    """Where a user stands."""

    INVITED = "invited"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class Invitation(StrEnum):
    """Where an invitation stands (R27)."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    REVOKED = "revoked"


def pricing_model_of(created_at: datetime) -> PricingModel:
    """R1: legacy up to and including 5 March 2024 (UTC), seat-based afterwards."""
    return PricingModel.LEGACY if created_at < FIRST_SEAT_BASED_INSTANT else PricingModel.SEAT_BASED


def invitation_at(
    invitation: str | None, expires_at: datetime | None, now: datetime
) -> Invitation | None:
    """R13: an invitation is expired by its date, whether or not anything has run since."""
    if invitation is None:
        return None
    if invitation == Invitation.PENDING and expires_at is not None and expires_at <= now:
        return Invitation.EXPIRED
    return Invitation(invitation)


def inactive_from(
    last_active_at: datetime | None, assigned_at: Iterable[datetime], created_at: datetime
) -> datetime:
    """
    R27: the instant from which a user counts as inactive: that of the last activity.

    Who was never active counts from the day of the first of the seats held, and without any from
    the day when the user was added.
    """
    return last_active_at or min(assigned_at, default=created_at)


def email_key(email: str) -> str:
    """The address as it is compared: without regard to case."""
    return email.casefold()
