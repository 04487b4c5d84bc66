"""What only HTTP can get wrong: refusals of the request itself, before any rule is asked."""

from dataclasses import dataclass
from typing import ClassVar

from flask import request

from licensing.rules.refusals import Refusal

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
        sent = request.headers.get("Authorization", "").strip().lower()
        error = ', error="invalid_token"' if sent.startswith("bearer ") else ""
        return {"WWW-Authenticate": f'Bearer realm="seatkeeper"{error}'}


@dataclass(eq=False)
class MalformedJson(RequestRefused):
    """The body is no valid JSON: {because}.

    Send one JSON object in UTF-8, without a byte order mark, NaN or Infinity.
    """

    code = "malformed_json"
    status = 400
    example: ClassVar[dict[str, str]] = {"because": "Expecting value at line 1, column 14"}
    because: str


@dataclass(eq=False)
class MalformedCsv(RequestRefused):
    """The body is no valid CSV: {because}.

    Send UTF-8 with a header that names the columns, commas between the cells, and quotation marks
    around a cell that has a comma, a quotation mark (doubled) or a line break.
    """

    code = "malformed_csv"
    status = 400
    example: ClassVar[dict[str, str]] = {"because": "line 3 has 2 columns, not 3"}
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
class BodyIncomplete(RequestRefused):
    """The body ended after {received} of the {announced} bytes of its Content-Length.

    Send the whole body again; nothing of it was used.
    """

    code = "body_incomplete"
    status = 400
    example: ClassVar[dict[str, int]] = {"received": 15, "announced": 40}
    received: int
    announced: int


@dataclass(eq=False)
class MalformedHeader(RequestRefused):
    """The header {header} is malformed: {because}.

    Correct the header, or leave it out where it is optional.
    """

    code = "malformed_header"
    status = 400
    example: ClassVar[dict[str, str]] = {
        "header": "If-Match",
        "because": 'one strong ETag such as "v7" is expected',
    }
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
    example: ClassVar[dict[str, int]] = {"limit": 65_536}
    limit: int


@dataclass(eq=False)
class UnsupportedMediaType(RequestRefused):
    """The body is not of a type that is taken here; `accepted` lists those that are.

    Set the Content-Type, and send the body as it says.
    """

    code = "unsupported_media_type"
    status = 415
    example: ClassVar[dict[str, list[str]]] = {"accepted": ["application/json"]}
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
    example: ClassVar[dict[str, list[dict[str, str]]]] = {
        "errors": [{"location": "body", "pointer": "/quantity", "detail": "Not a valid integer."}]
    }
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
    example: ClassVar[dict[str, str]] = {"because": "the request line is too long"}
    because: str


@dataclass(eq=False)
class RateLimited(RequestRefused):
    """There were more than {limit} requests in this minute.

    Wait for the seconds in Retry-After; RateLimit tells beforehand how many requests are left.
    """

    code = "rate_limited"
    status = 429
    limit: int
    retry_after: int

    @property
    def headers(self) -> dict[str, str]:
        """When to go on."""
        return {"Retry-After": str(self.retry_after)}


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
class NotReady(RequestRefused):
    """The service is not ready to work; `troubles` says why.

    `schema`: run seatkeeper migrate. `disk`: make room. `clock`: set the clocks of this machine and
    of the database. `scheduler`, `dispatcher`: restart the process; its log says more.
    """

    code = "not_ready"
    status = 503
    troubles: list[str]

    @property
    def headers(self) -> dict[str, str]:
        """When to ask again."""
        return RETRY_AFTER


@dataclass(eq=False)
class InternalError(RequestRefused):
    """Something went wrong on our side; nothing was changed.

    Report the request_id; the log has the rest.
    """

    code = "internal_error"
    status = 500
