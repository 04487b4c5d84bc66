"""Asking a running service, for commands that change data on whatever machine they run."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

SECONDS_FOR_AN_ANSWER = 60
TRIES = 6
LONGEST_WAIT = 60
WORTH_REPEATING = (429, 503)


class ServiceRefused(Exception):
    """The service does not answer, or not as it should; the message says what it said."""


@dataclass
class Remote:
    """
    A running service.

    Attributes:
        url: its address.
        key: an API key.
        wait: how to let some seconds pass before it is asked again.
    """

    url: str
    key: str
    wait: Callable[[float], None] = time.sleep

    def post(self, path: str, body: Any, idempotency_key: str | None) -> tuple[int, dict[str, Any]]:
        """
        Post a body and return status and answer; with a key it is safe to ask more than once.

        Asks again while the service is busy or not there. Raises `ServiceRefused` when it stays so,
        and for an answer that is no JSON.
        """
        for tries_left in reversed(range(TRIES)):
            try:
                status, headers, answer = self._asked(path, body, idempotency_key)
            except (OSError, HTTPException, ValueError) as problem:
                if not tries_left:
                    raise ServiceRefused(f"{self.url} does not answer: {problem}") from problem
                self.wait(2.0 ** (TRIES - tries_left - 2))
                continue
            in_progress = answer.get("code") == "idempotency_in_progress"
            if not tries_left or not (status in WORTH_REPEATING or in_progress):
                return status, answer
            self.wait(_seconds(headers))
        raise AssertionError("unreachable: the last try returns or raises")

    def _asked(
        self, path: str, body: Any, idempotency_key: str | None
    ) -> tuple[int, HTTPResponse, dict[str, Any]]:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        with closing(kind(parts.netloc, timeout=SECONDS_FOR_AN_ANSWER)) as connection:
            target = parts.path.rstrip("/") + path
            connection.request("POST", target, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        if not isinstance(content, dict):
            raise ValueError("it does not speak as Seatkeeper does")
        return answer.status, answer, content


def _seconds(answer: HTTPResponse) -> float:
    """How long the service wants us to wait."""
    sent = answer.headers.get("Retry-After", "")
    return min(int(sent), LONGEST_WAIT) if sent.isdecimal() else 1
