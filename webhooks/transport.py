"""
Sending: one signed POST, and what came of it.

Nothing here raises for what a network or a receiver does, waits longer than the deadline, follows a
redirect, reads the environment's proxies or believes a host that has an address which is not public
(promises 8 and 9).
"""

import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from webhooks.addresses import AddressRefused, parse
from webhooks.answers import Answer
from webhooks.connections import SECONDS_UNTIL_RETIRED, Connection, Pools
from webhooks.exchanges import Exchange, Phase

SECONDS = 10.0
HOSTS_KEPT = 256
SECONDS_BETWEEN_TIDYING = 30.0


class Failure(StrEnum):
    """Why there is no answer, or none that counts."""

    ADDRESS_REFUSED = "address_refused"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    BAD_ANSWER = "bad_answer"


OF_A_PHASE = {Phase.DNS: Failure.DNS, Phase.CONNECT: Failure.CONNECT, Phase.TLS: Failure.TLS}
# The first that fits: a timeout, and an error of TLS, are errors of the system, too.
OF_A_KIND: dict[type[Exception], Failure] = {
    TimeoutError: Failure.TIMEOUT,
    ssl.SSLError: Failure.TLS,
    OSError: Failure.RESET,
}
WORDS = {
    Failure.DNS: "the host cannot be looked up",
    Failure.CONNECT: "no connection could be made",
    Failure.TLS: "no secure connection could be made",
    Failure.RESET: "the answer did not come whole",
    Failure.BAD_ANSWER: "the answer is not HTTP, or too long",
}


@dataclass(frozen=True)
class Outcome:
    """
    What came of a message.

    Attributes:
        status: the HTTP status; an answer that was cut off has both a status and a failure.
        failure: None where the answer counts.
        detail: what went wrong, in words.
        retry_after, control, content_type: headers of the answer; `control` is `webhook-delivery`.
        headers: all of them, with names in lower case.
        body: 64 KiB of it at the most, as it came.
        milliseconds: how long `dns`, `connect`, `tls`, `first_byte`, `body` and the `total` took.
        reused: whether the connection had been used before.
        resent: whether it was sent twice, since a reused connection turned out to be closed.
    """

    status: int | None
    failure: Failure | None = None
    detail: str = ""
    retry_after: str | None = None
    control: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    milliseconds: dict[str, int] = field(default_factory=dict)
    reused: bool = False
    resent: bool = False


class Adapter(HTTPAdapter):
    """
    The adapter of webhooks: its pools open checked connections only.

    A message is driven over a pooled connection directly. What a session would add, redirects,
    cookies, proxies and decompression, is not wanted, and takes most of the time.
    """

    poolmanager: Pools

    def init_poolmanager(self, connections: int, *_: Any, **__: Any) -> None:
        """Make the pools, for so many hosts."""
        self.poolmanager = Pools(connections, _tls)


class Transport:
    """
    Posts messages; shared by any number of threads.

    `allowed` are the hosts that the operator vouches for, as `host` or `host:port`; `oldest` is how
    many seconds after it was opened a connection is used again at the most.
    """

    def __init__(self, allowed: frozenset[str], oldest: float = SECONDS_UNTIL_RETIRED) -> None:
        self._allowed = allowed
        self._oldest = oldest
        self._adapter = Adapter(pool_connections=HOSTS_KEPT)
        self._tidied = time.monotonic()

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, seconds: float = SECONDS
    ) -> Outcome:
        """
        Post a body, within so many seconds all told; returns what came of it.

        Never raises for anything that the network or the receiver does.
        """
        try:
            target = parse(url, self._allowed)
        except AddressRefused as refused:
            return Outcome(None, Failure.ADDRESS_REFUSED, str(refused))
        self._tidy()
        pool = self._adapter.poolmanager.of(target)
        exchange = Exchange(target.is_allowed, seconds)
        connection = pool.take(exchange, self._oldest)
        try:
            outcome = _outcome(connection, target.path, headers, body)
        except BaseException:
            connection.close()
            raise
        pool.give_back(connection)
        return outcome

    def close(self) -> None:
        """Close all connections, those in use when they are done."""
        self._adapter.close()

    def _tidy(self) -> None:
        now = time.monotonic()
        if now - self._tidied > SECONDS_BETWEEN_TIDYING:
            self._tidied = now
            self._adapter.poolmanager.tidy(self._oldest)


def _outcome(connection: Connection, path: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    answer: Answer | None = None
    try:
        answer = connection.ask(path, headers, body)
        content = answer.read_body()
    except (AddressRefused, OSError, http.client.HTTPException, ValueError) as problem:
        connection.close()
        return _failed(connection.exchange, problem, answer)
    finally:
        if answer is not None:
            is_reusable = answer.ends_clearly
            answer.close()
            if not is_reusable:
                connection.close()
    return _answered(connection.exchange, answer, content)


def _answered(exchange: Exchange, answer: Answer, content: bytes) -> Outcome:
    headers = answer.head.firsts()
    return Outcome(
        answer.status,
        retry_after=headers.get("retry-after"),
        control=headers.get("webhook-delivery"),
        content_type=headers.get("content-type"),
        headers=headers,
        body=content,
        milliseconds=exchange.durations(),
        reused=exchange.reused,
        resent=exchange.resent,
    )


def _failed(exchange: Exchange, problem: Exception, answer: Answer | None) -> Outcome:
    failure = _failure(exchange.phase, problem)
    return Outcome(
        None if answer is None else answer.status,
        failure,
        _in_words(failure, problem),
        milliseconds=exchange.durations(),
        reused=exchange.reused,
        resent=exchange.resent,
    )


def _failure(phase: Phase | None, problem: Exception) -> Failure:
    if isinstance(problem, AddressRefused):
        return Failure.ADDRESS_REFUSED
    if phase in OF_A_PHASE:
        return OF_A_PHASE[phase]
    for kind, failure in OF_A_KIND.items():
        if isinstance(problem, kind):
            return failure
    return Failure.BAD_ANSWER


def _in_words(failure: Failure, problem: Exception) -> str:
    """What went wrong; nothing of it in the receiver's own words, which may be anything."""
    if isinstance(problem, AddressRefused):
        return str(problem)
    if isinstance(problem, TimeoutError):
        return "the time was up"
    if isinstance(problem, ssl.SSLCertVerificationError):
        return problem.verify_message
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return WORDS[failure]


def _tls() -> ssl.SSLContext:
    """Certificates are verified against the system's authorities and those that Mozilla trusts."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context
