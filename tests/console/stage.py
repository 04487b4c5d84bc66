"""
The vocabulary of the console's tests: people who look at it, each in a browser of their own.

    amara = opening.console(account, account.user("Amara", permissions=...))
    amara.choose("Priya", "Assign a seat…")
    amara.confirm("Assign seat")
    amara.hears("Priya holds a Core seat now.")
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from licensing import sessions
from licensing.rules.permissions import Permission
from tests.world import AnAccount, Hands

with suppress(ImportError):  # the extra `browser`, which the fixture `browser` asks for
    from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

PATIENCE = 20_000  # milliseconds, on a machine that has much else to do
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
# A browser reports every answer that is an error; whoever provokes them says so.
FAILED = "Failed to load resource"
logging.getLogger("werkzeug").setLevel(logging.ERROR)


class Opening:
    """Opens consoles, and notes whatever a browser complains of."""

    def __init__(self, browser: "Browser", address: str, hands: Hands) -> None:
        self.browser, self.address, self.hands = browser, address, hands
        self.complaints: list[str] = []
        self.errors_are_meant = False
        self._contexts: list[Any] = []

    def page(self, **options: Any) -> "Page":
        """A page in a browser of its own, whose date is that of the test."""
        context = self.browser.new_context(**({"viewport": WIDE, "locale": "en-GB"} | options))
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.clock.set_fixed_time(self.hands.now)
        page = context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("request", lambda request: self._note_stranger(request.url))
        return page

    def console(self, account: AnAccount, user_id: str, **options: Any) -> "Console":
        """The console, opened by a user."""
        console = Console(self.page(**options), self, account)
        console.enter(user_id)
        return console

    def super_admin(self, account: AnAccount, **options: Any) -> "Console":
        """The console, opened by somebody who may do everything."""
        return self.somebody(account, Permission.SUPER_ADMIN, **options)

    def somebody(
        self, account: AnAccount, *permissions: Permission, name: str = "Amara Okafor", **more: Any
    ) -> "Console":
        """The console, opened by a new user with these permissions."""
        user_id = account.user(name, permissions=frozenset(permissions))
        return self.console(account, user_id, **more)

    def close(self) -> None:
        """Close all browsers."""
        for context in self._contexts:
            context.close()

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and not (self.errors_are_meant and FAILED in text):
            self.complaints.append(text)

    def _note_stranger(self, url: str) -> None:
        if not url.startswith((self.address, "blob:", "data:")):
            self.complaints.append(f"asked {url}")


class Console:
    """What somebody sees and does."""

    def __init__(self, page: "Page", opening: Opening, account: AnAccount) -> None:
        self.page, self.opening, self.account = page, opening, account

    def enter(self, user_id: str) -> None:
        """Open it with a session token, and wait until it is there."""
        self.arrive(user_id)
        self.page.locator("nav a[aria-current]").wait_for()

    def arrive(self, user_id: str) -> None:
        """Open it with a session token."""
        token, _ = sessions.mint(self.account.id, user_id, sessions.SHORTEST)
        self.page.goto(f"{self.opening.address}/console#token={token}")

    def go(self, screen: str) -> None:
        """Go to a screen."""
        self.page.get_by_role("navigation", name="Screens").get_by_role(
            "link", name=screen, exact=True
        ).click()
        self.page.get_by_role("heading", level=1, name=screen).wait_for()

    @property
    def dialog(self) -> "Locator":
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    def press(self, name: str) -> None:
        """Press a button, by its whole name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def confirm(self, name: str) -> None:
        """Confirm the dialog, once it may be."""
        self.dialog.locator("button.button[type=submit]:not([aria-disabled=true])").wait_for()
        self.dialog.get_by_role("button", name=name, exact=True).click()

    def choose(self, user: str, entry: str) -> None:
        """Choose from the menu in the row of a user."""
        self.press(f"Change seats of {user}")
        self.page.get_by_role("menuitem", name=entry).click()

    def pick(self, text: str, name: str) -> None:
        """Search somebody in the dialog, and take who was found."""
        self.dialog.locator("user-picker").get_by_role("combobox").fill(text)
        self.dialog.get_by_role("option", name=name).click()

    def row(self, user: str) -> "Locator":
        """The row of a user in the table."""
        return self.page.get_by_role("row").filter(
            has=self.page.get_by_role("rowheader", name=user)
        )

    def card(self, name: str) -> "Locator":
        """A card, by its name."""
        return self.page.get_by_role("article", name=name)

    def sees(self, text: str, within: "Locator | None" = None) -> None:
        """Wait until a text stands there."""
        (within or self.page).get_by_text(text).first.wait_for()

    def hears(self, text: str) -> None:
        """Wait for a notice."""
        self.page.locator(".notice", has_text=text).wait_for()

    def table_shows(self, *names: str) -> None:
        """Wait until the table shows these users, in this order."""
        wanted = "\n".join(names)
        self.page.wait_for_function(
            "wanted => [...document.querySelectorAll('tbody .name')]"
            ".map(cell => cell.firstChild.textContent).join('\\n') === wanted",
            arg=wanted,
        )

    @contextmanager
    def cut_off(self, method: str, part: str) -> Iterator[list[dict[str, str]]]:
        """No answer to such requests arrives, though they do; yields their headers."""
        seen: list[dict[str, str]] = []

        def lose(route: "Route") -> None:
            if route.request.method != method:
                route.fallback()
                return
            seen.append(route.request.headers)
            route.fetch()
            route.abort("connectionreset")

        matches = f"**/v1/**{part}*"
        self.page.route(matches, lose)
        yield seen
        self.page.unroute(matches, lose)


def violations(page: "Page", rules: list[str]) -> list[Any]:
    """What axe-core finds by these rules."""
    found = Axe().run(page, options={"runOnly": rules}).response["violations"]
    return list(found)
