"""Request headers with a meaning of their own: Idempotency-Key, If-Match and If-None-Match."""

import re
from typing import Any

from flask import request

from licensing.api.operation import Operation
from licensing.api.request_refusals import (
    IdempotencyKeyRequired,
    MalformedHeader,
    PreconditionRequired,
)

# A proxy that compresses an answer makes its ETag a weak one; the version is the same.
ETAG = re.compile(r'(?:W/)?"v([1-9][0-9]{0,17})(?:\.[0-9]{17})?"')
# Quoted as a structured-field string, or bare. Servers join a header that was sent twice with a
# comma, so a bare key has neither comma nor quotation mark: two keys are never taken for one.
IDEMPOTENCY_KEY = re.compile(
    r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x2b\x2d-\x7e]{1,255})'
)


def idempotency_key(declared: Operation) -> str | None:
    """The key of a POST, where one was sent. Raises `IdempotencyKeyRequired`, `MalformedHeader`."""
    if not declared.repeatable:
        return None
    sent = request.headers.get("Idempotency-Key")
    if sent is None:
        if declared.idempotency == "required":
            raise IdempotencyKeyRequired
        return None
    matched = IDEMPOTENCY_KEY.fullmatch(sent)
    if matched is None:
        because = "one key of 1 to 255 printable ASCII characters is expected, quoted if need be"
        raise MalformedHeader("Idempotency-Key", because)
    return matched[1] or matched[2]


def refuse_missing_key(declared: Operation, body: dict[str, Any] | None, key: str | None) -> None:
    """Raise `IdempotencyKeyRequired` where the body asks for what needs a key and none came."""
    if declared.keyed_by is not None and key is None and (body or {}).get(declared.keyed_by):
        raise IdempotencyKeyRequired


def if_match(declared: Operation) -> int | None:
    """The version that the caller has seen. Raises `PreconditionRequired`, `MalformedHeader`."""
    sent = request.headers.get("If-Match")
    if sent is None:
        if declared.if_match == "required":
            raise PreconditionRequired
        return None
    matched = ETAG.fullmatch(sent.strip())
    if matched is None:
        raise MalformedHeader("If-Match", 'one ETag such as "v7" is expected')
    return int(matched[1])


def etag_of(content: dict[str, Any]) -> str | None:
    """
    The ETag of a thing that has a version.

    That a user was active is seen by who reads, and so a part of it; it is no change that somebody
    could overwrite, so `if_match` leaves it out (R27).
    """
    version, seen_at = content.get("version"), content.get("last_active_at")
    if not isinstance(version, int):
        return None
    since = "" if seen_at is None else "." + re.sub(r"\D", "", seen_at)
    return f'"v{version}{since}"'


def knows(etag: str) -> bool:
    """Whether If-None-Match names the version that would be sent (weak comparison, RFC 9110)."""
    sent = request.headers.get("If-None-Match", "")
    tags = [tag.strip().removeprefix("W/") for tag in sent.split(",")]
    return etag in tags or "*" in tags
