"""Standard Webhooks signatures: HMAC-SHA256 over id, timestamp and the exact bytes of the body."""

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
SECRET_BYTES = 32
# What Standard Webhooks allows; a shorter key, none above all, would be no secret.
SHORTEST_SECRET, LONGEST_SECRET = 24, 64
TOLERANCE_SECONDS = 300


class BadSignature(Exception):
    """The payload does not carry a good signature; the message says why."""


def new_secret() -> str:
    """A new signing secret: `whsec_` and 32 random bytes in standard base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """
    One signature, `v1,…`, as Standard Webhooks says.

    Raises `BadSignature` for a secret that is none.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(_key(secret), signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def headers(live: list[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message; one signature for every live secret, the newest first."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(s, message_id, timestamp, body) for s in live),
    }


def verify(secret: str, sent: dict[str, str], body: bytes, now: int) -> None:
    """
    Check what was received; `sent` are the headers with names in lower case, `now` in seconds.

    Raises `BadSignature`, and nothing else, for whatever is wrong with the headers or the secret.
    """
    message_id = sent.get("webhook-id", "")
    timestamp = sent.get("webhook-timestamp", "")
    if not (message_id and message_id.isascii()):
        raise BadSignature("there is no webhook-id, or it is not ASCII")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise BadSignature("webhook-timestamp is not a number of seconds")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature(f"webhook-timestamp is more than {TOLERANCE_SECONDS} seconds off")
    expected = sign(secret, message_id, int(timestamp), body).encode()
    given = sent.get("webhook-signature", "").encode("utf-8", "replace").split()
    # Every one is compared, so that the time taken does not tell which one was nearly right.
    if not sum(hmac.compare_digest(expected, one) for one in given):
        raise BadSignature("no signature in webhook-signature is the right one")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not SHORTEST_SECRET <= len(key) <= LONGEST_SECRET:
        raise BadSignature(
            f"the secret is not whsec_ and {SHORTEST_SECRET} to {LONGEST_SECRET} bytes in standard "
            "base64"
        )
    return key
