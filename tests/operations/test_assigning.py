"""Giving seats to users (R2, R4, R5, R7, R8, R11, R13, R22)."""

from typing import Any

import pytest

from licensing.operations import giving_back, users
from licensing.operations.assigning import (
    assign_seat,
    take_back,
)
from licensing.rules.permissions import Scope
from licensing.rules.refusals import (
    ExclusiveSeat,
    IncludedInHeldSeat,
    InvitationExpired,
    NoSeatAvailable,
    NotFound,
    PermissionDenied,
    SeatTypeNotAvailable,
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


def _event(account: AnAccount, event_type: str) -> dict[str, Any]:
    (event,) = [event for event in account.events() if event["type"] == event_type]
    return event


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


def test_r13_an_invited_user_can_be_given_a_seat() -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited")

    assign_seat(account.user_admin, felix, "core")

    assert account.numbers("core") == (1, 1, 0)


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
