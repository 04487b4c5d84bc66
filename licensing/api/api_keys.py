"""API keys and session tokens: how callers identify themselves (R10)."""

from datetime import timedelta
from typing import Any

from licensing import resources
from licensing.api import fields
from licensing.api.kit import Blueprint, Page, Request, Response, window_of
from licensing.clock import to_text
from licensing.operations import api_keys as operations
from licensing.queries import accounts as queries
from licensing.queries import actors
from licensing.rules.permissions import MANAGE_KEYS, MINT_SESSIONS, Actor, Scope
from licensing.rules.refusals import KeyNotLive, UserNotActive
from licensing.sessions import LONGEST, SHORTEST

blp = Blueprint("api keys", __name__, description="API keys for services, session tokens for users")

NAME: dict[str, Any] = {"description": "What the key is for", "example": "billing system"}
DAY = 24 * 60 * 60


def _scopes(**options: Any) -> fields.ListOf:
    one = fields.Choice(Scope, description="A scope", example="billing")
    return fields.ListOf(
        one,
        min=1,
        max=len(Scope),
        description="What the key may do; admin contains the others",
        example=["billing", "read"],
        **options,
    )


class ApiKeyRequest(Request):
    """A new API key."""

    name = fields.Text(max=100, required=True, **NAME)
    scopes = _scopes(required=True)
    account_id = fields.Id("acc", description="Binds the key to one account")
    expires_at = fields.Instant(description="When it ends", example="2027-11-23T00:00:00.000Z")


class RotationRequest(Request):
    """How a key gets its new token."""

    overlap_seconds = fields.Integer(
        min=0,
        max=14 * DAY,
        load_default=DAY,
        description="How long the former token goes on working; a day where it is left out",
        example=DAY,
    )


class ApiKeyResponse(Response):
    """An API key, without its token."""

    id = fields.Id("key", description="The key's identifier")
    name = fields.Text(max=100, **NAME)
    scopes = _scopes()
    account_id = fields.Id(
        "acc", allow_none=True, description="The account that it is bound to, null for all"
    )
    expires_at = fields.Instant(
        allow_none=True,
        description="When it ends, null for never",
        example="2027-11-23T00:00:00.000Z",
    )
    revoked_at = fields.Instant(
        allow_none=True, description="When it was revoked", example="2026-12-01T00:00:00.000Z"
    )
    version = fields.Version()
    created_at = fields.CreatedAt()


class NewApiKeyResponse(ApiKeyResponse):
    """An API key with its token, which is shown only here."""

    token = fields.Text(
        max=200, description="What to send as bearer token; shown only here", example="sk_019a0c…"
    )


class SessionTokenRequest(Request):
    """Whose session, and for how long."""

    account_id = fields.Id("acc", required=True, description="The user's account")
    user_id = fields.Id("usr", required=True, description="Whose session it is")
    expires_in = fields.Integer(
        min=int(SHORTEST.total_seconds()),
        max=int(LONGEST.total_seconds()),
        load_default=3600,
        description="How long it is good for, in seconds; an hour where it is left out",
        example=3600,
    )


class SessionTokenResponse(Response):
    """A session token of a user."""

    token = fields.Text(max=4096, description="The session token", example="eyJhbGciOi…")
    expires_at = fields.Instant(description="When it ends", example="2026-11-23T11:15:30.123Z")


@blp.post("/api-keys")
@blp.needs(MANAGE_KEYS)
@blp.takes(ApiKeyRequest)
@blp.gives(201, NewApiKeyResponse)
def create_api_key(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Create an API key

    The token is shown in this answer only; what is stored is a hash.
    """
    key, token = operations.create_key(actor, **body)
    return resources.api_key(key) | {"token": token}


@blp.get("/api-keys")
@blp.needs(MANAGE_KEYS)
@blp.lists(ApiKeyResponse)
def list_api_keys(actor: Actor, query: dict[str, Any]) -> Page:
    """List the API keys

    The oldest comes first, revoked ones too, without their tokens.
    """
    return queries.api_keys(actor, **window_of(query))


@blp.delete("/api-keys/<key_id>")
@blp.needs(MANAGE_KEYS)
@blp.gives(204)
def revoke_api_key(actor: Actor, key_id: str) -> None:
    """Revoke an API key

    It ends at once. Revoking it again changes nothing.
    """
    operations.revoke_key(actor, key_id)


@blp.post("/api-keys/<key_id>/rotation")
@blp.needs(MANAGE_KEYS)
@blp.takes(RotationRequest, required=False)
@blp.gives(200, NewApiKeyResponse)
@blp.refuses(KeyNotLive)
def rotate_api_key(actor: Actor, key_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Give an API key a new token

    The former token goes on working for the overlap, so that callers can be changed one by one.
    """
    overlap = timedelta(seconds=body["overlap_seconds"])
    key, token = operations.rotate_key(actor, key_id, overlap)
    return resources.api_key(key) | {"token": token}


@blp.post("/session-tokens")
@blp.needs(MINT_SESSIONS)
@blp.takes(SessionTokenRequest)
@blp.gives(201, SessionTokenResponse)
@blp.refuses(UserNotActive)
def create_session_token(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Make a session token for a user

    For the host product's back end, which knows who the user is. The token proves identity only;
    what the user may do is read from the user at each request.
    """
    lifetime = timedelta(seconds=body.pop("expires_in"))
    token, expires_at = actors.session_for(actor, lifetime=lifetime, **body)
    return {"token": token, "expires_at": to_text(expires_at)}
