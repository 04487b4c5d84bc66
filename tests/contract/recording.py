"""
Examples as requests that were sent and answers that came, alike whenever they are recorded.

Identifiers, secrets and durations differ from run to run; in an example they are made the same
ones. Long lists are cut short, and JSON Schemas to their head: tools would follow their references.
"""

import json
import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from licensing.api.fields import EXAMPLE_ID

ID = re.compile(r"\b([a-z]{2,4})_([0-9a-f]{32})(?![0-9a-f])")
FIRST_ID = int(EXAMPLE_ID, 16)
SHOWN_ITEMS = 2
SHOWN_HEADERS = ("Content-Type", "ETag", "Location", "Idempotency-Replayed", "Paid-Until")
SAME = [
    (re.compile(r"\b(sk_[0-9a-f]{32})_[\w-]{20,}"), r"\1_kept-where-secrets-are-kept"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c3IifQ.c2ln"),
    (re.compile(r"\bwhsec_[\w+/=-]+"), "whsec_a2VwdCB3aGVyZSBzZWNyZXRzIGFyZSBrZXB0"),
    (re.compile(r"\bsha256:[0-9a-f]{64}"), "sha256:" + "9f86d081" * 8),
    (re.compile(r'^"[0-9a-f]{32}"$'), '"7d5e3f1a9b2c4d6e8f0a1b2c3d4e5f60"'),
    (re.compile(r"http://127\.0\.0\.1:\d+/\w*"), "https://billing.example.com/seats"),
]
DURATIONS, SCHEMA = "milliseconds", "json_schema"


class Recorder:
    """Sends requests, and keeps each with its answer as an example of its operation."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.examples: dict[str, dict[str, Any]] = {}
        self.ids: dict[str, str] = {}

    def tell(
        self,
        operation: str,
        method: str,
        path: str,
        body: Any = None,
        **headers: str,
    ) -> TestResponse:
        """Send a request and keep it as the example of an operation; it has to succeed."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        more = {} if body is None else {"data": json.dumps(body), "content_type": kind}
        answer = self.client.open(path, method=method, headers=sent, **more)
        assert answer.status_code < 300, (operation, answer.text)
        assert operation not in self.examples, f"{operation} has an example already"
        if body is not None:
            sent["Content-Type"] = kind
        request: dict[str, Any] = {"method": method, "path": path, "headers": sent, "body": body}
        headers = {n: answer.headers[n] for n in SHOWN_HEADERS if n in answer.headers}
        shown = answer.json if answer.is_json else None
        response = {"status": answer.status_code, "headers": headers, "body": shown}
        self.examples[operation] = self._alike({"request": request, "response": response})
        return answer

    def _alike(self, value: Any, name: str = "") -> Any:
        if name == DURATIONS:
            return dict.fromkeys(value, 1)
        if name == SCHEMA:
            return {n: v for n, v in value.items() if not isinstance(v, dict)}
        if isinstance(value, dict):
            return {self._text(n): self._alike(v, n) for n, v in value.items()}
        if isinstance(value, list):
            shown = value[:SHOWN_ITEMS] if name == "items" else value
            return [self._alike(item) for item in shown]
        if isinstance(value, str):
            return "c2lnbmVkIHBvc2l0aW9u" if name == "next_cursor" else self._text(value)
        return value

    def _text(self, text: str) -> str:
        for pattern, same in SAME:
            text = pattern.sub(same, text)
        return ID.sub(self._id, text)

    def _id(self, found: re.Match[str]) -> str:
        if found[0] not in self.ids:
            alike = [id for id in self.ids.values() if id.startswith(found[1] + "_")]
            self.ids[found[0]] = f"{found[1]}_{FIRST_ID + len(alike):032x}"
        return self.ids[found[0]]
