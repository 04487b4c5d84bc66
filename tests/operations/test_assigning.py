"""Giving seats to users, changing, taking back and moving them (R2, R5 to R8, R11 to R15, R22)."""

from dataclasses import replace
from importlib import resources
from typing import Any

import pytest

from licensing import settings
from licensing.operations import giving_back, users
from licensing.operations.assigning import (
    assign_seat,
    change_seat,
    take_back,
    take_back_and_give_back,
    transfer_seat,
)
from licensing.rules.permissions import Permission, Scope
from licensing.rules.reading import parse
from licensing.rules.refusals import (
    AlreadyAssigned,
    BelowMinimum,
    ExclusiveSeat,
    IncludedInHeldSeat,
    InvitationExpired,
    NoSeatAvailable,
    NotEnoughUnassignedSeats,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    SeatRequired,
    SeatTypeNotAvailable,
    SeatTypeNotTransferable,
    TransferToSelf,
    Unknown,
    UserDeactivated,
    UserNotEligible,
)
from tests.world import (
    NEXT_RENEWAL,
    AnAccount,
    Hands,
    a_free_account,
    a_legacy_account,
    an_account,
    in_which_sales_includes_core,
)


def test_r11_a_seat_goes_from_the_pool_to_the_user() -> None:
    account = an_account(core=3)
    priya = account.user("Priya")

    seat = assign_seat(account.user_admin, priya, "core")

    assert account.seats_of(priya) == ["core"]
    assert account.numbers("core") == (3, 1, 0)
    assigned, replaced = account.events()[:2]
    assert assigned["data"]["object"]["id"] == seat.id
    assert assigned["data"]["pool"]["unassigned"] == 2
    assert replaced["data"]["cause"] == assigned["id"]


def test_r11_without_a_seat_left_the_refusal_says_how_many_there_are() -> None:
    account = an_account(core=2)
    account.user(seats=["core"])
    account.user(seats=["core"])
    priya = account.user("Priya")
    admin = account.user_admin

    with pytest.raises(NoSeatAvailable, match="can be bought") as refusal:
        assign_seat(admin, priya, "core")

    assert refusal.value.facts == {"seat_type": "core", "purchased": 2, "assigned": 2}
    assert account.seats_of(priya) == ["view_only"]
    assert account.happened() == []


def test_r11_a_type_that_was_never_bought_has_no_seat_either() -> None:
    account = an_account()
    account.subscribe("sales", seats={"core": 1})
    priya = account.user("Priya")

    with pytest.raises(NoSeatAvailable) as refusal:
        assign_seat(account.user_admin, priya, "sales")

    assert refusal.value.facts == {"seat_type": "sales", "purchased": 0, "assigned": 0}


def test_r32_assigning_what_is_held_answers_the_held_seat_and_tells_nothing() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    seat = assign_seat(admin, priya, "core")

    assert seat.id == account.seat(priya, "core")
    assert account.numbers("core") == (10, 1, 0)
    assert account.happened() == []


def test_r32_also_when_no_other_seat_is_left() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    seat = assign_seat(account.user_admin, priya, "core")

    assert seat.id == account.seat(priya, "core")


def test_r8_a_seat_is_not_changed_to_a_type_that_its_holder_has_already() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 2})
    priya = account.user("Priya", seats=["core", "sales"])
    admin = account.user_admin

    with pytest.raises(AlreadyAssigned) as refusal:
        change_seat(admin, account.seat(priya, "core"), "sales")

    assert refusal.value.seat_id == account.seat(priya, "sales")
    assert account.happened() == []


def test_r8_two_types_that_are_not_exclusive_are_held_together() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    priya = account.user("Priya", seats=["core"])

    assign_seat(account.user_admin, priya, "sales")

    assert account.seats_of(priya) == ["core", "sales"]


def test_r8_an_exclusive_seat_gives_way_to_a_paid_one() -> None:
    account = an_account()
    priya = account.user("Priya")

    assign_seat(account.user_admin, priya, "core")

    assert account.happened() == ["seat.assigned", "seat.unassigned"]
    assert account.events()[1]["data"]["reason"] == "replaced"


def test_r8_an_exclusive_seat_is_refused_beside_a_paid_one() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    with pytest.raises(ExclusiveSeat) as refusal:
        assign_seat(admin, priya, "view_only")

    assert refusal.value.held == ["core"]
    assert account.happened() == []


