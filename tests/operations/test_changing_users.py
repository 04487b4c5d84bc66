"""Changing users, and what follows for their seats (R7, R29, R31, R32)."""

from typing import Any

import pytest

from licensing.operations.users import update_user
from licensing.rules.permissions import Permission
from licensing.rules.refusals import (
    EmailTaken,
    ExternalIdTaken,
    NotFound,
    PreconditionFailed,
    Unacceptable,
)
from tests.world import (
    a_free_account,
    an_account,
)


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


def test_the_user_of_another_account_cannot_be_changed() -> None:
    account, stranger = an_account(), an_account()
    priya = account.user("Priya")

    with pytest.raises(NotFound):
        update_user(stranger.user_admin, priya, {"name": "Mallory"})


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
