"""Users: invite, accept, change, report activity (R7, R8, R10, R13, R31)."""

from typing import Any

import pytest

from licensing.operations import giving_back
from licensing.operations.activity import record_activity
from licensing.operations.deactivating import delete_user
from licensing.operations.users import (
    accept_invitation,
    create_user,
    update_user,
)
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import (
    AccountClosed,
    EmailTaken,
    ExclusiveSeat,
    ExternalIdTaken,
    IncludedInHeldSeat,
    InvitationExpired,
    InvitationNotPending,
    LastSuperAdmin,
    NoSeatAvailable,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    SeatTypeNotAvailable,
    Unacceptable,
    Unknown,
    UserNotEligible,
)
from tests.world import (
    AnAccount,
    Hands,
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


def test_r10_nobody_grants_what_he_does_not_have() -> None:
    account = an_account()
    admin = account.user_admin
    everything = frozenset({Permission.SUPER_ADMIN})

    with pytest.raises(PermissionDenied, match="super_admin"):
        create_user(admin, "felix@example.com", "Felix", permissions=everything)
    with pytest.raises(PermissionDenied, match="super_admin"):
        update_user(admin, admin.id, {"permissions": list(everything)})

    assert account.happened() == []


def test_r13_accepting_works_when_the_pool_is_exactly_full() -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])

    accept_invitation(account.user_admin, felix)

    shown = account.shown(felix)
    assert (shown["status"], shown["invitation"]) == ("active", "accepted")
    assert account.happened() == ["user.invitation_accepted"]


def test_r8_who_accepts_without_a_seat_gets_the_viewing_one() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")

    accept_invitation(account.user_admin, felix)

    assert account.seats_of(felix) == ["view_only"]


def test_r32_accepting_twice_tells_nothing_more() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    accept_invitation(account.user_admin, felix)
    admin = account.user_admin

    accept_invitation(admin, felix)

    assert account.happened() == []