def test_r8_a_richer_seat_returns_the_one_that_it_includes() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", seats={"sales": 1})
        priya = account.user("Priya", seats=["core"])

        assign_seat(account.user_admin, priya, "sales")

        assert account.seats_of(priya) == ["sales"]
        assert account.numbers("core") == (1, 0, 0)
        assert account.happened() == [
            "seat.assigned",
            "seat.unassigned",
            "pool.replenished",
            "pool.exhausted",
        ]


def test_r8_what_a_held_seat_includes_is_not_assigned_beside_it() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", seats={"sales": 1})
        priya = account.user("Priya", seats=["sales"])
        admin = account.user_admin

        with pytest.raises(IncludedInHeldSeat) as refusal:
            assign_seat(admin, priya, "core")

        assert refusal.value.held == "sales"
        assert account.happened() == []


def test_r8_taking_the_richer_seat_back_does_not_leave_the_poorer_one() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", seats={"sales": 1})
        priya = account.user("Priya", seats=["sales"])

        take_back(account.user_admin, account.seat(priya, "sales"))

        assert account.seats_of(priya) == ["view_only"]


@pytest.mark.parametrize(
    ("seat_type", "because"),
    [
        pytest.param("sales", "no subscription", id="no subscription sells it"),
        pytest.param("free", "not offered", id="it belongs to the free tools"),
    ],
)
def test_r5_a_type_that_the_account_cannot_have_is_refused(seat_type: str, because: str) -> None:
    account = an_account()
    priya = account.user("Priya")
    admin = account.user_admin

    with pytest.raises(SeatTypeNotAvailable, match=because):
        assign_seat(admin, priya, seat_type)

    assert account.happened() == []


def test_r2_a_legacy_account_has_only_the_legacy_types() -> None:
    account = a_legacy_account()
    otto = account.user("Otto")
    admin = account.user_admin

    with pytest.raises(SeatTypeNotAvailable, match="legacy"):
        assign_seat(admin, otto, "view_only")

    assert account.happened() == []


def test_r2_a_legacy_account_assigns_and_takes_back_its_types() -> None:
    account = a_legacy_account(sales=1)
    otto = account.user("Otto")

    seat = assign_seat(account.user_admin, otto, "sales")
    take_back(account.user_admin, seat.id)

    assert account.seats_of(otto) == []
    assert account.numbers("sales") == (1, 0, 0)


def test_r7_an_eligible_user_gets_the_seat_for_the_eligible() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True)

    seat = assign_seat(account.user_admin, dana, "partner")

    assert seat.pool_id is None
    assert account.seats_of(dana) == ["partner"]


def test_r7_who_is_not_eligible_does_not() -> None:
    account = an_account()
    priya = account.user("Priya")
    admin = account.user_admin

    with pytest.raises(UserNotEligible) as refusal:
        assign_seat(admin, priya, "partner")

    assert refusal.value.facts == {"user_id": priya, "seat_type": "partner"}
    assert account.happened() == []


def test_r13_nothing_is_given_to_a_deactivated_user() -> None:
    account = an_account()
    priya = account.user("Priya")
    account.deactivate(priya)
    admin = account.user_admin

    with pytest.raises(UserDeactivated):
        assign_seat(admin, priya, "core")

    assert account.happened() == []


def test_r13_an_invited_user_can_be_given_a_seat() -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited")

    assign_seat(account.user_admin, felix, "core")

    assert account.numbers("core") == (1, 1, 0)


def test_r13_not_after_the_invitation_has_expired(hands: Hands) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited")
    hands.move(days=15)
    admin = account.user_admin

    with pytest.raises(InvitationExpired):
        assign_seat(admin, felix, "core")

    assert account.numbers("core") == (1, 0, 0)


def test_r13_the_seat_of_an_expired_invitation_is_free_without_any_job(hands: Hands) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    priya = account.user("Priya")
    admin = account.user_admin
    hands.move(days=14)

    assign_seat(admin, priya, "core")

    assert account.seats_of(felix) == []
    assert account.seats_of(priya) == ["core"]
    assert account.happened()[:4] == [
        "user.invitation_expired",
        "seat.unassigned",
        "pool.replenished",
        "seat.assigned",
    ]


