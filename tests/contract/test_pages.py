"""The page of the README, as it is printed, against the service: what it prints is true."""

import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.serving import ROOT, Served, served

ORDER = {
    "product": "marketing",
    "tier": "professional",
    "interval": "month",
    "seats": [{"seat_type": "core", "quantity": 1}],
}


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def _told(service: Served, path: str, body: dict[str, Any]) -> Any:
    headers = {
        "Authorization": f"Bearer {service.key}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid4()),
    }
    request = urllib.request.Request(  # noqa: S310 ours
        f"{service.address}/v1/{path}", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 ours
        return json.load(answer)


def test_a_page_assigns_a_seat_and_overwrites_nothing_unseen(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    section = text[text.index("### From a single-page app") :]
    program, printed = re.findall(r"```(?:js)?\n(.*?)```", section, re.DOTALL)[:2]
    (tmp_path / "seats.mjs").write_text(program)

    with served(tmp_path, "--demo") as service:
        account = _told(service, "accounts", {"name": "Acme"})["id"]
        _told(service, f"accounts/{account}/subscriptions", ORDER)
        priya, admin = (
            _told(service, f"accounts/{account}/users", person)["id"]
            for person in (
                {"name": "Priya", "email": "priya@example.com", "status": "active"},
                {
                    "name": "Amara",
                    "email": "amara@example.com",
                    "status": "active",
                    "permissions": ["super_admin"],
                },
            )
        )
        session = _told(service, "session-tokens", {"account_id": account, "user_id": admin})
        environment = {
            "SEATKEEPER": service.address,
            "ACCOUNT": account,
            "TOKEN": session["token"],
            "USER": priya,
        }
        done = subprocess.run(  # noqa: S603 the README's own program
            ["node", tmp_path / "seats.mjs"],  # noqa: S607
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert (done.stdout, done.stderr) == (printed, "")
