"""Who is calling: an API key or a session token, as bearer token (RFC 6750)."""

from collections.abc import Callable

from licensing import tokens
from licensing.api.request_refusals import Unauthenticated
from licensing.queries import actors
from licensing.rules.permissions import Actor

Authenticator = Callable[[str | None], Actor]
# Those of identity providers can be long; many proxies let no longer header through.
LONGEST_TOKEN = 8000


def names_a_key(authorization: str) -> bool:
    """Whether the header carries an API key, good or not."""
    return authorization.strip().partition(" ")[2].lstrip().startswith(tokens.PREFIX)


def authenticate(authorization: str | None) -> Actor:
    """
    The actor to whom the header `Authorization` belongs. Raises `Unauthenticated`.

    A header that was sent twice arrives as one with a comma, which no token has.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not 0 < len(token) <= LONGEST_TOKEN:
        raise Unauthenticated
    if not token.isascii() or "," in token:
        raise Unauthenticated
    of_key = token.startswith(tokens.PREFIX)
    actor = actors.actor_of_key(token) if of_key else actors.actor_of_session(token)
    if actor is None:
        raise Unauthenticated
    return actor
