"""Standing in for the dispatcher on a developer's machine: pull the log, sign, post locally."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from licensing import clock
from webhooks import signing
from webhooks.event_types import types_of
from webhooks.messages import USER_AGENT, with_previous
from webhooks.transport import Outcome, Transport

SECONDS_FOR_AN_ANSWER = 30
EVENTS_PER_PAGE = 200


class ServiceRefused(Exception):
    """The service did not answer as it should; the message says what it said."""


@dataclass
class Listener:
    """
    Follows the logs of a service and posts their events to a local receiver.

    Attributes:
        api: the address of the service.
        key: an API key with the scopes `read` and `accounts`.
        forward: where to post to.
        secret: what to sign with.
        filters: which events, as an endpoint's `event_types`.
    """

    api: str
    key: str
    forward: str
    secret: str
    filters: tuple[str, ...] = ("*",)
    positions: dict[str, int] = field(default_factory=dict)
    previous: dict[str, int] = field(default_factory=dict)

    def accounts(self) -> list[str]:
        """The accounts that the key reaches."""
        return [account["id"] for account in self._pages("/v1/accounts", {})]

    def begin(self, account_id: str, after: int | None) -> None:
        """Follow an account from a sequence on, None for from now on."""
        if after is None:
            after = max((event["sequence"] for event in self._events(account_id, 0)), default=0)
        self.positions[account_id] = after

    def forward_new(self) -> Iterator[tuple[dict[str, Any], Outcome]]:
        """Post what has happened since; yields each event with what the receiver answered."""
        wanted = set(types_of(self.filters))
        parts = urlsplit(self.forward)
        with closing(Transport(frozenset({parts.netloc}))) as transport:
            for account_id in self.positions:
                for event in self._events(account_id, self.positions[account_id]):
                    if event["type"] in wanted:
                        yield event, self._post(transport, account_id, event)
                    self.positions[account_id] = event["sequence"]

    def _post(self, transport: Transport, account_id: str, event: dict[str, Any]) -> Outcome:
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        before = self.previous.get(account_id, self.positions[account_id])
        body = with_previous(text, event["sequence"], before)
        self.previous[account_id] = event["sequence"]
        signed = signing.headers([self.secret], event["id"], int(clock.now().timestamp()), body)
        fixed = {"content-type": "application/json", "user-agent": USER_AGENT}
        return transport.post(self.forward, fixed | signed, body)

    def _events(self, account_id: str, after: int) -> Iterator[dict[str, Any]]:
        return self._pages(f"/v1/accounts/{account_id}/events", {"after": str(after)})

    def _pages(self, path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        cursor: dict[str, str] = {}
        while True:
            page = self._get(path, query | {"limit": str(EVENTS_PER_PAGE)} | cursor)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        parts = urlsplit(self.api)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        with closing(kind(parts.netloc, timeout=SECONDS_FOR_AN_ANSWER)) as connection:
            try:
                target = f"{parts.path.rstrip('/')}{path}?{urlencode(query)}"
                connection.request("GET", target, headers={"Authorization": f"Bearer {self.key}"})
                answer = connection.getresponse()
                content: dict[str, Any] = json.loads(answer.read())
            except (OSError, HTTPException, ValueError) as problem:
                raise ServiceRefused(f"{self.api} does not answer: {problem}") from problem
        if answer.status != 200:
            raise ServiceRefused(f"{self.api} answers {answer.status}: {content.get('detail')}")
        return content


def follow(listener: Listener, show: Callable[[str], None], seconds: float | None) -> None:
    """
    Forward what happens, looking every so many seconds; once where that is None.

    `show` gets a line about each event.
    """
    while True:
        for event, outcome in listener.forward_new():
            answered = outcome.status or outcome.detail or outcome.failure
            show(f"{event['account_id']} {event['sequence']:>6} {event['type']} -> {answered}")
        if seconds is None:
            return
        time.sleep(seconds)
