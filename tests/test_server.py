"""The service as a process: it starts, works, and finishes what is in hand."""

import http.client
import json
import re
import signal
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.serving import Served, served

CLIENTS = 8


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def _ask(running: Served, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(running.address).netloc, timeout=20)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {running.key}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_demo_prints_what_a_new_user_needs(tmp_path: Path) -> None:
    with served(tmp_path, "--demo") as running:
        printed = running.printed
        curl = re.search(r"http://\S+/pools", printed)

        status, body = _ask(running, urlsplit(curl.group()).path if curl else "")
        docs, _ = _ask(running, "/docs")
        contract, _ = _ask(running, "/openapi.json")

    assert (status, docs, contract) == (200, 200, 200)
    assert {pool["seat_type"] for pool in json.loads(body)["items"]} == {"core", "sales", "service"}
    assert f"{running.address}/docs" in printed


def test_the_demo_shows_users_of_every_kind(tmp_path: Path) -> None:
    with served(tmp_path, "--demo") as running:
        _, accounts = _ask(running, "/v1/accounts")
        modern, legacy = json.loads(accounts)["items"]
        _, body = _ask(running, f"/v1/accounts/{modern['id']}/users?limit=200")

    users = json.loads(body)["items"]
    held = {seat["seat_type"] for user in users for seat in user["seats"]}
    assert (modern["pricing_model"], legacy["pricing_model"]) == ("seat_based", "legacy")
    assert len(users) == 40
    assert held == {"core", "sales", "service", "view_only", "partner"}
    assert {user["status"] for user in users} == {"active", "invited", "deactivated"}
    assert {user["invitation"] for user in users} >= {"pending", "expired"}


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    with served(tmp_path, "--demo", TMPDIR=str(tmp_path)) as running:
        assert list(tmp_path.glob("seatkeeper-demo-*"))
        assert running.key

    assert list(tmp_path.glob("seatkeeper-demo-*")) == []


def test_on_sigterm_every_request_in_hand_is_answered(tmp_path: Path) -> None:
    with served(tmp_path, "--demo") as running:
        everybody_asks = threading.Barrier(CLIENTS + 1)
        answered, dropped = [], []
        under_way = threading.Event()

        def ask() -> None:
            everybody_asks.wait()
            while True:
                try:
                    answered.append(_ask(running, "/v1/accounts?limit=200")[0])
                    under_way.set()
                except ConnectionRefusedError:
                    return  # the door is closed: nothing was accepted
                except (OSError, http.client.HTTPException) as broken:
                    dropped.append(repr(broken))
                    return

        clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        everybody_asks.wait()
        under_way.wait(timeout=60)
        running.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(timeout=60)
        code = running.process.wait(timeout=60)

    assert (dropped, set(answered), code) == ([], {200}, 0)


def test_the_data_is_there_again_after_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        assert _ask(running, "/readyz")[0] == 200

    with served(tmp_path) as running:
        assert _ask(running, "/readyz") == (200, b'{"status":"ok"}')
        assert _ask(running, "/v1/catalogue")[0] == 401
