"""
How often each caller may ask: counted by the minute, told in `RateLimit` and `RateLimit-Policy`
(draft-ietf-httpapi-ratelimit-headers).

A minute begins at the same instant for everybody, so that one count is all that a request costs;
processes that share a storage agree without asking for more.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple, NoReturn, Protocol, cast

from flask import Flask, Response, request
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from werkzeug.middleware.proxy_fix import ProxyFix

from licensing.api import in_hand
from licensing.api.auth import Authenticator, names_a_key
from licensing.api.in_hand import InHand
from licensing.api.request_refusals import RateLimited, Unauthenticated
from licensing.callers import Callers, Limits
from licensing.rules.permissions import Actor, ActorType
from licensing.settings import PREFIX, StartRefused

WINDOW = 60
# A storage that does not answer is left alone for a while; nobody is kept waiting, nobody refused.
SECONDS_FOR_THE_STORAGE = 0.2
SECONDS_WITHOUT_THE_STORAGE = 5.0
MOST_KNOWN_KEYS = 10_000
# What one subscriber has of IPv6 addresses, at the least.
IPV6_NETWORK = 64

log = logging.getLogger(__name__)


class Counters(Protocol):
    """Where requests are counted."""

    def incr(self, key: str, expiry: int) -> int:
        """Add one to a count that ends after `expiry` seconds; returns it."""

    def get(self, key: str) -> int:
        """A count."""


class InProcess:
    """
    Counts of this process alone.

    Not the library's storage in memory: that one starts a thread every 10 ms and looks at all
    counts each time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._before: dict[str, int] = {}
        self._window = 0

    def incr(self, key: str, expiry: int) -> int:
        """Add one; what was counted for a window is forgotten two windows later."""
        window = int(time.monotonic()) // expiry
        with self._lock:
            if window != self._window:
                self._window, self._before, self._counts = window, self._counts, {}
            count = self._counts.get(key, 0) or self._before.get(key, 0)
            self._counts[key] = count + 1
        return count + 1

    def get(self, key: str) -> int:
        """A count."""
        return self._counts.get(key, 0) or self._before.get(key, 0)


class Used(NamedTuple):
    """
    What a caller has used of a quota.

    Attributes:
        policy, quota: its name, and how many requests a minute it allows.
        spent: how many there were, this one included.
        reset: seconds until the count begins anew.
    """

    policy: str
    quota: int
    spent: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """What the caller is told."""
        left = max(self.quota - self.spent, 0)
        return {
            "RateLimit": f'"{self.policy}";r={left};t={self.reset}',
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW}',
        }


