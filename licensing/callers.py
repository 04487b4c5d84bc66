"""
Settings about callers: whose tokens are taken, how often each may ask, and where they come from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from environs import Env, ValidationError, validate

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
USUAL_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
STORAGES = ("redis", "rediss", "redis+sentinel", "redis+cluster", "valkey", "valkeys")
OWN_ISSUER = "seatkeeper"
MOST = 10**9
NAMES = (
    "IDP_ISSUER",
    "IDP_AUDIENCE",
    "IDP_JWKS_URL",
    "IDP_ALGORITHMS",
    "IDP_ACCOUNT_CLAIM",
    "IDP_ACCOUNT_MATCHES",
    "IDP_USER_CLAIM",
    "IDP_USER_MATCHES",
    "IDP_HTTP_HOSTS",
    "LIMIT_KEY_READS",
    "LIMIT_KEY_WRITES",
    "LIMIT_USER_READS",
    "LIMIT_USER_WRITES",
    "LIMIT_ADDRESS",
    "LIMIT_FAILURES",
    "LIMIT_STORAGE",
    "PROXIES",
    "HSTS_SECONDS",
)


@dataclass(frozen=True)
class Provider:
    """
    The identity provider of the company that runs the service, whose tokens are taken, too.

    Attributes:
        issuer, audience: what `iss` has to be, and `aud` has to be or contain.
        jwks_url: where its public keys are.
        algorithms: those with which it signs; never one with a shared secret.
        account_claim, account_matches: the claim that names the account, and what of the account
            it is: `external_id` or `id`.
        user_claim, user_matches: the same of the user: `external_id`, `id` or `email`.
    """

    issuer: str
    audience: str
    jwks_url: str
    algorithms: tuple[str, ...] = USUAL_ALGORITHMS
    account_claim: str = "org_id"
    account_matches: str = "external_id"
    user_claim: str = "sub"
    user_matches: str = "external_id"


@dataclass(frozen=True)
class Limits:
    """
    How many requests a minute are answered; 0 is no limit.

    Attributes:
        key_reads, key_writes: of an API key; a write is whatever is no GET.
        user_reads, user_writes: of a user, over all sessions.
        address: of an address without a token.
        failures: of an address with a token that is none.
        storage: where they are counted together; in each process by itself where it is empty.
    """

    key_reads: int = 300_000
    key_writes: int = 60_000
    user_reads: int = 6_000
    user_writes: int = 3_000
    address: int = 6_000
    failures: int = 3_000
    storage: str = ""


@dataclass(frozen=True)
class Callers:
    """
    Everything that can be set about callers, with its default.

    Attributes:
        provider: SEATKEEPER_IDP_…; none takes the session tokens of the service alone.
        limits: SEATKEEPER_LIMIT_….
        proxies: SEATKEEPER_PROXIES, how many proxies in front add to `X-Forwarded-For`; with 0 the
            header is not believed.
        hsts_seconds: SEATKEEPER_HSTS_SECONDS, for how long browsers are to come by https only.
    """

    provider: Provider | None = None
    limits: Limits = field(default_factory=Limits)
    proxies: int = 0
    hsts_seconds: int = 0


def read(env: Env) -> Callers:
    """What the environment says; mistakes are kept in `env`."""
    return Callers(
        provider=_provider(env),
        limits=_limits(env),
        proxies=env.int("PROXIES", 0, validate=validate.Range(0, 20)),
        hsts_seconds=env.int("HSTS_SECONDS", 0, validate=validate.Range(0, 2**31)),
    )


def _provider(env: Env) -> Provider | None:
    hosts: list[str] = env.list("IDP_HTTP_HOSTS", [])
    allowed = LOOPBACK | {host.strip().lower() for host in hosts}
    issuer = env.str("IDP_ISSUER", "", validate=_is_another_issuer)
    is_wanted = issuer != ""  # None where it is wrong
    default: Mapping[str, Any] = {} if is_wanted else {"default": ""}
    audience = env.str("IDP_AUDIENCE", **default, validate=validate.Length(min=int(is_wanted)))
    jwks_url = env.str(
        "IDP_JWKS_URL",
        **default,
        validate=(lambda url: _is_safe(url, allowed)) if is_wanted else None,
    )
    algorithms: list[str] = env.list(
        "IDP_ALGORITHMS",
        list(USUAL_ALGORITHMS),
        validate=[validate.Length(min=1), validate.ContainsOnly(ALGORITHMS)],
    )
    claims = {
        "account_claim": env.str("IDP_ACCOUNT_CLAIM", Provider.account_claim),
        "account_matches": env.str(
            "IDP_ACCOUNT_MATCHES",
            Provider.account_matches,
            validate=validate.OneOf(["external_id", "id"]),
        ),
        "user_claim": env.str("IDP_USER_CLAIM", Provider.user_claim),
        "user_matches": env.str(
            "IDP_USER_MATCHES",
            Provider.user_matches,
            validate=validate.OneOf(["external_id", "id", "email"]),
        ),
    }
    if not issuer:
        return None
    return Provider(issuer, audience, jwks_url, tuple(algorithms or ()), **claims)


def _limits(env: Env) -> Limits:
    def per_minute(name: str, default: int) -> int:
        return env.int(f"LIMIT_{name}", default, validate=validate.Range(0, MOST))

    return Limits(
        key_reads=per_minute("KEY_READS", Limits.key_reads),
        key_writes=per_minute("KEY_WRITES", Limits.key_writes),
        user_reads=per_minute("USER_READS", Limits.user_reads),
        user_writes=per_minute("USER_WRITES", Limits.user_writes),
        address=per_minute("ADDRESS", Limits.address),
        failures=per_minute("FAILURES", Limits.failures),
        storage=env.str("LIMIT_STORAGE", "", validate=_is_storage),
    )


def _is_another_issuer(issuer: str) -> None:
    if issuer == OWN_ISSUER:
        raise ValidationError(f"{OWN_ISSUER!r} is the issuer of the session tokens of the service")


def _is_safe(url: str, allowed: frozenset[str]) -> None:
    """Keys that came over a wire that anybody may have touched would let anybody in."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.netloc.rpartition("@")[2].lower() in allowed:
        return
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    if parts.scheme == "http" and host in allowed:
        return
    raise ValidationError(
        "expected https://…; http is for this machine and for SEATKEEPER_IDP_HTTP_HOSTS"
    )


def _is_storage(url: str) -> None:
    if url and urlsplit(url).scheme not in STORAGES:
        raise ValidationError("expected redis://host:6379/0 or the like, or nothing")
