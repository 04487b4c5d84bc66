"""Slow and failing networks: a confirmed action is never lost, and never done twice (R18)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.console.stage import Console, Opening
from tests.world import an_account

if TYPE_CHECKING:
    from playwright.sync_api import Route


def test_r18_an_answer_that_is_lost_is_asked_for_again_with_the_same_key(
    opening: Opening,
) -> None:
    account = an_account(core=3)
    amara = opening.super_admin(account)
    opening.errors_are_meant = True
    amara.press("Add Core seats")
    amara.sees("3 → 4", amara.dialog)

    with amara.cut_off("POST", "/purchases") as sent:
        amara.confirm("Add seats")
        amara.sees("“Add 1 Core seat” is kept and sent again until it is answered.")
        assert amara.dialog.locator("form").get_attribute("aria-busy") == "true"
        amara.page.keyboard.press("Escape")
        assert amara.dialog.count() == 1
    amara.page.locator(".connection").get_by_role("button", name="Try now").click()

    amara.hears("1 Core seat added. There are 4 now.")
    assert len({headers["idempotency-key"] for headers in sent}) == 1
    assert account.numbers("core") == (4, 0, 0)
    assert account.happened() == ["seats.purchased"]


def test_r18_with_a_new_key_each_time_it_would_be_done_twice(opening: Opening) -> None:
    account = an_account(core=3)
    amara = opening.super_admin(account)
    opening.errors_are_meant = True
    amara.page.route("**/v1/**/purchases", _with_another_key())
    amara.press("Add Core seats")
    with amara.cut_off("POST", "/purchases"):
        amara.confirm("Add seats")
        amara.sees("is kept and sent again")
    amara.hears("1 Core seat added. There are 5 now.")

    assert account.numbers("core") == (5, 0, 0)


def _with_another_key() -> Callable[["Route"], None]:
    keys = iter(range(100))

    def change(route: "Route") -> None:
        headers = route.request.headers | {"idempotency-key": f"another-{next(keys)}"}
        route.continue_(headers=headers)

    return change


def test_a_subscription_that_was_resumed_without_an_answer_is_resumed_once(
    opening: Opening,
) -> None:
    account = an_account(core=3)
    amara = opening.super_admin(account)
    opening.errors_are_meant = True
    amara.go("Subscriptions")
    amara.press("Cancel Marketing")
    amara.confirm("Cancel subscription")
    amara.press("Resume Marketing")
    with amara.cut_off("DELETE", "/cancellation"):
        amara.confirm("Resume subscription")
        amara.sees("is kept and sent again")

    amara.hears("Marketing goes on.")
    assert account.happened().count("subscription.resumed") == 1


def test_while_the_service_is_away_the_page_stays_and_says_so(opening: Opening) -> None:
    account = an_account(core=3)
    account.user("Priya")
    amara = opening.super_admin(account)
    opening.errors_are_meant = True

    amara.page.route("**/v1/**", lambda route: route.abort("connectionrefused"))
    amara.sees("The service cannot be reached. What you see may be out of date; trying again.")
    amara.sees("0 of 3 assigned", amara.card("Core seats"))
    amara.choose("Priya", "Assign a seat…")
    amara.sees("What will happen cannot be shown", amara.dialog)
    assert amara.dialog.locator("[type=submit]").get_attribute("aria-disabled") == "true"
    amara.page.unroute("**/v1/**")
    amara.dialog.get_by_role("button", name="Try again").click()
    amara.confirm("Assign seat")

    amara.hears("Priya holds a Core seat now.")
    amara.page.locator(".connection:empty").wait_for(state="attached")


def test_a_page_that_cannot_load_says_why_and_tries_again(opening: Opening) -> None:
    account = an_account(core=3)
    opening.errors_are_meant = True
    answers = [503, 503, 500]
    page = opening.page()
    page.route("**/v1/catalogue", lambda route: _answer(route, answers))

    user_id = account.user("Amara")
    console = Console(page, opening, account)
    console.arrive(user_id)
    console.sees("The service answered 503.")
    console.press("Try again")
    console.sees("The service answered 500.")
    console.press("Try again")

    console.sees("0 of 3 assigned")


def _answer(route: "Route", answers: list[int]) -> None:
    if answers:
        route.fulfill(status=answers.pop(0), json={})
    else:
        route.continue_()


def test_of_slow_answers_only_the_last_one_asked_for_is_shown(opening: Opening) -> None:
    account = an_account(core=3)
    account.user("Priya")
    account.user("Noah")
    amara = opening.super_admin(account)
    waiting: list[Route] = []

    def slow(route: "Route") -> None:
        if "search=pri&" in route.request.url:
            waiting.append(route)
        else:
            route.fallback()

    amara.page.route("**/seat-table?*", slow)
    with amara.page.expect_request("**/seat-table?search=pri&*"):
        amara.page.get_by_role("searchbox").fill("pri")
    amara.page.get_by_role("searchbox").fill("noah")
    amara.table_shows("Noah")
    for route in waiting:
        route.abort() if route.request.failure else route.continue_()

    amara.table_shows("Noah")


def test_r18_a_service_that_is_busy_is_asked_again_when_it_says(opening: Opening) -> None:
    account = an_account(core=3)
    amara = opening.super_admin(account)
    opening.errors_are_meant = True
    answers = [429]
    amara.page.route("**/v1/**/removals", lambda route: _busy(route, answers))

    amara.press("Remove unassigned Core seats")
    amara.confirm("Schedule removal")
    amara.sees("The service is busy: “Remove 1 Core seat” is kept")

    amara.hears("1 Core seat will leave on 2 Apr 2026.")
    assert account.numbers("core") == (3, 0, 1)


def _busy(route: "Route", answers: list[int]) -> None:
    if route.request.method == "POST" and answers:
        route.fulfill(status=answers.pop(), headers={"Retry-After": "1"}, json={})
    else:
        route.fallback()
