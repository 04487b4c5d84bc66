"""
The pictures of the README, of the demo company on a fixed day.

    SEATKEEPER_TEST_SCREENSHOTS=docs python -m pytest tests/console/test_screenshots.py
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from licensing import demo
from licensing.rules.permissions import system
from tests.console.stage import NARROW, Console, Opening
from tests.world import AnAccount, Hands

ASKED_FOR = os.environ.get("SEATKEEPER_TEST_SCREENSHOTS")
A_DAY = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
PAGE = {"width": 1280, "height": 860}


class Camera:
    """Takes pictures of the console of the demo company."""

    def __init__(self, opening: Opening, folder: Path) -> None:
        self.opening, self.folder = opening, folder
        self.demo = demo.load()

    def opened(self, **options: object) -> Console:
        """The console, as the link of the demo opens it."""
        page = self.opening.page(**({"viewport": PAGE} | options))
        console = Console(page, self.opening, AnAccount("", system()))
        page.goto(f"{self.opening.address}/console#token={self.demo.session}")
        console.sees("Free of charge")
        page.locator("tbody tr").first.wait_for()
        return console

    def takes(self, console: Console, name: str) -> None:
        """A picture of what is to be seen now."""
        console.page.wait_for_function(
            "() => !document.querySelector('.loading, [aria-busy=true], .waiting')"
        )
        console.page.screenshot(path=self.folder / f"console-{name}.png", animations="disabled")


@pytest.fixture
def camera(opening: Opening, hands: Hands, tmp_path: Path) -> Camera:
    hands.move_to(A_DAY)
    return Camera(opening, Path(ASKED_FOR) if ASKED_FOR else tmp_path)


def test_the_pictures_of_the_readme_are_taken(camera: Camera) -> None:
    amara = camera.opened()
    camera.takes(amara, "seats")
    amara.press("Add Core seats")
    amara.dialog.get_by_label("How many seats").fill("5")
    amara.sees("20 → 25", amara.dialog)
    camera.takes(amara, "add-seats")
    amara.page.keyboard.press("Escape")
    amara.go("Subscriptions")
    amara.press("Change the tier of Marketing")
    amara.dialog.get_by_role("radio", name="Starter").check()
    amara.sees("What changes for", amara.dialog)
    camera.takes(amara, "subscriptions")
    amara.page.keyboard.press("Escape")
    amara.go("History")
    amara.page.get_by_label("Over", exact=True).select_option("a year")
    amara.page.get_by_role("img", name="Core seats over a year").wait_for()
    camera.takes(amara, "history")
    for name, viewport in (("dark", PAGE), ("phone", NARROW)):
        camera.takes(camera.opened(color_scheme="dark", viewport=viewport), name)
