"""A small receiver for the demo, so that a new user sees signed deliveries at once."""

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from licensing import clock
from licensing.rules.permissions import system
from licensing.settings import PREFIX
from webhooks import signing
from webhooks.messages import VERIFICATION
from webhooks.operations import endpoints
from webhooks.operations.endpoints import BEGINNING, NewEndpoint

ALLOWED = f"{PREFIX}WEBHOOK_ALLOWED_HOSTS"
LINES_KEPT = 500
LOOPBACK = "127.0.0.1"
LOCAL = f"localhost,{LOOPBACK}"


class DemoReceiver(ThreadingHTTPServer):
    """Verifies what is posted to it, and shows a line about each message to whoever reads `/`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.secret = ""
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)

    def handle_error(self, *_: object) -> None:
        """Say nothing of connections that end early: the terminal is the service's."""

    @property
    def host(self) -> str:
        """Its host and port."""
        return f"{LOOPBACK}:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: DemoReceiver
    protocol_version = "HTTP/1.1"
    # Else the body waits for the acknowledgement of the head, which takes its time.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(200, "\n".join([*self.server.lines, ""]))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        sent = {name.lower(): value for name, value in self.headers.items()}
        try:
            signing.verify(self.server.secret, sent, body, int(clock.now().timestamp()))
        except signing.BadSignature as bad:
            self.server.lines.append(f"refused: {bad}")
            self._answer(401, str(bad))
            return
        event = json.loads(body)
        place = f"{event.get('account_id') or '-'} {event.get('sequence') or '-'}"
        self.server.lines.append(f"{event['timestamp']}  signature good  {event['type']}  {place}")
        challenged = event["type"] == VERIFICATION
        self._answer(200, event["data"]["challenge"] if challenged else "ok")

    def _answer(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal, which is the service's."""


@contextmanager
def receiver() -> Iterator[Callable[[], str]]:
    """
    A receiver that runs inside the block; the service may send to this machine.

    Yields a function that makes its endpoint, once the database is there, and shows how to look.
    """
    with DemoReceiver() as server:
        # Who tries it out has a receiver on the same machine.
        allowed = os.environ.get(ALLOWED)
        os.environ[ALLOWED] = f"{allowed},{LOCAL}" if allowed else LOCAL
        thread = threading.Thread(target=server.serve_forever, name="demo-receiver", daemon=True)
        thread.start()

        def introduce() -> str:
            wanted = NewEndpoint(
                f"http://{server.host}/", ["*"], description="Demo receiver", start=BEGINNING
            )
            endpoint, server.secret = endpoints.create_endpoint(system(), wanted)
            return (
                f"Webhooks of all companies go to a demo receiver (endpoint {endpoint.id}).\n"
                f"What it was sent, and whether the signature was good:\n"
                f"  curl http://{server.host}/\n"
            )

        try:
            yield introduce
        finally:
            server.shutdown()
