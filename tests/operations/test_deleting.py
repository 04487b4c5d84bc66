"""Deleting users (R10, R13, R14)."""

from typing import Any

import pytest

from licensing.operations import assigning, giving_back
from licensing.operations.deactivating import delete_user
from licensing.operations.users import create_user, update_user
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import (
    AlreadyAssigned,
    LastSuperAdmin,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    TransferToSelf,
    Unacceptable,
    UserDeactivated,
    UserHoldsPaidSeats,
)
from tests.world import (
    AnAccount,
    Hands,
    an_account,
)


def _with_two_seats() -> tuple[AnAccount, str]:
    account = an_account(core=2)
    account.subscribe("sales", seats={"sales": 2})
    return account, account.user("Priya", seats=["core", "sales"])


def _himself(account: AnAccount, leaver: str) -> str:
    return leaver


def _who_has_left(account: AnAccount, leaver: str) -> str:
    noah = account.user("Noah")
    account.deactivate(noah)
    return noah


def _a_stranger(account: AnAccount, leaver: str) -> str:
    return an_account().user("Mallory")


REFUSED_RECEIVERS = pytest.mark.parametrize(
    ("receiver", "refused"),
    [
        pytest.param(_himself, TransferToSelf, id="to himself"),
        pytest.param(_who_has_left, UserDeactivated, id="to who has left"),
        pytest.param(_a_stranger, NotFound, id="to somebody in another account"),
    ],
)


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


@REFUSED_RECEIVERS
def test_r14_nor_is_he_deleted_for_their_sake(receiver: Any, refused: Any) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    to = receiver(account, priya)

    with pytest.raises(refused) as refusal:
        delete_user(account.by, priya, transfer_to=to)

    assert to in refusal.value.facts.values()
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_r10_the_last_super_admin_keeps_his_seats_when_he_is_not_deleted() -> None:
    account = an_account()
    amara = account.user("Amara", seats=["core"], permissions=frozenset({Permission.SUPER_ADMIN}))

    with pytest.raises(LastSuperAdmin) as refusal:
        delete_user(account.by, amara, take_seats=True)

    assert refusal.value.facts == {"user_id": amara}
    assert account.seats_of(amara) == ["core"]
    assert account.happened() == []


def test_r10_one_of_two_super_admins_can_be_deleted() -> None:
    account = an_account()
    first, second = account.super_admin, account.super_admin

    delete_user(first, second.id)

    assert account.happened() == ["seat.unassigned", "user.deleted"]
    assert account.events()[1]["data"]["object"]["permissions"] == ["super_admin"]


@pytest.mark.parametrize("status", ["invited", "deactivated"])
def test_r10_a_super_admin_who_is_not_active_can_be_deleted_beside_the_last(status: str) -> None:
    account = an_account()
    account.user("Amara", permissions=frozenset({Permission.SUPER_ADMIN}))
    felix = account.user("Felix", status="invited", permissions=frozenset({Permission.SUPER_ADMIN}))
    update_user(account.by, felix, {"status": status})
    account.from_here()

    delete_user(account.by, felix)

    assert account.happened() == ["user.deleted"]


def test_r14_all_paid_seats_are_listed() -> None:
    account, priya = _with_two_seats()

    with pytest.raises(UserHoldsPaidSeats) as refusal:
        delete_user(account.by, priya)

    assert refusal.value.facts == {
        "user_id": priya,
        "seats": [
            {"id": account.seat(priya, "core"), "seat_type": "core"},
            {"id": account.seat(priya, "sales"), "seat_type": "sales"},
        ],
    }
    assert account.numbers("core") == (2, 1, 0)
    assert account.happened() == []


@pytest.mark.parametrize("seat_type", ["view_only", "partner"])
def test_r14_a_free_seat_ends_with_its_holder(seat_type: str) -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=[seat_type])

    delete_user(account.by, dana)

    ended, deleted = account.events()
    assert account.happened() == ["seat.unassigned", "user.deleted"]
    assert (ended["data"]["object"]["seat_type"], ended["data"]["reason"]) == (
        seat_type,
        "user_deleted",
    )
    assert deleted["data"]["object"]["id"] == dana


def test_r14_an_invited_user_with_a_paid_seat_is_not_deleted_either() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited", seats=["core"])

    with pytest.raises(UserHoldsPaidSeats) as refusal:
        delete_user(account.by, felix)

    assert [seat["seat_type"] for seat in refusal.value.seats] == ["core"]
    assert account.happened() == []


