"""
A disk that is full (F13): that of the database, with the log on it, or that of the log alone.

Clients go on meanwhile, and repeat what was refused; so at the end everything that was ever
answered is held against the log of events.
"""

import json
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from licensing import db, migrations, settings
from licensing.models import Account
from licensing.settings import Settings
from tests.faults.disks import Disk, a_small_disk
from tests.faults.harness import Harness
from tests.faults.load import Load
from tests.faults.machines import NO_FAULT, Web, Works
from tests.faults.scene import a_scene

SECONDS_TO_START = 30
MOST_BYTES_LEFT = 60_000
# So many commands fit at most in what may be left.
MOST_UNTIL_FULL = 500
PROBES_OF_A_FULL_DISK = 5


@contextmanager
def another_database(folder: Path) -> Iterator[Settings]:
    """An empty SQLite database in a folder stands behind the handle inside the block."""
    before = settings.current()
    chosen = replace(before, database_url=f"sqlite:///{folder}/seatkeeper.db")
    db.close()
    settings.put_in_force(chosen)
    db.open_database(chosen)
    try:
        with db.connection():
            migrations.apply()
            yield chosen
        db.close()
    finally:
        settings.put_in_force(before)
        db.open_database(before)
        db.db.connect()


@contextmanager
def printing_to(folder: Path) -> Iterator[None]:
    """What processes print inside the block is kept in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield


class Prober:
    """A client that asks once, and takes no for an answer."""

    def __init__(self, web: Web, token: str, seconds: float = 30) -> None:
        self._web = web
        self._seconds = seconds
        self._headers = {"Authorization": f"Bearer {token}"}
        self.opened: list[str] = []

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any], bool]:
        """The status, the answer, and whether it says when to try again."""
        content = None if body is None else json.dumps(body)
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        with closing(HTTPConnection(self._web.address, timeout=self._seconds)) as connection:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        return answer.status, told, "Retry-After" in answer.headers

    def wait(self) -> None:
        """Wait until the service is ready."""
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            with suppress(OSError):
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the service is not ready: {self._web.printed}")

    def open_an_account(self) -> int:
        """Have something written; returns the status."""
        status, told, when = self.ask("POST", "/v1/accounts", {"name": "Probe"})
        if status == 201:
            self.opened.append(told["id"])
        else:
            assert (status, told["code"], when) == (503, "unavailable", True), (status, told)
        return status

    def open_and_look(self) -> int:
        """The same; what was acknowledged has to be there then."""
        status = self.open_an_account()
        if status == 201:
            found, *_ = self.ask("GET", f"/v1/accounts/{self.opened[-1]}")
            assert found == 200, "an acknowledged command is lost"
        return status

    def troubles(self) -> list[str]:
        """What keeps the service from being ready."""
        _, told, _ = self.ask("GET", "/readyz")
        return list(told.get("troubles", []))


def _a_round(disk: Disk, prober: Prober, account: str, chance: random.Random) -> int:
    """Fill the disk and make room again; returns how many commands were refused."""
    disk.fill(but=chance.choice((0, chance.randrange(MOST_BYTES_LEFT))))
    for _ in range(MOST_UNTIL_FULL):
        if prober.open_and_look() == 503:
            break
    else:
        raise AssertionError("commands are done that there is no room for")
    refused = [prober.open_and_look() for _ in range(PROBES_OF_A_FULL_DISK)].count(503)
    assert prober.ask("GET", f"/v1/accounts/{account}/pools")[0] == 200, "nobody could read"
    assert prober.troubles() == ["disk"]
    disk.make_room()
    assert prober.open_and_look() == 201, "it does not go on although there is room"
    prober.wait()
    return 1 + refused


def run(seed: int, size: int, fault: str = NO_FAULT) -> Mapping[str, int]:
    """So many times the disk of the database is full, on which the service logs, too."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    refused = 0
    with (
        a_small_disk() as disk,
        another_database(disk.folder) as chosen,
        a_scene() as scene,
        _served(chosen, disk.folder, fault) as web,
    ):
        prober = Prober(web, scene.token)
        with Load([web.address], scene.token, scene.accounts, scene.clock_id, seed) as load:
            load.wait_for(1)
            for _ in range(size):
                refused += _a_round(disk, prober, scene.accounts[0].id, chance)
                load.wait_for(5)
        totals = scene.holds_up(load)
        lost = set(prober.opened) - {row.id for row in Account.select(Account.id)}
        assert not lost, f"{len(lost)} acknowledged commands are lost"
    return {"rounds": size, "refused": refused} | totals


def run_without_a_log(seed: int, size: int) -> Mapping[str, int]:
    """So many times the disk to which the service logs is full; nobody else notices it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        a_small_disk() as disk,
        another_database(Path(folder)) as chosen,
        a_scene() as scene,
        _served(chosen, disk.folder) as web,
    ):
        prober = Prober(web, scene.token)
        with Load([web.address], scene.token, scene.accounts, scene.clock_id, seed) as load:
            load.wait_for(1)
            for _ in range(size):
                disk.fill()
                load.wait_for(5)
                assert prober.ask("GET", "/v1/nowhere")[0] == 404
                assert prober.open_and_look() == 201
                assert prober.troubles() == []
                disk.make_room()
        totals = scene.holds_up(load)
    return {"rounds": size} | totals


@contextmanager
def _served(chosen: Settings, log: Path, fault: str = NO_FAULT) -> Iterator[Web]:
    """The service, which logs into a folder."""
    with Works(chosen) as works:
        with printing_to(log):
            web = Web(works, fault=fault)
        with web:
            yield web


HARNESSES = (
    Harness("F13", "a full disk", run, 10, plan=3),
    Harness("F13", "a full disk of the log", run_without_a_log, 10, plan=3),
)
