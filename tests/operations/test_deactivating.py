"""Deactivating users and letting them come back, with their seats or without (R8, R10, R13)."""

from typing import Any

import pytest

from licensing.operations import assigning, giving_back
from licensing.operations.deactivating import SeatsAfterwards
from licensing.operations.users import accept_invitation, update_user
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import (
    AlreadyAssigned,
    IncludedInHeldSeat,
    InvitationExpired,
    InvitationNotPending,
    LastSuperAdmin,
    NotFound,
    PermissionDenied,
    TransferToSelf,
    Unacceptable,
    UserDeactivated,
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

TAKE_BACK = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}


def _with_two_seats() -> tuple[AnAccount, str]:
    account = an_account(core=2)
    account.subscribe("sales", seats={"sales": 2})
    return account, account.user("Priya", seats=["core", "sales"])


def _status(account: AnAccount, user_id: str) -> str:
    return str(account.shown(user_id)["status"])


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


def test_r13_a_deactivated_user_keeps_the_seats_and_they_go_on_counting() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    update_user(account.user_admin, priya, {"status": "deactivated"})

    assert account.seats_of(priya) == ["core"]
    assert account.numbers("core") == (1, 1, 0)
    assert account.happened() == ["user.deactivated"]


def test_r13_deactivating_can_take_the_seats_back() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    change = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}
    update_user(account.user_admin, priya, change)

    assert account.seats_of(priya) == []
    assert account.numbers("core") == (1, 0, 0)
    assert account.happened() == ["seat.unassigned", "pool.replenished", "user.deactivated"]


def test_r13_taking_back_leaves_a_pending_removal_as_it_is() -> None:
    account = an_account(core=3)
    priya = account.user("Priya", seats=["core"])
    giving_back.schedule_removal(account.super_admin, "core", 2)

    change = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}
    update_user(account.user_admin, priya, change)

    assert account.numbers("core") == (3, 0, 2)


def test_r13_deactivating_can_transfer_the_seats() -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    update_user(account.user_admin, priya, {"status": "deactivated", "transfer_to": noah})

    assert (account.seats_of(priya), account.seats_of(noah)) == ([], ["core"])


def test_r13_when_the_seats_cannot_be_transferred_nobody_is_deactivated() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user(seats=["core"])
    admin = account.user_admin

    with pytest.raises(AlreadyAssigned):
        update_user(admin, priya, {"status": "deactivated", "transfer_to": noah})

    assert account.shown(priya)["status"] == "active"
    assert account.happened() == []


def test_r13_a_user_comes_back_to_the_same_seat_in_a_full_account() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    seat_id = account.seat(priya, "core")
    account.deactivate(priya)

    update_user(account.user_admin, priya, {"status": "active"})

    assert account.seat(priya, "core") == seat_id
    assert account.happened() == ["user.reactivated"]


def test_r8_who_comes_back_without_a_seat_gets_the_viewing_one() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    change = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}
    update_user(account.by, priya, change)

    update_user(account.user_admin, priya, {"status": "active"})

    assert account.seats_of(priya) == ["view_only"]


def test_r32_deactivating_twice_tells_nothing_more() -> None:
    account = an_account()
    priya = account.user("Priya")
    account.deactivate(priya)
    admin = account.user_admin

    update_user(admin, priya, {"status": "deactivated"})

    assert account.happened() == []


def test_r13_deactivating_an_invited_user_revokes_the_invitation_and_frees_the_seat() -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])

    update_user(account.user_admin, felix, {"status": "deactivated"})

    assert account.shown(felix)["invitation"] == "revoked"
    assert account.numbers("core") == (1, 0, 0)
    assert account.events()[1]["data"]["reason"] == "invitation_revoked"


def test_r13_a_revoked_invitation_has_to_be_given_again() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    account.deactivate(felix)

    with pytest.raises(InvitationNotPending):
        update_user(account.user_admin, felix, {"status": "active"})
    update_user(account.user_admin, felix, {"status": "invited"})

    assert account.shown(felix)["invitation"] == "pending"