def test_r13_once_his_invitation_is_over_he_is(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited", seats=["core"])
    hands.move(days=14)

    delete_user(account.by, felix)

    assert account.numbers("core") == (10, 0, 0)
    assert account.happened() == ["user.invitation_expired", "seat.unassigned", "user.deleted"]


def test_r14_all_paid_seats_go_to_the_receiver() -> None:
    account, priya = _with_two_seats()
    noah = account.user("Noah")

    delete_user(account.by, priya, transfer_to=noah)

    assert account.seats_of(noah) == ["core", "sales"]
    assert (account.numbers("core"), account.numbers("sales")) == ((2, 1, 0), (2, 1, 0))
    assert account.happened() == [
        "seat.transferred",
        "seat.unassigned",
        "seat.transferred",
        "user.deleted",
    ]


def test_r14_when_one_of_two_seats_cannot_be_transferred_nobody_is_deleted() -> None:
    account, priya = _with_two_seats()
    noah = account.user("Noah", seats=["sales"])

    with pytest.raises(AlreadyAssigned) as refusal:
        delete_user(account.by, priya, transfer_to=noah)

    assert refusal.value.facts == {
        "user_id": noah,
        "seat_type": "sales",
        "seat_id": account.seat(noah, "sales"),
    }
    assert (account.seats_of(priya), account.seats_of(noah)) == (["core", "sales"], ["sales"])
    assert account.happened() == []


def test_r14_taking_the_seats_leaves_a_pending_removal_as_it_is() -> None:
    account = an_account(core=3)
    priya = account.user("Priya", seats=["core"])
    giving_back.schedule_removal(account.by, "core", 2)

    delete_user(account.by, priya, take_seats=True)

    assert account.numbers("core") == (3, 0, 2)


def test_r14_seats_are_not_taken_and_transferred_at_once() -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    with pytest.raises(Unacceptable) as refusal:
        delete_user(account.by, priya, take_seats=True, transfer_to=noah)

    assert refusal.value.facts == {"field": "take_seats", "because": "cannot go with transfer_to"}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


@pytest.mark.parametrize("how", ["take_seats", "transfer_to"])
def test_r13_nor_are_the_seats_of_a_deactivated_user(how: str) -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    account.deactivate(priya)
    seats: dict[str, Any] = {"take_seats": True} if how == "take_seats" else {"transfer_to": noah}

    with pytest.raises(UserDeactivated) as refusal:
        delete_user(account.by, priya, **seats)

    assert refusal.value.facts == {"user_id": priya}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_r14_a_deactivated_user_without_paid_seats_can_be_deleted() -> None:
    account = an_account()
    priya = account.user("Priya")
    account.deactivate(priya)

    delete_user(account.by, priya)

    assert account.happened() == ["seat.unassigned", "user.deleted"]


def test_r29_who_gave_and_received_seats_can_be_deleted_and_the_log_keeps_it() -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    assigning.transfer_seat(account.by, account.seat(priya, "core"), noah)
    assigning.transfer_seat(account.by, account.seat(noah, "core"), priya)

    delete_user(account.by, noah)

    moved = [event for event in account.log() if event["type"] == "seat.transferred"]
    assert [event["data"]["object"]["user_id"] for event in moved] == [noah, priya]
    assert account.happened()[-2:] == ["seat.unassigned", "user.deleted"]


@pytest.mark.parametrize(
    ("scope", "seats", "missing"),
    [
        pytest.param(Scope.SEATS, {"take_seats": True}, "users", id="a key for seats"),
        pytest.param(Scope.USERS, {"take_seats": True}, "seats", id="a key for users, taking"),
        pytest.param(Scope.USERS, {"transfer_to": "usr_1"}, "seats", id="and transferring"),
    ],
)
def test_r10_the_refusal_names_the_scope_that_deleting_takes(
    scope: Scope, seats: dict[str, Any], missing: str
) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    with pytest.raises(PermissionDenied) as refusal:
        delete_user(account.key(scope), priya, **seats)

    assert refusal.value.facts == {"kind": "scope", "missing": missing}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_a_user_who_has_changed_since_he_was_read_is_not_deleted() -> None:
    account = an_account()
    priya = account.user("Priya")
    version = account.shown(priya)["version"]

    with pytest.raises(PreconditionFailed) as refusal:
        delete_user(account.by, priya, if_match=version - 1)

    assert refusal.value.facts == {"kind": "user", "version": version}
    assert account.seats_of(priya) == ["view_only"]
    assert account.happened() == []


def test_an_unknown_user_is_not_deleted() -> None:
    account = an_account()

    with pytest.raises(NotFound) as refusal:
        delete_user(account.by, "usr_unknown")

    assert refusal.value.facts == {"kind": "user", "id": "usr_unknown"}
    assert account.happened() == []


def test_who_was_deleted_is_not_deleted_again() -> None:
    account = an_account()
    priya = account.user("Priya")
    delete_user(account.by, priya)
    account.from_here()

    with pytest.raises(NotFound) as refusal:
        delete_user(account.by, priya)

    assert refusal.value.facts == {"kind": "user", "id": priya}
    assert account.happened() == []
