"""API keys: create, rotate, revoke. A key is shown once and stored as a hash."""

from datetime import datetime, timedelta

from licensing import clock, ids, tokens
from licensing.db import for_update, transactional
from licensing.models import Account, ApiKey
from licensing.rules.permissions import MANAGE_KEYS, Actor, Scope, require
from licensing.rules.refusals import KeyNotLive, NotFound, Unacceptable

LONGEST_OVERLAP = timedelta(days=14)


@transactional
def create_key(
    actor: Actor,
    name: str,
    scopes: list[Scope],
    account_id: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """
    Make a key and return it with the token, which cannot be shown again.

    `account_id` binds the key to one account. A key that is bound itself makes keys for its account
    only. Refuses with `NotFound` accounts, `Unacceptable` dates and `PermissionDenied`.
    """
    require(actor, MANAGE_KEYS)
    account_id = account_id or actor.account_id
    if actor.account_id not in (None, account_id):
        raise NotFound("account", str(account_id))
    if account_id is not None and Account.get_or_none(Account.id == account_id) is None:
        raise NotFound("account", account_id)
    if expires_at is not None and expires_at <= clock.now():
        raise Unacceptable("expires_at", "lies in the past")
    secret = tokens.new_secret()
    key = ApiKey.create(
        id=ids.new("key"),
        name=name,
        scopes=sorted(set(scopes)),
        account_id=account_id,
        secret_hash=tokens.hash_of(secret),
        expires_at=expires_at,
        version=1,
        created_at=clock.now(),
    )
    return key, tokens.token_of(key.id, secret)


@transactional
def rotate_key(actor: Actor, key_id: str, overlap: timedelta) -> tuple[ApiKey, str]:
    """
    Give a key a new secret; the old one goes on working for `overlap` (at most 14 days).

    Returns the key with the new token, which cannot be shown again. Refuses with `KeyNotLive`,
    `NotFound`, `Unacceptable` and `PermissionDenied`.
    """
    require(actor, MANAGE_KEYS)
    if overlap > LONGEST_OVERLAP:
        raise Unacceptable("overlap_seconds", f"is longer than {LONGEST_OVERLAP.days} days")
    key = _locked(actor, key_id)
    now = clock.now()
    status = status_of(key, now)
    if status != "live":
        raise KeyNotLive(key.id, status)
    secret = tokens.new_secret()
    key.previous_hash, key.previous_expires_at = key.secret_hash, now + overlap
    key.secret_hash = tokens.hash_of(secret)
    key.version += 1
    key.save()
    return key, tokens.token_of(key.id, secret)


@transactional
def revoke_key(actor: Actor, key_id: str) -> ApiKey:
    """
    End a key at once; revoking it again changes nothing. Refuses with `NotFound`,
    `PermissionDenied`.
    """
    require(actor, MANAGE_KEYS)
    key = _locked(actor, key_id)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        key.version += 1
        key.save()
    return key


def status_of(key: ApiKey, now: datetime) -> str:
    """Whether a key is `live`, `revoked` or `expired`."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired"
    return "live"


def _locked(actor: Actor, key_id: str) -> ApiKey:
    query = ApiKey.select().where(ApiKey.id == key_id)
    if actor.account_id is not None:
        query = query.where(ApiKey.account_id == actor.account_id)
    key: ApiKey | None = for_update(query).get_or_none()
    if key is None:
        raise NotFound("api_key", key_id)
    return key
