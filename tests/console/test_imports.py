"""The screen of imports: users and seat changes from CSV, tried before they are applied (R16)."""

from tests.console.stage import Console, Opening
from tests.world import an_account


def give(who: Console, *lines: str) -> None:
    """Give a file with these lines."""
    content = "\r\n".join(lines).encode()
    who.page.get_by_label("CSV file").set_input_files(
        {"name": "some.csv", "mimeType": "text/csv", "buffer": content}
    )


def test_r16_users_are_imported_after_a_dry_run(opening: Opening) -> None:
    account = an_account(core=3)
    amara = opening.super_admin(account)
    amara.go("Import")
    assert amara.page.get_by_role("button", name="Dry run").get_attribute("aria-disabled")

    give(
        amara,
        "email,name,seat_types",
        "maya@example.com,Maya Lindgren,core",
        "leo@example.com,Leo,",
    )
    amara.press("Dry run")
    amara.sees("2 lines would change.")
    assert account.numbers("core") == (3, 0, 0)
    amara.page.get_by_role("button", name="Apply 2 lines").click()

    amara.sees("2 lines changed.")
    amara.go("Seats")
    amara.sees("Invited", amara.row("Maya Lindgren"))
    assert account.numbers("core") == (3, 1, 0)


def test_r16_what_is_wrong_is_said_line_by_line_and_mended_in_place(opening: Opening) -> None:
    account = an_account(core=1)
    account.user("Priya", email="priya@example.com")
    account.user("Noah", email="noah@example.com")
    amara = opening.super_admin(account)
    amara.go("Import")
    opening.errors_are_meant = True

    amara.page.get_by_role("radio", name="Seat changes").check()
    give(amara, "action,email,seat_type", "assign,priya@example.com,core", "bless,noah@,core")
    amara.press("Dry run")
    amara.sees("1 refused")
    line = amara.page.get_by_role("row").filter(has_text="action:")
    assert line.get_by_role("rowheader").inner_text() == "3"
    text = amara.page.get_by_label("Its lines")
    text.fill(text.input_value().replace("bless,noah@", "assign,noah@example.com"))
    amara.press("Dry run")
    amara.sees("No core seat is free")
    apply = amara.page.get_by_role("button", name="Apply 1 line")
    assert apply.get_attribute("aria-disabled") == "true"
    amara.page.get_by_label("Leave out lines that are refused").check()
    apply.click()

    amara.sees("1 line changed, 1 refused.")
    assert account.numbers("core") == (1, 1, 0)


def test_r16_a_large_file_is_applied_part_by_part(opening: Opening) -> None:
    account = an_account(core=1)
    amara = opening.super_admin(account)
    amara.go("Import")

    amara.page.get_by_role("radio", name="Seat changes").check()
    me = account.shown(account.user("Priya"))["email"]
    lines = [f"assign,{me},core"] + [f"unassign,{me},sales"] * 501
    posts: list[str] = []
    amara.page.on(
        "request", lambda sent: posts.append(sent.url) if "seat-batches" in sent.url else None
    )
    give(amara, "action,email,seat_type", *lines)
    amara.press("Dry run")
    amara.page.locator(".outcome .tally").wait_for()

    assert len(posts) == 2
