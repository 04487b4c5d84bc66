"""The tokens of API keys: made once, shown once, stored as a hash."""

import hashlib
import secrets

PREFIX = "sk_"
SECRET_BYTES = 32
# As long as a hash, and none.
NO_HASH = "-" * 64


def new_secret() -> str:
    """A secret of 256 random bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def token_of(key_id: str, secret: str) -> str:
    """
    What the caller sends: it names the key, so that the key can be looked up before it is compared.
    """
    return f"{PREFIX}{key_id.removeprefix('key_')}_{secret}"


def parts_of(token: str) -> tuple[str, str] | None:
    """The key's id and the secret of a token, None where it is no token of ours."""
    public, separator, secret = token.removeprefix(PREFIX).partition("_")
    if not (token.startswith(PREFIX) and separator and public and secret):
        return None
    return f"key_{public}", secret


def hash_of(secret: str) -> str:
    """How a secret is stored. It is random, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