def test_r22_assigning_beyond_the_seats_that_stay_shrinks_the_newest_removal_first() -> None:
    account = an_account(core=5)
    admin = account.super_admin
    older = giving_back.schedule_removal(admin, "core", 2)
    newer = giving_back.schedule_removal(admin, "core", 2)
    newcomers = [account.user() for _ in range(4)]

    told = []
    for user_id in newcomers:
        account.from_here()
        assign_seat(admin, user_id, "core")
        told.append(
            [
                (event["type"], event["data"]["object"]["id"], event["data"]["object"]["quantity"])
                for event in account.events()
                if event["type"].startswith("seat_removal")
            ]
        )

    assert told == [
        [],
        [("seat_removal.reduced", newer.id, 1)],
        [("seat_removal.cancelled", newer.id, 0)],
        [("seat_removal.reduced", older.id, 1)],
    ]
    assert account.numbers("core") == (5, 4, 1)


def test_r22_the_events_of_a_removal_that_gave_way_name_the_assignment() -> None:
    account = an_account(core=1)
    giving_back.schedule_removal(account.super_admin, "core", 1)
    priya = account.user("Priya")

    assign_seat(account.user_admin, priya, "core")

    cancelled = next(e for e in account.events() if e["type"] == "seat_removal.cancelled")
    assigned = next(e for e in account.events() if e["type"] == "seat.assigned")
    assert cancelled["data"]["cause"] == assigned["id"]
    assert cancelled["data"]["reason"] == "assigned"
    assert cancelled["data"]["previous"] == {"quantity": 1, "status": "scheduled"}


def test_r32_the_last_seat_of_a_pool_is_told_once() -> None:
    account = an_account(core=2)
    first, second = account.user(), account.user()
    admin = account.user_admin

    assign_seat(admin, first, "core")
    assign_seat(admin, second, "core")

    assert account.happened().count("pool.exhausted") == 1


def test_r10_assigning_takes_the_permission_to_manage_users() -> None:
    account = an_account()
    priya = account.user("Priya")
    billing = account.billing_admin

    with pytest.raises(PermissionDenied, match="manage_users"):
        assign_seat(billing, priya, "core")

    assert account.happened() == []


def test_r10_a_service_needs_the_scope_for_seats() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(PermissionDenied, match="scope seats"):
        assign_seat(account.key(Scope.BILLING, Scope.USERS), priya, "core")
    assign_seat(account.key(Scope.SEATS), priya, "core")

    assert account.seats_of(priya) == ["core"]


def test_the_user_of_another_account_does_not_exist() -> None:
    account, stranger = an_account(), an_account()
    priya = account.user("Priya")

    with pytest.raises(NotFound):
        assign_seat(stranger.user_admin, priya, "core")


def test_an_unknown_seat_type_is_told_with_those_that_are_known() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(Unknown) as refusal:
        assign_seat(account.user_admin, priya, "gold")

    assert refusal.value.pointer == "/seat_type"
    assert "core" in refusal.value.known


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


def test_r8_changing_a_seat_keeps_its_id() -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={"sales": 1})
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")

    change_seat(account.user_admin, seat_id, "sales")

    assert account.seat(priya, "sales") == seat_id
    assert (account.numbers("core"), account.numbers("sales")) == ((1, 0, 0), (1, 1, 0))
    changed = account.events()[0]
    assert changed["type"] == "seat.changed"
    assert changed["data"]["previous"]["seat_type"] == "core"
    assert changed["data"]["pool"]["seat_type"] == "sales"
    assert changed["data"]["previous_pool"]["unassigned"] == 1


def test_r8_a_paid_seat_can_be_changed_to_the_viewing_one_and_back() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")

    change_seat(account.user_admin, seat_id, "view_only")
    assert account.seats_of(priya) == ["view_only"]
    change_seat(account.user_admin, seat_id, "core")

    assert account.seat(priya, "core") == seat_id
    assert account.numbers("core") == (1, 1, 0)


def test_r32_changing_a_seat_to_what_it_is_tells_nothing() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    seat = change_seat(admin, account.seat(priya, "core"), "core")

    assert seat.version == 1
    assert account.happened() == []


