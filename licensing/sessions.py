"""Session tokens of users: who it is, not what he may do (permissions are read from the user)."""

from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from licensing import clock
from licensing.sealing import derived_key

ISSUER = "seatkeeper"
ALGORITHM = "HS256"
# How far the clock of another server may be ahead, which made the token a moment ago.
SECONDS_AHEAD = 30
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=12)


def mint(account_id: str, user_id: str, lifetime: timedelta) -> tuple[str, datetime]:
    """A token for a user of an account, and when it expires."""
    now = clock.now()
    expires_at = now + lifetime
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": user_id,
        "account_id": account_id,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    return jwt.encode({"alg": ALGORITHM}, claims, _key()), expires_at


def read(token: str) -> tuple[str, str] | None:
    """The account and user of a genuine token that has not expired, else None."""
    try:
        claims: dict[str, Any] = jwt.decode(token, _key(), algorithms=[ALGORITHM]).claims
        _registry().validate(claims)
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    account_id, user_id = claims["account_id"], claims["sub"]
    return (account_id, user_id) if isinstance(account_id, str) else None


class _Registry(jwt.JWTClaimsRegistry):
    def validate_iat(self, value: object) -> None:
        jwt.JWTClaimsRegistry(now=self.now + SECONDS_AHEAD).validate_iat(value)


def _registry() -> _Registry:
    return _Registry(
        now=int(clock.now().timestamp()),
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": ISSUER},
        sub={"essential": True},
        account_id={"essential": True},
        iat={"essential": True},
        exp={"essential": True},
    )


def _key() -> OctKey:
    return OctKey.import_key(derived_key("session tokens"))
