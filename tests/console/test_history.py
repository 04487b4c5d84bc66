"""The screen of history: the chart and the log (R29)."""

import re
from pathlib import Path

from flask import Flask

from licensing.console import digest
from licensing.operations import assigning, buying
from licensing.rules.permissions import Permission
from tests.console.stage import Opening
from tests.http import calling
from tests.world import AnAccount, Hands, an_account


def a_company_with_a_past(hands: Hands) -> AnAccount:
    account = an_account(core=3)
    priya = account.user("Priya Raghavan", seats=["core"])
    hands.move(days=2)
    buying.purchase_seats(account.super_admin, "core", 2)
    hands.move(days=1)
    assigning.take_back(account.by, account.seat(priya, "core"))
    return account


def test_r29_the_log_reads_as_a_timeline_with_filters(
    opening: Opening, hands: Hands, tmp_path: Path
) -> None:
    account = a_company_with_a_past(hands)
    account.user("Noah Becker", seats=["core"])
    amara = opening.super_admin(account)
    amara.go("History")

    amara.sees("Thursday, 5 March 2026")
    amara.sees("Core taken back from Priya Raghavan")
    amara.sees("2 Core seats added: 3 → 5")
    amara.page.get_by_label("Kind").select_option("Bought and removed")
    amara.page.get_by_text("Core taken back from").first.wait_for(state="detached")
    amara.sees("2 Core seats added: 3 → 5")
    with amara.page.expect_download() as download:
        amara.press("Export CSV")
    download.value.save_as(tmp_path / "history.csv")
    assert "seats.purchased" in (tmp_path / "history.csv").read_text()
    amara.page.get_by_label("Kind").select_option("Everything")
    amara.page.get_by_label("To", exact=True).fill("2026-03-04")
    amara.page.get_by_text("Core taken back from").first.wait_for(state="detached")
    amara.page.get_by_label("To", exact=True).fill("")
    amara.page.get_by_role("combobox", name="About").fill("noah")
    amara.page.get_by_role("option", name="Noah Becker").click()

    amara.sees("Core assigned to Noah Becker")
    amara.page.get_by_text("2 Core seats added").wait_for(state="detached")


def test_r29_the_chart_shows_purchased_and_assigned_seats_and_says_them_as_a_table(
    opening: Opening, hands: Hands
) -> None:
    account = a_company_with_a_past(hands)
    viewer = opening.somebody(account, Permission.MANAGE_USERS)
    viewer.go("History")

    picture = viewer.page.get_by_role("img", name="Core seats over 90 days")
    picture.wait_for()
    assert "5 Mar 2026: 5 purchased, 0 assigned" in (picture.get_attribute("aria-label") or "")
    viewer.sees("Purchased 5")
    viewer.page.get_by_text("Show as a table").click()

    cells = viewer.page.get_by_role("table").get_by_role("row").last.inner_text().split()
    assert cells == ["5", "Mar", "2026", "5", "0"]


def test_r29_older_events_are_shown_when_they_are_asked_for(opening: Opening) -> None:
    account = an_account(core=3)
    for number in range(30):
        account.user(f"User {number:02}")
    amara = opening.super_admin(account)
    amara.go("History")

    amara.sees("User 29 was added")
    assert amara.page.get_by_text("The account was created").count() == 0
    while amara.page.get_by_role("button", name="Show older").count():
        before = amara.page.locator(".event").count()
        amara.press("Show older")
        amara.page.wait_for_function(
            "n => document.querySelectorAll('.event').length > n", arg=before
        )

    amara.sees("The account was created")


def test_every_event_that_is_published_reads_as_a_sentence(app: Flask, opening: Opening) -> None:
    account = an_account()
    published = calling(app, account).get("/v1/event-types").json["items"]
    of_operators = ("webhook.", "endpoint.", "event.")
    events = [one["example"] for one in published if not one["type"].startswith(of_operators)]
    amara = opening.super_admin(account)

    said = amara.page.evaluate(
        """async ([module, events]) => {
            const { sentence, circumstances } = await import(module);
            return events.map((event) => [event.type, sentence(event), circumstances(event)]);
        }""",
        [f"/console/{digest()}/js/happenings.js", events],
    )

    assert len(said) > 30
    plain = {type: type.replace(".", " ").replace("_", " ").capitalize() for type, _, _ in said}
    assert [one for one in said if one[1] == plain[one[0]]] == []
    assert [one for one in said if re.search("undefined|null|NaN|Invalid", " ".join(one))] == []
