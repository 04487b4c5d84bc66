"""Pages notice what is changed elsewhere, and leave alone what somebody is typing."""

from licensing.operations import assigning, buying, users
from licensing.rules.permissions import Permission
from tests.console.stage import Opening
from tests.world import an_account


def test_two_browsers_on_one_account_see_each_others_changes(opening: Opening) -> None:
    account = an_account(core=2)
    account.user("Priya")
    amara = opening.super_admin(account)
    jonas = opening.somebody(account, Permission.MANAGE_USERS, name="Jonas")

    jonas.choose("Priya", "Assign a seat…")
    jonas.confirm("Assign seat")

    amara.sees("1 of 2 assigned", amara.card("Core seats"))
    amara.sees("Core", amara.row("Priya"))
    amara.press("Add Core seats")
    amara.confirm("Add seats")
    jonas.sees("1 of 3 assigned", jonas.card("Core seats"))


def test_news_leaves_focus_selection_and_half_typed_text_alone(opening: Opening) -> None:
    account = an_account(core=3)
    priya, noah = account.user("Priya"), account.user("Noah")
    amara = opening.super_admin(account)
    amara.page.get_by_label("Select Noah").check()
    amara.press("Add Core seats")
    amara.dialog.get_by_label("How many seats").fill("7")

    assigning.assign_seat(account.by, priya, "core")
    amara.sees("1 of 3 assigned", amara.card("Core seats"))
    assert amara.dialog.get_by_label("How many seats").input_value() == "7"
    assert amara.dialog.get_by_label("How many seats").evaluate("e => e === document.activeElement")
    amara.dialog.get_by_role("button", name="Cancel").click()
    search = amara.page.get_by_role("searchbox")
    search.fill("o")
    amara.page.get_by_label("Select Noah").focus()
    assigning.assign_seat(account.by, noah, "core")
    amara.sees("2 of 3 assigned", amara.card("Core seats"))
    amara.sees("Core", amara.row("Noah"))

    assert search.input_value() == "o"
    assert amara.page.get_by_label("Select Noah").is_checked()
    assert amara.page.get_by_label("Select Noah").evaluate("e => e === document.activeElement")


def test_the_log_grows_at_its_top_while_it_is_read(opening: Opening) -> None:
    account = an_account(core=3)
    amara = opening.super_admin(account)
    amara.go("History")
    amara.sees("Amara Okafor was added")

    buying.purchase_seats(account.super_admin, "core", 2)

    amara.sees("2 Core seats added: 3 → 5")
    amara.sees("Amara Okafor was added")


def test_a_permission_that_is_taken_away_closes_what_it_opened(opening: Opening) -> None:
    account = an_account(core=3)
    account.user("Head", permissions={Permission.SUPER_ADMIN})
    user_id = account.user("Jonas", permissions={Permission.MODIFY_BILLING})
    jonas = opening.console(account, user_id)
    add = jonas.page.get_by_role("button", name="Add Core seats")
    assert add.get_attribute("aria-disabled") is None

    users.update_user(account.by, user_id, {"permissions": frozenset()})

    jonas.page.locator("[aria-label='Add Core seats'][aria-disabled=true]").wait_for()
