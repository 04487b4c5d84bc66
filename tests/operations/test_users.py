"""Users who come: invited or active at once, with seats or without (R2, R4, R8, R10, R11, R31)."""

from typing import Any

import pytest

from licensing.operations.deactivating import delete_user
from licensing.operations.users import (
    create_user,
    update_user,
)
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import (
    EmailTaken,
    ExclusiveSeat,
    ExternalIdTaken,
    IncludedInHeldSeat,
    NoSeatAvailable,
    PermissionDenied,
    SeatTypeNotAvailable,
    Unknown,
    UserNotEligible,
)
from tests.world import (
    a_free_account,
    a_legacy_account,
    an_account,
    in_days,
    in_which_sales_includes_core,
)


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


def test_r8_a_new_user_with_two_seats_gets_both_and_no_viewing_one() -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={"sales": 1})

    holder = create_user(
        account.by, "a@example.com", "A", status="active", seat_types=("core", "sales", "core")
    )

    assert holder.seat_types == ["core", "sales"]
    assert (account.numbers("core"), account.numbers("sales")) == ((1, 1, 0), (1, 1, 0))
    assert account.happened() == [
        "user.created",
        "seat.assigned",
        "pool.exhausted",
        "seat.assigned",
        "pool.exhausted",
    ]


def test_r31_what_was_given_with_a_new_user_comes_back_in_the_event() -> None:
    account = an_account()
    admin = account.super_admin

    create_user(
        admin,
        "Felix@Example.com",
        "Felix",
        permissions=frozenset({Permission.MODIFY_BILLING, Permission.MANAGE_USERS}),
        external_id="crm-7",
        metadata={"team": "north"},
    )

    created = account.events()[0]["data"]
    assert created["actor"] == {"type": "user", "id": admin.id}
    shown = created["object"]
    assert (shown["email"], shown["status"]) == ("Felix@Example.com", "invited")
    assert shown["permissions"] == ["manage_users", "modify_billing"]
    assert (shown["external_id"], shown["metadata"]) == ("crm-7", {"team": "north"})
    assert account.happened() == ["user.created"]


@pytest.mark.parametrize(
    ("seat_types", "refused", "facts"),
    [
        pytest.param(("gold",), Unknown, {"value": "gold"}, id="a type that nobody knows"),
        pytest.param(
            ("service",), SeatTypeNotAvailable, {"seat_type": "service"}, id="one nobody sells"
        ),
        pytest.param(("partner",), UserNotEligible, {"seat_type": "partner"}, id="not eligible"),
        pytest.param(
            ("core", "view_only"), ExclusiveSeat, {"held": ["core"]}, id="two that exclude"
        ),
        pytest.param(
            ("core", "sales"),
            NoSeatAvailable,
            {"seat_type": "sales", "purchased": 1, "assigned": 1},
            id="the second of two has run out",
        ),
    ],
)
def test_r11_a_user_whose_seats_are_refused_is_not_made(
    seat_types: tuple[str, ...], refused: type[Exception], facts: dict[str, Any]
) -> None:
    account = an_account(core=2)
    account.subscribe("sales", seats={"sales": 1})
    account.user(seats=["sales"])

    with pytest.raises(refused) as refusal:
        create_user(account.by, "a@example.com", "A", status="active", seat_types=seat_types)

    told: dict[str, Any] = refusal.value.facts  # type: ignore[attr-defined]
    assert told | facts == told
    assert account.numbers("core") == (2, 0, 0)
    assert account.happened() == []


def test_r8_a_new_user_given_the_richer_seat_and_then_the_included_one_is_not_made() -> None:
    with in_which_sales_includes_core():
        account = an_account()
        account.subscribe("sales", seats={"sales": 1})

        with pytest.raises(IncludedInHeldSeat) as refusal:
            create_user(account.by, "a@example.com", "A", seat_types=("sales", "core"))

        assert (refusal.value.seat_type, refusal.value.held) == ("core", "sales")
        assert account.numbers("sales") == (1, 0, 0)
        assert account.happened() == []


@pytest.mark.parametrize("seat_type", ["core", "view_only", "partner"])
def test_r2_nobody_starts_in_a_legacy_account_with_another_type(seat_type: str) -> None:
    account = a_legacy_account()

    with pytest.raises(SeatTypeNotAvailable, match="legacy"):
        create_user(
            account.by, "a@example.com", "A", partner_eligible=True, seat_types=(seat_type,)
        )

    assert account.happened() == []


def test_the_refusal_of_an_address_says_whose_it_is() -> None:
    account = an_account()
    priya = account.user("Priya", email="priya@example.com")

    with pytest.raises(EmailTaken) as refusal:
        create_user(account.by, "PRIYA@example.com", "Another", seat_types=("core",))

    assert refusal.value.facts == {"email": "PRIYA@example.com", "user_id": priya}
    assert account.numbers("core") == (10, 0, 0)
    assert account.happened() == []


@pytest.mark.parametrize("status", ["invited", "deactivated"])
def test_an_address_is_taken_by_who_was_invited_or_has_left_too(status: str) -> None:
    account = an_account()
    felix = account.user("Felix", email="felix@example.com", status="invited")
    update_user(account.by, felix, {"status": status})
    account.from_here()

    with pytest.raises(EmailTaken) as refusal:
        create_user(account.by, "felix@example.com", "Felix")

    assert refusal.value.user_id == felix
    assert account.happened() == []


def test_who_is_invited_again_after_being_deleted_is_somebody_new() -> None:
    account = an_account(core=1)
    felix = account.user("Felix", email="felix@example.com", status="invited", seats=["core"])
    delete_user(account.by, felix, take_seats=True)
    account.from_here()

    holder = create_user(account.by, "felix@example.com", "Felix", seat_types=("core",))

    assert holder.user.id != felix
    assert account.numbers("core") == (1, 1, 0)
    assert account.happened() == ["user.created", "seat.assigned", "pool.exhausted"]


@pytest.mark.parametrize(
    ("scopes", "seat_types", "missing"),
    [
        pytest.param((Scope.SEATS,), (), "users", id="a key for seats makes no users"),
        pytest.param((Scope.USERS,), ("core",), "seats", id="one for users gives no seats"),
    ],
)
def test_r10_the_refusal_names_the_scope_that_a_new_user_takes(
    scopes: tuple[Scope, ...], seat_types: tuple[str, ...], missing: str
) -> None:
    account = an_account()

    with pytest.raises(PermissionDenied) as refusal:
        create_user(account.key(*scopes), "a@example.com", "A", seat_types=seat_types)

    assert refusal.value.facts == {"kind": "scope", "missing": missing}
    assert account.happened() == []
