"""
Every error of the API: `application/problem+json` (RFC 9457), with a code from one list.

The refusals of the rule-book know nothing of HTTP; here is the one table of kinds and statuses. What
only HTTP can get wrong (a body that is no JSON, a missing header) is refused by the classes below.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from flask import Flask, Response, current_app, g, request
from peewee import InterfaceError, OperationalError
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.exceptions import HTTPException

from licensing.db import Busy
from licensing.idempotency import IdempotencyInProgress, IdempotencyKeyReused
from licensing.queries.cursors import InvalidCursor
from licensing.rules.refusals import (
    Conflict,
    Invalid,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    Refusal,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "1"}


class RequestRefused(Refusal):
    """The request is wrong in a way that only HTTP knows."""

    status: ClassVar[int]

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to the answer."""
        return {}


@dataclass(eq=False)
class Unauthenticated(RequestRefused):
    """The request carries no valid API key or session token.

    Send `Authorization: Bearer <token>` with a key that is live or a session that has not expired.
    """

    code = "unauthenticated"
    status = 401

    @property
    def headers(self) -> dict[str, str]:
        """RFC 6750: what kind of token is wanted, and whether one was sent."""
        error = ', error="invalid_token"' if "Authorization" in request.headers else ""
        return {"WWW-Authenticate": f'Bearer realm="seatkeeper"{error}'}


@dataclass(eq=False)
class MalformedJson(RequestRefused):
    """The body is no valid JSON: {because}.

    Send one JSON object in UTF-8, without a byte order mark, NaN or Infinity.
    """

    code = "malformed_json"
    status = 400
    because: str


@dataclass(eq=False)
class DuplicateKey(RequestRefused):
    """The body has a member twice.

    Send every member once; which of two should count cannot be known.
    """

    code = "duplicate_key"
    status = 400


@dataclass(eq=False)
class TooDeep(RequestRefused):
    """The body is nested too deeply.

    No request of this API needs more than a few levels.
    """

    code = "too_deep"
    status = 400


@dataclass(eq=False)
class BodyRequired(RequestRefused):
    """The request needs a body.

    Send a JSON object with Content-Type: application/json.
    """

    code = "body_required"
    status = 400


@dataclass(eq=False)
class MalformedHeader(RequestRefused):
    """The header {header} is malformed: {because}.

    Correct the header, or leave it out where it is optional.
    """

    code = "malformed_header"
    status = 400
    header: str
    because: str


@dataclass(eq=False)
class MalformedQuery(RequestRefused):
    """The query string is not valid percent-encoded UTF-8.

    Encode the parameters as UTF-8 before percent-encoding them.
    """

    code = "malformed_query"
    status = 400


@dataclass(eq=False)
class IdempotencyKeyRequired(RequestRefused):
    """This request costs money and needs an Idempotency-Key.

    Send a new random key with every new request, and the same key when the request is repeated.
    """

    code = "idempotency_key_required"
    status = 400


@dataclass(eq=False)
class LengthRequired(RequestRefused):
    """The body has no Content-Length.

    Send the length of the body; chunked bodies are not taken.
    """

    code = "length_required"
    status = 411


@dataclass(eq=False)
class PayloadTooLarge(RequestRefused):
    """The body is larger than {limit} bytes.

    Send less at once.
    """

    code = "payload_too_large"
    status = 413
    limit: int


@dataclass(eq=False)
class UnsupportedMediaType(RequestRefused):
    """The body has to be one of {accepted}.

    Set the Content-Type, and send the body as it says.
    """

    code = "unsupported_media_type"
    status = 415
    accepted: list[str]


@dataclass(eq=False)
class UnsupportedEncoding(RequestRefused):
    """The body must not be compressed.

    Leave out Content-Encoding.
    """

    code = "unsupported_encoding"
    status = 415


@dataclass(eq=False)
class ValidationFailed(RequestRefused):
    """The request is not as the contract says; `errors` lists every mistake.

    Each error names where it is (body, query, path or header) and points to the member.
    """

    code = "validation_failed"
    status = 422
    errors: list[dict[str, str]]


@dataclass(eq=False)
class BodyMustBeObject(RequestRefused):
    """The body has to be a JSON object.

    Wrap the members in braces.
    """

    code = "body_must_be_object"
    status = 422


@dataclass(eq=False)
class PreconditionRequired(RequestRefused):
    """This change needs the header If-Match.

    Read the thing first and send its ETag, so that nobody's change is overwritten unseen.
    """

    code = "precondition_required"
    status = 428


@dataclass(eq=False)
class MethodNotAllowed(RequestRefused):
    """This path does not know the method {method}.

    The header Allow lists the methods that it knows.
    """

    code = "method_not_allowed"
    status = 405
    method: str


@dataclass(eq=False)
class RequestMalformed(RequestRefused):
    """The request could not be understood: {because}.

    Check the request line and the headers.
    """

    code = "bad_request"
    status = 400
    because: str


@dataclass(eq=False)
class Unavailable(RequestRefused):
    """The service cannot work on this now; nothing was changed.

    Try again after the seconds in Retry-After, with the same Idempotency-Key.
    """

    code = "unavailable"
    status = 503

    @property
    def headers(self) -> dict[str, str]:
        """When to try again."""
        return RETRY_AFTER


@dataclass(eq=False)
class InternalError(RequestRefused):
    """Something went wrong on our side; nothing was changed.

    Report the request_id; the log has the rest.
    """

    code = "internal_error"
    status = 500


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
    body: dict[str, Any] = {
        "type": f"/problems/{refusal.code}",
        "title": title_of(refusal.code),
        "status": status,
        "detail": str(refusal),
        "instance": request.path,
        "code": refusal.code,
        "request_id": g.get("request_id"),
    }
    facts = {name: fact for name, fact in refusal.facts.items() if name not in body}
    if isinstance(refusal, Invalid):
        errors = [{"location": "body", "pointer": refusal.pointer, "detail": str(refusal)}]
        facts["errors"] = errors
    answer = Response(orjson.dumps(body | facts), status, content_type=MEDIA_TYPE)
    answer.headers.update(_headers_of(refusal))
    return answer


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
    current_app.logger.warning("the database is not available", exc_info=error)
    return problem(Unavailable())


def _bug(error: Exception) -> Response:
    current_app.logger.error("a request failed", exc_info=error)
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