def test_r13_an_invited_user_is_not_simply_made_active() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")

    with pytest.raises(InvitationNotPending):
        update_user(account.user_admin, felix, {"status": "active"})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seats": SeatsAfterwards.TAKE_BACK}, id="taking back"),
        pytest.param({"transfer_to": "usr_1", "status": "active"}, id="transferring"),
        pytest.param(
            {
                "status": "deactivated",
                "seats": SeatsAfterwards.TAKE_BACK,
                "transfer_to": "usr_1",
            },
            id="both at once",
        ),
    ],
)
def test_r13_what_becomes_of_the_seats_goes_with_a_deactivation(change: dict[str, str]) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    admin = account.user_admin

    with pytest.raises(Unacceptable):
        update_user(admin, priya, change)

    assert account.happened() == []


def test_r10_a_service_needs_the_scope_for_seats_to_take_them_back() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    change = {"status": "deactivated", "seats": SeatsAfterwards.TAKE_BACK}

    with pytest.raises(PermissionDenied, match="scope seats"):
        update_user(account.key(Scope.USERS), priya, change)


def test_r13_keeping_the_seats_can_be_asked_for() -> None:
    account, priya = _with_two_seats()
    admin = account.user_admin

    update_user(admin, priya, {"status": "deactivated", "seats": SeatsAfterwards.KEEP})

    assert account.seats_of(priya) == ["core", "sales"]
    deactivated = account.events()[0]["data"]
    assert deactivated["previous"] == {"status": "active"}
    assert deactivated["object"]["status"] == "deactivated"
    assert deactivated["actor"] == {"type": "user", "id": admin.id}
    assert account.happened() == ["user.deactivated"]


def test_r13_all_paid_seats_are_taken_back() -> None:
    account, priya = _with_two_seats()

    update_user(account.by, priya, TAKE_BACK)

    assert account.seats_of(priya) == []
    assert (account.numbers("core"), account.numbers("sales")) == ((2, 0, 0), (2, 0, 0))
    assert account.happened() == ["seat.unassigned", "seat.unassigned", "user.deactivated"]


@pytest.mark.parametrize("seat_type", ["view_only", "partner"])
def test_r13_a_free_seat_is_nothing_to_take_back(seat_type: str) -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=[seat_type])

    update_user(account.by, dana, TAKE_BACK)

    assert account.seats_of(dana) == [seat_type]
    assert account.happened() == ["user.deactivated"]


def test_r13_all_paid_seats_are_transferred() -> None:
    account, priya = _with_two_seats()
    noah = account.user("Noah")

    update_user(account.by, priya, {"status": "deactivated", "transfer_to": noah})

    assert (account.seats_of(priya), account.seats_of(noah)) == ([], ["core", "sales"])
    assert (account.numbers("core"), account.numbers("sales")) == ((2, 1, 0), (2, 1, 0))
    assert account.happened() == [
        "seat.transferred",
        "seat.unassigned",
        "seat.transferred",
        "user.deactivated",
    ]


def test_r13_when_one_of_two_seats_cannot_be_transferred_neither_is() -> None:
    account, priya = _with_two_seats()
    noah = account.user("Noah", seats=["sales"])

    with pytest.raises(AlreadyAssigned) as refusal:
        update_user(account.by, priya, {"status": "deactivated", "transfer_to": noah})

    assert (refusal.value.user_id, refusal.value.seat_type) == (noah, "sales")
    assert account.seats_of(priya) == ["core", "sales"]
    assert account.seats_of(noah) == ["sales"]
    assert _status(account, priya) == "active"
    assert account.happened() == []


def test_r8_what_the_receiver_has_included_cannot_be_transferred_to_him() -> None:
    with in_which_sales_includes_core():
        account = an_account()
        account.subscribe("sales", seats={"sales": 1})
        priya, noah = account.user(seats=["core"]), account.user(seats=["sales"])

        with pytest.raises(IncludedInHeldSeat) as refusal:
            update_user(account.by, priya, {"status": "deactivated", "transfer_to": noah})

        assert refusal.value.facts == {"seat_type": "core", "user_id": noah, "held": "sales"}
        assert _status(account, priya) == "active"
        assert account.happened() == []


