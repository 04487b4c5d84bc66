"""Taking seats back, and giving them back in the same step (R8, R12, R13, R19, R21)."""

from typing import Any

import pytest

from licensing.models import User
from licensing.operations import giving_back
from licensing.operations.assigning import (
    assign_seat,
    take_back,
    take_back_and_give_back,
)
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import (
    BelowMinimum,
    NotEnoughUnassignedSeats,
    NotFound,
    PermissionDenied,
    SeatRequired,
    UserDeactivated,
)
from tests.world import (
    NEXT_RENEWAL,
    AnAccount,
    Hands,
    a_free_account,
    an_account,
)


def _event(account: AnAccount, event_type: str) -> dict[str, Any]:
    (event,) = [event for event in account.events() if event["type"] == event_type]
    return event


def test_r8_r12_giving_and_taking_make_one_new_version_each_of_user_and_pool() -> None:
    account = an_account(core=2)
    priya = account.user("Priya")
    found = []

    def note() -> None:
        user = User.get(User.account_id == account.id, User.id == priya)
        found.append((user.version, account.pool("core")["version"]))

    note()
    seat = assign_seat(account.by, priya, "core")
    note()
    take_back(account.by, seat.id)  # and what is left is the viewing seat
    note()

    (user, pool), *after = found
    assert after == [(user + 1, pool + 1), (user + 2, pool + 2)]


def test_r12_a_seat_taken_back_stays_in_the_pool_and_is_paid_for() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    paid_until = take_back(account.user_admin, account.seat(priya, "core"))

    assert paid_until == NEXT_RENEWAL
    assert account.numbers("core") == (1, 0, 0)
    assert account.happened() == ["seat.unassigned", "pool.replenished", "seat.assigned"]


def test_r8_taking_the_last_paid_seat_leaves_the_viewing_one() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    take_back(account.user_admin, account.seat(priya, "core"))

    assert account.seats_of(priya) == ["view_only"]


def test_r8_the_viewing_seat_of_an_active_user_cannot_be_taken() -> None:
    account = an_account()
    priya = account.user("Priya")
    admin = account.user_admin

    with pytest.raises(SeatRequired):
        take_back(admin, account.seat(priya, "view_only"))

    assert account.happened() == []


def test_r4_neither_can_the_seat_of_the_free_tools() -> None:
    account = a_free_account()
    priya = account.user("Priya")

    with pytest.raises(SeatRequired):
        take_back(account.user_admin, account.seat(priya, "free"))


def test_r13_nothing_is_taken_from_a_deactivated_user() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    account.deactivate(priya)
    admin = account.user_admin

    with pytest.raises(UserDeactivated):
        take_back(admin, account.seat(priya, "core"))

    assert account.happened() == []


def test_the_seat_of_another_account_does_not_exist() -> None:
    account, stranger = an_account(), an_account()
    priya = account.user("Priya", seats=["core"])

    with pytest.raises(NotFound):
        take_back(stranger.user_admin, account.seat(priya, "core"))


def test_r10_taking_back_takes_the_permission_to_manage_users() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    with pytest.raises(PermissionDenied, match="manage_users"):
        take_back(account.billing_admin, account.seat(priya, "core"))


def test_r12_taking_back_and_giving_back_is_one_step() -> None:
    account = an_account(core=2)
    priya = account.user("Priya", seats=["core"])

    removal = take_back_and_give_back(account.super_admin, account.seat(priya, "core"))

    assert (removal.quantity, removal.effective_at) == (1, NEXT_RENEWAL)
    assert account.numbers("core") == (2, 0, 1)


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        pytest.param(Permission.MANAGE_USERS, "modify_billing", id="who may not bill"),
        pytest.param(Permission.MODIFY_BILLING, "manage_users", id="who may not manage users"),
    ],
)
def test_r12_it_takes_both_permissions(held: Permission, missing: str) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.actor(held)

    with pytest.raises(PermissionDenied, match=missing):
        take_back_and_give_back(admin, account.seat(priya, "core"))

    assert account.happened() == []


def test_r12_when_the_seat_cannot_be_given_back_it_is_not_taken_either() -> None:
    account = an_account(core=2)
    priya = account.user("Priya", seats=["core"])
    account.promise("core", minimum=2)
    admin = account.super_admin

    with pytest.raises(BelowMinimum):
        take_back_and_give_back(admin, account.seat(priya, "core"))

    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


@pytest.mark.parametrize(
    ("eligible", "held", "left"),
    [
        pytest.param(True, ["partner"], ["view_only"], id="the seat for the eligible"),
        pytest.param(False, ["core", "sales"], ["sales"], id="one of two paid ones"),
    ],
)
def test_r8_who_is_left_with_what(eligible: bool, held: list[str], left: list[str]) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    dana = account.user("Dana", partner_eligible=eligible, seats=held)

    take_back(account.by, account.seat(dana, held[0]))

    assert account.seats_of(dana) == left


def test_r12_a_free_seat_is_paid_until_no_date() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    paid_until = take_back(account.by, account.seat(dana, "partner"))

    assert paid_until is None
    assert account.happened() == ["seat.unassigned", "seat.assigned"]


def test_r12_after_a_renewal_that_nobody_has_seen_it_is_paid_until_the_next(hands: Hands) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")
    hands.move_to(NEXT_RENEWAL)

    paid_until = take_back(account.by, seat_id)

    assert paid_until is not None
    assert (paid_until.month, paid_until.day) == (5, 2)
    assert account.happened()[:2] == ["subscription.renewed", "seat.unassigned"]


