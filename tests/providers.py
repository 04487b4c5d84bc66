"""
An identity provider on this machine: signs tokens, shows its keys, rotates them, and goes down.

    with AProvider() as provider, trusted(provider):
        token = provider.token(account, "okta|priya")
        provider.rotate()
        provider.answer = drips
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from licensing import clock, provider, settings
from licensing.callers import Callers, Provider
from tests import hygiene

ISSUER, AUDIENCE = "https://login.example.com/", "https://seats.example.com"
Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


def shows(handler: BaseHTTPRequestHandler, keys: bytes) -> None:
    """Answer with the keys."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(keys)))
    handler.end_headers()
    handler.wfile.write(keys)


def fails(handler: BaseHTTPRequestHandler, keys: bytes) -> None:
    """Answer that something is wrong."""
    handler.send_error(503)


def says(text: bytes) -> Answer:
    """Answer with this, whatever the keys are."""
    return lambda handler, keys: shows(handler, text)


def redirects(handler: BaseHTTPRequestHandler, keys: bytes) -> None:
    """Point to somewhere else."""
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def drips(handler: BaseHTTPRequestHandler, keys: bytes) -> None:
    """Answer a byte at a time, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(keys)))
    handler.end_headers()
    for byte in keys:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def drips_headers(handler: BaseHTTPRequestHandler, keys: bytes) -> None:
    """Never come to the end of the headers."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(1000):
        handler.wfile.write(b"a")
        time.sleep(0.05)


class AProvider:
    """Keys, an address where they are shown, and how that answers."""

    def __init__(self) -> None:
        self.keys: list[Key] = [new_key("RSA", "first")]
        self.answer: Answer = shows
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                with suppress(OSError):
                    outer.answer(self, outer.key_set)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def __enter__(self) -> "AProvider":
        provider.source_of.cache_clear()
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def key_set(self) -> bytes:
        """What it shows: the public parts."""
        shown = [{**key.as_dict(private=False), "use": "sig"} for key in self.keys]
        return json.dumps({"keys": shown}).encode()

    def rotate(self, kind: str = "RSA", kid: str = "second") -> None:
        """Sign with a new key from now on, and forget the others."""
        self.keys = [new_key(kind, kid)]

    def claims(self, account: str = "acme", user: str = "okta|priya") -> dict[str, Any]:
        """What a token of it says."""
        now = int(clock.now().timestamp())
        return {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user,
            "org_id": account,
            "iat": now,
            "exp": now + 600,
        }

    def token(
        self,
        claims: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
        key: Key | None = None,
    ) -> str:
        """A token with these claims and headers beside the usual ones, signed with its key."""
        key = key or self.keys[0]
        whole = {"alg": algorithm_of(key), "kid": key.kid, **(header or {})}
        return signed(whole, self.claims() | (claims or {}), key)


def signed(header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
    """A token with exactly this header and these claims; those that are None are left out."""
    header = {name: value for name, value in header.items() if value is not None}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jws.serialize_compact(header, json.dumps(claims), key, registry=AnySignature())


class AnySignature(JWSRegistry):
    """Signs whatever it is told to, with any algorithm and header."""

    def __init__(self) -> None:
        super().__init__(strict_check_header=False)

    def check_header(self, header: dict[str, Any]) -> None:
        pass

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


def new_key(kind: str, kid: str | None) -> Key:
    """A new private key: RSA, EC or Ed25519."""
    more = {"kid": kid} if kid else {}
    key: Key
    if kind == "RSA":
        key = RSAKey.generate_key(2048, more)
    else:
        is_curve = kind == "EC"
        key = ECKey.generate_key("P-256", more) if is_curve else OKPKey.generate_key(kind, more)
    hygiene.secret(str(key.as_dict(private=True)["d"]))
    return key


def algorithm_of(key: Key) -> str:
    """What a provider signs with when it has such a key."""
    return {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}[key.key_type]


@contextmanager
def trusted(provider: AProvider, **more: Any) -> Iterator[Provider]:
    """Settings that take the tokens of a provider."""
    before = settings.current()
    chosen = Provider(ISSUER, AUDIENCE, provider.url, **more)
    limits = before.callers.limits
    settings.put_in_force(replace(before, callers=Callers(chosen, limits)))
    try:
        yield chosen
    finally:
        settings.put_in_force(before)