def test_r11_changing_to_a_full_pool_is_refused_and_changes_nothing() -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={"sales": 1})
    account.user(seats=["sales"])
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    with pytest.raises(NoSeatAvailable):
        change_seat(admin, account.seat(priya, "core"), "sales")

    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_a_seat_that_has_changed_since_it_was_read_is_left_alone() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    with pytest.raises(PreconditionFailed) as refusal:
        change_seat(admin, account.seat(priya, "core"), "view_only", if_match=7)

    assert refusal.value.version == 1
    assert account.happened() == []


def _event(account: AnAccount, event_type: str) -> dict[str, Any]:
    (event,) = [event for event in account.events() if event["type"] == event_type]
    return event


@pytest.mark.parametrize(
    ("seat_type", "because"),
    [
        pytest.param("core", "no subscription of the account sells it at its tier", id="core"),
        pytest.param("sales", "no subscription of the account sells it at its tier", id="sales"),
        pytest.param("view_only", "it is not offered to free_tools accounts", id="view_only"),
    ],
)
def test_r4_an_account_on_the_free_tools_has_neither_paid_nor_viewing_seats(
    seat_type: str, because: str
) -> None:
    account = a_free_account()
    priya = account.user("Priya")

    with pytest.raises(SeatTypeNotAvailable) as refusal:
        assign_seat(account.by, priya, seat_type)

    assert refusal.value.facts == {"seat_type": seat_type, "because": because}
    assert account.seats_of(priya) == ["free"]
    assert account.happened() == []


def test_r7_the_eligible_have_their_seat_on_the_free_tools_too() -> None:
    account = a_free_account()
    dana = account.user("Dana", partner_eligible=True)

    assign_seat(account.by, dana, "partner")

    assert account.seats_of(dana) == ["partner"]
    assert account.happened() == ["seat.assigned", "seat.unassigned"]


@pytest.mark.parametrize("seat_type", ["core", "view_only", "partner", "free"])
def test_r2_no_other_type_than_the_legacy_ones_is_for_a_legacy_account(seat_type: str) -> None:
    account = a_legacy_account()
    otto = account.user("Otto", partner_eligible=True)

    with pytest.raises(SeatTypeNotAvailable) as refusal:
        assign_seat(account.by, otto, seat_type)

    assert refusal.value.facts == {
        "seat_type": seat_type,
        "because": "an account on legacy pricing has only the legacy seat types",
    }
    assert account.seats_of(otto) == []
    assert account.happened() == []


def test_r2_even_a_legacy_type_needs_a_subscription_that_sells_it() -> None:
    account = a_legacy_account()
    otto = account.user("Otto")

    with pytest.raises(SeatTypeNotAvailable) as refusal:
        assign_seat(account.by, otto, "service")

    assert refusal.value.because == "no subscription of the account sells it at its tier"
    assert account.happened() == []


def test_r8_the_seat_for_the_eligible_does_not_stand_beside_a_paid_one() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    dana = account.user("Dana", partner_eligible=True, seats=["sales", "core"])

    with pytest.raises(ExclusiveSeat) as refusal:
        assign_seat(account.by, dana, "partner")

    assert refusal.value.facts == {
        "seat_type": "partner",
        "user_id": dana,
        "held": ["core", "sales"],
    }
    assert account.seats_of(dana) == ["sales", "core"]
    assert account.happened() == []


def test_r8_one_exclusive_seat_replaces_the_other() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    assign_seat(account.by, dana, "view_only")

    assert account.seats_of(dana) == ["view_only"]
    assert account.happened() == ["seat.assigned", "seat.unassigned"]


def test_r8_the_included_seat_names_the_assignment_of_the_richer_one_as_its_cause() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=2)
        account.subscribe("sales", seats={"sales": 2})
        priya = account.user("Priya", seats=["core"])

        assign_seat(account.by, priya, "sales")

        ended = _event(account, "seat.unassigned")["data"]
        assert ended["cause"] == _event(account, "seat.assigned")["id"]
        assert ended["reason"] == "replaced"
        assert (ended["pool"]["seat_type"], ended["pool"]["unassigned"]) == ("core", 2)
        assert account.happened() == ["seat.assigned", "seat.unassigned"]


