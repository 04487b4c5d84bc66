"""What goes over the wire: the exact bytes, the headers, and the signatures of the moment."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from licensing import __version__, clock, db, ids, tracing
from webhooks import secrets, signing
from webhooks.logs import Entry
from webhooks.models import Endpoint
from webhooks.transport import Outcome, Transport

API_VERSION = "v1"
USER_AGENT = f"Seatkeeper/{__version__}"
VERIFICATION, PING = "webhook.verification", "webhook.ping"


@dataclass(frozen=True)
class Message:
    """
    What is sent: the same bytes at every attempt, signed anew each time with each live secret.

    Attributes:
        url: where to.
        id, type: the event, or the message where it is in no log.
        sequence, previous: its place in the log, and the place of the one before it that the
            endpoint asked for; None where it is in no log.
        body: the exact bytes.
        secrets: those that are live, the newest first.
        headers: the endpoint's own.
        traceparent: of the request that did it, so that a trace goes on at the receiver.
    """

    url: str
    id: str
    type: str
    sequence: int | None
    previous: int | None
    body: bytes
    secrets: tuple[str, ...]
    headers: Mapping[str, str]
    traceparent: str | None = None

    def send(self, transport: Transport) -> Outcome:
        """Sign it for this moment and post it."""
        timestamp = int(clock.now().timestamp())
        signed = signing.headers(list(self.secrets), self.id, timestamp, self.body)
        fixed = {"content-type": "application/json", "user-agent": USER_AGENT}
        trace = tracing.traceparent() or self.traceparent
        if trace is not None:
            fixed["traceparent"] = trace
        return transport.post(self.url, {**self.headers, **fixed, **signed}, self.body)


def of_entry(entry: Entry, previous: int, endpoint: Endpoint) -> Message:
    """An event as it is sent to an endpoint that was sent `previous` before it."""
    return of_entries([entry], previous, endpoint)[0]


def of_entries(entries: Sequence[Entry], previous: int, endpoint: Endpoint) -> list[Message]:
    """Events as they are sent in turn to an endpoint that was sent `previous` before them."""
    live, headers = _of_endpoint(endpoint)
    made = []
    for entry in entries:
        body = with_previous(entry.body, entry.sequence, previous)
        trace = _traceparent(entry.body)
        place = entry.sequence, previous
        made.append(Message(endpoint.url, entry.id, entry.type, *place, body, live, headers, trace))
        previous = entry.sequence
    return made


def _traceparent(body: str) -> str | None:
    # Few events have one, and to parse them all would cost more than to sign them.
    if '"traceparent":' not in body:
        return None
    found: str | None = json.loads(body)["data"].get("traceparent")
    return found


def with_previous(body: str, sequence: int, previous: int) -> bytes:
    """The stored bytes of an event, with the sequence of the one before it for this endpoint."""
    own = f'"sequence":{sequence},'
    # The members before it hold no text of others, so the first one is the event's own.
    return body.replace(own, f'{own}"previous_sequence":{previous},', 1).encode()


def outside_of_logs(
    endpoint: Endpoint, type: str, data: dict[str, Any], **members: object
) -> Message:
    """A message that no log holds: a challenge, a ping, an example."""
    id = ids.new("evt")
    now = clock.to_text(clock.now())
    envelope = {"id": id, "type": type, "timestamp": now, "api_version": API_VERSION}
    body = json.dumps(
        {**envelope, **members, "data": data}, ensure_ascii=False, separators=(",", ":")
    )
    live, headers = _of_endpoint(endpoint)
    return Message(endpoint.url, id, type, None, None, body.encode(), live, headers)


def _of_endpoint(endpoint: Endpoint) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Its live secrets and own headers, opened once for all messages of a transaction."""
    known, key = db.known(), ("opened", endpoint.id, endpoint.headers)
    if key not in known:
        live = tuple(secrets.opened(row) for row in secrets.live(endpoint.id, clock.now()))
        known[key] = live, secrets.own_headers(endpoint)
    found: tuple[tuple[str, ...], Mapping[str, str]] = known[key]
    return found
