"""The screen of requests for seats."""

from licensing.rules.permissions import Permission
from tests.console.stage import Opening
from tests.world import an_account


def test_somebody_asks_for_a_seat_and_an_administrator_gives_it(opening: Opening) -> None:
    account = an_account(core=2)
    priya = opening.somebody(account, name="Priya Raghavan")
    amara = opening.super_admin(account)
    amara.go("Requests")
    amara.sees("No open requests")

    priya.go("Requests")
    priya.press("Ask for a seat")
    priya.dialog.get_by_label("Why it is needed").fill("I take over <b>the north</b>")
    priya.confirm("Send request")
    priya.hears("The request is sent.")
    approve = priya.page.get_by_role("button", name="Approve the request of Priya Raghavan")
    assert approve.get_attribute("aria-disabled") == "true"
    amara.sees("Priya Raghavan asks for a Core seat")
    amara.sees("I take over <b>the north</b>")
    amara.press("Approve the request of Priya Raghavan")
    amara.sees("0 → 1 of 2", amara.dialog)
    amara.confirm("Approve")
    amara.hears("Priya Raghavan holds a Core seat now.")

    amara.press("Approved")
    amara.sees("by Amara Okafor")
    assert account.numbers("core") == (2, 1, 0)


def test_where_no_seat_is_free_one_can_be_bought_for_a_request_or_it_is_declined(
    opening: Opening,
) -> None:
    account = an_account(core=1, currency="EUR")
    account.user("Noah", seats=["core"])
    priya = opening.somebody(account, name="Priya")
    priya.go("Requests")
    priya.press("Ask for a seat")
    priya.confirm("Send request")
    priya.hears("The request is sent.")
    amara = opening.super_admin(account)
    amara.go("Requests")

    amara.press("Approve the request of Priya")
    amara.sees("All 1 Core seats are assigned. Take one back first, or buy one.", amara.dialog)
    amara.dialog.get_by_role("checkbox").check()
    amara.sees("€45.00", amara.dialog)
    amara.dialog.get_by_role("button", name="Cancel").click()
    amara.press("Decline the request of Priya")
    amara.dialog.get_by_role("textbox").fill("In April")
    amara.confirm("Decline")

    amara.hears("The request is declined.")
    priya.press("Declined")
    priya.sees("“In April”")
    assert account.numbers("core") == (1, 1, 0)


def test_a_request_is_made_for_somebody_else_bought_for_and_one_is_withdrawn(
    opening: Opening,
) -> None:
    account = an_account(core=1)
    account.user("Noah Becker", seats=["core"])
    account.user("Mia Holm")
    manager = opening.somebody(account, Permission.MANAGE_USERS, Permission.MODIFY_BILLING)
    manager.go("Requests")

    manager.press("Ask for a seat")
    manager.pick("mia", "Mia Holm")
    manager.confirm("Send request")
    manager.sees("Mia Holm asks for a Core seat")
    manager.press("Ask for a seat")
    manager.confirm("Send request")
    manager.press("Withdraw")
    manager.confirm("Withdraw")
    manager.hears("The request is withdrawn.")
    manager.press("Approve the request of Mia Holm")
    manager.dialog.get_by_role("checkbox").check()
    manager.confirm("Approve")

    manager.hears("Mia Holm holds a Core seat now.")
    assert account.numbers("core") == (2, 2, 0)
