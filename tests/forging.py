"""
Tokens that are none: whatever somebody may try who has no good one.

Each kind is a function of what an attacker can have: the ids of a user, a good session token and a
good API key of somebody else (to cut, copy and bend), and a key pair of his own.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import Key, OctKey, RSAKey

from licensing import clock
from licensing.sealing import derived_key
from tests.providers import AProvider, new_key, signed


@dataclass
class Loot:
    """What an attacker has; and the keys themselves, for what is refused although signed."""

    account_id: str
    user_id: str
    session: str
    api_key: str
    provider: AProvider
    own_key: RSAKey

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of a session token of the service."""
        now = int(clock.now().timestamp())
        return {
            "iss": "seatkeeper",
            "aud": "seatkeeper",
            "sub": self.user_id,
            "account_id": self.account_id,
            "iat": now,
            "exp": now + 600,
        }

    @property
    def secret(self) -> OctKey:
        """The key with which the service signs."""
        return OctKey.import_key(derived_key("session tokens"))

    def of_ours(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token signed by the service that is wrong in what it says alone."""
        whole = {"alg": "HS256", "typ": "JWT", **(header or {})}
        return signed(whole, self.claims | claims, self.secret)

    def by_attacker(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that says what a token of the provider says, signed with a key of one's own."""
        whole = {"alg": "RS256", "kid": "first", **(header or {})}
        return signed(whole, self.provider.claims() | claims, self.own_key)

    def of_provider(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token signed by the provider that is wrong in what it says alone."""
        return self.provider.token(claims, header)


def b64(value: Any) -> str:
    """A part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unsigned(loot: Loot, alg: str) -> str:
    return f"{b64({'alg': alg, 'typ': 'JWT'})}.{b64(loot.claims)}."


def _with_public_key_as_secret(loot: Loot) -> str:
    """RS256 made HS256: the secret would be the provider's public key, which everybody has."""
    pem = loot.provider.keys[0].as_pem(private=False)
    text = f"{b64({'alg': 'HS256', 'kid': 'first'})}.{b64(loot.provider.claims())}"
    return f"{text}.{b64(hmac.digest(pem, text.encode(), hashlib.sha256))}"


def _jwk(key: Key) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


def _bent(token: str, part: int, change: Callable[[str], str]) -> str:
    parts = token.split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


def _twice(loot: Loot) -> str:
    """Two members `sub`, of which one parser takes the first and another the last."""
    twice = json.dumps(loot.claims)[:-1] + ', "sub": "usr_other"}'
    header, _, signature = loot.session.split(".")
    return f"{header}.{b64(twice.encode())}.{signature}"


def _alg_twice(loot: Loot) -> str:
    header = b'{"alg": "HS256", "alg": "none"}'
    return f"{b64(header)}.{b64(loot.claims)}."


def _deep(loot: Loot) -> str:
    return f"{b64({'alg': 'RS256'})}.{b64(b'[' * 4000)}.{b64(b'x')}"


def _in_an_envelope(loot: Loot) -> str:
    """A good token inside an encrypted one (five parts)."""
    header = b64({"alg": "dir", "enc": "A256GCM"})
    return f"{header}..{b64(b'0' * 12)}.{loot.session[:40]}.{b64(b'0' * 16)}"


Forge = Callable[[Loot], str]
TOKENS: dict[str, Forge] = {
    # no signature, or one of another kind
    "alg none": lambda loot: _unsigned(loot, "none"),
    "alg None": lambda loot: _unsigned(loot, "None"),
    "alg nOnE": lambda loot: _unsigned(loot, "nOnE"),
    "alg empty": lambda loot: _unsigned(loot, ""),
    "no alg": lambda loot: f"{b64({'typ': 'JWT'})}.{b64(loot.claims)}.{b64(b'x')}",
    "alg a list": lambda loot: f"{b64({'alg': ['HS256']})}.{b64(loot.claims)}.{b64(b'x')}",
    "alg HS512 with our secret": lambda loot: signed({"alg": "HS512"}, loot.claims, loot.secret),
    "the provider's public key as secret": _with_public_key_as_secret,
    "no signature": lambda loot: loot.session.rpartition(".")[0] + ".",
    "signature of another token": lambda loot: _bent(
        loot.session, 2, lambda _: loot.of_ours(sub="usr_other").rpartition(".")[2]
    ),
    "signature cut": lambda loot: loot.session[:-6],
    "signature changed": lambda loot: _bent(loot.session, 2, lambda s: s[::-1]),
    "claims changed": lambda loot: _bent(
        loot.session, 1, lambda _: b64(loot.claims | {"sub": "usr_other"})
    ),
    "claims twice": _twice,
    "header twice": _alg_twice,
    # a key of one's own, however it is brought in
    "own secret": lambda loot: signed({"alg": "HS256"}, loot.claims, OctKey.import_key(b"0" * 32)),
    "empty secret": lambda loot: _bent(
        loot.session,
        2,
        lambda _: b64(hmac.digest(b"", loot.session.rpartition(".")[0].encode(), hashlib.sha256)),
    ),
    "own key": lambda loot: loot.by_attacker(),
    "own key as jwk": lambda loot: loot.by_attacker({"jwk": _jwk(loot.own_key)}),
    "own key behind jku": lambda loot: loot.by_attacker({"jku": "https://evil.example/jwks"}),
    "own key behind x5u": lambda loot: loot.by_attacker({"x5u": "https://evil.example/x5u"}),
    "own key in x5c": lambda loot: loot.by_attacker({"x5c": ["MIIB"]}),
    "kid a path": lambda loot: loot.by_attacker({"kid": "../../../../dev/null"}),
    "kid an address": lambda loot: loot.by_attacker({"kid": "https://evil.example/key"}),
    "kid with SQL": lambda loot: loot.by_attacker({"kid": "x' UNION SELECT 'secret"}),
    "kid a NUL": lambda loot: loot.by_attacker({"kid": "first\x00"}),
    "kid a number": lambda loot: loot.by_attacker({"kid": 1}),
    "kid unknown": lambda loot: loot.by_attacker({"kid": "unknown"}),
    "no kid": lambda loot: loot.by_attacker({"kid": None}),
    "own key and our issuer": lambda loot: loot.by_attacker(
        iss="seatkeeper", aud="seatkeeper", account_id=loot.account_id
    ),
    # our own tokens, which say something wrong
    "another issuer": lambda loot: loot.of_ours(iss="somebody"),
    "the provider's issuer with our secret": lambda loot: loot.of_ours(**loot.provider.claims()),
    "another audience": lambda loot: loot.of_ours(aud="somebody"),
    "expired": lambda loot: loot.of_ours(exp=loot.claims["iat"]),
    "issued in the future": lambda loot: loot.of_ours(iat=loot.claims["iat"] + 120),
    "not yet valid": lambda loot: loot.of_ours(nbf=loot.claims["iat"] + 120),
    **{
        f"without {claim}": lambda loot, claim=claim: loot.of_ours(**{claim: None})  # type: ignore[misc]
        for claim in ("iss", "aud", "sub", "account_id", "iat", "exp")
    },
    "exp a text": lambda loot: loot.of_ours(exp=str(loot.claims["exp"])),
    "exp true": lambda loot: loot.of_ours(exp=True),
    "exp not a number": lambda loot: loot.of_ours(exp=float("nan")),
    "sub a list": lambda loot: loot.of_ours(sub=[loot.user_id]),
    "sub an object": lambda loot: loot.of_ours(sub={"id": loot.user_id}),
    "account a list": lambda loot: loot.of_ours(account_id=[loot.account_id]),
    "another account": lambda loot: loot.of_ours(account_id="acc_other"),
    "user unknown": lambda loot: loot.of_ours(sub="usr_unknown"),
    "crit unknown": lambda loot: loot.of_ours({"crit": ["exp"], "exp": 1}),
    "crit b64": lambda loot: loot.of_ours({"crit": ["b64"], "b64": False}),
    "crit a number": lambda loot: loot.of_ours({"crit": 5}),
    # tokens of the provider, which say something wrong
    "provider: another issuer": lambda loot: loot.of_provider(iss="https://evil.example/"),
    "provider: our issuer": lambda loot: loot.of_provider(iss="seatkeeper"),
    "provider: issuer without slash": lambda loot: loot.of_provider(
        iss="https://login.example.com"
    ),
    "provider: another audience": lambda loot: loot.of_provider(aud="https://other.example.com"),
    "provider: audience among none": lambda loot: loot.of_provider(aud=["x", "y"]),
    "provider: expired": lambda loot: loot.of_provider(exp=loot.claims["iat"] - 61),
    "provider: not yet valid": lambda loot: loot.of_provider(nbf=loot.claims["iat"] + 61),
    "provider: issued in the future": lambda loot: loot.of_provider(iat=loot.claims["iat"] + 61),
    **{
        f"provider: without {claim}": lambda loot, claim=claim: loot.of_provider(**{claim: None})  # type: ignore[misc]
        for claim in ("iss", "aud", "sub", "org_id", "iat", "exp")
    },
    "provider: a logout token": lambda loot: loot.of_provider({"typ": "logout+jwt"}),
    "provider: typ a number": lambda loot: loot.of_provider({"typ": 1}),
    "provider: account a list": lambda loot: loot.of_provider(org_id=["acme"]),
    "provider: account empty": lambda loot: loot.of_provider(org_id=""),
    "provider: account a NUL": lambda loot: loot.of_provider(org_id="acme\x00"),
    "provider: user a surrogate": lambda loot: loot.of_provider(sub="\ud800"),
    "provider: user a number": lambda loot: loot.of_provider(sub=7),
    "provider: user unknown": lambda loot: loot.of_provider(sub="okta|nobody"),
    "provider: account unknown": lambda loot: loot.of_provider(org_id="nobody"),
    "provider: crit unknown": lambda loot: loot.of_provider({"crit": ["pact"], "pact": 1}),
    "provider: alg not among ours": lambda loot: signed(
        {"alg": "RS512", "kid": "first"}, loot.provider.claims(), loot.provider.keys[0]
    ),
    # no JSON Web Tokens at all
    "one part": lambda loot: "token",
    "two parts": lambda loot: loot.session.rpartition(".")[0],
    "four parts": lambda loot: loot.session + "." + loot.session.rpartition(".")[2],
    "extra dots": lambda loot: loot.session.replace(".", ".."),
    "only dots": lambda loot: "..",
    "a dot at the end": lambda loot: loot.session + ".",
    "encrypted": _in_an_envelope,
    "padded": lambda loot: _bent(loot.session, 1, lambda part: part + "="),
    "standard base64": lambda loot: _bent(loot.session, 2, lambda part: "+/" + part[2:]),
    "no base64": lambda loot: "%%%.%%%.%%%",
    "no JSON": lambda loot: f"{b64(b'no')}.{b64(b'no')}.{b64(b'no')}",
    "a list for a header": lambda loot: f"{b64(['alg'])}.{b64(loot.claims)}.{b64(b'x')}",
    "a list for claims": lambda loot: signed({"alg": "HS256"}, {}, loot.secret).replace(
        b64({}), b64([])
    ),
    "nested": _deep,
    "nested header": lambda loot: f"{b64(b'[' * 380)}.{b64(loot.claims)}.{b64(b'x')}",
    "huge": lambda loot: loot.session + "A" * 100_000,
    "a huge header": lambda loot: loot.of_ours({"x": "y" * 5000}),
    "a space inside": lambda loot: loot.session.replace(".", ". ", 1),
    "two tokens": lambda loot: f"{loot.session} {loot.session}",
    "not ASCII": lambda loot: loot.session[:-1] + "ü",
    "a comma": lambda loot: loot.session + ",",
    "empty": lambda loot: "",
    "null": lambda loot: "null",
    "undefined": lambda loot: "undefined",
    # API keys
    "a key without secret": lambda loot: loot.api_key.rpartition("_")[0] + "_",
    "a key's first half": lambda loot: loot.api_key[: len(loot.api_key) // 2],
    "a key but for its last character": lambda loot: loot.api_key[:-1],
    "a key and one more character": lambda loot: loot.api_key + "A",
    "a key in capitals": lambda loot: loot.api_key.upper(),
    "a key of an unknown id": lambda loot: f"sk_{'0' * 32}_{loot.api_key.rpartition('_')[2]}",
    "a key without prefix": lambda loot: loot.api_key.removeprefix("sk_"),
    "a key's id": lambda loot: "key_" + loot.api_key.split("_")[1],
    "a key's prefix": lambda loot: "sk_",
    "a key with SQL": lambda loot: "sk_' OR 1=1 --_x",
    "a key with wildcards": lambda loot: "sk_%_%",
    "a key's hash": lambda loot: (
        loot.api_key.rsplit("_", 1)[0] + "_" + hashlib.sha256(loot.api_key.encode()).hexdigest()
    ),
    "a key that is not ASCII": lambda loot: loot.api_key[:-1] + "é",
}

# Whole headers, made of a good token.
HEADERS: dict[str, Callable[[str], str]] = {
    "another scheme": lambda token: f"Token {token}",
    "Basic": lambda token: "Basic " + base64.b64encode(f"{token}:".encode()).decode(),
    "no scheme": lambda token: token,
    "no space": lambda token: f"Bearer{token}",
    "a colon": lambda token: f"Bearer: {token}",
    "scheme twice": lambda token: f"Bearer Bearer {token}",
    "in quotes": lambda token: f'Bearer "{token}"',
    "sent twice": lambda token: f"Bearer {token}, Bearer {token}",
    "sent twice, the good one last": lambda token: f"Bearer x,Bearer {token}",
    "after a semicolon": lambda token: f"Bearer x; {token}",
    "with parameters": lambda token: f'Bearer token="{token}"',
}


def attacker(
    account_id: str, user_id: str, session: str, api_key: str, provider: AProvider
) -> Loot:
    """Somebody who has seen much, and has a key of his own."""
    own_key = new_key("RSA", "first")
    assert isinstance(own_key, RSAKey)
    return Loot(account_id, user_id, session, api_key, provider, own_key)