def test_r8_without_a_richer_seat_left_the_included_one_stays() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", seats={"sales": 1})
        account.user(seats=["sales"])
        priya = account.user("Priya", seats=["core"])

        with pytest.raises(NoSeatAvailable) as refusal:
            assign_seat(account.by, priya, "sales")

        assert refusal.value.facts == {"seat_type": "sales", "purchased": 1, "assigned": 1}
        assert account.seats_of(priya) == ["core"]
        assert account.happened() == []


def test_r13_the_refusal_of_an_expired_invitation_says_since_when(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    hands.move(days=14)

    with pytest.raises(InvitationExpired) as refusal:
        assign_seat(account.by, felix, "core")

    assert refusal.value.facts == {"user_id": felix, "expired_at": "2026-03-16T09:00:00.000Z"}
    assert account.seats_of(felix) == []
    assert account.happened() == []


def test_r13_until_its_last_millisecond_an_invitation_is_good_for_a_seat(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    hands.move(days=14, milliseconds=-1)

    assign_seat(account.by, felix, "core")

    assert account.seats_of(felix) == ["core"]
    assert account.happened() == ["seat.assigned"]


def test_r13_the_refusal_names_the_deactivated_user() -> None:
    account = an_account()
    priya = account.user("Priya")
    account.deactivate(priya)

    with pytest.raises(UserDeactivated) as refusal:
        assign_seat(account.by, priya, "core")

    assert refusal.value.facts == {"user_id": priya}
    assert account.numbers("core") == (10, 0, 0)
    assert account.happened() == []


def test_an_unknown_user_is_given_nothing() -> None:
    account = an_account()

    with pytest.raises(NotFound) as refusal:
        assign_seat(account.by, "usr_unknown", "core")

    assert refusal.value.facts == {"kind": "user", "id": "usr_unknown"}
    assert account.happened() == []


def test_r22_a_user_made_with_a_seat_that_was_to_leave_keeps_it_from_leaving() -> None:
    account = an_account(core=1)
    removal = giving_back.schedule_removal(account.by, "core", 1)
    account.from_here()

    users.create_user(account.by, "felix@example.com", "Felix", seat_types=("core",))

    cancelled = _event(account, "seat_removal.cancelled")["data"]
    assert cancelled["object"]["id"] == removal.id
    assert cancelled["cause"] == _event(account, "seat.assigned")["id"]
    assert account.numbers("core") == (1, 1, 0)


def test_r22_a_removal_that_gave_way_carries_the_numbers_after_it() -> None:
    account = an_account(core=3)
    giving_back.schedule_removal(account.by, "core", 3)
    priya = account.user("Priya")

    assign_seat(account.by, priya, "core")

    reduced = _event(account, "seat_removal.reduced")["data"]
    assert (reduced["pool"]["assigned"], reduced["pool"]["scheduled_removal"]) == (1, 2)
    assert (reduced["object"]["quantity"], reduced["object"]["renewal_quantity"]) == (2, 1)
    assert account.numbers("core") == (3, 1, 2)


def test_r23b_a_seat_that_left_at_a_renewal_nobody_has_seen_cannot_be_assigned(
    hands: Hands,
) -> None:
    account = an_account(core=1)
    giving_back.schedule_removal(account.by, "core", 1)
    priya = account.user("Priya")
    hands.move_to(NEXT_RENEWAL)

    with pytest.raises(NoSeatAvailable) as refusal:
        assign_seat(account.by, priya, "core")

    assert refusal.value.facts == {"seat_type": "core", "purchased": 0, "assigned": 0}
    assert account.seats_of(priya) == ["view_only"]


def test_r22_a_millisecond_before_the_renewal_it_still_can(hands: Hands) -> None:
    account = an_account(core=1)
    giving_back.schedule_removal(account.by, "core", 1)
    priya = account.user("Priya")
    hands.move_to(NEXT_RENEWAL)
    hands.move(milliseconds=-1)

    assign_seat(account.by, priya, "core")

    assert account.numbers("core") == (1, 1, 0)


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


@pytest.mark.parametrize(
    ("seat_type", "refused", "facts"),
    [
        pytest.param(
            "gold",
            Unknown,
            {"field": "seat_type", "value": "gold"},
            id="a type that the catalogue does not have",
        ),
        pytest.param(
            "service",
            SeatTypeNotAvailable,
            {"seat_type": "service"},
            id="a type that no subscription sells",
        ),
        pytest.param("free", SeatTypeNotAvailable, {"seat_type": "free"}, id="the free tools"),
        pytest.param("partner", UserNotEligible, {"seat_type": "partner"}, id="not eligible"),
        pytest.param("sales", AlreadyAssigned, {"seat_type": "sales"}, id="what he holds already"),
        pytest.param(
            "view_only",
            ExclusiveSeat,
            {"seat_type": "view_only", "held": ["sales"]},
            id="an exclusive type beside the other seat",
        ),
    ],
)
def test_r8_a_seat_is_not_changed_to_what_could_not_be_assigned(
    seat_type: str, refused: type[Exception], facts: dict[str, Any]
) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 2})
    priya = account.user("Priya", seats=["core", "sales"])

    with pytest.raises(refused) as refusal:
        change_seat(account.by, account.seat(priya, "core"), seat_type)

    told: dict[str, Any] = refusal.value.facts  # type: ignore[attr-defined]
    assert told | facts == told
    assert account.seats_of(priya) == ["core", "sales"]
    assert (account.numbers("core"), account.numbers("sales")) == ((10, 1, 0), (2, 1, 0))
    assert account.happened() == []


def test_r11_the_refusal_of_a_change_says_how_many_there_are() -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user("Priya")

    with pytest.raises(NoSeatAvailable) as refusal:
        change_seat(account.by, account.seat(priya, "view_only"), "core")

    assert refusal.value.facts == {"seat_type": "core", "purchased": 1, "assigned": 1}
    assert account.seats_of(priya) == ["view_only"]
    assert account.happened() == []


def test_r13_the_seat_of_a_deactivated_user_is_not_changed() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    account.deactivate(priya)

    with pytest.raises(UserDeactivated) as refusal:
        change_seat(account.by, account.seat(priya, "core"), "view_only")

    assert refusal.value.facts == {"user_id": priya}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_an_unknown_seat_is_not_changed() -> None:
    account = an_account()

    with pytest.raises(NotFound) as refusal:
        change_seat(account.by, "seat_unknown", "core")

    assert refusal.value.facts == {"kind": "seat", "id": "seat_unknown"}
    assert account.happened() == []


@pytest.mark.parametrize("scope", [Scope.USERS, Scope.BILLING, Scope.READ])
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(take_back, id="taking back"),
        pytest.param(lambda by, seat_id: change_seat(by, seat_id, "view_only"), id="changing"),
    ],
)
def test_r10_only_the_scope_for_seats_changes_them(command: Any, scope: Scope) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    with pytest.raises(PermissionDenied) as refusal:
        command(account.key(scope), account.seat(priya, "core"))

    assert refusal.value.facts == {"kind": "scope", "missing": "seats"}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_r2_a_legacy_seat_is_not_changed_to_another_kind_of_pricing() -> None:
    account = a_legacy_account(sales=1)
    otto = account.user("Otto", seats=["sales"])

    with pytest.raises(SeatTypeNotAvailable, match="legacy"):
        change_seat(account.by, account.seat(otto, "sales"), "view_only")

    assert account.seats_of(otto) == ["sales"]
    assert account.happened() == []


def test_r32_changing_from_one_full_pool_to_the_last_seat_of_another_tells_both_lines() -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={"sales": 1})
    priya = account.user("Priya", seats=["core"])

    change_seat(account.by, account.seat(priya, "core"), "sales")

    assert account.happened() == ["seat.changed", "pool.exhausted", "pool.replenished"]
    changed, exhausted, replenished = account.events()[:3]
    assert exhausted["data"]["object"]["seat_type"] == "sales"
    assert replenished["data"]["object"]["seat_type"] == "core"
    assert exhausted["data"]["cause"] == replenished["data"]["cause"] == changed["id"]


def test_r22_changing_to_a_seat_that_was_to_leave_cancels_its_removal() -> None:
    account = an_account(core=1)
    removal = giving_back.schedule_removal(account.by, "core", 1)
    priya = account.user("Priya")

    change_seat(account.by, account.seat(priya, "view_only"), "core")

    cancelled = _event(account, "seat_removal.cancelled")["data"]
    assert cancelled["object"]["id"] == removal.id
    assert cancelled["cause"] == _event(account, "seat.changed")["id"]
    assert account.numbers("core") == (1, 1, 0)


