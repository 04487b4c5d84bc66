"""The screen of seats: cards, the table, and what can be done in it (R11 to R16, R27, R28)."""

from pathlib import Path

from tests.console.stage import Opening
from tests.world import AnAccount, a_free_account, an_account


def a_company() -> AnAccount:
    account = an_account(core=3)
    account.subscribe("sales", seats={"sales": 2})
    account.user("Priya Raghavan", seats=["core"], email="priya@example.com")
    account.user("Noah Becker", email="noah@example.com")
    account.user("Felix Baumann", status="invited", email="felix@example.com")
    return account


def test_a_card_for_each_seat_type_says_how_many_there_are(opening: Opening) -> None:
    account = a_company()

    amara = opening.super_admin(account)

    core = amara.card("Core seats")
    amara.sees("1 of 3 assigned", core)
    assert "Unassigned\n2" in core.inner_text()
    assert "Scheduled to leave\n0" in core.inner_text()
    assert "2 Apr 2026, with 3" in core.inner_text()
    amara.sees("0 of 2 assigned", amara.card("Sales seats"))
    amara.sees("Free of charge: 2 View-only and 0 Partner.")


def test_r27_the_table_is_searched_filtered_and_sorted(opening: Opening) -> None:
    account = a_company()
    amara = opening.super_admin(account)
    amara.table_shows("Amara Okafor", "Felix Baumann", "Noah Becker", "Priya Raghavan")

    amara.press("User")
    amara.table_shows("Priya Raghavan", "Noah Becker", "Felix Baumann", "Amara Okafor")
    amara.page.get_by_label("Seat type").select_option("core")
    amara.table_shows("Priya Raghavan")
    amara.page.get_by_label("Seat type").select_option("")
    amara.page.get_by_label("Status", exact=True).select_option("invited")
    amara.table_shows("Felix Baumann")
    amara.page.get_by_role("searchbox").fill("noah@")
    amara.sees("Nobody matches")
    amara.press("Clear filters")
    amara.page.get_by_role("searchbox").fill("noah@")
    amara.table_shows("Noah Becker")


def test_many_users_are_paged_and_a_selection_is_kept_over_pages(opening: Opening) -> None:
    account = an_account(core=3)
    for number in range(55):
        account.user(f"User {number:02}")
    amara = opening.super_admin(account)

    amara.sees("1–50 of 56")
    amara.page.get_by_label("Select User 07").check()
    amara.press("Next")
    amara.sees("51–56 of 56")
    amara.page.get_by_label("Select User 52").check()
    amara.sees("2 users selected")
    amara.press("Previous")
    amara.sees("1–50 of 56")

    assert amara.page.get_by_label("Select User 07").is_checked()
    assert not amara.page.get_by_label("Select User 08").is_checked()


def test_r11_a_seat_is_assigned_after_a_look_at_what_happens(opening: Opening) -> None:
    account = a_company()
    amara = opening.super_admin(account)

    amara.choose("Noah Becker", "Assign a seat…")
    amara.sees("Core: 1 → 2 of 3 assigned.", amara.dialog)
    amara.sees("It replaces the View-only seat.", amara.dialog)
    amara.confirm("Assign seat")

    amara.hears("Noah Becker holds a Core seat now.")
    amara.sees("Core", amara.row("Noah Becker"))
    amara.sees("2 of 3 assigned", amara.card("Core seats"))
    assert account.numbers("core") == (3, 2, 0)


def test_r11_where_no_seat_is_free_the_dialog_says_so_and_offers_to_buy(opening: Opening) -> None:
    account = an_account(core=1)
    account.user("Priya", seats=["core"])
    account.user("Noah")
    amara = opening.super_admin(account)

    amara.choose("Noah", "Assign a seat…")
    amara.sees("No core seat is free: 1 of 1 are assigned; more can be bought.", amara.dialog)
    button = amara.dialog.get_by_role("button", name="Assign seat")
    assert button.get_attribute("aria-disabled") == "true"
    button.click(force=True)
    amara.dialog.get_by_role("button", name="Add Core seats").click()

    amara.sees("Add Core seats", amara.dialog)
    assert account.numbers("core") == (1, 1, 0)


