"""
How fast one dispatcher delivers, beside a bare loop of `requests` that signs and posts (P9).

    python -m tests.benchmarks.deliveries [--rounds N]

Each round sends the events of some commands, with the attempts recorded, and as many posts of the
same size in the loop, to the same receiver, a process of its own. The clock is that of the wall.
"""

import argparse
import hmac
import multiprocessing
import selectors
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from licensing import db, settings
from licensing.models import Event
from licensing.rules.permissions import system
from tests.benchmarks.ratios import ratio
from tests.benchmarks.rounds import Case, interleaved
from tests.benchmarks.scene import application
from tests.world import AnAccount, an_account
from webhooks.dispatcher import Dispatcher
from webhooks.operations.endpoints import NewEndpoint, create_endpoint, enable_endpoint
from webhooks.transport import Transport

ACCOUNTS, USERS_EACH = 32, 5
EVENTS_PER_USER = 2
POSTS = 200
TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
BODY_END = b"\r\n\r\n"


def _receive(listening: socket.socket) -> None:
    """Take every request, on connections that are kept alive, as fast as Python can."""
    chosen = selectors.DefaultSelector()
    listening.setblocking(False)
    chosen.register(listening, selectors.EVENT_READ)
    pending: dict[Any, bytes] = {}
    while True:
        for key, _ in chosen.select():
            if key.fileobj is listening:
                made, _address = listening.accept()
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                chosen.register(made, selectors.EVENT_READ)
                pending[made] = b""
                continue
            talking: Any = key.fileobj
            got = talking.recv(65536)
            if not got:
                chosen.unregister(talking)
                talking.close()
                continue
            pending[talking] = _answered(talking, pending[talking] + got)


def _answered(talking: socket.socket, got: bytes) -> bytes:
    """Answer what has come whole; returns the rest."""
    while BODY_END in got:
        head, _, rest = got.partition(BODY_END)
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(rest) < length:
            break
        talking.sendall(TAKEN)
        got = rest[length:]
    return got


@contextmanager
def _receiver() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = multiprocessing.get_context("fork").Process(target=_receive, args=(listening,))
        process.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
        process.kill()
        process.join()


class _Drain:
    """The delivery of all events of a round."""

    def __init__(self, url: str) -> None:
        self.accounts: list[AnAccount] = [an_account(core=1) for _ in range(ACCOUNTS)]
        endpoint, _ = create_endpoint(system(), NewEndpoint(url, ["*"], max_in_flight=16))
        enable_endpoint(system(), endpoint.id)
        if db.on_sqlite():
            db.db.execute_sql("PRAGMA synchronous = NORMAL")  # as `Dispatcher.run` has it
        self._dispatcher = Dispatcher(Transport(settings.current().webhook_allowed_hosts))

    def before(self) -> None:
        """Let something happen in each account, that nobody has been told of."""
        for account in self.accounts:
            for _ in range(USERS_EACH):
                account.user()

    def run(self) -> None:
        """Tell it."""
        sent = self._dispatcher.deliver_all()
        assert sent == ACCOUNTS * USERS_EACH * EVENTS_PER_USER, sent

    def close(self) -> None:
        self._dispatcher.close()


class _Loop:
    """A loop that signs a body and posts it, and records nothing."""

    def __init__(self, url: str, body: bytes) -> None:
        self._url, self._body, self._session = url, body, requests.Session()
        self._session.trust_env = False

    def run(self) -> None:
        for number in range(POSTS):
            signed = hmac.digest(b"a secret", b"%d.%b" % (number, self._body), "sha256").hex()
            headers = {
                "content-type": "application/json",
                "webhook-id": f"evt_{number}",
                "webhook-timestamp": str(int(time.time())),
                "webhook-signature": signed,
            }
            assert self._session.post(self._url, self._body, headers=headers).status_code == 204


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("tests.benchmarks.deliveries")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args(arguments).rounds
    with _receiver() as url, application():
        drain = _Drain(url)
        body = Event.select().order_by(Event.sequence.desc()).first().body.encode()
        loop, events = _Loop(url, body), ACCOUNTS * USERS_EACH * EVENTS_PER_USER
        cases = {
            "drain": Case(drain.run, events, drain.before),
            "loop": Case(loop.run, POSTS),
        }
        took = interleaved(cases, rounds, time.perf_counter)
        drain.close()
    for name, seconds in took.items():
        print(f"{name}: {1 / statistics.median(seconds):,.0f} a second")  # noqa: T201
    where = "SQLite" if db.on_sqlite() else "PostgreSQL"
    print(f"{where}: the dispatcher delivers {ratio(took['loop'], took['drain'])} times as fast")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