@REFUSED_RECEIVERS
def test_r13_nobody_leaves_his_seats_to_who_cannot_have_them(receiver: Any, refused: Any) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    to = receiver(account, priya)

    with pytest.raises(refused) as refusal:
        update_user(account.by, priya, {"status": "deactivated", "transfer_to": to})

    assert to in refusal.value.facts.values()
    assert _status(account, priya) == "active"
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_r13_nor_to_somebody_whose_invitation_is_over(hands: Hands) -> None:
    account = an_account()
    priya, felix = account.user("Priya", seats=["core"]), account.user("Felix", status="invited")
    hands.move(days=14)

    with pytest.raises(InvitationExpired) as refusal:
        update_user(account.by, priya, {"status": "deactivated", "transfer_to": felix})

    assert refusal.value.facts == {"user_id": felix, "expired_at": "2026-03-16T09:00:00.000Z"}
    assert _status(account, priya) == "active"
    assert account.happened() == []


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"seats": SeatsAfterwards.TAKE_BACK}, id="taking them back"),
        pytest.param({"transfer_to": "noah"}, id="transferring them"),
    ],
)
def test_r13_of_who_is_deactivated_already_no_seat_can_be_taken(more: dict[str, str]) -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    account.deactivate(priya)
    change = {"status": "deactivated"} | {k: v.replace("noah", noah) for k, v in more.items()}

    with pytest.raises(UserDeactivated) as refusal:
        update_user(account.by, priya, change)

    assert refusal.value.facts == {"user_id": priya}
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_r32_taking_back_a_second_time_what_was_taken_back_tells_nothing() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    update_user(account.by, priya, TAKE_BACK)
    account.from_here()

    update_user(account.by, priya, TAKE_BACK)

    assert account.numbers("core") == (10, 0, 0)
    assert account.happened() == []


def test_r13_reactivating_taking_back_and_deactivating_again_is_the_way() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    account.deactivate(priya)
    update_user(account.by, priya, {"status": "active"})
    assigning.take_back(account.by, account.seat(priya, "core"))

    update_user(account.by, priya, {"status": "deactivated"})

    assert account.seats_of(priya) == ["view_only"]
    assert account.numbers("core") == (10, 0, 0)


def test_r10_a_service_needs_the_scope_for_seats_to_transfer_them() -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    service = account.key(Scope.USERS)

    with pytest.raises(PermissionDenied) as refusal:
        update_user(service, priya, {"status": "deactivated", "transfer_to": noah})

    assert refusal.value.facts == {"kind": "scope", "missing": "seats"}
    assert _status(account, priya) == "active"
    assert account.happened() == []


def test_r10_a_service_for_users_deactivates_without_touching_seats() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    update_user(account.key(Scope.USERS), priya, {"status": "deactivated"})

    assert account.seats_of(priya) == ["core"]
    assert account.happened() == ["user.deactivated"]


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        pytest.param(
            {"seats": SeatsAfterwards.TAKE_BACK},
            {"field": "seats", "because": "goes with a deactivation"},
            id="taking back",
        ),
        pytest.param(
            {"transfer_to": "usr_1"},
            {"field": "transfer_to", "because": "goes with a deactivation"},
            id="transferring",
        ),
        pytest.param(
            TAKE_BACK | {"transfer_to": "usr_1"},
            {"field": "seats", "because": "cannot be taken back and transferred at once"},
            id="both at once",
        ),
    ],
)
def test_r13_the_refusal_names_the_member_that_goes_with_a_deactivation(
    change: dict[str, str], facts: dict[str, str]
) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    with pytest.raises(Unacceptable) as refusal:
        update_user(account.by, priya, change)

    assert refusal.value.facts == facts
    assert account.seats_of(priya) == ["core"]
    assert account.happened() == []


def test_r13_who_comes_back_stands_before_the_numbers_of_a_renewal_he_missed(
    hands: Hands,
) -> None:
    account = an_account(core=2)
    priya = account.user("Priya", seats=["core"])
    account.deactivate(priya)
    giving_back.schedule_removal(account.by, "core", 1)
    hands.move_to(NEXT_RENEWAL)
    account.from_here()

    update_user(account.by, priya, {"status": "active"})

    assert account.seats_of(priya) == ["core"]
    assert account.numbers("core") == (1, 1, 0)
    assert account.happened() == [
        "subscription.renewed",
        "seat_removal.applied",
        "pool.exhausted",
        "user.reactivated",
    ]


@pytest.mark.parametrize(
    ("stage", "left"),
    [
        pytest.param(an_account, ["view_only"], id="of a paying account"),
        pytest.param(a_free_account, ["free"], id="of an account on the free tools"),
        pytest.param(a_legacy_account, [], id="of a legacy account"),
    ],
)
def test_r8_a_user_who_comes_back_has_the_seat(stage: Any, left: list[str]) -> None:
    account: AnAccount = stage()
    priya = account.user("Priya")
    account.deactivate(priya)

    update_user(account.by, priya, {"status": "active"})

    assert account.seats_of(priya) == left
    assert account.happened() == ["user.reactivated"]


