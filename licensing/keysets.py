"""
The public keys of an identity provider (RFC 7517): fetched when they are needed, by one thread at a
time, and kept while the provider does not answer.

The standard library's client is all that this takes: one GET of an address that the operator chose,
without redirects, cookies, proxies or repetitions, over a socket that can be shut when time is up.
"""

import http.client
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

PublicKey = RSAKey | ECKey | OKPKey
# For so long keys are taken as they are; after that new ones are fetched, at first without waiting.
SECONDS_FRESH = 300.0
SECONDS_TRUSTED = 3600.0
SECONDS_KEPT = 24 * 3600.0
# Whoever sends unknown key ids, or comes while the provider is down, causes no more than this.
SECONDS_BETWEEN_FETCHES = 30.0
SECONDS_BETWEEN_FIRST_FETCHES = 5.0
SECONDS_A_REQUEST_WAITS = 1.0
SECONDS_FOR_A_STEP = 2.0
SECONDS_FOR_A_FETCH = 5.0
LARGEST_KEY_SET = 256 * 1024
MOST_KEYS = 100
# 2048 bits in base64; anything shorter is no key to trust.
SHORTEST_MODULUS = 342
ASYMMETRIC = ("RSA", "EC", "OKP")

log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """No keys are known, and the provider does not tell any."""


@dataclass(frozen=True)
class Held:
    """Keys by their ids, and when they were fetched."""

    keys: dict[str | None, PublicKey]
    at: float

    def find(self, kid: str | None) -> PublicKey | None:
        """The key with an id; without an id, the only one that there is."""
        if kid is None and len(self.keys) == 1:
            return next(iter(self.keys.values()))
        return self.keys.get(kid)


class KeySource:
    """The keys behind one address."""

    def __init__(
        self,
        fetch: Callable[[], dict[str | None, PublicKey]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._now = now
        self._held: Held | None = None
        self._lock = threading.Lock()
        self._under_way: threading.Event | None = None
        self._not_before = float("-inf")

    def key(self, kid: str | None) -> PublicKey | None:
        """
        The key with the id `kid`, None where the provider has none such.

        Asks the provider only if it has to, and waits for it no longer than a second. Raises
        `KeysUnavailable` while no keys are known at all.
        """
        held = self._usable()
        found = held and held.find(kid)
        if held and found and (age := self._now() - held.at) <= SECONDS_TRUSTED:
            if age > SECONDS_FRESH:
                self._refresh(held)
            return found
        arriving = self._refresh(held)
        if arriving is not None:
            arriving.wait(SECONDS_A_REQUEST_WAITS)
        held = self._usable()
        if held is None:
            raise KeysUnavailable
        return held.find(kid)

    def _usable(self) -> Held | None:
        held = self._held
        return held if held and self._now() - held.at < SECONDS_KEPT else None

    def _refresh(self, held: Held | None) -> threading.Event | None:
        """Have the keys fetched; what tells the end of that, None where it is too early."""
        with self._lock:
            if self._under_way is not None:
                return self._under_way
            if self._now() < self._not_before:
                return None
            pause = SECONDS_BETWEEN_FETCHES if held else SECONDS_BETWEEN_FIRST_FETCHES
            self._not_before = self._now() + pause
            self._under_way = arriving = threading.Event()
        threading.Thread(target=self._work, args=(arriving,), name="jwks", daemon=True).start()
        return arriving

    def _work(self, arriving: threading.Event) -> None:
        try:
            self._held = Held(self._fetch(), self._now())
        except Exception as problem:
            # Whatever it was, the keys that are known go on being good.
            log.warning("the keys of the identity provider could not be fetched: %s", problem)
        finally:
            with self._lock:
                self._under_way = None
            arriving.set()


def fetched_from(url: str) -> dict[str | None, PublicKey]:
    """The keys at an address, by their ids. Raises `OSError`, `ValueError` and `HTTPException`."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(parts.hostname or "", port, timeout=SECONDS_FOR_A_STEP)
    connection.default_port = 443 if secure else 80  # else `Host` would name the usual port
    with closing(connection):
        connection.connect()
        if secure:
            connection.sock = ssl.create_default_context().wrap_socket(
                connection.sock, server_hostname=parts.hostname, do_handshake_on_connect=False
            )
        end = threading.Timer(SECONDS_FOR_A_FETCH, _shut, [connection.sock])
        end.start()
        try:
            return keys_in(_content(connection, parts.path or "/", parts.query))
        finally:
            end.cancel()


def _shut(sock: socket.socket) -> None:
    """Let whoever reads from it, however slowly it comes, fail at once."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _content(connection: http.client.HTTPConnection, path: str, query: str) -> bytes:
    if isinstance(connection.sock, ssl.SSLSocket):
        connection.sock.do_handshake()
    target = f"{path}?{query}" if query else path
    connection.request("GET", target, headers={"Accept": "application/json"})
    with closing(connection.getresponse()) as answer:
        if answer.status != http.HTTPStatus.OK:
            raise ValueError(f"the answer is {answer.status}")
        content = answer.read(LARGEST_KEY_SET + 1)
    if len(content) > LARGEST_KEY_SET:
        raise ValueError("the answer is too long")
    return content


def keys_in(content: bytes) -> dict[str | None, PublicKey]:
    """
    The keys of a JWK Set that signatures can be checked with, by their ids; the first of an id.

    What is not understood is passed over (RFC 7517, 5). Raises `ValueError` where nothing is left.
    """
    keys: dict[str | None, PublicKey] = {}
    try:
        for data in json.loads(content)["keys"][:MOST_KEYS]:
            key = _key(data)
            if key is not None:
                keys.setdefault(key.kid, key)
    except (TypeError, KeyError, RecursionError) as problem:
        raise ValueError("the answer is no JWK Set") from problem
    if not keys:
        raise ValueError("the answer has no key to check signatures with")
    return keys


def _key(data: Any) -> PublicKey | None:
    if not isinstance(data, dict) or data.get("kty") not in ASYMMETRIC:
        return None
    if data.get("use", "sig") != "sig":
        return None
    if data["kty"] == "RSA" and len(str(data.get("n", ""))) < SHORTEST_MODULUS:
        return None
    try:
        key = JWKRegistry.import_key(data)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None