def test_r13_an_expired_invitation_cannot_be_accepted(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    hands.move(days=14)

    with pytest.raises(InvitationExpired):
        accept_invitation(account.user_admin, felix)

    assert account.shown(felix)["invitation"] == "expired"


def test_r13_a_user_who_was_never_invited_has_nothing_to_accept() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(InvitationNotPending):
        accept_invitation(account.user_admin, priya)


def test_r13_an_invitation_that_is_over_can_be_given_again(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    hands.move(days=30)

    update_user(account.user_admin, felix, {"status": "invited"})

    shown = account.shown(felix)
    assert (shown["status"], shown["invitation"]) == ("invited", "pending")
    accept_invitation(account.user_admin, felix)


def test_r32_inviting_again_while_the_invitation_is_open_tells_nothing() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    admin = account.user_admin

    update_user(admin, felix, {"status": "invited"})

    assert account.happened() == []


def test_an_active_user_is_not_invited_again() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(InvitationNotPending):
        update_user(account.user_admin, priya, {"status": "invited"})


def test_a_change_tells_what_was_before() -> None:
    account = an_account()
    priya = account.user("Priya")

    update_user(account.user_admin, priya, {"name": "Priya R.", "email": "pr@example.com"})

    (event,) = account.events()
    assert event["type"] == "user.updated"
    assert event["data"]["object"]["name"] == "Priya R."
    assert event["data"]["previous"]["name"] == "Priya"


def test_r32_a_change_to_what_is_tells_nothing() -> None:
    account = an_account()
    priya = account.user("Priya", metadata={"team": "north"})
    admin = account.user_admin
    before = account.shown(priya)

    update_user(admin, priya, {"name": "Priya", "metadata": {"team": "north"}})

    assert account.shown(priya) == before
    assert account.happened() == []


def test_r31_metadata_is_merged_and_null_removes_a_key() -> None:
    account = an_account()
    priya = account.user("Priya", metadata={"team": "north", "desk": "4"})

    update_user(account.user_admin, priya, {"metadata": {"desk": None, "floor": "2"}})

    assert account.shown(priya)["metadata"] == {"team": "north", "floor": "2"}


def test_r31_metadata_has_at_most_twenty_entries() -> None:
    account = an_account()
    priya = account.user("Priya", metadata={f"key{n}": "x" for n in range(20)})

    with pytest.raises(Unacceptable, match="20"):
        update_user(account.user_admin, priya, {"metadata": {"one_more": "x"}})


def test_the_address_of_somebody_else_is_refused() -> None:
    account = an_account()
    account.user("Noah", email="noah@example.com")
    priya = account.user("Priya")

    with pytest.raises(EmailTaken):
        update_user(account.user_admin, priya, {"email": "NOAH@example.com"})


def test_a_user_who_has_changed_since_he_was_read_is_left_alone() -> None:
    account = an_account()
    priya = account.user("Priya")
    admin = account.user_admin
    version = account.shown(priya)["version"]

    with pytest.raises(PreconditionFailed) as refusal:
        update_user(admin, priya, {"name": "P"}, if_match=version - 1)

    assert refusal.value.version == version
    assert account.happened() == []


def test_r7_losing_eligibility_ends_the_seat_and_leaves_the_viewing_one() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    update_user(account.user_admin, dana, {"partner_eligible": False})

    assert account.seats_of(dana) == ["view_only"]
    assert account.happened() == ["user.updated", "seat.unassigned", "seat.assigned"]
    assert account.events()[1]["data"]["reason"] == "eligibility_lost"


def test_r10_the_last_super_admin_keeps_the_permission() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(LastSuperAdmin):
        update_user(admin, admin.id, {"permissions": []})

    assert account.happened() == []


def test_r10_one_of_two_super_admins_can_step_down() -> None:
    account = an_account()
    first, second = account.super_admin, account.super_admin

    update_user(first, second.id, {"permissions": ["manage_users"]})

    assert account.shown(second.id)["permissions"] == ["manage_users"]


def test_the_user_of_another_account_cannot_be_changed() -> None:
    account, stranger = an_account(), an_account()
    priya = account.user("Priya")

    with pytest.raises(NotFound):
        update_user(stranger.user_admin, priya, {"name": "Mallory"})


def test_r27_activity_is_noted_and_an_older_date_changes_nothing() -> None:
    account = an_account()
    priya = account.user("Priya")
    service = account.key(Scope.USERS)

    record_activity(service, priya, in_days(-2))
    record_activity(service, priya, in_days(-5))

    assert account.shown(priya)["last_active_at"] == "2026-02-28T09:00:00.000Z"
    assert account.happened() == []


def test_r27_nobody_is_active_in_the_future() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(Unacceptable, match="future"):
        record_activity(account.key(Scope.USERS), priya, in_days(1))


def test_r10_users_do_not_report_their_own_activity() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(PermissionDenied, match="scope users"):
        record_activity(admin, admin.id)


def test_activity_of_an_unknown_user_is_refused() -> None:
    account = an_account()

    with pytest.raises(NotFound):
        record_activity(account.key(Scope.USERS), "usr_unknown")


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


def _promotes_himself(account: AnAccount, permission: str) -> Any:
    admin = account.user_admin
    return update_user(admin, admin.id, {"permissions": ["manage_users", permission]})


def _promotes_another(account: AnAccount, permission: str) -> Any:
    return update_user(account.user_admin, account.user(), {"permissions": [permission]})


def _makes_another(account: AnAccount, permission: str) -> Any:
    permissions = frozenset({Permission(permission)})
    return create_user(account.user_admin, "a@example.com", "A", permissions=permissions)


def _demotes_another(account: AnAccount, permission: str) -> Any:
    holder = account.user(permissions=frozenset({Permission(permission)}))
    return update_user(account.user_admin, holder, {"permissions": []})


@pytest.mark.parametrize("permission", ["super_admin", "modify_billing"])
@pytest.mark.parametrize(
    "escalates",
    [
        pytest.param(_promotes_himself, id="by promoting himself"),
        pytest.param(_promotes_another, id="by promoting another"),
        pytest.param(_makes_another, id="by making another"),
        pytest.param(_demotes_another, id="by demoting another"),
    ],
)
def test_r10_nobody_gives_or_takes_what_he_does_not_have(escalates: Any, permission: str) -> None:
    account = an_account()

    with pytest.raises(PermissionDenied) as refusal:
        escalates(account, permission)

    assert refusal.value.facts == {"kind": "permission", "missing": permission}
    assert account.happened() == []


def test_r10_what_he_has_himself_he_grants() -> None:
    account = an_account()
    priya = account.user("Priya")

    update_user(account.user_admin, priya, {"permissions": ["manage_users"]})

    assert account.shown(priya)["permissions"] == ["manage_users"]
    assert account.happened() == ["user.updated"]
    assert account.events()[0]["data"]["previous"] == {"permissions": []}


def test_r10_a_change_of_something_else_leaves_the_permissions_of_a_super_admin_alone() -> None:
    account = an_account()
    amara = account.user("Amara", permissions=frozenset({Permission.SUPER_ADMIN}))

    update_user(account.user_admin, amara, {"name": "Amara O.", "permissions": ["super_admin"]})

    assert account.shown(amara)["permissions"] == ["super_admin"]
    assert account.events()[0]["data"]["previous"] == {"name": "Amara"}


def test_r10_a_service_that_manages_users_makes_the_first_super_admin() -> None:
    account = an_account()
    everything = frozenset({Permission.SUPER_ADMIN})

    holder = create_user(
        account.key(Scope.USERS), "a@example.com", "A", status="active", permissions=everything
    )

    assert holder.user.permissions == ["super_admin"]
    assert account.happened() == ["user.created", "seat.assigned"]


def test_r10_a_super_admin_who_has_not_accepted_does_not_count_as_one() -> None:
    account = an_account()
    admin = account.super_admin
    account.user("Felix", status="invited", permissions=frozenset({Permission.SUPER_ADMIN}))

    with pytest.raises(LastSuperAdmin) as refusal:
        update_user(admin, admin.id, {"permissions": ["manage_users"]})

    assert refusal.value.facts == {"user_id": admin.id}
    assert account.shown(admin.id)["permissions"] == ["super_admin"]
    assert account.happened() == []


def test_r10_once_he_has_accepted_the_first_one_can_step_down() -> None:
    account = an_account()
    admin = account.super_admin
    felix = account.user("Felix", status="invited", permissions=frozenset({Permission.SUPER_ADMIN}))
    accept_invitation(account.by, felix)

    update_user(admin, admin.id, {"permissions": []})

    assert account.shown(admin.id)["permissions"] == []


def test_r10_in_one_change_nobody_steps_down_from_the_last_and_changes_his_name() -> None:
    account = an_account()
    admin = account.super_admin
    before = account.shown(admin.id)

    with pytest.raises(LastSuperAdmin):
        update_user(admin, admin.id, {"name": "Somebody", "permissions": []})

    assert account.shown(admin.id) == before
    assert account.happened() == []


def test_r13_an_invitation_is_good_until_its_last_millisecond(hands: Hands) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    hands.move(days=14, milliseconds=-1)

    accept_invitation(account.by, felix)

    shown = account.shown(felix)
    assert (shown["status"], shown["invitation_expires_at"]) == ("active", None)
    assert account.happened() == ["user.invitation_accepted", "seat.assigned"]


def test_r13_the_refusal_of_an_expired_invitation_says_since_when(hands: Hands) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    hands.move(days=14)

    with pytest.raises(InvitationExpired) as refusal:
        accept_invitation(account.by, felix)

    assert refusal.value.facts == {"user_id": felix, "expired_at": "2026-03-16T09:00:00.000Z"}
    assert account.shown(felix)["status"] == "invited"
    assert account.happened() == []


def test_r13_an_invitation_expires_at_its_date_whatever_runs_when(hands: Hands) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    hands.move(days=20)

    giving_back.schedule_removal(account.by, "core", 1)

    expired, ended = account.events()[:2]
    assert expired["type"] == "user.invitation_expired"
    assert expired["data"]["object"]["id"] == felix
    assert expired["data"]["effective_at"] == "2026-03-16T09:00:00.000Z"
    assert expired["timestamp"] == "2026-03-22T09:00:00.000Z"
    assert expired["data"]["actor"]["type"] == "system"
    assert (ended["data"]["reason"], ended["data"]["cause"]) == (
        "invitation_expired",
        expired["id"],
    )
    assert account.numbers("core") == (1, 0, 1)


def test_r32_an_invitation_expires_once(hands: Hands) -> None:
    account = an_account()
    account.user("Felix", status="invited", seats=["core"])
    hands.move(days=14)
    giving_back.schedule_removal(account.by, "core", 1)
    account.from_here()

    giving_back.schedule_removal(account.by, "core", 1)

    assert account.happened() == ["seat_removal.scheduled"]


@pytest.mark.parametrize(
    ("status", "invitation"),
    [
        pytest.param("active", "none", id="who was never invited"),
        pytest.param("deactivated", "revoked", id="whose invitation was revoked"),
    ],
)
def test_r13_the_refusal_says_what_became_of_the_invitation(status: str, invitation: str) -> None:
    account = an_account()
    felix = account.user("Felix", status="active" if status == "active" else "invited")
    update_user(account.by, felix, {"status": status})
    account.from_here()

    with pytest.raises(InvitationNotPending) as refusal:
        accept_invitation(account.by, felix)

    assert refusal.value.facts == {"user_id": felix, "invitation": invitation}
    assert account.shown(felix)["status"] == status
    assert account.happened() == []


def test_r13_who_was_deactivated_after_accepting_does_not_come_back_by_accepting() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    accept_invitation(account.by, felix)
    account.deactivate(felix)

    with pytest.raises(InvitationNotPending) as refusal:
        accept_invitation(account.by, felix)

    assert refusal.value.facts == {"user_id": felix, "invitation": "accepted"}
    assert account.shown(felix)["status"] == "deactivated"
    assert account.happened() == []


def test_an_unknown_user_accepts_nothing() -> None:
    account = an_account()

    with pytest.raises(NotFound) as refusal:
        accept_invitation(account.by, "usr_unknown")

    assert refusal.value.facts == {"kind": "user", "id": "usr_unknown"}
    assert account.happened() == []


def test_r13_who_is_invited_again_has_two_weeks_and_no_seat(hands: Hands) -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    hands.move(days=30)

    update_user(account.by, felix, {"status": "invited"})

    shown = account.shown(felix)
    assert (shown["invitation"], shown["seats"]) == ("pending", [])
    assert shown["invitation_expires_at"] == "2026-04-15T09:00:00.000Z"
    assert account.numbers("core") == (1, 0, 0)
    assert account.happened() == [
        "user.invitation_expired",
        "seat.unassigned",
        "pool.replenished",
        "user.updated",
    ]


def test_r13_an_address_whose_invitation_is_over_is_invited_again_and_not_made_twice(
    hands: Hands,
) -> None:
    account = an_account()
    felix = account.user("Felix", status="invited", email="felix@example.com")
    hands.move(days=30)

    with pytest.raises(EmailTaken) as refusal:
        create_user(account.by, "felix@example.com", "Felix")

    assert refusal.value.user_id == felix
    assert account.happened() == []


@pytest.mark.parametrize(
    ("change", "previous"),
    [
        pytest.param({"name": "Priya R."}, {"name": "Priya"}, id="name"),
        pytest.param({"email": "PRIYA@example.com"}, {"email": "priya@example.com"}, id="case"),
        pytest.param({"external_id": "crm-1"}, {"external_id": None}, id="external id"),
        pytest.param({"metadata": {"a": "b"}}, {"metadata": {"z": "1"}}, id="metadata"),
        pytest.param({"metadata": None}, {"metadata": {"z": "1"}}, id="no metadata"),
        pytest.param({"partner_eligible": True}, {"partner_eligible": False}, id="eligibility"),
        pytest.param(
            {"name": "P", "metadata": {"z": "1"}}, {"name": "Priya"}, id="only one of two"
        ),
    ],
)
def test_r29_the_event_has_just_what_was_otherwise(
    change: dict[str, Any], previous: dict[str, Any]
) -> None:
    account = an_account()
    priya = account.user("Priya", email="priya@example.com", metadata={"z": "1"}, seats=["core"])

    update_user(account.by, priya, change)

    (event,) = account.events()
    assert event["type"] == "user.updated"
    assert event["data"]["previous"] == previous
    assert account.seats_of(priya) == ["core"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"email": "priya@example.com"}, id="the same address"),
        pytest.param({"external_id": "crm-1"}, id="the same external id"),
        pytest.param({"permissions": ["modify_billing", "manage_users"]}, id="another order"),
        pytest.param({"metadata": {}}, id="an empty patch"),
        pytest.param({"metadata": {"unknown": None}}, id="removing what is not there"),
        pytest.param({"status": "active", "partner_eligible": False}, id="what is"),
    ],
)
def test_r32_setting_what_is_set_answers_the_same(change: dict[str, Any]) -> None:
    account = an_account()
    both = frozenset({Permission.MANAGE_USERS, Permission.MODIFY_BILLING})
    priya = account.user("Priya", email="priya@example.com", external_id="crm-1", permissions=both)
    before = account.shown(priya)

    update_user(account.by, priya, change)

    assert account.shown(priya) == before
    assert account.happened() == []


