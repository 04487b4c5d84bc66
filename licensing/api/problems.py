"""
Every error of the API: `application/problem+json` (RFC 9457), with a code from one list.

The refusals of the rule-book know nothing of HTTP; here is the one table of kinds and statuses.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from flask import Flask, Response, current_app, request
from peewee import InterfaceError, OperationalError
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.exceptions import HTTPException

from licensing.api import in_hand
from licensing.api.request_refusals import (
    RETRY_AFTER,
    InternalError,
    MethodNotAllowed,
    PayloadTooLarge,
    RequestMalformed,
    RequestRefused,
    Unavailable,
)
from licensing.db import Busy
from licensing.idempotency import IdempotencyInProgress, IdempotencyKeyReused
from licensing.keysets import KeysUnavailable
from licensing.queries.cursors import InvalidCursor
from licensing.queries.history import EventsPurged
from licensing.rules.refusals import (
    Conflict,
    Invalid,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    Refusal,
)

MEDIA_TYPE = "application/problem+json"
WITHOUT_BODY = {"GET", "HEAD", "DELETE"}

# From the most special to the most general kind.
STATUS_OF_KIND = {
    NotPermitted: 403,
    NotFound: 404,
    PreconditionFailed: 412,
    Conflict: 409,
    Invalid: 422,
    IdempotencyKeyReused: 422,
    IdempotencyInProgress: 409,
    InvalidCursor: 400,
    EventsPurged: 410,
}


def status_of(kind: type[Refusal]) -> int:
    """The HTTP status of a refusal."""
    if issubclass(kind, RequestRefused):
        return kind.status
    return next(status for base, status in STATUS_OF_KIND.items() if issubclass(kind, base))


def all_refusals() -> list[type[Refusal]]:
    """Every refusal that has a code, sorted by it."""
    with_code = {kind for kind in _tree(Refusal) if "code" in vars(kind)}
    return sorted(with_code, key=lambda kind: (kind.code, kind.__name__))


def _tree(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for child in kind.__subclasses__():
        yield child
        yield from _tree(child)


def title_of(code: str) -> str:
    """A code as words."""
    return code.replace("_", " ").capitalize()


def problem(refusal: Refusal) -> Response:
    """The answer to a request that was refused."""
    status = status_of(type(refusal))
    asked = in_hand.current()
    asked.refusal = refusal.code
    body: dict[str, Any] = {
        "type": f"/problems/{refusal.code}",
        "title": title_of(refusal.code),
        "status": status,
        "detail": str(refusal),
        "instance": request.path,
        "code": refusal.code,
        "request_id": asked.request_id,
    }
    facts = _facts(refusal, body)
    if isinstance(refusal, Invalid):
        # What has no body says everything in its query.
        location = "query" if request.method in WITHOUT_BODY else "body"
        errors = [{"location": location, "pointer": refusal.pointer, "detail": str(refusal)}]
        facts["errors"] = errors
    answer = Response(orjson.dumps(body | facts), status, content_type=MEDIA_TYPE)
    answer.headers.update(_headers_of(refusal))
    return answer


def described(refusal: Refusal) -> dict[str, Any]:
    """A refusal of a part of a request: what a problem says, without what is the request's."""
    body = {"code": refusal.code, "title": title_of(refusal.code), "detail": str(refusal)}
    return body | _facts(refusal, body)


def _facts(refusal: Refusal, body: dict[str, Any]) -> dict[str, Any]:
    return {name: fact for name, fact in refusal.facts.items() if name not in body}


def _headers_of(refusal: Refusal) -> dict[str, str]:
    if isinstance(refusal, RequestRefused):
        return refusal.headers
    if isinstance(refusal, PreconditionFailed):
        return {"ETag": f'"v{refusal.version}"'}
    return RETRY_AFTER if isinstance(refusal, IdempotencyInProgress) else {}


def handle_errors(app: Flask) -> None:
    """Answer every error of the application with a problem."""
    app.register_error_handler(Refusal, problem)
    app.register_error_handler(HTTPException, _framework_error)
    for kind in (Busy, OperationalError, InterfaceError, MaxConnectionsExceeded):
        app.register_error_handler(kind, _unavailable)
    app.register_error_handler(KeysUnavailable, _undecided)
    app.register_error_handler(Exception, _bug)


def _framework_error(error: HTTPException) -> Response:
    answer = problem(_refusal_of(error))
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _refusal_of(error: HTTPException) -> Refusal:
    if error.code == 404:
        return NotFound("path", request.path)
    if error.code == 405:
        return MethodNotAllowed(request.method)
    if error.code == 413:
        return PayloadTooLarge(request.max_content_length or 0)
    if error.code is not None and error.code < 500:
        return RequestMalformed(error.description or error.name)
    return InternalError()


def _unavailable(error: Exception) -> Response:
    current_app.logger.warning(
        "request %s: the database is not available",
        in_hand.current().request_id,
        exc_info=error,
    )
    return problem(Unavailable())


def _undecided(error: KeysUnavailable) -> Response:
    """Whoever was answered 401 would sign in again, and in vain: his token may well be good."""
    return problem(Unavailable())


def _bug(error: Exception) -> Response:
    current_app.logger.error("request %s failed", in_hand.current().request_id, exc_info=error)
    return problem(InternalError())


def explained(code: str) -> dict[str, Any]:
    """What `/problems/<code>` says. Raises `NotFound`."""
    kinds = [kind for kind in all_refusals() if kind.code == code]
    if not kinds:
        raise NotFound("problem", code)
    return {
        "code": code,
        "title": title_of(code),
        "status": status_of(kinds[0]),
        "meanings": [_meaning(kind) for kind in kinds],
    }


def _meaning(kind: type[Refusal]) -> dict[str, str]:
    sentence, advice = kind.paragraphs()
    return {"detail": sentence, "advice": advice}


def documented(kinds: Iterable[type[Refusal]]) -> dict[int, list[type[Refusal]]]:
    """Refusals by status, each code once, for the contract."""
    by_status: dict[int, dict[str, type[Refusal]]] = {}
    for kind in kinds:
        by_status.setdefault(status_of(kind), {})[kind.code] = kind
    return {status: list(found.values()) for status, found in sorted(by_status.items())}
