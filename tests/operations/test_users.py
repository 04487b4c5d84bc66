"""Users: invite, accept, change, report activity (R7, R8, R10, R13, R31)."""

import pytest

from licensing.operations.users import (
    accept_invitation,
    create_user,
    record_activity,
    update_user,
)
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import (
    EmailTaken,
    ExternalIdTaken,
    InvitationExpired,
    InvitationNotPending,
    LastSuperAdmin,
    NoSeatAvailable,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    Unacceptable,
)
from tests.world import Hands, a_free_account, a_legacy_account, an_account, in_days


def test_r8_an_active_user_starts_with_the_viewing_seat() -> None:
    account = an_account()

    holder = create_user(account.user_admin, "priya@example.com", "Priya", status="active")

    assert holder.seat_types == ["view_only"]
    assert account.happened() == ["user.created", "seat.assigned"]


def test_r4_in_an_account_on_the_free_tools_with_the_free_seat() -> None:
    account = a_free_account()

    priya = account.user("Priya")

    assert account.seats_of(priya) == ["free"]


def test_r2_in_a_legacy_account_without_a_seat() -> None:
    account = a_legacy_account()

    otto = account.user("Otto")

    assert account.seats_of(otto) == []


def test_r13_an_invitation_can_be_accepted_for_two_weeks() -> None:
    account = an_account()

    holder = create_user(account.user_admin, "felix@example.com", "Felix")

    assert (holder.user.status, holder.user.invitation) == ("invited", "pending")
    assert holder.user.invitation_expires_at == in_days(14)
    assert holder.seat_types == []


def test_r11_a_user_can_be_made_with_seats_in_one_step() -> None:
    account = an_account(core=1)

    felix = account.user("Felix", status="invited", seats=["core"])

    assert account.seats_of(felix) == ["core"]
    assert account.numbers("core") == (1, 1, 0)


def test_r11_without_a_seat_for_him_he_is_not_made_either() -> None:
    account = an_account(core=0 + 1)
    account.user(seats=["core"])
    admin = account.user_admin

    with pytest.raises(NoSeatAvailable):
        create_user(admin, "felix@example.com", "Felix", seat_types=("core",))

    assert account.happened() == []


def test_an_address_is_unique_in_its_account_in_any_case() -> None:
    account, other = an_account(), an_account()
    priya = account.user("Priya", email="Priya@Example.com")
    admin = account.user_admin

    with pytest.raises(EmailTaken) as refusal:
        create_user(admin, "priya@example.COM", "Priya")
    other.user("Priya", email="priya@example.com")

    assert refusal.value.user_id == priya
    assert account.happened() == []


def test_r31_an_external_id_is_unique_in_its_account() -> None:
    account, other = an_account(), an_account()
    priya = account.user("Priya", external_id="crm-1")
    admin = account.user_admin

    with pytest.raises(ExternalIdTaken) as refusal:
        create_user(admin, "noah@example.com", "Noah", external_id="crm-1")
    other.user("Priya", external_id="crm-1")

    assert refusal.value.facts == {"kind": "user", "external_id": "crm-1", "id": priya}


def test_r10_making_users_takes_the_permission_to_manage_them() -> None:
    account = an_account()
    billing = account.billing_admin

    with pytest.raises(PermissionDenied, match="manage_users"):
        create_user(billing, "felix@example.com", "Felix")

    assert account.happened() == []


def test_r10_a_service_needs_the_scope_for_seats_to_make_a_user_with_one() -> None:
    account = an_account()

    with pytest.raises(PermissionDenied, match="scope seats"):
        create_user(account.key(Scope.USERS), "a@example.com", "A", seat_types=("core",))

    assert account.happened() == []


def test_r10_nobody_grants_what_he_does_not_have() -> None:
    account = an_account()
    admin = account.user_admin
    everything = frozenset({Permission.SUPER_ADMIN})

    with pytest.raises(PermissionDenied, match="super_admin"):
        create_user(admin, "felix@example.com", "Felix", permissions=everything)
    with pytest.raises(PermissionDenied, match="super_admin"):
        update_user(admin, admin.id, {"permissions": list(everything)})

    assert account.happened() == []


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


