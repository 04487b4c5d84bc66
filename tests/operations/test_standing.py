"""Where an account stands: who is told of other entitlements (R9), which accounts take commands."""

from collections.abc import Callable
from typing import Any

import pytest

from licensing.operations import assigning, deactivating, giving_back, users
from licensing.rules.permissions import Actor, ActorType, Permission, Scope, system
from licensing.rules.refusals import AccountClosed, NoSeatAvailable, NotFound, PermissionDenied
from tests.world import (
    AnAccount,
    Hands,
    a_legacy_account,
    an_account,
    in_which_sales_includes_core,
)

CHANGED = "user.entitlements_changed"
Command = Callable[[Actor, str, str], Any]
COMMANDS: dict[str, Command] = {
    "assigning": lambda by, user, _: assigning.assign_seat(by, user, "core"),
    "changing": lambda by, _, seat: assigning.change_seat(by, seat, "view_only"),
    "taking back": lambda by, _, seat: assigning.take_back(by, seat),
    "taking back and giving back": lambda by, _, seat: assigning.take_back_and_give_back(by, seat),
    "transferring": lambda by, user, seat: assigning.transfer_seat(by, seat, user),
    "accepting": lambda by, user, _: users.accept_invitation(by, user),
    "updating": lambda by, user, _: users.update_user(by, user, {"name": "Mallory"}),
    "deactivating": lambda by, user, _: users.update_user(by, user, {"status": "deactivated"}),
    "deleting": lambda by, user, _: deactivating.delete_user(by, user),
}
EVERY_COMMAND = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())


def _told(account: AnAccount) -> list[dict[str, Any]]:
    return [event["data"] for event in account.events() if event["type"] == CHANGED]


def test_r9_who_loses_a_seat_is_told_once_with_just_the_levels_that_were_others() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    assigning.take_back(account.by, account.seat(priya, "core"))

    (told,) = _told(account)
    assert told["object"]["user_id"] == priya
    assert told["object"]["seat_types"] == ["view_only"]
    assert told["object"]["features"]["campaign_automation"] == "view"
    assert told["previous"]["features"] == {
        "contacts": "edit",
        "forms": "edit",
        "email_campaigns": "edit",
        "social_posts": "edit",
        "campaign_automation": "edit",
    }


def test_r9_it_is_told_after_all_that_led_to_it() -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])

    assigning.take_back(account.by, account.seat(priya, "core"))

    assert account.happened(but=()) == [
        "seat.unassigned",
        "pool.replenished",
        "seat.assigned",
        CHANGED,
    ]


def test_r9_a_command_in_two_steps_tells_the_outcome_once() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    assigning.take_back_and_give_back(account.by, account.seat(priya, "core"))

    assert [told["object"]["user_id"] for told in _told(account)] == [priya]


def test_r9_accepting_an_invitation_is_told() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited", seats=["core"])

    users.accept_invitation(account.by, felix)

    (told,) = _told(account)
    assert told["object"]["features"]["contacts"] == "edit"
    assert told["previous"]["features"]["contacts"] == "none"


def test_r9_coming_back_is_told() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    account.deactivate(priya)

    users.update_user(account.by, priya, {"status": "active"})

    (told,) = _told(account)
    assert told["object"]["features"]["contacts"] == "edit"
    assert told["previous"]["features"]["contacts"] == "none"


def test_r7_losing_eligibility_is_told() -> None:
    account = an_account()
    dana = account.user("Dana", partner_eligible=True, seats=["partner"])

    users.update_user(account.by, dana, {"partner_eligible": False})

    (told,) = _told(account)
    assert told["object"]["seat_types"] == ["view_only"]
    assert told["previous"]["features"]["social_posts"] == "edit"


def test_r9_losing_advanced_features_tells_just_those() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    priya = account.user("Priya", seats=["sales"])

    assigning.change_seat(account.by, account.seat(priya, "sales"), "core")

    (told,) = _told(account)
    assert told["previous"]["features"] == {"sequences": "edit", "forecasting": "edit"}


def test_r9_in_a_legacy_account_who_loses_the_seat_may_do_nothing() -> None:
    account = a_legacy_account()
    otto = account.user("Otto", seats=["sales"])

    assigning.take_back(account.by, account.seat(otto, "sales"))

    (told,) = _told(account)
    assert set(told["object"]["features"].values()) == {"none"}
    assert told["object"]["seat_types"] == []


def test_r9_closing_the_account_is_told_of_everybody_who_could_do_something() -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    account.user("Felix", status="invited", seats=["core"])
    mark = account.mark

    account.close()

    account.mark = mark
    assert {told["object"]["user_id"] for told in _told(account)} == {priya, noah}


def test_r9_who_is_transferred_to_before_accepting_is_told_nothing_yet() -> None:
    account = an_account()
    priya, felix = account.user("Priya", seats=["core"]), account.user("Felix", status="invited")

    assigning.transfer_seat(account.by, account.seat(priya, "core"), felix)

    assert [told["object"]["user_id"] for told in _told(account)] == [priya]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"name": "Priya R."}, id="another name"),
        pytest.param({"permissions": ["manage_users"]}, id="a permission"),
        pytest.param({"partner_eligible": True}, id="eligibility without the seat"),
        pytest.param({"status": "active"}, id="the status that it is"),
    ],
)
def test_r32_a_change_that_opens_and_closes_nothing_is_not_told(change: dict[str, Any]) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    users.update_user(account.by, priya, change)

    assert _told(account) == []


