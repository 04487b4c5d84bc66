"""The account that is measured, and the requests that are made about it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Flask

from app import create_app
from licensing import db, ids, migrations
from licensing.operations import api_keys
from licensing.rules.permissions import Scope, system
from tests.benchmarks.companies import settings_for
from tests.benchmarks.in_process import Environ, again, request, send
from tests.world import AnAccount, an_account
from webhooks.operations.endpoints import NewEndpoint, create_endpoint

FEATURE = "contacts"


@contextmanager
def application() -> Iterator[Flask]:
    """The service on an empty database: a new SQLite file, or the one that the environment says."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("SEATKEEPER_DATABASE_URL", f"sqlite:///{folder}/seatkeeper.db")
        app = create_app(settings_for(os.environ["SEATKEEPER_DATABASE_URL"]))
        with db.connection():
            migrations.apply()
            yield app
        db.close()


@dataclass
class Scene:
    """
    An account whose people hold the viewing seat, and an endpoint that is told of everything.

    Attributes:
        app, account, token: where, which, and who asks.
        people: the users.
        held: the core seats that were given out, oldest first.
    """

    app: Flask
    account: AnAccount
    token: str
    people: list[str]
    held: list[str] = field(default_factory=list)

    def ask(self, path: str, method: str = "GET", body: Any = None, **more: str) -> Environ:
        """A request about the account."""
        sent = {"Authorization": f"Bearer {self.token}", "Accept": "*/*"}
        headers = sent | {name.replace("_", "-"): value for name, value in more.items()}
        return request(f"/v1/accounts/{self.account.id}{path}", method, body, headers)

    def assigning(self, many: int) -> list[Environ]:
        """So many requests, each of which gives another user a core seat."""
        bodies = [{"user_id": user, "seat_type": "core"} for user in self.people[:many]]
        return [self.ask("/seats", "POST", b, Idempotency_Key=ids.new("key")) for b in bodies]

    def assign(self, requests: list[Environ]) -> None:
        """Send them, and remember the seats."""
        self.held += [orjson.loads(a)["id"] for a in send(self.app, requests, "201")]

    def taking_back(self, many: int) -> list[Environ]:
        """So many requests, each of which takes a core seat back that was given out."""
        return [self.ask(f"/seats/{seat}", "DELETE") for seat in self.held[:many]]

    def take_back(self, requests: list[Environ]) -> None:
        """Send them, and forget the seats."""
        send(self.app, requests, "204")
        del self.held[: len(requests)]

    def reads(self) -> dict[str, Environ]:
        """The requests that only ask."""
        user = self.people[-1]
        return {
            "entitlement": self.ask(f"/users/{user}/entitlements/{FEATURE}"),
            "page of 50 seats": self.ask("/seats?limit=50"),
            "page of 50 of the table": self.ask("/seat-table?limit=50"),
        }

    def read(self, environ: Environ, times: int) -> None:
        """Send a request so many times."""
        send(self.app, (again(environ) for _ in range(times)), "200")


def busy_account(app: Flask, people: int) -> Scene:
    """A scene with so many users; inside a connection."""
    account = an_account(core=people)
    create_endpoint(system(), NewEndpoint("http://127.0.0.1:9/", ["*"]))
    _, token = api_keys.create_key(system(), "benchmark", [Scope.ADMIN])
    return Scene(app, account, token, [account.user() for _ in range(people)])
