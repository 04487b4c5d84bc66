"""Pricing models, invitations and activity (R1, R13, R27), as rules of values."""

from datetime import UTC, datetime, timedelta

import pytest

from licensing.rules.accounts import (
    Invitation,
    PricingModel,
    inactive_from,
    invitation_at,
    pricing_model_of,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("created_at", "model"),
    [
        pytest.param(datetime(2024, 3, 5, tzinfo=UTC), PricingModel.LEGACY, id="on the day"),
        pytest.param(
            datetime(2024, 3, 6, tzinfo=UTC) - A_MOMENT, PricingModel.LEGACY, id="to its end"
        ),
        pytest.param(datetime(2024, 3, 6, tzinfo=UTC), PricingModel.SEAT_BASED, id="after it"),
    ],
)
def test_r1_an_account_is_legacy_up_to_the_end_of_a_day(
    created_at: datetime, model: PricingModel
) -> None:
    assert pricing_model_of(created_at) is model


@pytest.mark.parametrize(
    ("invitation", "expires_at", "found"),
    [
        pytest.param("pending", NOW + A_MOMENT, Invitation.PENDING, id="until its date"),
        pytest.param("pending", NOW, Invitation.EXPIRED, id="at its date"),
        pytest.param("pending", NOW - A_MOMENT, Invitation.EXPIRED, id="after it"),
        pytest.param("pending", None, Invitation.PENDING, id="without a date"),
        pytest.param("accepted", NOW - A_MOMENT, Invitation.ACCEPTED, id="accepted in time"),
        pytest.param("revoked", NOW - A_MOMENT, Invitation.REVOKED, id="revoked in time"),
        pytest.param(None, None, None, id="nobody was invited"),
    ],
)
def test_r13_an_invitation_expires_by_its_date(
    invitation: str | None, expires_at: datetime | None, found: Invitation | None
) -> None:
    assert invitation_at(invitation, expires_at, NOW) is found


def test_r27_who_was_never_active_counts_from_the_first_seat_and_else_from_the_beginning() -> None:
    created_at, first, second = NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)
    active_at = NOW + timedelta(days=3)

    assert inactive_from(active_at, [second, first], created_at) == active_at
    assert inactive_from(None, [second, first], created_at) == first
    assert inactive_from(None, [], created_at) == created_at