class Limiter:
    """Counts requests, and tells those that are too many."""

    def __init__(
        self,
        limits: Limits,
        counters: Counters | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._quotas = {
            "key-reads": limits.key_reads,
            "key-writes": limits.key_writes,
            "user-reads": limits.user_reads,
            "user-writes": limits.user_writes,
            "address": limits.address,
            "failures": limits.failures,
        }
        self._counters = counters or _counters(limits.storage)
        self._now = now
        self._silent_until = float("-inf")
        self._salt = secrets.token_bytes(16)
        self._known: set[bytes] = set()

    def count(self, policy: str, who: str) -> Used | None:
        """Count a request; None where there is no limit, or no storage that answers."""
        return self._used(policy, who, lambda key: self._counters.incr(key, WINDOW))

    def guessed(self, token: str, address: str) -> Used | None:
        """
        What an address has used up of its failures, where too many tokens from there were none.

        None for an API key that was good here before: somebody who guesses from behind the same
        proxy locks nobody out.
        """
        used = self._used("failures", address, self._counters.get)
        if used is None or used.spent < used.quota or self._digest(token) in self._known:
            return None
        return used

    def remember(self, token: str) -> None:
        """Know a good API key again, without keeping it."""
        if len(self._known) >= MOST_KNOWN_KEYS:
            self._known.clear()
        self._known.add(self._digest(token))

    def _used(self, policy: str, who: str, count: Callable[[str], int]) -> Used | None:
        quota = self._quotas[policy]
        if not quota or time.monotonic() < self._silent_until:
            return None
        window, passed = divmod(int(self._now()), WINDOW)
        try:
            counted = count(f"{policy}/{who}/{window}")
        except StorageError as problem:
            self._silent_until = time.monotonic() + SECONDS_WITHOUT_THE_STORAGE
            log.warning("requests cannot be counted, so none is refused: %s", problem)
            return None
        return Used(policy, quota, counted, WINDOW - passed)

    def _digest(self, token: str) -> bytes:
        return hashlib.blake2b(token.encode(), key=self._salt, digest_size=16).digest()


def _counters(storage: str) -> Counters:
    if not storage:
        return InProcess()
    try:
        shared = storage_from_string(
            storage,
            wrap_exceptions=True,
            key_prefix="seatkeeper",
            socket_timeout=SECONDS_FOR_THE_STORAGE,
            socket_connect_timeout=SECONDS_FOR_THE_STORAGE,
        )
    except ConfigurationError as problem:
        raise StartRefused(f"{PREFIX}LIMIT_STORAGE cannot be used: {problem}") from problem
    return cast(Counters, shared)


class Gate:
    """Who comes in: tells who it is, and counts."""

    def __init__(self, limiter: Limiter, authenticate: Authenticator) -> None:
        self.limiter = limiter
        self._authenticate = authenticate

    def enter(self, asked: InHand) -> Actor:
        """The caller of a request. Raises `Unauthenticated` and `RateLimited`."""
        authorization = asked.environ.get("HTTP_AUTHORIZATION")
        if authorization is None:
            self.count_address(asked)
            return self._authenticate(None)
        is_key = names_a_key(authorization)
        if is_key:
            guessed = self.limiter.guessed(authorization, _address(asked))
            if guessed is not None:
                _refuse(asked, guessed)
        try:
            actor = self._authenticate(authorization)
        except Unauthenticated:
            self._count(asked, "failures", _address(asked))
            raise
        if is_key:
            self.limiter.remember(authorization)
        kind = "key" if actor.type is ActorType.API_KEY else "user"
        self._count(asked, f"{kind}-{_access(asked)}", actor.id)
        return actor

    def count_address(self, asked: InHand) -> None:
        """Count a request of nobody in particular. Raises `RateLimited`."""
        self._count(asked, "address", _address(asked))

    def _count(self, asked: InHand, policy: str, who: str) -> None:
        used = asked.used = self.limiter.count(policy, who)
        if used is not None and used.spent > used.quota:
            _refuse(asked, used)


def _refuse(asked: InHand, used: Used) -> NoReturn:
    asked.used = used
    raise RateLimited(used.quota, used.reset)


def _access(asked: InHand) -> str:
    return "reads" if asked.environ["REQUEST_METHOD"] in ("GET", "HEAD") else "writes"


def _address(asked: InHand) -> str:
    return network_of(asked.environ.get("REMOTE_ADDR", ""))


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Whom an address belongs to: itself, or of IPv6 the network that one subscriber has."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found.packed[:8] + bytes(8), IPV6_NETWORK)))


def limit(app: Flask, callers: Callers, authenticate: Authenticator) -> None:
    """Count the requests of an application, and tell each caller what is left."""
    app.extensions["gate"] = Gate(Limiter(callers.limits), authenticate)
    if callers.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=callers.proxies, x_proto=0
        )

    def count_what_is_no_operation() -> None:
        # A preflight is the browser's doing; what it asks for is counted.
        view = app.view_functions.get(request.endpoint or "")
        if not hasattr(view, "declared") and request.method != "OPTIONS":
            app.extensions["gate"].count_address(in_hand.current())

    app.before_request(count_what_is_no_operation)
    app.after_request(_tell)


def _tell(response: Response) -> Response:
    used = in_hand.current().used
    if used is not None:
        response.headers.extend(used.headers)
    return response