def test_a_seat_is_changed_to_another_type(opening: Opening) -> None:
    account = a_company()
    amara = opening.super_admin(account)

    amara.choose("Priya Raghavan", "Change Core…")
    amara.sees("Sales: 0 → 1 of 2 assigned.", amara.dialog)
    amara.confirm("Change seat")

    amara.hears("Priya Raghavan holds a Sales seat now.")
    amara.sees("Sales", amara.row("Priya Raghavan"))
    assert account.pools() == {"core": (3, 0, 0), "sales": (2, 1, 0)}


def test_r12_a_seat_is_taken_back_and_given_back_at_the_renewal(opening: Opening) -> None:
    account = a_company()
    amara = opening.super_admin(account)

    amara.choose("Priya Raghavan", "Take back Core…")
    amara.sees("is paid for until 2 Apr 2026", amara.dialog)
    amara.sees("Priya Raghavan gets a View-only seat, which is free.", amara.dialog)
    amara.dialog.get_by_role("checkbox").check()
    amara.sees("The seat leaves the account on 2 Apr 2026", amara.dialog)
    amara.confirm("Take back seat")

    amara.hears("The Core seat is taken back and will leave on 2 Apr 2026.")
    amara.sees("1 Core seat will leave on 2 Apr 2026.")
    assert account.numbers("core") == (3, 0, 1)


def test_r13_what_cannot_be_done_is_disabled_and_says_why(opening: Opening) -> None:
    account = a_company()
    account.deactivate(account.user("Gone", seats=["core"]))
    amara = opening.super_admin(account)

    amara.press("Change seats of Gone")
    entry = amara.page.get_by_role("menuitem", name="Take back Core…")

    assert entry.get_attribute("aria-disabled") == "true"
    assert "reactivate the user first" in entry.inner_text()


def test_r15_a_seat_is_transferred_to_whom_a_search_finds(opening: Opening) -> None:
    account = a_company()
    account.user("Nora Holder", seats=["core"])
    amara = opening.super_admin(account)

    amara.choose("Priya Raghavan", "Transfer Core…")
    amara.dialog.get_by_role("combobox").fill("no")
    taken = amara.dialog.get_by_role("option", name="Nora Holder")
    taken.wait_for()
    assert "holds Core already" in taken.inner_text()
    amara.dialog.get_by_role("option", name="Noah Becker").click()
    amara.sees("Noah Becker gets the Core seat at once.", amara.dialog)
    amara.confirm("Transfer seat")

    amara.hears("Noah Becker holds the Core seat now.")
    amara.sees("View-only", amara.row("Priya Raghavan"))
    assert account.numbers("core") == (3, 2, 0)


def test_r16_a_selection_is_changed_in_one_batch_of_which_refusals_can_be_left_out(
    opening: Opening,
) -> None:
    account = a_company()
    account.deactivate(account.user("Gone"))
    amara = opening.super_admin(account)
    for name in ("Noah Becker", "Priya Raghavan", "Gone"):
        amara.page.get_by_label(f"Select {name}").check()

    amara.press("Assign seats…")
    amara.sees("1 will change, 1 stay as they are, 1 are refused.", amara.dialog)
    amara.sees("Gone", amara.dialog)
    assert amara.dialog.locator("[type=submit]").get_attribute("aria-disabled") == "true"
    amara.dialog.get_by_label("Leave out those who are refused").check()
    amara.confirm("Assign seats")

    amara.hears("1 seat changed, 1 refused.")
    assert account.numbers("core") == (3, 2, 0)


def test_r27_the_table_is_exported_as_it_is_filtered(opening: Opening, tmp_path: Path) -> None:
    account = a_company()
    amara = opening.super_admin(account)
    amara.page.get_by_label("Seat type").select_option("core")
    amara.table_shows("Priya Raghavan")

    with amara.page.expect_download() as download:
        amara.press("Export CSV")
    download.value.save_as(tmp_path / "seats.csv")

    lines = (tmp_path / "seats.csv").read_text().splitlines()
    assert len(lines) == 2
    assert "priya@example.com" in lines[1]


def test_an_account_without_seats_says_where_they_come_from(opening: Opening) -> None:
    account = a_free_account()
    amara = opening.super_admin(account)

    amara.sees("No seats are bought yet")
    amara.table_shows("Amara Okafor")
