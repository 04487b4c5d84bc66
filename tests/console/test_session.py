"""Signing in: a token in the fragment of the address, kept in memory only."""

from licensing import sessions
from licensing.operations import api_keys
from licensing.rules.permissions import Permission, Scope, system
from tests.console.stage import Console, Opening
from tests.world import AnAccount, an_account


def a_token(account: AnAccount, user_id: str) -> str:
    return sessions.mint(account.id, user_id, sessions.SHORTEST)[0]


def test_the_token_leaves_the_address_at_once_and_is_stored_nowhere(opening: Opening) -> None:
    account = an_account()
    amara = opening.super_admin(account)

    assert "token" not in amara.page.evaluate("location.href + JSON.stringify(history.state)")
    stored = "localStorage.length + sessionStorage.length + document.cookie.length"
    assert amara.page.evaluate(stored) == 0
    amara.page.reload()
    amara.sees("You are not signed in")
    amara.page.get_by_label("Session token").fill("nonsense")
    amara.press("Open the console")
    amara.sees("This is no session token.")
    amara.page.get_by_label("Session token").fill(a_token(account, account.user("Mia")))
    amara.press("Open the console")
    amara.sees("You can look around")


def test_a_session_that_ends_is_renewed_without_losing_what_was_being_done(
    opening: Opening,
) -> None:
    account = an_account(core=3)
    me = account.user("Amara", permissions={Permission.SUPER_ADMIN})
    stranger = account.user("Mia")
    amara = opening.console(account, me)
    opening.errors_are_meant = True

    amara.press("Add Core seats")
    amara.dialog.get_by_label("How many seats").fill("2")
    amara.sees("3 → 5", amara.dialog)
    opening.hands.move(minutes=6)
    amara.confirm("Add seats")
    over = amara.page.get_by_role("dialog", name="Your session is over")
    over.get_by_label("Session token").fill(a_token(account, stranger))
    over.get_by_role("button", name="Go on").click()
    amara.sees("This token is somebody else’s.", over)
    over.get_by_label("Session token").fill(a_token(account, me))
    over.get_by_role("button", name="Go on").click()

    amara.hears("2 Core seats added. There are 5 now.")
    assert account.numbers("core") == (5, 0, 0)


def test_a_token_of_another_issuer_is_helped_out_by_the_address(opening: Opening) -> None:
    account = an_account()
    user_id = account.user("Amara", permissions={Permission.SUPER_ADMIN})
    _, key = api_keys.create_key(system(), "stands in", [Scope.ADMIN], account.id)
    page = opening.page()
    opening.errors_are_meant = True

    page.goto(f"{opening.address}/console#token={key}&account={account.id}&user={user_id}")

    Console(page, opening, account).sees("You are not signed in")


def test_what_people_are_called_is_text_and_never_markup(opening: Opening) -> None:
    account = an_account(core=3)
    evil = "<img src=x onerror=alert(1)>"
    account.user(evil, seats=["core"])
    amara = opening.super_admin(account)

    amara.sees(evil, amara.page.locator("tbody"))
    amara.choose(evil, "Take back Core…")
    amara.sees(evil, amara.dialog)
    amara.confirm("Take back seat")
    amara.hears(evil)
    amara.go("History")

    amara.sees(f"Core taken back from {evil}")
    assert amara.page.locator("img").count() == 0
