"""A client that asks one thing after the other over one connection, and says how long each took."""

import http.client
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Self
from urllib.parse import urlsplit

import orjson

from licensing import ids


class Client:
    """One caller of a service, with a token."""

    def __init__(self, address: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.milliseconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask, keep how many milliseconds it took, and return the answer, which is to be good."""
        headers = dict(self._headers)
        if method == "POST":
            headers["Idempotency-Key"] = ids.new("key")
        content = None if body is None else orjson.dumps(body)
        start = time.perf_counter()
        self._connection.request(method, path, content, headers)
        with closing(self._connection.getresponse()) as answer:
            told = answer.read()
            self.milliseconds = (time.perf_counter() - start) * 1000
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {told[:300]!r}")
        return orjson.loads(told) if told else None
