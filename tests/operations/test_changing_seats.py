"""Changing a seat to another type (R2, R8, R11, R22, R32)."""

from typing import Any

import pytest

from licensing.operations import giving_back
from licensing.operations.assigning import (
    assign_seat,
    change_seat,
    take_back,
)
from licensing.rules.permissions import Scope
from licensing.rules.refusals import (
    AlreadyAssigned,
    ExclusiveSeat,
    IncludedInHeldSeat,
    NoSeatAvailable,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    SeatTypeNotAvailable,
    Unknown,
    UserDeactivated,
    UserNotEligible,
)
from tests.world import (
    AnAccount,
    a_legacy_account,
    an_account,
    in_which_sales_includes_core,
)


def _event(account: AnAccount, event_type: str) -> dict[str, Any]:
    (event,) = [event for event in account.events() if event["type"] == event_type]
    return event


def test_r8_a_seat_is_not_changed_to_a_type_that_its_holder_has_already() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 2})
    priya = account.user("Priya", seats=["core", "sales"])
    admin = account.user_admin

    with pytest.raises(AlreadyAssigned) as refusal:
        change_seat(admin, account.seat(priya, "core"), "sales")

    assert refusal.value.seat_id == account.seat(priya, "sales")
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
