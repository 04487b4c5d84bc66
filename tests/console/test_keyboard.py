"""Everything can be done with the keyboard alone, and the focus is never lost."""

from tests.console.stage import Console, Opening
from tests.world import an_account


def focused(who: Console) -> str:
    """The name of what has the focus."""
    return str(
        who.page.evaluate(
            "(document.activeElement.getAttribute('aria-label')"
            " ?? document.activeElement.innerText ?? '').trim()"
        )
    )


def focus_is_on(who: Console, name: str) -> None:
    """Wait until something of this name has the focus."""
    who.page.wait_for_function(
        "name => (document.activeElement.getAttribute('aria-label')"
        " ?? document.activeElement.innerText ?? '').trim() === name",
        arg=name,
    )


def tab_to(who: Console, name: str) -> None:
    """Press Tab until something of this name has the focus."""
    for _ in range(60):
        if focused(who) == name:
            return
        who.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {name!r}")


def test_a_seat_is_transferred_without_a_mouse(opening: Opening) -> None:
    account = an_account(core=2)
    account.user("Priya", seats=["core"])
    account.user("Noah Becker")
    account.user("Noel")
    amara = opening.super_admin(account)
    keys = amara.page.keyboard

    tab_to(amara, "Skip to the content")
    keys.press("Enter")
    focus_is_on(amara, "Seats")
    tab_to(amara, "Change seats of Priya")
    keys.press("Enter")
    focus_is_on(amara, "Assign a seat…")
    keys.press("ArrowUp")
    focus_is_on(amara, "Take back Core…")
    keys.press("Escape")
    focus_is_on(amara, "Change seats of Priya")
    keys.press("Enter")
    focus_is_on(amara, "Assign a seat…")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    focus_is_on(amara, "Transfer Core…")
    keys.press("Enter")
    amara.dialog.wait_for()
    keys.type("no")
    amara.dialog.get_by_text("2 users match").wait_for(state="attached")
    keys.press("ArrowDown")
    keys.press("ArrowUp")
    keys.press("Enter")
    assert amara.dialog.get_by_role("combobox").input_value() == "Noah Becker"
    amara.sees("Noah Becker gets the Core seat at once.", amara.dialog)
    tab_to(amara, "Transfer seat")
    keys.press("Enter")
    amara.hears("Noah Becker holds the Core seat now.")
    amara.dialog.wait_for(state="detached")

    focus_is_on(amara, "Change seats of Priya")
    assert account.numbers("core") == (2, 1, 0)


def test_escape_closes_the_list_first_and_the_dialog_then(opening: Opening) -> None:
    account = an_account(core=2)
    account.user("Priya", seats=["core"])
    amara = opening.super_admin(account)
    amara.choose("Priya", "Transfer Core…")
    amara.dialog.get_by_role("option").first.wait_for()

    amara.page.keyboard.press("Escape")
    amara.dialog.get_by_role("option").first.wait_for(state="detached")
    assert amara.dialog.count() == 1
    amara.page.keyboard.press("Escape")
    amara.dialog.wait_for(state="detached")

    focus_is_on(amara, "Change seats of Priya")


def test_seats_are_added_with_enter_and_a_screen_change_moves_the_focus(opening: Opening) -> None:
    account = an_account(core=2)
    amara = opening.super_admin(account)
    keys = amara.page.keyboard

    tab_to(amara, "Add Core seats")
    keys.press("Enter")
    amara.dialog.wait_for()
    keys.press("ArrowUp")
    amara.sees("2 → 4", amara.dialog)
    amara.dialog.locator("[type=submit]:not([aria-disabled=true])").wait_for()
    keys.press("Enter")
    amara.hears("2 Core seats added.")
    amara.go("History")

    focus_is_on(amara, "History")
    assert amara.page.title() == "History · Acme"
