"""The service as a process: it starts, works, and finishes what is in hand."""

import http.client
import json
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import pytest
from pysqlite3 import dbapi2 as sqlite3

from licensing import db, settings
from licensing.operations import api_keys
from licensing.rules.permissions import Scope, system
from licensing.settings import Settings
from tests.receivers import Answer, Receiver
from tests.serving import Served, served
from tests.world import an_account
from webhooks.models import Attempt
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint

# Served as the role that policies bind, where there are roles.
pytestmark = pytest.mark.runtime_role
CLIENTS = 4
ORDER = {
    "product": "marketing",
    "tier": "professional",
    "interval": "month",
    "seats": [{"seat_type": "core", "quantity": 1}],
}
TOUR = [
    "seats.purchased",
    "seat.assigned",
    "seat.transferred",
    "seats.purchased",
    "seat.assigned",
    "seat.unassigned",
]


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def _ask(
    running: Served, path: str, method: str = "GET", body: Any = None, key: str = ""
) -> tuple[int, bytes]:
    bearer = f"Bearer {key or running.key}"
    headers = {"Authorization": bearer, "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
    text = None if body is None else json.dumps(body)
    connection = http.client.HTTPConnection(urlsplit(running.address).netloc, timeout=20)
    try:
        connection.request(method, path, text, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _tell(running: Served, path: str, body: Any, expected: int) -> Any:
    status, answer = _ask(running, path, "POST", body)
    assert status == expected, answer
    return json.loads(answer)


def _person(name: str) -> dict[str, Any]:
    return {"email": f"{name}@example.com", "name": name.title(), "status": "active"}


def test_the_demo_prints_what_a_new_user_needs(demo: Served) -> None:
    curl = re.search(r"http://\S+/pools", demo.printed)

    status, body = _ask(demo, urlsplit(curl.group()).path if curl else "")
    docs, _ = _ask(demo, "/docs")
    contract, _ = _ask(demo, "/openapi.json")
    console, _ = _ask(demo, "/console")

    assert (status, docs, contract, console) == (200, 200, 200, 200)
    assert {pool["seat_type"] for pool in json.loads(body)["items"]} == {"core", "sales", "service"}
    assert f"{demo.address}/docs" in demo.printed
    assert f"{demo.address}/console#token=" in demo.printed


def test_the_demo_shows_users_of_every_kind(demo: Served) -> None:
    _, accounts = _ask(demo, "/v1/accounts")
    modern, legacy, on_a_clock = json.loads(accounts)["items"][:3]
    _, body = _ask(demo, f"/v1/accounts/{modern['id']}/users?limit=200")
    table = f"/v1/accounts/{modern['id']}/seat-table?holding=paid&inactive_since="
    _, idle = _ask(demo, f"{table}{datetime.now(UTC) - timedelta(days=60):%Y-%m-%dT%XZ}")

    users = json.loads(body)["items"]
    held = {seat["seat_type"] for user in users for seat in user["seats"]}
    assert (modern["pricing_model"], legacy["pricing_model"]) == ("seat_based", "legacy")
    assert on_a_clock["test_clock_id"]
    assert len(users) == 40
    assert held == {"core", "sales", "service", "view_only", "partner"}
    assert {user["status"] for user in users} == {"active", "invited", "deactivated"}
    assert {user["invitation"] for user in users} >= {"pending", "expired"}
    assert [row["name"] for row in json.loads(idle)["items"]] == ["Giulia Romano", "Samuel Osei"]


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    with served(tmp_path, "--demo") as running:
        assert list(tmp_path.glob("seatkeeper-demo-*"))
        running.process.terminate()
        code = running.process.wait(timeout=60)

    assert code == 0
    assert list(tmp_path.glob("seatkeeper-demo-*")) == []


def test_the_tour_of_seats_works_from_checkout_to_the_log(demo: Served) -> None:
    account = _tell(demo, "/v1/accounts", {"name": "Acme"}, 201)
    base = f"/v1/accounts/{account['id']}"
    _tell(demo, f"{base}/subscriptions", ORDER, 201)
    priya, noah = (
        _tell(demo, f"{base}/users", _person(name), 201)["id"] for name in ("priya", "noah")
    )

    first = _tell(demo, f"{base}/seats", {"user_id": priya, "seat_type": "core"}, 201)
    full = _tell(demo, f"{base}/seats", {"user_id": noah, "seat_type": "core"}, 409)
    moved = _tell(demo, f"{base}/transfers", {"seat_id": first["id"], "to_user_id": noah}, 201)
    _tell(demo, f"{base}/purchases", {"seat_type": "core", "quantity": 1}, 201)
    second = _tell(demo, f"{base}/seats", {"user_id": priya, "seat_type": "core"}, 201)
    status, _ = _ask(demo, f"{base}/seats/{second['id']}", "DELETE")
    _, log = _ask(demo, f"{base}/events?limit=200")

    about_core = [
        event["type"]
        for event in json.loads(log)["items"]
        if event["data"]["object"].get("seat_type") == "core" and event["type"].startswith("seat")
    ]
    assert full["code"] == "no_seat_available"
    assert (moved["from_user_id"], moved["to_user_id"]) == (priya, noah)
    assert status == 204
    assert about_core == TOUR


def test_the_documentation_loads_with_all_that_it_needs(demo: Served) -> None:
    _, page = _ask(demo, "/docs")
    named = re.findall(r'(?:src|href)="([^"#]+)"', page.decode())
    assets = [urljoin(f"{demo.address}/docs", name) for name in named]

    answers = {asset: _ask(demo, urlsplit(asset).path) for asset in assets}

    assert any(asset.endswith(".js") for asset in assets), assets
    assert any(asset.endswith(".css") for asset in assets), assets
    assert all(asset.startswith(demo.address) for asset in assets), assets
    assert {asset: status for asset, (status, _) in answers.items() if status != 200} == {}
    assert all(body for _, body in answers.values())


@pytest.fixture
def database(service: Settings) -> dict[str, str]:
    """The variables that lead a process to the test's own database."""
    return {
        "SEATKEEPER_DATABASE_URL": service.database_url,
        "SEATKEEPER_SECRET_KEY": service.secret_key,
    }


def test_on_sigterm_every_request_in_hand_is_answered(
    tmp_path: Path, service: Settings, database: dict[str, str]
) -> None:
    key = _a_key()
    threads = {"SEATKEEPER_THREADS": str(CLIENTS)}
    with (
        ThreadPoolExecutor(CLIENTS) as clients,
        served(tmp_path, **database | threads) as running,
    ):
        with _nobody_else_writes(service):  # so that the requests stay in hand
            asked = [clients.submit(_an_account, running, key) for _ in range(CLIENTS)]
            while _answers_soon(running):
                pass  # one of its threads is still free
            running.process.send_signal(signal.SIGTERM)
        answers = [request.result(timeout=60) for request in asked]
        code = running.process.wait(timeout=60)

    assert (answers, code) == ([201] * CLIENTS, 0)


def test_on_sigterm_what_came_of_a_webhook_on_its_way_is_kept(
    tmp_path: Path, database: dict[str, str]
) -> None:
    account, goes_on = an_account(), threading.Event()
    with Receiver(lambda _: Answer(after=goes_on)) as receiver:
        made, _ = endpoints.create_endpoint(
            system(), NewEndpoint(receiver.url, ["user.created"], account.id)
        )
        endpoints.enable_endpoint(system(), made.id)
        account.user(seats=[])
        allowed = {"SEATKEEPER_WEBHOOK_ALLOWED_HOSTS": receiver.host}
        with served(tmp_path, **database | allowed) as running:
            receiver.wait_for(1)
            running.process.send_signal(signal.SIGTERM)
            with suppress(ConnectionError):
                while True:  # it still listens
                    _answers_soon(running)
            goes_on.set()
            code = running.process.wait(timeout=60)

    attempts = Attempt.select().where(Attempt.endpoint_id == made.id)
    assert [(attempt.verdict, attempt.status) for attempt in attempts] == [("delivered", 204)]
    assert code == 0


def _a_key() -> str:
    _, token = api_keys.create_key(system(), "test", [Scope.ADMIN], None, None)
    return token


@contextmanager
def _nobody_else_writes(service: Settings) -> Iterator[None]:
    if service.on_sqlite:
        file = settings.sqlite_file(service.database_url)
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
    else:
        with db.db.atomic():
            db.db.execute_sql("LOCK TABLE accounts IN SHARE MODE")
            yield


def _an_account(running: Served, key: str) -> int:
    return _ask(running, "/v1/accounts", "POST", {"name": "Acme"}, key)[0]


def _answers_soon(running: Served) -> bool:
    connection = http.client.HTTPConnection(urlsplit(running.address).netloc, timeout=0.5)
    try:
        connection.request("GET", "/livez")
        connection.getresponse().read()
    except TimeoutError:
        return False
    finally:
        connection.close()
    return True


def test_the_data_is_there_again_after_it_was_killed(
    tmp_path: Path, database: dict[str, str]
) -> None:
    key = _a_key()
    with served(tmp_path, **database) as running:
        assert _an_account(running, key) == 201

    with served(tmp_path, **database) as running:
        assert _ask(running, "/readyz") == (200, b'{"status":"ok"}')
        assert _ask(running, "/v1/catalogue")[0] == 401
        _, listed = _ask(running, "/v1/accounts", key=key)

    assert [account["name"] for account in json.loads(listed)["items"]] == ["Acme"]
