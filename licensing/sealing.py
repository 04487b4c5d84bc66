"""Encryption at rest: AES-256-GCM, bound to the row, with a key derived from the secret key."""

import base64
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from licensing import settings

NONCE_BYTES = 12


def seal(content: bytes, context: str) -> str:
    """Encrypt `content` so that it opens only with the same `context` (table and row)."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + _cipher().encrypt(nonce, content, context.encode())
    return base64.b64encode(sealed).decode()


def unseal(sealed: str, context: str) -> bytes:
    """What was sealed. Raises `cryptography.exceptions.InvalidTag` when it was moved or changed."""
    raw = base64.b64decode(sealed)
    return _cipher().decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())


def derived_key(purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, so that no two purposes share one."""
    secret = settings.current().secret_key.encode()
    return hmac.digest(secret, purpose.encode(), hashlib.sha256)


def _cipher() -> AESGCM:
    return AESGCM(derived_key("sealing"))
