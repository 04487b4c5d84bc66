"""One browser for all tests of the console, and a context of its own for each of them."""

import shutil
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from licensing.settings import Settings
from tests.console.stage import Opening
from tests.requiring import needs
from tests.world import Hands

try:
    from playwright.sync_api import Browser, sync_playwright
except ImportError:
    sync_playwright = None

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium, as the system has it; without it the tests are skipped, or fail where promised."""
    needs("browser", sync_playwright is not None, "the extra `browser`")
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    needs("browser", executable is not None, "Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def address(browser: "Browser", app: Flask, service: Settings) -> Iterator[str]:
    """The service, listening; when the test ends, every request in hand is over."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def opening(browser: "Browser", address: str, hands: Hands) -> Iterator[Opening]:
    """What opens the console, in a browser of its own for each person."""
    opening = Opening(browser, address, hands)
    yield opening
    opening.close()
    assert opening.complaints == []
