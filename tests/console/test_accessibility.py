"""No screen or dialog has what axe-core calls a violation, in light and dark, wide and narrow."""

from collections.abc import Callable
from typing import Literal

import pytest

from licensing.operations import api_keys, buying, giving_back
from licensing.rules.permissions import Scope, system
from tests.console.stage import NARROW, WIDE, Console, Opening, violations
from tests.receivers import Receiver
from tests.webhooks.stage import a_stage
from tests.world import AnAccount, Hands, an_account

EVERY_RULE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast"]  # all that is otherwise in the dark


def a_busy_company() -> AnAccount:
    account = an_account(core=3)
    account.subscribe("sales", seats={"sales": 1})
    account.user("Priya Raghavan", seats=["core"])
    account.user("Noah Becker", seats=["sales"])
    account.user("Felix Baumann", status="invited")
    account.deactivate(account.user("Gone"))
    giving_back.schedule_removal(account.super_admin, "core", 1)
    return account


def check(who: Console, where: str, rules: list[str] = EVERY_RULE) -> None:
    """Fail with what axe-core finds, and where."""
    who.page.wait_for_function(
        "() => !document.querySelector('.loading, .waiting, [aria-busy=true]')"
        " && document.getAnimations().every(({ playState }) => playState === 'finished')"
    )
    found = violations(who.page, rules)
    assert [(where, v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found] == []


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [
        pytest.param("light", WIDE, id="light and wide"),
        pytest.param("dark", NARROW, id="dark and narrow"),
    ],
)
def test_no_screen_has_violations(
    opening: Opening, hands: Hands, scheme: Literal["light", "dark"], viewport: dict[str, int]
) -> None:
    account = a_busy_company()
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, None, "*")
        buying.purchase_seats(account.super_admin, "core", 2)
        stage.deliver()
        _, key = api_keys.create_key(system(), "operators", [Scope.ADMIN])
        amara = opening.super_admin(account, color_scheme=scheme, viewport=viewport)

        check(amara, "seats")
        for screen in ("Requests", "Subscriptions", "History", "Import", "Webhooks"):
            amara.go(screen)
            check(amara, screen)
        amara.page.get_by_label("API key").fill(key)
        amara.press("Show webhooks")
        amara.page.get_by_role("link", name=receiver.url).click()
        amara.page.get_by_role("heading", level=1, name="Endpoint").wait_for()
        check(amara, "endpoint")
        amara.page.get_by_role("button", name="Details of").first.click()
        amara.dialog.locator("pre").first.wait_for()
        check(amara, "delivery")


@pytest.mark.parametrize(("scheme", "rules"), [("light", EVERY_RULE), ("dark", COLOURS)])
def test_no_dialog_has_violations(
    opening: Opening, scheme: Literal["light", "dark"], rules: list[str]
) -> None:
    amara = opening.super_admin(a_busy_company(), color_scheme=scheme)

    def opened(act: Callable[[], None], where: str) -> None:
        act()
        amara.dialog.locator(".foreseen > *").first.wait_for()
        check(amara, where, rules)
        amara.page.keyboard.press("Escape")
        amara.dialog.wait_for(state="detached")

    amara.press("Change seats of Noah Becker")
    check(amara, "menu", rules)
    amara.page.keyboard.press("Escape")
    opened(lambda: amara.press("Add Core seats"), "add")
    opened(lambda: amara.press("Remove unassigned Core seats"), "remove")
    opened(lambda: amara.press("Cancel removal"), "keep")
    opened(lambda: amara.choose("Noah Becker", "Assign a seat…"), "assign")
    opened(lambda: amara.choose("Noah Becker", "Take back Sales…"), "take back")
    amara.choose("Priya Raghavan", "Assign a seat…")
    amara.sees("No sales seat is free", amara.dialog)
    check(amara, "refused", rules)
    amara.page.keyboard.press("Escape")
    amara.choose("Noah Becker", "Transfer Sales…")
    amara.dialog.get_by_role("option").first.wait_for()
    check(amara, "transfer", rules)
    amara.page.keyboard.press("Escape")
    amara.page.keyboard.press("Escape")
    amara.page.get_by_label("Select all users on this page").check()
    opened(lambda: amara.press("Assign seats…"), "batch")
    amara.go("Subscriptions")
    opened(lambda: amara.press("Cancel Marketing"), "cancel")


def test_who_asks_for_less_motion_gets_none_and_nothing_overflows_a_phone(
    opening: Opening,
) -> None:
    amara = opening.super_admin(a_busy_company(), reduced_motion="reduce", viewport=NARROW)
    amara.press("Add Core seats")
    amara.sees("To pay now", amara.dialog)

    moving = "getComputedStyle(document.querySelector('dialog')).animationDuration"
    assert float(amara.page.evaluate(moving).removesuffix("s")) < 0.001
    amara.page.keyboard.press("Escape")
    for screen in ("Requests", "Subscriptions", "History", "Import", "Webhooks", "Seats"):
        amara.go(screen)
        check_width = "document.documentElement.scrollWidth <= innerWidth"
        assert amara.page.evaluate(check_width), screen