def test_r10_a_super_admin_who_comes_back_counts_again() -> None:
    account = an_account()
    admin = account.super_admin
    amara = account.user("Amara", permissions=frozenset({Permission.SUPER_ADMIN}))
    account.deactivate(amara)
    update_user(account.by, amara, {"status": "active"})

    update_user(account.by, admin.id, {"status": "deactivated"})

    assert _status(account, admin.id) == "deactivated"
    assert _status(account, amara) == "active"


def test_r10_one_who_has_left_does_not_count() -> None:
    account = an_account()
    admin = account.super_admin
    amara = account.user("Amara", permissions=frozenset({Permission.SUPER_ADMIN}))
    account.deactivate(amara)

    with pytest.raises(LastSuperAdmin) as refusal:
        update_user(account.by, admin.id, {"status": "deactivated"})

    assert refusal.value.facts == {"user_id": admin.id}
    assert _status(account, admin.id) == "active"
    assert account.happened() == []


def test_r13_who_was_invited_leaves_the_seat_to_another() -> None:
    account = an_account(core=1)
    felix = account.user("Felix", status="invited", seats=["core"])
    noah = account.user("Noah")

    update_user(account.by, felix, {"status": "deactivated", "transfer_to": noah})

    assert (account.seats_of(felix), account.seats_of(noah)) == ([], ["core"])
    assert account.shown(felix)["invitation"] == "revoked"
    assert account.numbers("core") == (1, 1, 0)


def test_r13_the_end_of_the_seats_names_the_revocation_as_its_cause() -> None:
    account = an_account(core=2)
    felix = account.user("Felix", status="invited", seats=["core"])

    update_user(account.by, felix, {"status": "deactivated"})

    deactivated, ended = account.events()
    assert account.happened() == ["user.deactivated", "seat.unassigned"]
    assert deactivated["data"]["object"]["invitation"] == "revoked"
    assert ended["data"]["cause"] == deactivated["id"]
    assert account.seats_of(felix) == []


def test_r13_an_invitation_that_was_revoked_and_given_again_can_be_accepted() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")
    account.deactivate(felix)
    update_user(account.by, felix, {"status": "invited"})
    account.from_here()

    accept_invitation(account.by, felix)

    assert account.seats_of(felix) == ["view_only"]
    assert account.happened() == ["user.invitation_accepted", "seat.assigned"]


@pytest.mark.parametrize(
    ("begins", "wanted", "invitation"),
    [
        pytest.param("invited", "active", "pending", id="active before accepting"),
        pytest.param("deactivated", "active", "revoked", id="active after the revocation"),
        pytest.param("active", "invited", "accepted", id="invited while active"),
    ],
)
def test_r13_the_refusal_says_where_the_invitation_stands(
    begins: str, wanted: str, invitation: str
) -> None:
    account = an_account()
    felix = account.user("Felix", status="active" if begins == "active" else "invited")
    update_user(account.by, felix, {"status": begins} if begins == "deactivated" else {})
    account.from_here()

    with pytest.raises(InvitationNotPending) as refusal:
        update_user(account.by, felix, {"status": wanted})

    assert refusal.value.facts == {"user_id": felix, "invitation": invitation}
    assert _status(account, felix) == begins
    assert account.happened() == []


def test_r13_a_refused_status_leaves_the_name_as_it_was() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")

    with pytest.raises(InvitationNotPending):
        update_user(account.by, felix, {"name": "Felix B.", "status": "active"})

    assert account.shown(felix)["name"] == "Felix"
    assert account.happened() == []


def test_a_name_and_a_status_change_in_one_step() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    update_user(account.by, priya, TAKE_BACK | {"name": "Priya (left)"})

    assert account.shown(priya)["name"] == "Priya (left)"
    assert account.happened() == ["user.updated", "seat.unassigned", "user.deactivated"]


def test_r13_seats_are_not_left_to_oneself_or_to_somebody_who_is_gone() -> None:
    account = an_account()
    priya, noah = account.user(), account.user()
    account.deactivate(noah)
    admin = account.user_admin

    with pytest.raises(TransferToSelf):
        update_user(admin, priya, {"status": "deactivated", "transfer_to": priya})
    with pytest.raises(UserDeactivated):
        update_user(admin, priya, {"status": "deactivated", "transfer_to": noah})

    assert account.happened() == []