def test_r31_the_external_id_of_somebody_else_is_refused() -> None:
    account = an_account()
    noah = account.user("Noah", external_id="crm-1")
    priya = account.user("Priya")

    with pytest.raises(ExternalIdTaken) as refusal:
        update_user(account.by, priya, {"external_id": "crm-1"})

    assert refusal.value.facts == {"kind": "user", "external_id": "crm-1", "id": noah}
    assert account.shown(priya)["external_id"] is None
    assert account.happened() == []


def test_the_refusal_of_a_taken_address_leaves_the_name_as_it_was() -> None:
    account = an_account()
    noah = account.user("Noah", email="noah@example.com")
    priya = account.user("Priya")

    with pytest.raises(EmailTaken) as refusal:
        update_user(account.by, priya, {"name": "P", "email": "NOAH@example.com"})

    assert refusal.value.facts == {"email": "NOAH@example.com", "user_id": noah}
    assert account.shown(priya)["name"] == "Priya"
    assert account.happened() == []


def test_an_unknown_user_is_not_changed() -> None:
    account = an_account()

    with pytest.raises(NotFound) as refusal:
        update_user(account.by, "usr_unknown", {"name": "P"})

    assert refusal.value.facts == {"kind": "user", "id": "usr_unknown"}
    assert account.happened() == []


