"""Moving a held seat from one user to another (R15)."""

import pytest

from licensing.operations import giving_back
from licensing.operations.assigning import transfer_seat
from licensing.queries import seats as queries
from licensing.queries.cursors import Window
from licensing.rules.permissions import Permission
from licensing.rules.refusals import (
    AlreadyAssigned,
    InvitationExpired,
    NotFound,
    PermissionDenied,
    SeatTypeNotTransferable,
    TransferToSelf,
    UserDeactivated,
)
from tests.world import Hands, an_account


def test_r15_the_only_core_seat_can_be_transferred() -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    seat_id = account.seat(priya, "core")

    transfer_seat(account.user_admin, seat_id, noah)

    assert account.seat(noah, "core") == seat_id
    assert account.seats_of(priya) == ["view_only"]
    assert account.numbers("core") == (1, 1, 0)


def test_r15_the_transfer_is_told_in_one_event_and_its_consequences_name_it() -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    transfer_seat(account.user_admin, account.seat(priya, "core"), noah)

    assert account.happened() == ["seat.transferred", "seat.unassigned", "seat.assigned"]
    moved, ended, given = account.events()[:3]
    assert moved["data"]["object"]["user_id"] == noah
    assert moved["data"]["previous"] == {"user_id": priya}
    assert ended["data"]["cause"] == given["data"]["cause"] == moved["id"]
    assert (ended["data"]["reason"], given["data"]["reason"]) == ("replaced", "fallback")


def test_r10_who_transfers_his_own_only_seat_still_administers() -> None:
    account = an_account(core=1)
    amara = account.user("Amara", seats=["core"], permissions=frozenset({Permission.SUPER_ADMIN}))
    admin = account.actor(Permission.SUPER_ADMIN, user_id=amara)
    noah = account.user("Noah")

    transfer_seat(admin, account.seat(amara, "core"), noah)
    transfer_seat(admin, account.seat(noah, "core"), amara)

    assert account.seats_of(amara) == ["core"]


def test_r15_an_invited_user_can_receive_a_seat() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    felix = account.user("Felix", status="invited")

    transfer_seat(account.user_admin, account.seat(priya, "core"), felix)

    assert account.seats_of(felix) == ["core"]


def test_r15_a_transfer_touches_no_removal() -> None:
    account = an_account(core=2)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    giving_back.schedule_removal(account.super_admin, "core", 1)
    account.from_here()

    transfer_seat(account.user_admin, account.seat(priya, "core"), noah)

    assert account.numbers("core") == (2, 1, 1)


def test_r15_transfers_can_be_listed() -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    transfer = transfer_seat(account.user_admin, account.seat(priya, "core"), noah)

    (listed,) = queries.transfers(account.by, Window()).items
    assert listed["id"] == transfer.id
    assert (listed["from_user_id"], listed["to_user_id"]) == (priya, noah)


def test_r15_a_transfer_to_oneself_is_refused() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    with pytest.raises(TransferToSelf):
        transfer_seat(admin, account.seat(priya, "core"), priya)

    assert account.happened() == []


def test_r15_a_transfer_to_a_holder_of_the_type_is_refused() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user(seats=["core"])
    admin = account.user_admin

    with pytest.raises(AlreadyAssigned):
        transfer_seat(admin, account.seat(priya, "core"), noah)

    assert account.happened() == []


@pytest.mark.parametrize("who", ["giver", "receiver"])
def test_r13_a_deactivated_user_neither_gives_nor_receives(who: str) -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user()
    account.deactivate(priya if who == "giver" else noah)
    admin = account.user_admin

    with pytest.raises(UserDeactivated):
        transfer_seat(admin, account.seat(priya, "core"), noah)

    assert account.happened() == []


def test_r15_an_exclusive_seat_cannot_be_transferred() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])
    noah = account.user("Noah", partner_eligible=True)
    admin = account.user_admin

    with pytest.raises(SeatTypeNotTransferable):
        transfer_seat(admin, account.seat(dana, "partner"), noah)

    assert account.happened() == []


def test_r13_not_to_somebody_whose_invitation_has_expired(hands: Hands) -> None:
    account = an_account()
    priya, felix = account.user(seats=["core"]), account.user(status="invited")
    admin = account.user_admin
    hands.move(days=20)

    with pytest.raises(InvitationExpired):
        transfer_seat(admin, account.seat(priya, "core"), felix)

    assert account.seats_of(priya) == ["core"]


def test_the_receiver_in_another_account_does_not_exist() -> None:
    account, stranger = an_account(), an_account()
    priya, other = account.user(seats=["core"]), stranger.user()

    with pytest.raises(NotFound):
        transfer_seat(account.user_admin, account.seat(priya, "core"), other)

    assert account.seats_of(priya) == ["core"]


def test_r10_a_transfer_takes_the_permission_to_manage_users() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user()

    with pytest.raises(PermissionDenied, match="manage_users"):
        transfer_seat(account.viewer, account.seat(priya, "core"), noah)
