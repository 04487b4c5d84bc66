"""Moving a held seat from one user to another (R2, R7, R8, R10, R13, R15)."""

from dataclasses import replace
from importlib import resources
from typing import Any

import pytest

from licensing import settings
from licensing.models import Seat
from licensing.operations import giving_back
from licensing.operations.assigning import transfer_seat
from licensing.queries import seats as queries
from licensing.queries.cursors import Window
from licensing.rules.permissions import Permission, Scope
from licensing.rules.reading import parse
from licensing.rules.refusals import (
    AlreadyAssigned,
    IncludedInHeldSeat,
    InvitationExpired,
    NotFound,
    PermissionDenied,
    SeatTypeNotTransferable,
    TransferToSelf,
    UserDeactivated,
)
from tests.world import (
    AnAccount,
    Hands,
    a_legacy_account,
    an_account,
    in_which_sales_includes_core,
)


def _event(account: AnAccount, event_type: str) -> dict[str, Any]:
    (event,) = [event for event in account.events() if event["type"] == event_type]
    return event


def test_r15_the_only_core_seat_can_be_transferred() -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    seat_id = account.seat(priya, "core")

    transfer_seat(account.user_admin, seat_id, noah)

    assert account.seat(noah, "core") == seat_id
    assert account.seats_of(priya) == ["view_only"]
    assert account.numbers("core") == (1, 1, 0)


def test_r15_the_receiver_has_held_the_seat_since_the_transfer(hands: Hands) -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    hands.move(days=3)

    transfer_seat(account.user_admin, account.seat(priya, "core"), noah)

    assert Seat.get(Seat.account_id == account.id, Seat.user_id == noah).assigned_at == hands.now


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


def test_r15_a_transfer_keeps_the_pool_at_its_numbers_and_crosses_no_line() -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={"sales": 1})
    priya = account.user("Priya", seats=["core"])
    noah = account.user("Noah", seats=["sales"])
    seat_id = account.seat(priya, "core")

    transfer = transfer_seat(account.by, seat_id, noah)

    assert (transfer.seat_id, transfer.from_user_id, transfer.to_user_id) == (seat_id, priya, noah)
    assert account.seats_of(noah) == ["core", "sales"]
    assert account.numbers("core") == (1, 1, 0)
    assert account.happened() == ["seat.transferred", "seat.assigned"]


def test_r15_the_event_says_who_moved_the_seat_and_its_new_version() -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    admin = account.user_admin

    transfer_seat(admin, account.seat(priya, "core"), noah)

    moved = _event(account, "seat.transferred")["data"]
    assert moved["object"]["version"] == 2
    assert moved["object"]["assigned_by"] == {"type": "user", "id": admin.id}
    assert moved["previous"] == {"user_id": priya}


def test_r15_a_giver_who_holds_another_seat_is_left_with_that_one() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    priya, noah = account.user("Priya", seats=["core", "sales"]), account.user("Noah")

    transfer_seat(account.by, account.seat(priya, "sales"), noah)

    assert (account.seats_of(priya), account.seats_of(noah)) == (["core"], ["sales"])
    assert account.happened() == ["seat.transferred", "seat.unassigned"]


@pytest.mark.parametrize(
    "receives", [pytest.param("active", id="active"), pytest.param("invited", id="invited")]
)
def test_r15_what_an_invited_user_was_given_can_be_moved_on(receives: str) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    noah = account.user("Noah", status=receives)

    transfer_seat(account.by, account.seat(felix, "core"), noah)

    assert (account.seats_of(felix), account.seats_of(noah)) == ([], ["core"])
    assert account.numbers("core") == (1, 1, 0)


def test_r2_in_a_legacy_account_the_giver_is_left_without_a_seat() -> None:
    account = a_legacy_account(sales=1)
    otto, mia = account.user("Otto", seats=["sales"]), account.user("Mia")

    transfer_seat(account.by, account.seat(otto, "sales"), mia)

    assert (account.seats_of(otto), account.seats_of(mia)) == ([], ["sales"])
    assert account.happened() == ["seat.transferred"]


def test_r7_a_paid_seat_replaces_that_of_an_eligible_receiver() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    transfer_seat(account.by, account.seat(priya, "core"), dana)

    assert account.seats_of(dana) == ["core"]
    assert _event(account, "seat.unassigned")["data"]["object"]["seat_type"] == "partner"


def test_r8_a_richer_seat_that_is_received_returns_the_one_that_it_includes() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", seats={"sales": 1})
        priya = account.user("Priya", seats=["sales"])
        noah = account.user("Noah", seats=["core"])

        transfer_seat(account.by, account.seat(priya, "sales"), noah)

        assert (account.seats_of(priya), account.seats_of(noah)) == (["view_only"], ["sales"])
        assert (account.numbers("core"), account.numbers("sales")) == ((1, 0, 0), (1, 1, 0))
        assert account.happened() == [
            "seat.transferred",
            "seat.unassigned",
            "pool.replenished",
            "seat.assigned",
        ]