def test_a_user_whose_version_is_the_one_that_was_read_is_changed() -> None:
    account = an_account()
    priya = account.user("Priya")
    version = account.shown(priya)["version"]

    holder = update_user(account.by, priya, {"name": "P"}, if_match=version)

    assert holder.user.version == account.shown(priya)["version"] == version + 1


def test_r7_who_loses_eligibility_and_holds_a_paid_seat_keeps_it() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["core"])

    update_user(account.by, dana, {"partner_eligible": False})

    assert account.seats_of(dana) == ["core"]
    assert account.happened() == ["user.updated"]


def test_r7_on_the_free_tools_losing_eligibility_leaves_the_free_seat() -> None:
    account = a_free_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    update_user(account.by, dana, {"partner_eligible": False})

    assert account.seats_of(dana) == ["free"]
    updated, ended, given = account.events()[:3]
    assert (ended["data"]["reason"], given["data"]["reason"]) == ("eligibility_lost", "fallback")
    assert ended["data"]["cause"] == given["data"]["cause"] == updated["id"]


@pytest.mark.parametrize(
    "status", [pytest.param("invited", id="invited"), pytest.param("deactivated", id="left")]
)
def test_r7_who_is_not_active_loses_the_seat_without_another(status: str) -> None:
    account = an_account()
    begins = "invited" if status == "invited" else "active"
    dana = account.user("Dana", status=begins, partner_eligible=True, seats=["partner"])
    update_user(account.by, dana, {"status": status})
    account.from_here()

    update_user(account.by, dana, {"partner_eligible": False})

    assert account.seats_of(dana) == []
    assert account.happened() == ["user.updated", "seat.unassigned"]


def test_r7_the_refusal_of_a_seat_for_the_eligible_holds_again_after_it_was_lost() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])
    update_user(account.by, dana, {"partner_eligible": False})

    update_user(account.by, dana, {"partner_eligible": True})

    assert account.seats_of(dana) == ["view_only"]


def test_r27_a_newer_activity_replaces_an_older_one() -> None:
    account = an_account()
    priya = account.user("Priya")
    service = account.key(Scope.USERS)
    record_activity(service, priya, in_days(-5))

    record_activity(service, priya)

    assert account.shown(priya)["last_active_at"] == "2026-03-02T09:00:00.000Z"
    assert account.happened(but=()) == []


def test_r32_the_same_activity_again_changes_nothing() -> None:
    account = an_account()
    priya = account.user("Priya")
    service = account.key(Scope.USERS)
    record_activity(service, priya, in_days(-1))
    before = account.shown(priya)

    record_activity(service, priya, in_days(-1))

    assert account.shown(priya) == before


def test_r27_activity_in_the_future_is_refused_by_name() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(Unacceptable) as refusal:
        record_activity(account.key(Scope.USERS), priya, in_days(0.001))

    assert refusal.value.facts == {"field": "at", "because": "lies in the future"}
    assert account.shown(priya)["last_active_at"] is None


