"""user.entitlements_changed: told when the answer of R9 is another one, whatever the cause."""

from typing import Any

import pytest

from licensing.operations import assigning, users
from licensing.rules.permissions import system
from licensing.rules.refusals import AccountClosed, NotFound
from tests.world import AnAccount, a_free_account, an_account

CHANGED = "user.entitlements_changed"


def _told(account: AnAccount) -> list[dict[str, Any]]:
    return [event["data"] for event in account.events() if event["type"] == CHANGED]


def test_r9_a_new_seat_is_told_with_what_was_before() -> None:
    account = an_account()
    priya = account.user("Priya")

    assigning.assign_seat(account.user_admin, priya, "core")

    (told,) = _told(account)
    assert told["object"]["features"]["email_campaigns"] == "edit"
    assert told["previous"]["features"]["email_campaigns"] == "view"
    assert told["previous"]["features"]["forms"] == "none"
    assert told["cause"] == account.events()[0]["id"]
    assert told["actor"] == {"type": "system", "id": "seatkeeper"}


def test_r9_a_seat_that_opens_nothing_more_is_not_told() -> None:
    account = an_account()
    account.subscribe("sales", "starter", seats={"sales": 1})
    priya = account.user("Priya", seats=["core"])

    assigning.assign_seat(account.user_admin, priya, "sales")

    assert _told(account) == []


def test_r9_a_transfer_is_told_of_both_users() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user()

    assigning.transfer_seat(account.user_admin, account.seat(priya, "core"), noah)

    assert {told["object"]["user_id"] for told in _told(account)} == {priya, noah}


def test_r9_a_deactivation_is_told() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    users.update_user(account.user_admin, priya, {"status": "deactivated"})

    (told,) = _told(account)
    assert set(told["object"]["features"].values()) == {"none"}


def test_r9_a_new_product_is_told_of_every_holder() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user(seats=["core"])

    mark = account.mark
    account.subscribe("content", seats={})
    account.mark = mark

    assert {told["object"]["user_id"] for told in _told(account)} == {priya, noah}


def test_r9_the_first_subscription_is_told_of_the_users_of_the_free_tools() -> None:
    account = a_free_account()
    priya = account.user("Priya")
    mark = account.mark

    account.subscribe()

    account.mark = mark
    (told,) = _told(account)
    assert told["object"]["user_id"] == priya
    assert told["object"]["seat_types"] == ["view_only"]


def test_a_closed_account_takes_no_commands() -> None:
    account = an_account()
    priya = account.user("Priya")
    admin = account.user_admin
    account.close()

    with pytest.raises(AccountClosed):
        assigning.assign_seat(admin, priya, "core")

    assert account.happened() == []


def test_an_unknown_account_takes_none_either() -> None:
    nowhere = system("acc_nowhere")

    with pytest.raises(NotFound, match="acc_nowhere"):
        assigning.assign_seat(nowhere, "usr_1", "core")