def test_r8_what_a_seat_of_the_receiver_includes_is_not_transferred_to_him() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", seats={"sales": 1})
        priya = account.user("Priya", seats=["core"])
        noah = account.user("Noah", seats=["sales"])

        with pytest.raises(IncludedInHeldSeat) as refusal:
            transfer_seat(account.by, account.seat(priya, "core"), noah)

        assert refusal.value.facts == {"seat_type": "core", "user_id": noah, "held": "sales"}
        assert (account.seats_of(priya), account.seats_of(noah)) == (["core"], ["sales"])
        assert account.happened() == []


@pytest.mark.parametrize("seat_type", ["view_only", "partner"])
def test_r15_the_refusal_names_the_exclusive_type(seat_type: str) -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=[seat_type])
    noah = account.user("Noah", partner_eligible=True, seats=["core"])

    with pytest.raises(SeatTypeNotTransferable) as refusal:
        transfer_seat(account.by, account.seat(dana, seat_type), noah)

    assert refusal.value.facts == {"seat_type": seat_type}
    assert (account.seats_of(dana), account.seats_of(noah)) == ([seat_type], ["core"])
    assert account.happened() == []


def test_r15_a_paid_type_that_the_catalogue_ties_to_its_holder_stays_there() -> None:
    file = resources.files("licensing.rules").joinpath("catalogue.toml")
    text = file.read_text("utf-8").replace("transferable = true", "transferable = false")
    tied = replace(settings.current(), catalogue=parse(text, "a test's catalogue"))
    settings.put_in_force(tied)
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    with pytest.raises(SeatTypeNotTransferable) as refusal:
        transfer_seat(account.by, account.seat(priya, "core"), noah)

    assert refusal.value.facts == {"seat_type": "core"}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_r15_the_refusal_of_a_transfer_to_oneself_names_the_user() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    with pytest.raises(TransferToSelf) as refusal:
        transfer_seat(account.by, account.seat(priya, "core"), priya)

    assert refusal.value.facts == {"user_id": priya}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_r15_the_refusal_names_the_seat_that_the_receiver_holds() -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah", seats=["core"])

    with pytest.raises(AlreadyAssigned) as refusal:
        transfer_seat(account.by, account.seat(priya, "core"), noah)

    assert refusal.value.facts == {
        "user_id": noah,
        "seat_type": "core",
        "seat_id": account.seat(noah, "core"),
    }
    assert account.numbers("core") == (10, 2, 0)
    assert account.happened() == []


@pytest.mark.parametrize("who", ["giver", "receiver"])
def test_r13_the_refusal_says_which_of_the_two_is_deactivated(who: str) -> None:
    account = an_account()
    people = {"giver": account.user(seats=["core"]), "receiver": account.user()}
    account.deactivate(people[who])

    with pytest.raises(UserDeactivated) as refusal:
        transfer_seat(account.by, account.seat(people["giver"], "core"), people["receiver"])

    assert refusal.value.facts == {"user_id": people[who]}
    assert account.seats_of(people["giver"]) == ["core"]
    assert account.seats_of(people["receiver"]) == ["view_only"]
    assert account.happened() == []


def test_r13_the_refusal_says_since_when_the_invitation_of_the_receiver_is_over(
    hands: Hands,
) -> None:
    account = an_account()
    priya, felix = account.user("Priya", seats=["core"]), account.user("Felix", status="invited")
    hands.move(days=14)

    with pytest.raises(InvitationExpired) as refusal:
        transfer_seat(account.by, account.seat(priya, "core"), felix)

    assert refusal.value.facts == {"user_id": felix, "expired_at": "2026-03-16T09:00:00.000Z"}
    assert (account.seats_of(priya), account.seats_of(felix)) == (["core"], [])
    assert account.happened() == []


def test_an_unknown_receiver_is_transferred_nothing() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    with pytest.raises(NotFound) as refusal:
        transfer_seat(account.by, account.seat(priya, "core"), "usr_unknown")

    assert refusal.value.facts == {"kind": "user", "id": "usr_unknown"}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_an_unknown_seat_is_not_transferred() -> None:
    account = an_account()
    noah = account.user("Noah")

    with pytest.raises(NotFound) as refusal:
        transfer_seat(account.by, "seat_unknown", noah)

    assert refusal.value.facts == {"kind": "seat", "id": "seat_unknown"}
    assert account.happened() == []


def test_r10_a_service_transfers_with_the_scope_for_seats() -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    with pytest.raises(PermissionDenied) as refusal:
        transfer_seat(account.key(Scope.USERS), account.seat(priya, "core"), noah)

    assert refusal.value.facts == {"kind": "scope", "missing": "seats"}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []
