"""
Encryption at rest: AES-256-GCM, bound to the row, with a key derived from the secret key.

What was sealed under a former secret key is still opened while that key is among the settings.
"""

import base64
import hashlib
import hmac
import os
from contextlib import suppress
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from licensing import settings

NONCE_BYTES = 12


def seal(content: bytes, context: str) -> str:
    """Encrypt `content` so that it opens only with the same `context` (table and row)."""
    nonce = os.urandom(NONCE_BYTES)
    cipher = _cipher(settings.current().secret_key)
    sealed = nonce + cipher.encrypt(nonce, content, context.encode())
    return base64.b64encode(sealed).decode()


def unseal(sealed: str, context: str) -> bytes:
    """What was sealed. Raises `cryptography.exceptions.InvalidTag` when it was moved or changed."""
    raw = base64.b64decode(sealed)
    chosen = settings.current()
    for secret in (chosen.secret_key, *chosen.former_secret_keys):
        with suppress(InvalidTag):
            cipher = _cipher(secret)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
    raise InvalidTag


def derived_key(purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, so that no two purposes share one."""
    return _derived(settings.current().secret_key, purpose)


@lru_cache(maxsize=16)
def _derived(secret_key: str, purpose: str) -> bytes:
    return hmac.digest(secret_key.encode(), purpose.encode(), hashlib.sha256)


@lru_cache(maxsize=16)
def _cipher(secret_key: str) -> AESGCM:
    return AESGCM(_derived(secret_key, "sealing"))