def test_r32_a_change_from_a_free_seat_has_no_former_pool() -> None:
    account = an_account(core=2)
    priya = account.user("Priya")

    change_seat(account.by, account.seat(priya, "view_only"), "core")

    changed = _event(account, "seat.changed")["data"]
    assert changed["previous"] == {"seat_type": "view_only", "pool_id": None}
    assert changed.get("previous_pool") is None
    assert changed["pool"]["assigned"] == 1


def test_r8_changing_to_a_richer_type_returns_the_one_that_it_includes() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", seats={"sales": 2})
        account.subscribe("service", seats={"service": 2})
        priya = account.user("Priya", seats=["core", "service"])
        seat_id = account.seat(priya, "service")

        change_seat(account.by, seat_id, "sales")

        assert account.shown(priya)["seats"] == [{"id": seat_id, "seat_type": "sales"}]
        assert account.numbers("core") == (1, 0, 0)
        assert account.happened() == ["seat.changed", "seat.unassigned", "pool.replenished"]
        assert _event(account, "seat.unassigned")["data"]["reason"] == "replaced"


def test_r8_changing_beside_a_richer_type_to_one_that_it_includes_is_refused() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", seats={"sales": 1})
        account.subscribe("service", seats={"service": 1})
        priya = account.user("Priya", seats=["sales", "service"])

        with pytest.raises(IncludedInHeldSeat) as refusal:
            change_seat(account.by, account.seat(priya, "service"), "core")

        assert refusal.value.facts == {"seat_type": "core", "user_id": priya, "held": "sales"}
        assert account.seats_of(priya) == ["sales", "service"]
        assert account.happened() == []


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        pytest.param("sales", "core", id="to the poorer type"),
        pytest.param("core", "sales", id="to the richer type"),
    ],
)
def test_r8_a_seat_can_be_changed_to_what_it_includes_and_back(held: str, wanted: str) -> None:
    with in_which_sales_includes_core():
        account = an_account(core=2)
        account.subscribe("sales", seats={"sales": 2})
        priya = account.user("Priya", seats=[held])
        seat_id = account.seat(priya, held)

        change_seat(account.by, seat_id, wanted)

        assert account.shown(priya)["seats"] == [{"id": seat_id, "seat_type": wanted}]
        assert account.numbers(held) == (2, 0, 0)
        assert account.numbers(wanted) == (2, 1, 0)
        assert account.happened() == ["seat.changed"]


def test_r8_what_was_changed_to_the_viewing_seat_is_exclusive_from_then_on() -> None:
    account = an_account(core=2)
    priya = account.user("Priya", seats=["core"])
    change_seat(account.by, account.seat(priya, "core"), "view_only")

    assign_seat(account.by, priya, "core")

    assert account.seats_of(priya) == ["core"]


def test_a_seat_whose_version_is_the_one_that_was_read_is_changed() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    seat = change_seat(account.by, account.seat(priya, "core"), "view_only", if_match=1)

    assert seat.version == 2
    assert account.seats_of(priya) == ["view_only"]


def test_even_a_change_to_what_it_is_needs_the_version_that_is() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    with pytest.raises(PreconditionFailed) as refusal:
        change_seat(account.by, account.seat(priya, "core"), "core", if_match=2)

    assert refusal.value.facts == {"kind": "seat", "version": 1}
    assert account.happened() == []


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


def test_r32_assigning_what_is_held_keeps_a_pending_removal_and_the_full_pool() -> None:
    account = an_account(core=2)
    felix = account.user("Felix", status="invited", seats=["core"])
    giving_back.schedule_removal(account.by, "core", 1)
    account.from_here()

    seat = assign_seat(account.by, felix, "core")

    assert (seat.id, seat.version) == (account.seat(felix, "core"), 1)
    assert account.numbers("core") == (2, 1, 1)
    assert account.happened() == []


def test_r13_to_a_deactivated_user_not_even_what_he_holds_is_assigned() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    account.deactivate(priya)

    with pytest.raises(UserDeactivated) as refusal:
        assign_seat(account.by, priya, "core")

    assert refusal.value.facts == {"user_id": priya}
    assert account.happened() == []