def test_r8_what_is_taken_from_an_invited_user_leaves_no_seat() -> None:
    account = an_account(core=2)
    felix = account.user("Felix", status="invited", seats=["core"])

    take_back(account.by, account.seat(felix, "core"))

    assert account.seats_of(felix) == []
    assert account.numbers("core") == (2, 0, 0)
    assert account.happened() == ["seat.unassigned"]


def test_r8_even_the_viewing_seat_can_be_taken_from_an_invited_user() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited", seats=["view_only"])

    take_back(account.by, account.seat(felix, "view_only"))

    assert account.seats_of(felix) == []
    assert account.happened() == ["seat.unassigned"]


def test_r12_taking_back_leaves_a_pending_removal_as_it_is() -> None:
    account = an_account(core=3)
    priya = account.user("Priya", seats=["core"])
    giving_back.schedule_removal(account.by, "core", 2)

    take_back(account.by, account.seat(priya, "core"))

    assert account.numbers("core") == (3, 0, 2)


def test_r12_the_event_says_who_held_it_and_what_the_pool_has_now() -> None:
    account = an_account(core=3)
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")
    admin = account.user_admin

    take_back(admin, seat_id)

    ended = _event(account, "seat.unassigned")["data"]
    assert (ended["object"]["id"], ended["object"]["user_id"]) == (seat_id, priya)
    assert ended["actor"] == {"type": "user", "id": admin.id}
    assert (ended["pool"]["purchased"], ended["pool"]["unassigned"]) == (3, 3)


@pytest.mark.parametrize(
    ("seat_type", "account"),
    [
        pytest.param("view_only", an_account, id="paying"),
        pytest.param("free", a_free_account, id="on the free tools"),
    ],
)
def test_r8_the_refusal_says_which_seat_everybody_needs(seat_type: str, account: Any) -> None:
    stage: AnAccount = account()
    priya = stage.user("Priya")

    with pytest.raises(SeatRequired) as refusal:
        take_back(stage.by, stage.seat(priya, seat_type))

    assert refusal.value.facts == {"seat_type": seat_type, "user_id": priya}
    assert stage.seats_of(priya) == [seat_type]
    assert stage.happened() == []


def test_a_seat_that_was_taken_back_cannot_be_taken_again() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")
    take_back(account.by, seat_id)
    account.from_here()

    with pytest.raises(NotFound) as refusal:
        take_back(account.by, seat_id)

    assert refusal.value.facts == {"kind": "seat", "id": seat_id}
    assert account.numbers("core") == (10, 0, 0)
    assert account.happened() == []


def test_r13_the_seat_of_an_invitation_that_is_over_is_gone_already(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited", seats=["core"])
    seat_id = account.seat(felix, "core")
    hands.move(days=14)

    with pytest.raises(NotFound) as refusal:
        take_back(account.by, seat_id)

    assert refusal.value.facts == {"kind": "seat", "id": seat_id}
    assert account.happened() == []


def test_r12_taking_back_and_giving_back_tells_both_steps() -> None:
    account = an_account(core=2)
    priya = account.user("Priya", seats=["core"])

    take_back_and_give_back(account.by, account.seat(priya, "core"))

    assert account.happened() == ["seat.unassigned", "seat.assigned", "seat_removal.scheduled"]
    scheduled = _event(account, "seat_removal.scheduled")["data"]
    assert scheduled["pool"]["quantity_at_renewal"] == 1
    assert scheduled["effective_at"] == "2026-04-02T09:00:00.000Z"


def test_r21_what_was_given_back_cancelled_and_given_back_again_are_two_removals() -> None:
    account = an_account(core=2)
    priya = account.user("Priya", seats=["core"])
    first = take_back_and_give_back(account.by, account.seat(priya, "core"))
    giving_back.cancel_removal(account.by, first.id)
    assign_seat(account.by, priya, "core")

    second = take_back_and_give_back(account.by, account.seat(priya, "core"))

    assert second.id != first.id
    assert account.numbers("core") == (2, 0, 1)


def test_r19_a_free_seat_has_nothing_to_give_back_and_is_not_taken_either() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    with pytest.raises(NotEnoughUnassignedSeats) as refusal:
        take_back_and_give_back(account.by, account.seat(dana, "partner"))

    assert refusal.value.facts == {
        "seat_type": "partner",
        "requested": 1,
        "unassigned": 0,
        "scheduled_removal": 0,
    }
    assert account.seats_of(dana) == ["partner"]
    assert account.happened() == []


def test_r19_the_refusal_names_the_minimum_that_was_agreed() -> None:
    account = an_account(core=2)
    priya = account.user("Priya", seats=["core"])
    account.promise("core", minimum=2)

    with pytest.raises(BelowMinimum) as refusal:
        take_back_and_give_back(account.by, account.seat(priya, "core"))

    assert refusal.value.facts == {"seat_type": "core", "quantity": 1, "minimum": 2}
    assert account.numbers("core") == (2, 1, 0)
    assert account.happened() == []


def test_r13_nor_is_anything_given_back_from_a_deactivated_user() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    account.deactivate(priya)

    with pytest.raises(UserDeactivated) as refusal:
        take_back_and_give_back(account.by, account.seat(priya, "core"))

    assert refusal.value.facts == {"user_id": priya}
    assert account.numbers("core") == (10, 1, 0)
    assert account.happened() == []


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        pytest.param(Scope.SEATS, "billing", id="a key for seats"),
        pytest.param(Scope.BILLING, "seats", id="a key for billing"),
    ],
)
def test_r12_a_service_needs_both_scopes(held: Scope, missing: str) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    with pytest.raises(PermissionDenied) as refusal:
        take_back_and_give_back(account.key(held), account.seat(priya, "core"))

    assert refusal.value.facts == {"kind": "scope", "missing": missing}
    assert account.happened() == []
