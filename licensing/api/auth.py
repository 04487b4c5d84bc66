"""Who is calling: an API key or a session token, as bearer token (RFC 6750)."""

from dataclasses import replace

from flask import Request

from licensing import tokens
from licensing.api.request_refusals import Unauthenticated
from licensing.queries import actors
from licensing.rules.permissions import Actor

LONGEST_TOKEN = 4096


def authenticate(request: Request, request_id: str) -> Actor:
    """The actor of the request. Raises `Unauthenticated`."""
    sent = request.headers.getlist("Authorization")
    scheme, _, token = sent[0].strip().partition(" ") if len(sent) == 1 else ("", "", "")
    token = token.strip()
    if scheme.lower() != "bearer" or not 0 < len(token) <= LONGEST_TOKEN or not token.isascii():
        raise Unauthenticated
    of_key = token.startswith(tokens.PREFIX)
    actor = actors.actor_of_key(token) if of_key else actors.actor_of_session(token)
    if actor is None:
        raise Unauthenticated
    return replace(actor, request_id=request_id)