def test_a_change_tells_what_was_before() -> None:
    account = an_account()
    priya = account.user("Priya")

    update_user(account.user_admin, priya, {"name": "Priya R.", "email": "pr@example.com"})

    (event,) = account.events()
    assert event["type"] == "user.updated"
    assert event["data"]["object"]["name"] == "Priya R."
    assert event["data"]["previous"]["name"] == "Priya"


def test_r32_a_change_to_what_is_tells_nothing() -> None:
    account = an_account()
    priya = account.user("Priya", metadata={"team": "north"})
    admin = account.user_admin
    before = account.shown(priya)

    update_user(admin, priya, {"name": "Priya", "metadata": {"team": "north"}})

    assert account.shown(priya) == before
    assert account.happened() == []


def test_r31_metadata_is_merged_and_null_removes_a_key() -> None:
    account = an_account()
    priya = account.user("Priya", metadata={"team": "north", "desk": "4"})

    update_user(account.user_admin, priya, {"metadata": {"desk": None, "floor": "2"}})

    assert account.shown(priya)["metadata"] == {"team": "north", "floor": "2"}


def test_r31_metadata_has_at_most_twenty_entries() -> None:
    account = an_account()
    priya = account.user("Priya", metadata={f"key{n}": "x" for n in range(20)})

    with pytest.raises(Unacceptable, match="20"):
        update_user(account.user_admin, priya, {"metadata": {"one_more": "x"}})


def test_the_address_of_somebody_else_is_refused() -> None:
    account = an_account()
    account.user("Noah", email="noah@example.com")
    priya = account.user("Priya")

    with pytest.raises(EmailTaken):
        update_user(account.user_admin, priya, {"email": "NOAH@example.com"})


def test_a_user_who_has_changed_since_he_was_read_is_left_alone() -> None:
    account = an_account()
    priya = account.user("Priya")
    admin = account.user_admin
    version = account.shown(priya)["version"]

    with pytest.raises(PreconditionFailed) as refusal:
        update_user(admin, priya, {"name": "P"}, if_match=version - 1)

    assert refusal.value.version == version
    assert account.happened() == []


def test_r7_losing_eligibility_ends_the_seat_and_leaves_the_viewing_one() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    update_user(account.user_admin, dana, {"partner_eligible": False})

    assert account.seats_of(dana) == ["view_only"]
    assert account.happened() == ["user.updated", "seat.unassigned", "seat.assigned"]
    assert account.events()[1]["data"]["reason"] == "eligibility_lost"


def test_r10_the_last_super_admin_keeps_the_permission() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(LastSuperAdmin):
        update_user(admin, admin.id, {"permissions": []})

    assert account.happened() == []


def test_r10_one_of_two_super_admins_can_step_down() -> None:
    account = an_account()
    first, second = account.super_admin, account.super_admin

    update_user(first, second.id, {"permissions": ["manage_users"]})

    assert account.shown(second.id)["permissions"] == ["manage_users"]


def test_the_user_of_another_account_cannot_be_changed() -> None:
    account, stranger = an_account(), an_account()
    priya = account.user("Priya")

    with pytest.raises(NotFound):
        update_user(stranger.user_admin, priya, {"name": "Mallory"})


def test_r27_activity_is_noted_and_an_older_date_changes_nothing() -> None:
    account = an_account()
    priya = account.user("Priya")
    service = account.key(Scope.USERS)

    record_activity(service, priya, in_days(-2))
    record_activity(service, priya, in_days(-5))

    assert account.shown(priya)["last_active_at"] == "2026-02-28T09:00:00.000Z"
    assert account.happened() == []


def test_r27_nobody_is_active_in_the_future() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(Unacceptable, match="future"):
        record_activity(account.key(Scope.USERS), priya, in_days(1))


def test_r10_users_do_not_report_their_own_activity() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(PermissionDenied, match="scope users"):
        record_activity(admin, admin.id)


def test_activity_of_an_unknown_user_is_refused() -> None:
    account = an_account()

    with pytest.raises(NotFound):
        record_activity(account.key(Scope.USERS), "usr_unknown")
