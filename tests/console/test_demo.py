"""The link that the demo prints."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.console.stage import Console, Opening
from tests.serving import served
from tests.world import Hands, an_account

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_the_demo_prints_a_link_that_opens_the_console_signed_in(
    browser: "Browser", hands: Hands, tmp_path: Path
) -> None:
    with served(tmp_path, "--demo") as running:
        opening = Opening(browser, running.address, hands)
        page = opening.page()
        link = re.search(r"http://\S+/console#token=\S+", running.printed)

        page.goto(link.group() if link else running.address)

        amara = Console(page, opening, an_account())
        amara.sees("Northwind Robotics")
        amara.sees("17 of 20 assigned", amara.card("Core seats"))
        amara.press("Add Core seats")
        amara.confirm("Add seats")
        amara.sees("17 of 21 assigned", amara.card("Core seats"))
        opening.close()

    assert opening.complaints == []