@pytest.mark.parametrize("known", [True, False], ids=["known elsewhere", "known nowhere"])
def test_r10_activity_of_who_is_not_in_the_account_is_refused(known: bool) -> None:
    account, stranger = an_account(), an_account()
    priya = account.user("Priya") if known else "usr_unknown"

    with pytest.raises(NotFound) as refusal:
        record_activity(stranger.key(Scope.USERS), priya)

    assert refusal.value.facts == {"kind": "user", "id": priya}


def test_r10_activity_is_reported_with_the_scope_for_users() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(PermissionDenied) as refusal:
        record_activity(account.key(Scope.SEATS), priya)

    assert refusal.value.facts == {"kind": "scope", "missing": "users"}
    assert account.shown(priya)["last_active_at"] is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"email": "mine@example.com"}, id="taking over the address"),
        pytest.param({"status": "deactivated"}, id="deactivating"),
    ],
)
def test_r10_who_edits_users_does_not_get_at_a_super_admin(change: dict[str, str]) -> None:
    account = an_account()
    first, _ = account.super_admin, account.super_admin
    admin = account.user_admin

    with pytest.raises(PermissionDenied, match="super_admin"):
        update_user(admin, first.id, change)
    with pytest.raises(PermissionDenied, match="super_admin"):
        delete_user(admin, first.id)
    update_user(admin, first.id, {"name": "Amara O."})

    assert account.happened() == ["user.updated"]


def test_r27_a_closed_account_notes_no_activity() -> None:
    account = an_account()
    priya = account.user()
    service = account.key(Scope.USERS)
    account.close()

    with pytest.raises(AccountClosed):
        record_activity(service, priya)