def test_r32_a_seat_for_somebody_who_has_not_accepted_is_not_told() -> None:
    account = an_account()
    felix = account.user("Felix", status="invited")

    assigning.assign_seat(account.by, felix, "core")

    assert account.happened(but=()) == ["seat.assigned"]


def test_r32_an_invitation_that_lapses_with_its_seat_is_not_told(hands: Hands) -> None:
    account = an_account()
    account.user("Felix", status="invited", seats=["core"])
    hands.move(days=14)

    giving_back.schedule_removal(account.by, "core", 1)

    assert account.happened(but=()) == [
        "user.invitation_expired",
        "seat.unassigned",
        "seat_removal.scheduled",
    ]


def test_r32_a_newcomer_has_no_levels_that_could_have_changed() -> None:
    account = an_account()

    users.create_user(account.by, "a@example.com", "A", status="active", seat_types=("core",))

    assert account.happened(but=()) == ["user.created", "seat.assigned"]


def test_r32_nor_has_who_is_deleted() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    deactivating.delete_user(account.by, priya, take_seats=True)

    assert account.happened(but=()) == ["seat.unassigned", "user.deleted"]


def test_r8_a_richer_seat_that_opens_nothing_more_is_not_told() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", "starter", seats={"sales": 1})
        priya = account.user("Priya", seats=["core"])

        assigning.assign_seat(account.by, priya, "sales")

        assert account.seats_of(priya) == ["sales"]
        assert _told(account) == []


def test_r9_a_refused_command_tells_nothing() -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.user("Priya")

    with pytest.raises(NoSeatAvailable):
        users.create_user(account.by, "a@example.com", "A", seat_types=("core",))

    assert account.seats_of(priya) == ["view_only"]
    assert account.happened(but=()) == []


def test_r29_the_cause_is_the_change_of_the_seat_and_not_a_term_that_was_due(hands: Hands) -> None:
    account = an_account()
    priya = account.user("Priya")
    hands.move(days=40)

    assigning.assign_seat(account.by, priya, "core")

    (told,) = _told(account)
    assigned = next(event for event in account.events() if event["type"] == "seat.assigned")
    assert account.happened()[0] == "subscription.renewed"
    assert told["cause"] == assigned["id"]


def test_r29_nor_is_it_the_invitation_of_somebody_else_that_was_over(hands: Hands) -> None:
    account = an_account()
    priya = account.user("Priya")
    account.user("Felix", status="invited")
    hands.move(days=14)

    assigning.assign_seat(account.by, priya, "core")

    (told,) = _told(account)
    assigned = next(event for event in account.events() if event["type"] == "seat.assigned")
    assert account.happened()[0] == "user.invitation_expired"
    assert told["cause"] == assigned["id"]


def test_r9_what_opens_for_one_user_is_not_told_of_another() -> None:
    account = an_account()
    priya = account.user("Priya")
    account.user("Noah", seats=["core"])

    assigning.assign_seat(account.by, priya, "core")

    assert [told["object"]["user_id"] for told in _told(account)] == [priya]


@EVERY_COMMAND
def test_a_closed_account_takes_no_command(command: Command) -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    seat_id = account.seat(priya, "core")
    account.close()
    before = account.shown(noah)

    with pytest.raises(AccountClosed) as refusal:
        command(account.by, noah, seat_id)

    assert refusal.value.facts == {"account_id": account.id}
    assert account.shown(noah) == before
    assert account.happened(but=()) == []


def test_a_closed_account_takes_no_new_user() -> None:
    account = an_account()
    account.close()

    with pytest.raises(AccountClosed) as refusal:
        users.create_user(account.by, "a@example.com", "A")

    assert refusal.value.facts == {"account_id": account.id}
    assert account.happened(but=()) == []


@EVERY_COMMAND
def test_an_account_that_does_not_exist_takes_none_either(command: Command) -> None:
    nobody = system("acc_nowhere")

    with pytest.raises(NotFound) as refusal:
        command(nobody, "usr_nobody", "seat_nowhere")

    assert refusal.value.facts == {"kind": "account", "id": "acc_nowhere"}


@EVERY_COMMAND
def test_a_service_has_to_say_which_account_it_means(command: Command) -> None:
    service = Actor(ActorType.API_KEY, "key_1", None, scopes=frozenset({Scope.ADMIN}))

    with pytest.raises(NotFound) as refusal:
        command(service, "usr_nobody", "seat_nowhere")

    assert refusal.value.facts == {"kind": "account", "id": ""}


@EVERY_COMMAND
def test_r10_what_belongs_to_another_account_does_not_exist(command: Command) -> None:
    account, stranger = an_account(), an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    seat_id = account.seat(priya, "core")
    mallory = stranger.super_admin

    with pytest.raises(NotFound) as refusal:
        command(mallory, noah, seat_id)

    assert refusal.value.id in (noah, seat_id)
    assert (account.happened(but=()), stranger.happened(but=())) == ([], [])
    assert account.numbers("core") == (10, 1, 0)


@EVERY_COMMAND
def test_r10_without_any_permission_nothing_is_commanded(command: Command) -> None:
    account = an_account()
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")
    seat_id = account.seat(priya, "core")
    viewer = account.viewer

    with pytest.raises(PermissionDenied) as refusal:
        command(viewer, noah, seat_id)

    assert refusal.value.kind == "permission"
    assert refusal.value.missing in (Permission.MANAGE_USERS, Permission.MODIFY_BILLING)
    assert account.happened(but=()) == []
