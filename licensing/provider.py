"""
Session tokens of the company's own identity provider: who it is, not what he may do.

What a token has to be like is in the settings; nothing about it is taken from the token's own word.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from licensing import clock, keysets, settings
from licensing.callers import Provider

# How far the provider's clock may be off.
SECONDS_OF_LEEWAY = 60
# What an access token may call itself; a token of another type was made for something else.
TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
LONGEST_HEADER, LONGEST_NAME = 2048, 255


@dataclass(frozen=True)
class Identity:
    """
    Whom a genuine token names, in the provider's own terms.

    Attributes:
        account, user: what the claims say.
        account_matches, user_matches: what of the account and the user that is.
    """

    account: str
    account_matches: str
    user: str
    user_matches: str


class _Signatures(JWSRegistry):
    """
    The algorithms of the settings, and no others.

    Headers that are not known do not matter, apart from `crit`; those that carry or name keys are
    never followed, since the key is handed over.
    """

    max_header_length = LONGEST_HEADER

    def __init__(self, algorithms: Collection[str]) -> None:
        super().__init__(algorithms=algorithms, strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        """The algorithm, without a warning about the name EdDSA, which many providers still use."""
        if not self.allowed or name not in self.allowed:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


def read(token: str) -> Identity | None:
    """
    Whom a token of the provider names; None for a forged or expired one, or without a provider.

    Raises `KeysUnavailable` when it cannot be known.
    """
    provider = settings.current().callers.provider
    if provider is None:
        return None
    try:
        header, claims = _as_it_says(token)
        if not _is_ours_to_judge(provider, header, claims):
            return None
        key = source_of(provider.jwks_url).key(header.get("kid"))
        if key is None or key.get("alg") not in (None, header["alg"]):
            return None
        registry = _Signatures(provider.algorithms)
        claims = jwt.decode(token, key, registry=registry).claims
        _registry(provider).validate(claims)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return _identity(provider, claims)


def _as_it_says(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unproven: to see whether the provider has to be asked for a key at all."""
    header, claims, _ = token.split(".")
    return _object(header), _object(claims)


def _object(part: str) -> dict[str, Any]:
    value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value


def _is_ours_to_judge(provider: Provider, header: dict[str, Any], claims: dict[str, Any]) -> bool:
    type = header.get("typ")
    return (
        header.get("alg") in provider.algorithms
        and (type.lower() if isinstance(type, str) else type) in TYPES
        and isinstance(header.get("kid"), str | None)
        and claims.get("iss") == provider.issuer
    )


def _registry(provider: Provider) -> JWTClaimsRegistry:
    return JWTClaimsRegistry(
        now=int(clock.now().timestamp()),
        leeway=SECONDS_OF_LEEWAY,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.audience},
        sub={"essential": True},
        iat={"essential": True},
        exp={"essential": True},
    )


def _identity(provider: Provider, claims: dict[str, Any]) -> Identity | None:
    account, user = claims.get(provider.account_claim), claims.get(provider.user_claim)
    if not (_is_name(account) and _is_name(user)):
        return None
    # Anybody can call himself by an address at many providers, until it is verified.
    if provider.user_matches == "email" and claims.get("email_verified") is not True:
        return None
    return Identity(str(account), provider.account_matches, str(user), provider.user_matches)


def _is_name(claim: Any) -> bool:
    return isinstance(claim, str) and 0 < len(claim) <= LONGEST_NAME and claim.isprintable()


@cache
def source_of(url: str) -> keysets.KeySource:
    """The keys at an address, which all threads of the process share."""
    return keysets.KeySource(partial(keysets.fetched_from, url))
