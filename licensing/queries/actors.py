"""Who a token belongs to (R10)."""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from licensing import clock, provider, rows, sessions, tokens, unchanged
from licensing.compiled import compiled
from licensing.models import Account, ApiKey, User
from licensing.provider import Identity
from licensing.rules.accounts import UserStatus, email_key
from licensing.rules.permissions import MINT_SESSIONS, Actor, ActorType, Permission, Scope, require
from licensing.rules.refusals import NotFound, UserNotActive


@compiled
def _key(id: Any) -> Any:
    columns = (
        ApiKey.id,
        ApiKey.account_id,
        ApiKey.scopes,
        ApiKey.secret_hash,
        ApiKey.previous_hash,
        ApiKey.previous_expires_at,
        ApiKey.expires_at,
        ApiKey.revoked_at,
    )
    return ApiKey.select(*columns).where(ApiKey.id == id)


class _Genuine(NamedTuple):
    """A token that belongs to somebody, until some instant if it is to end."""

    actor: Actor
    until: datetime | None


def actor_of_key(token: str) -> Actor | None:
    """
    The actor of an API key's token; None for a wrong, expired or revoked one.

    A key is looked up anew once anything was written to the database, and so refused from the next
    request on when it is revoked.
    """
    known = unchanged.known()
    digest = hashlib.sha256(token.encode()).digest()
    genuine: _Genuine | None = known.get(digest)
    if genuine is None or (genuine.until is not None and genuine.until <= clock.now()):
        genuine = _genuine(token)
        if genuine is None:
            return None
        known[digest] = genuine
    return genuine.actor


def _genuine(token: str) -> _Genuine | None:
    parts = tokens.parts_of(token)
    if parts is None:
        return None
    key_id, secret = parts
    key = _key.row(key_id)
    now, digest = clock.now(), tokens.hash_of(secret)
    # An unknown key is compared too, so that both take the same time.
    current = hmac.compare_digest(digest, key.secret_hash if key else tokens.NO_HASH)
    if key is None or key.revoked_at is not None:
        return None
    before = key.previous_hash is not None and hmac.compare_digest(digest, key.previous_hash)
    if not (current or before):
        return None
    ends = [key.expires_at, None if current else key.previous_expires_at]
    until = min((end for end in ends if end is not None), default=None)
    if until is not None and until <= now:
        return None
    scopes = frozenset(Scope(scope) for scope in key.scopes)
    return _Genuine(Actor(ActorType.API_KEY, key.id, key.account_id, scopes=scopes), until)


def actor_of_session(token: str) -> Actor | None:
    """
    The actor of a session token, of the service's own or of the company's identity provider.

    None for a forged or expired one, or an inactive user. Raises `KeysUnavailable` for a token of
    the provider while its keys are not known.
    """
    user = _user_of_session(token)
    if user is None or user.status != UserStatus.ACTIVE:
        return None
    return Actor(
        ActorType.USER,
        user.id,
        user.account_id,
        permissions=frozenset(Permission(permission) for permission in user.permissions),
    )


def _user_of_session(token: str) -> Any:
    own = sessions.read(token)
    if own is not None:
        account_id, user_id = own
        return rows.user.row(account_id, user_id)
    identity = provider.read(token)
    return None if identity is None else _user_named(identity)


def _user_named(identity: Identity) -> User | None:
    """Whom the identity provider means."""
    column = {"external_id": Account.external_id, "id": Account.id}[identity.account_matches]
    account: Account | None = Account.get_or_none(column == identity.account)
    if account is None:
        return None
    condition = {
        "external_id": User.external_id == identity.user,
        "id": User.id == identity.user,
        "email": User.email_key == email_key(identity.user),
    }[identity.user_matches]
    found: User | None = User.get_or_none(User.account_id == account.id, condition)
    return found


def session_for(
    actor: Actor, account_id: str, user_id: str, lifetime: timedelta
) -> tuple[str, datetime]:
    """
    A session token for an active user, for the host product's back end, and when it expires.

    Refuses with `NotFound`, `UserNotActive` and `PermissionDenied`.
    """
    require(actor, MINT_SESSIONS)
    actor.within(account_id)
    user = rows.user.row(account_id, user_id)
    if user is None:
        raise NotFound("user", user_id)
    if user.status != UserStatus.ACTIVE:
        raise UserNotActive(user_id, user.status)
    return sessions.mint(account_id, user_id, lifetime)
