"""Adding seats, and removing those that nobody holds (R17 to R22b)."""

from licensing.operations import assigning, giving_back
from licensing.rules.permissions import Permission
from tests.console.stage import Opening
from tests.world import an_account


def test_r17_seats_are_added_after_a_look_at_what_they_cost(opening: Opening) -> None:
    account = an_account(core=3, currency="EUR")
    amara = opening.super_admin(account)

    amara.press("Add Core seats")
    amara.sees("€45.00", amara.dialog)
    amara.dialog.get_by_role("button", name="One more").click()
    amara.sees("3 → 5", amara.dialog)
    amara.sees("31 of 31 days of the term are left", amara.dialog)
    amara.dialog.get_by_label("How many seats").fill("")
    amara.dialog.locator("[type=submit][aria-disabled=true]").wait_for()
    amara.dialog.get_by_label("How many seats").fill("4")
    amara.sees("€180.00", amara.dialog)
    amara.confirm("Add seats")

    amara.hears("4 Core seats added. There are 7 now.")
    amara.sees("0 of 7 assigned", amara.card("Core seats"))
    assert account.numbers("core") == (7, 0, 0)


def test_r19_to_r21_a_removal_is_scheduled_side_by_side_and_cancelled_in_part(
    opening: Opening,
) -> None:
    account = an_account(core=5)
    account.user("Priya", seats=["core"])
    amara = opening.super_admin(account)

    amara.press("Remove unassigned Core seats")
    amara.sees("4 seats are unassigned and not yet to leave.", amara.dialog)
    opening.errors_are_meant = True
    amara.dialog.get_by_label("How many seats").fill("9")
    amara.confirm("Schedule removal")
    amara.sees("unassigned", amara.dialog.get_by_role("alert"))
    assert account.numbers("core") == (5, 1, 0)
    amara.dialog.get_by_label("How many seats").fill("3")
    amara.sees("Until 2 Apr 2026", amara.dialog)
    amara.sees("From 2 Apr 2026", amara.dialog)
    amara.confirm("Schedule removal")
    amara.hears("3 Core seats will leave on 2 Apr 2026.")

    amara.press("Cancel removal")
    amara.dialog.get_by_label("How many seats stay").fill("1")
    amara.confirm("Keep seats")
    amara.hears("2 Core seats will still leave on 2 Apr 2026.")
    amara.sees("2 Core seats will leave on 2 Apr 2026.")
    assert account.numbers("core") == (5, 1, 2)
    amara.press("Cancel removal")
    amara.confirm("Keep seats")
    amara.hears("The removal is cancelled; nothing will leave.")
    amara.page.locator(".banner").wait_for(state="detached")
    assert account.numbers("core") == (5, 1, 0)


def test_r22_an_assignment_that_shrinks_a_removal_is_told_before_and_after(
    opening: Opening,
) -> None:
    account = an_account(core=3)
    account.user("Priya", seats=["core"])
    noah = account.user("Noah")
    mia = account.user("Mia")
    giving_back.schedule_removal(account.super_admin, "core", 2)
    amara = opening.super_admin(account)

    amara.choose("Noah", "Assign a seat…")
    amara.sees("The removal scheduled for 2 Apr 2026 gives way: 1 seat instead of 2", amara.dialog)
    amara.confirm("Assign seat")
    amara.hears("The removal of 2 seats of Core gave way to an assignment: now 1 will leave.")
    assigning.assign_seat(account.by, mia, "core")

    amara.hears("The removal of 1 seat of Core gave way to an assignment: it was cancelled.")
    assert account.numbers("core") == (3, 3, 0)
    assert account.seats_of(noah) == ["core"]


def test_r22b_buying_while_a_removal_is_pending_offers_to_cancel_it(opening: Opening) -> None:
    account = an_account(core=3)
    giving_back.schedule_removal(account.super_admin, "core", 2)
    amara = opening.super_admin(account)

    amara.press("Add Core seats")
    amara.sees("Cancelling the pending removal keeps 1 seat that you pay for already.")
    amara.press("Cancel the removal instead")
    amara.sees("Keep Core seats", amara.dialog)
    amara.confirm("Keep seats")

    amara.hears("The removal is cancelled; nothing will leave.")
    assert account.numbers("core") == (3, 0, 0)


def test_r10_who_lacks_a_permission_sees_what_is_missing(opening: Opening) -> None:
    account = an_account(core=3)
    account.user("Priya", seats=["core"])

    buyer = opening.somebody(account, Permission.MODIFY_BILLING, name="Buyer")
    buyer.sees("You can look around; changing seats needs the permission to manage users.")
    buyer.press("Change seats of Priya")
    entry = buyer.page.get_by_role("menuitem", name="Take back Core…")
    assert entry.get_attribute("aria-disabled") == "true"
    buyer.page.keyboard.press("Escape")
    buyer.press("Add Core seats")
    buyer.confirm("Add seats")
    buyer.hears("1 Core seat added.")

    manager = opening.somebody(account, Permission.MANAGE_USERS, name="Manager")
    add = manager.page.get_by_role("button", name="Add Core seats")
    assert add.get_attribute("aria-disabled") == "true"
    assert add.get_attribute("title") == "this needs the permission to modify billing"
    manager.choose("Priya", "Take back Core…")
    assert manager.dialog.get_by_role("checkbox").is_disabled()
    manager.confirm("Take back seat")
    manager.hears("The Core seat of Priya is taken back.")
    manager.go("History")
    manager.sees("only a super admin can see this")
    assert account.numbers("core") == (4, 0, 0)
