"""Users who leave and come back (R13, R14)."""

import pytest

from licensing.operations import giving_back
from licensing.operations.deactivating import SeatsAfterwards, delete_user
from licensing.operations.users import create_user, update_user
from licensing.rules.permissions import Scope
from licensing.rules.refusals import (
    AlreadyAssigned,
    InvitationNotPending,
    LastSuperAdmin,
    NotFound,
    PermissionDenied,
    Unacceptable,
    UserDeactivated,
    UserHoldsPaidSeats,
)
from tests.world import an_account


def test_r13_a_deactivated_user_keeps_the_seats_and_they_go_on_counting() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    update_user(account.user_admin, priya, {"status": "deactivated"})

    assert account.seats_of(priya) == ["core"]
    assert account.numbers("core") == (1, 1, 0)
    assert account.happened() == ["user.deactivated"]


def test_r13_deactivating_can_take_the_seats_back() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    change = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}
    update_user(account.user_admin, priya, change)

    assert account.seats_of(priya) == []
    assert account.numbers("core") == (1, 0, 0)
    assert account.happened() == ["seat.unassigned", "pool.replenished", "user.deactivated"]


def test_r13_taking_back_leaves_a_pending_removal_as_it_is() -> None:
    account = an_account(core=3)
    priya = account.user("Priya", seats=["core"])
    giving_back.schedule_removal(account.super_admin, "core", 2)

    change = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}
    update_user(account.user_admin, priya, change)

    assert account.numbers("core") == (3, 0, 2)


def test_r13_deactivating_can_transfer_the_seats() -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    update_user(account.user_admin, priya, {"status": "deactivated", "transfer_to": noah})

    assert (account.seats_of(priya), account.seats_of(noah)) == ([], ["core"])


def test_r13_when_the_seats_cannot_be_transferred_nobody_is_deactivated() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user(seats=["core"])
    admin = account.user_admin

    with pytest.raises(AlreadyAssigned):
        update_user(admin, priya, {"status": "deactivated", "transfer_to": noah})

    assert account.shown(priya)["status"] == "active"
    assert account.happened() == []


def test_r13_a_user_comes_back_to_the_same_seat_in_a_full_account() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")
    account.deactivate(priya)

    update_user(account.user_admin, priya, {"status": "active"})

    assert account.seat(priya, "core") == seat_id
    assert account.happened() == ["user.reactivated"]


def test_r8_who_comes_back_without_a_seat_gets_the_viewing_one() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    change = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}
    update_user(account.by, priya, change)

    update_user(account.user_admin, priya, {"status": "active"})

    assert account.seats_of(priya) == ["view_only"]


def test_r32_deactivating_twice_tells_nothing_more() -> None:
    account = an_account()
    priya = account.user("Priya")
    account.deactivate(priya)
    admin = account.user_admin

    update_user(admin, priya, {"status": "deactivated"})

    assert account.happened() == []


def test_r13_deactivating_an_invited_user_revokes_the_invitation_and_frees_the_seat() -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])

    update_user(account.user_admin, felix, {"status": "deactivated"})

    assert account.shown(felix)["invitation"] == "revoked"
    assert account.numbers("core") == (1, 0, 0)
    assert account.events()[1]["data"]["reason"] == "invitation_revoked"


def test_r13_a_revoked_invitation_has_to_be_given_again() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    account.deactivate(felix)

    with pytest.raises(InvitationNotPending):
        update_user(account.user_admin, felix, {"status": "active"})
    update_user(account.user_admin, felix, {"status": "invited"})

    assert account.shown(felix)["invitation"] == "pending"


def test_r13_an_invited_user_is_not_simply_made_active() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")

    with pytest.raises(InvitationNotPending):
        update_user(account.user_admin, felix, {"status": "active"})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seats": SeatsAfterwards.TAKE_BACK}, id="taking back"),
        pytest.param({"transfer_to": "usr_1", "status": "active"}, id="transferring"),
        pytest.param(
            {
                "status": "deactivated",
                "seats": SeatsAfterwards.TAKE_BACK,
                "transfer_to": "usr_1",
            },
            id="both at once",
        ),
    ],
)
def test_r13_what_becomes_of_the_seats_goes_with_a_deactivation(change: dict[str, str]) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    with pytest.raises(Unacceptable):
        update_user(admin, priya, change)

    assert account.happened() == []


def test_r10_a_service_needs_the_scope_for_seats_to_take_them_back() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    change = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}

    with pytest.raises(PermissionDenied, match="scope seats"):
        update_user(account.key(Scope.USERS), priya, change)


def test_r10_the_last_super_admin_is_neither_deactivated_nor_deleted() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(LastSuperAdmin):
        update_user(admin, admin.id, {"status": "deactivated"})
    with pytest.raises(LastSuperAdmin):
        delete_user(admin, admin.id)

    assert account.happened() == []


def test_r14_a_user_without_paid_seats_can_be_deleted() -> None:
    account = an_account()
    priya = account.user("Priya")

    delete_user(account.user_admin, priya)

    with pytest.raises(NotFound):
        account.shown(priya)
    assert account.happened() == ["seat.unassigned", "user.deleted"]
    assert account.events()[1]["data"]["object"]["id"] == priya


def test_r14_the_refusal_lists_the_paid_seats() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    with pytest.raises(UserHoldsPaidSeats) as refusal:
        delete_user(admin, priya)

    assert refusal.value.seats == [{"id": account.seat(priya, "core"), "seat_type": "core"}]
    assert account.happened() == []


def test_r14_taking_the_seats_and_deleting_is_one_step() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    delete_user(account.user_admin, priya, take_seats=True)

    assert account.numbers("core") == (1, 0, 0)
    assert account.happened() == ["seat.unassigned", "pool.replenished", "user.deleted"]


def test_r14_transferring_the_seats_and_deleting_is_one_step() -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    delete_user(account.user_admin, priya, transfer_to=noah)

    assert account.seats_of(noah) == ["core"]
    assert account.happened() == ["seat.transferred", "seat.unassigned", "user.deleted"]


def test_r14_when_the_transfer_is_refused_nobody_is_deleted() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user(seats=["core"])
    admin = account.user_admin

    with pytest.raises(AlreadyAssigned):
        delete_user(admin, priya, transfer_to=noah)

    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_r13_not_while_the_user_is_deactivated() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    account.deactivate(priya)
    admin = account.user_admin

    with pytest.raises(UserDeactivated):
        delete_user(admin, priya, take_seats=True)

    assert account.happened() == []


def test_the_address_of_a_deleted_user_is_free_again() -> None:
    account = an_account()
    priya = account.user("Priya", email="priya@example.com")
    delete_user(account.by, priya)

    again = create_user(account.user_admin, "priya@example.com", "Priya")

    assert again.user.id != priya


def test_the_user_of_another_account_cannot_be_deleted() -> None:
    account, stranger = an_account(), an_account()
    priya = account.user("Priya")

    with pytest.raises(NotFound):
        delete_user(stranger.user_admin, priya)


def test_r10_deleting_takes_the_permission_to_manage_users() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(PermissionDenied, match="manage_users"):
        delete_user(account.billing_admin, priya)
