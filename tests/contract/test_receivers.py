"""The receivers of the README, as they are printed, beside the service, in each language."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.serving import ROOT, Served

SECONDS_TO_WAIT = 20
FILES = {"python": "receiver.py", "js": "receiver.mjs"}
ORDER = {
    "product": "marketing",
    "tier": "professional",
    "interval": "month",
    "seats": [{"seat_type": "core", "quantity": 9}],
}


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


class Sample:
    """A receiver of the README as a process; what it prints is what it did."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.strip())
                self._changed.notify_all()

    def wait_for(self, beginning: str) -> str:
        """Wait for a line; returns it."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: any(line.startswith(beginning) for line in self.lines), SECONDS_TO_WAIT
            )
        assert came, (beginning, self.lines)
        return next(line for line in self.lines if line.startswith(beginning))


def _source(language: str) -> str:
    text = (ROOT / "README.md").read_text()
    section = text[text.index("### Receiving webhooks") :]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found.group(1)


@contextmanager
def _running(language: str, folder: Path, **environment: str) -> Iterator[Sample]:
    file = folder / FILES[language]
    file.write_text(_source(language))
    process = subprocess.Popen(  # noqa: S603 the README's own program
        [sys.executable if language == "python" else "node", str(file)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Sample(process)
    finally:
        process.terminate()
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()


class Caller:
    """Whoever uses the service's API."""

    def __init__(self, service: Served) -> None:
        self.service = service

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; returns what was answered, read as JSON."""
        sent = subprocess.run(  # noqa: S603
            [  # noqa: S607
                "curl",
                "-sf",
                "-X",
                method,
                f"{self.service.address}/v1/{path}",
                "-H",
                f"Authorization: Bearer {self.service.key}",
                "-H",
                "Content-Type: application/json",
                "-H",
                f"Idempotency-Key: {uuid4()}",
                *([] if body is None else ["-d", json.dumps(body)]),
            ],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return json.loads(sent.stdout) if sent.stdout else None

    def wait_until_active(self, endpoint: str) -> None:
        """Wait until an endpoint has echoed its challenge."""
        deadline = time.monotonic() + SECONDS_TO_WAIT
        while self.send("GET", endpoint)["status"] != "active":
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to call the API with")
@pytest.mark.parametrize("language", FILES)
def test_a_receiver_verifies_dedupes_sees_gaps_and_fills_them(
    demo: Served, tmp_path: Path, language: str
) -> None:
    if language == "js" and shutil.which("node") is None:
        pytest.skip("there is no node on this machine")
    api, port = Caller(demo), _free_port()
    account = api.send("POST", "accounts", {"name": "Acme"})["id"]
    api.send("POST", f"accounts/{account}/subscriptions", ORDER)
    hook = {
        "url": f"http://127.0.0.1:{port}/",
        "account_id": account,
        "event_types": ["seat.assigned"],
    }
    made = api.send("POST", "webhook-endpoints", hook)
    endpoint = f"webhook-endpoints/{made['id']}"

    def assign(name: str) -> int:
        person = {"name": name, "email": f"{name}@example.com", "status": "active"}
        user = api.send("POST", f"accounts/{account}/users", person)["id"]
        api.send("POST", f"accounts/{account}/seats", {"user_id": user, "seat_type": "core"})
        told = api.send("GET", f"accounts/{account}/events?type=seat.assigned&limit=200")["items"]
        return int(told[-1]["sequence"])

    environment = {
        "SEATKEEPER": demo.address,
        "KEY": demo.key,
        "WEBHOOK_SECRET": made["secret"],
        "PORT": str(port),
    }
    with _running(language, tmp_path, **environment) as sample:
        api.wait_until_active(endpoint)
        assign("first")
        sample.wait_for("snapshot")
        taken = assign("second")
        sample.wait_for(f"applied {taken} ")

        # A duplicate has no second effect.
        told = api.send("GET", f"{endpoint}/deliveries?limit=1")["items"][0]
        again = api.send("POST", f"{endpoint}/deliveries/{told['event_id']}/retry")
        assert again["attempts"][0]["status"] == 200

        # What is skipped is missing, and is read in the log.
        api.send("POST", f"{endpoint}/pause")
        missed, following = assign("third"), assign("fourth")
        skip = {"account_id": account, "through_sequence": missed, "reason": "a test"}
        api.send("POST", f"{endpoint}/skip", skip)
        api.send("POST", f"{endpoint}/enable")
        sample.wait_for(f"applied {following} ")

        # What is not signed with the secret is not taken.
        forged = subprocess.run(  # noqa: S603
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", hook["url"], "-d", "{}"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=30,
        )

    applied = [int(line.split()[1]) for line in sample.lines if line.startswith("applied")]
    assert forged.stdout == "401"
    assert applied == sorted(set(applied))
    assert applied.index(missed) < applied.index(following)
