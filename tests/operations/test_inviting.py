"""Invitations: accepted, over, given again (R8, R13, R32)."""

import pytest

from licensing.operations import giving_back
from licensing.operations.users import (
    accept_invitation,
    create_user,
    update_user,
)
from licensing.rules.refusals import (
    EmailTaken,
    InvitationExpired,
    InvitationNotPending,
    NotFound,
)
from tests.world import (
    Hands,
    an_account,
)


def test_r13_accepting_works_when_the_pool_is_exactly_full() -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])

    accept_invitation(account.user_admin, felix)

    shown = account.shown(felix)
    assert (shown["status"], shown["invitation"]) == ("active", "accepted")
    assert account.happened() == ["user.invitation_accepted"]


def test_r8_who_accepts_without_a_seat_gets_the_viewing_one() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")

    accept_invitation(account.user_admin, felix)

    assert account.seats_of(felix) == ["view_only"]


def test_r32_accepting_twice_tells_nothing_more() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    accept_invitation(account.user_admin, felix)
    admin = account.user_admin

    accept_invitation(admin, felix)

    assert account.happened() == []


def test_r13_an_expired_invitation_cannot_be_accepted(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    hands.move(days=14)

    with pytest.raises(InvitationExpired):
        accept_invitation(account.user_admin, felix)

    assert account.shown(felix)["invitation"] == "expired"


def test_r13_a_user_who_was_never_invited_has_nothing_to_accept() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(InvitationNotPending):
        accept_invitation(account.user_admin, priya)


def test_r13_an_invitation_that_is_over_can_be_given_again(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    hands.move(days=30)

    update_user(account.user_admin, felix, {"status": "invited"})

    shown = account.shown(felix)
    assert (shown["status"], shown["invitation"]) == ("invited", "pending")
    accept_invitation(account.user_admin, felix)


def test_r32_inviting_again_while_the_invitation_is_open_tells_nothing() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    admin = account.user_admin

    update_user(admin, felix, {"status": "invited"})

    assert account.happened() == []


def test_an_active_user_is_not_invited_again() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(InvitationNotPending):
        update_user(account.user_admin, priya, {"status": "invited"})


def test_r13_an_invitation_is_good_until_its_last_millisecond(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    hands.move(days=14, milliseconds=-1)

    accept_invitation(account.by, felix)

    shown = account.shown(felix)
    assert (shown["status"], shown["invitation_expires_at"]) == ("active", None)
    assert account.happened() == ["user.invitation_accepted", "seat.assigned"]


def test_r13_the_refusal_of_an_expired_invitation_says_since_when(hands: Hands) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    hands.move(days=14)

    with pytest.raises(InvitationExpired) as refusal:
        accept_invitation(account.by, felix)

    assert refusal.value.facts == {"user_id": felix, "expired_at": "2026-03-16T09:00:00.000Z"}
    assert account.shown(felix)["status"] == "invited"
    assert account.happened() == []


def test_r13_an_invitation_expires_at_its_date_whatever_runs_when(hands: Hands) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    hands.move(days=20)

    giving_back.schedule_removal(account.by, "core", 1)

    expired, ended = account.events()[:2]
    assert expired["type"] == "user.invitation_expired"
    assert expired["data"]["object"]["id"] == felix
    assert expired["data"]["effective_at"] == "2026-03-16T09:00:00.000Z"
    assert expired["timestamp"] == "2026-03-22T09:00:00.000Z"
    assert expired["data"]["actor"]["type"] == "system"
    assert (ended["data"]["reason"], ended["data"]["cause"]) == (
        "invitation_expired",
        expired["id"],
    )
    assert account.numbers("core") == (1, 0, 1)


def test_r32_an_invitation_expires_once(hands: Hands) -> None:
    account = an_account()
    account.user("Felix", status="invited", seats=["core"])
    hands.move(days=14)
    giving_back.schedule_removal(account.by, "core", 1)
    account.from_here()

    giving_back.schedule_removal(account.by, "core", 1)

    assert account.happened() == ["seat_removal.scheduled"]


@pytest.mark.parametrize(
    ("status", "invitation"),
    [
        pytest.param("active", "none", id="who was never invited"),
        pytest.param("deactivated", "revoked", id="whose invitation was revoked"),
    ],
)
def test_r13_the_refusal_says_what_became_of_the_invitation(status: str, invitation: str) -> None:
    account = an_account()
    felix = account.user("Felix", status="active" if status == "active" else "invited")
    update_user(account.by, felix, {"status": status})
    account.from_here()

    with pytest.raises(InvitationNotPending) as refusal:
        accept_invitation(account.by, felix)

    assert refusal.value.facts == {"user_id": felix, "invitation": invitation}
    assert account.shown(felix)["status"] == status
    assert account.happened() == []


def test_r13_who_was_deactivated_after_accepting_does_not_come_back_by_accepting() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    accept_invitation(account.by, felix)
    account.deactivate(felix)

    with pytest.raises(InvitationNotPending) as refusal:
        accept_invitation(account.by, felix)

    assert refusal.value.facts == {"user_id": felix, "invitation": "accepted"}
    assert account.shown(felix)["status"] == "deactivated"
    assert account.happened() == []


def test_an_unknown_user_accepts_nothing() -> None:
    account = an_account()

    with pytest.raises(NotFound) as refusal:
        accept_invitation(account.by, "usr_unknown")

    assert refusal.value.facts == {"kind": "user", "id": "usr_unknown"}
    assert account.happened() == []


def test_r13_who_is_invited_again_has_two_weeks_and_no_seat(hands: Hands) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    hands.move(days=30)

    update_user(account.by, felix, {"status": "invited"})

    shown = account.shown(felix)
    assert (shown["invitation"], shown["seats"]) == ("pending", [])
    assert shown["invitation_expires_at"] == "2026-04-15T09:00:00.000Z"
    assert account.numbers("core") == (1, 0, 0)
    assert account.happened() == [
        "user.invitation_expired",
        "seat.unassigned",
        "pool.replenished",
        "user.updated",
    ]


def test_r13_an_address_whose_invitation_is_over_is_invited_again_and_not_made_twice(
    hands: Hands,
) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited", email="felix@example.com")
    hands.move(days=30)

    with pytest.raises(EmailTaken) as refusal:
        create_user(account.by, "felix@example.com", "Felix")

    assert refusal.value.user_id == felix
    assert account.happened() == []
