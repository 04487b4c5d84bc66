"""Giving seats to users, changing them, taking them back (R2, R5 to R8, R11 to R13, R22)."""

import pytest

from licensing.operations import giving_back
from licensing.operations.assigning import (
    assign_seat,
    change_seat,
    take_back,
    take_back_and_give_back,
)
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import (
    AlreadyAssigned,
    BelowMinimum,
    ExclusiveSeat,
    IncludedInHeldSeat,
    InvitationExpired,
    NoSeatAvailable,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    SeatRequired,
    SeatTypeNotAvailable,
    Unknown,
    UserDeactivated,
    UserNotEligible,
)
from tests.world import (
    NEXT_RENEWAL,
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


def test_r8_a_second_seat_of_the_type_is_refused() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    with pytest.raises(AlreadyAssigned) as refusal:
        assign_seat(admin, priya, "core")

    assert refusal.value.seat_id == account.seat(priya, "core")
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
