"""What the contract says of an operation, made from what the operation declares."""

from collections.abc import Iterable
from typing import Any

from apispec import APISpec

from licensing.api import problems
from licensing.api.csv_body import CSV, shown_as_csv
from licensing.api.examples import example_of, example_of_refusal
from licensing.api.fields import EXAMPLE_ID
from licensing.api.json_body import JSON
from licensing.api.operation import Given, Operation
from licensing.idempotency import IdempotencyInProgress
from licensing.rules.permissions import Need
from licensing.rules.refusals import Refusal

# Names of our own, since those of http.HTTPStatus differ between versions of Python.
RESPONSES = {
    400: ("BadRequest", "The request is malformed"),
    401: ("Unauthenticated", "There is no valid API key or session token"),
    403: ("PermissionDenied", "A permission or scope is missing; the answer names it"),
    404: ("NotFound", "Something that the path or body names does not exist here"),
    411: ("LengthRequired", "The body has no Content-Length"),
    412: ("PreconditionFailed", "It has changed since it was read"),
    413: ("PayloadTooLarge", "The body is too large"),
    415: ("UnsupportedMediaType", "The body is of another type, or compressed"),
    422: ("ValidationFailed", "The request is not as the contract says, or its key was reused"),
    428: ("PreconditionRequired", "The header If-Match is missing"),
    429: ("RateLimited", "There were too many requests in this minute"),
    503: ("Unavailable", "The service cannot work on this now; try again"),
}
PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457), with the facts behind it as further members.",
    "properties": {
        "type": {"type": "string", "description": "Path of an explanation of the code"},
        "title": {"type": "string", "description": "The code as words"},
        "status": {"type": "integer", "description": "The HTTP status"},
        "detail": {"type": "string", "description": "What is wrong, in a sentence"},
        "instance": {"type": "string", "description": "The path of the request"},
        "code": {"type": "string", "description": "Stable code of the error"},
        "request_id": {
            "type": ["string", "null"],
            "description": "Identifies the request in the log",
        },
        "errors": {
            "type": "array",
            "description": "Every mistake of the request, for validation",
            "items": {
                "type": "object",
                "properties": {
                    "location": {
                        "type": "string",
                        "enum": ["body", "query", "path", "header"],
                        "description": "Where it is",
                    },
                    "pointer": {"type": "string", "description": "JSON pointer to the member"},
                    "detail": {"type": "string", "description": "What is wrong with it"},
                },
                "required": ["location", "pointer", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "additionalProperties": True,
}
HEADERS = {
    "X-Request-Id": (
        "The request's id: yours if it was well-formed, else ours",
        "req_" + EXAMPLE_ID,
    ),
    "ETag": ("The version; for If-Match and If-None-Match", '"v7"'),
    "Cache-Control": ("How long it may be used again without asking", "private, max-age=5"),
    "Content-Disposition": (
        "What a CSV file is called; only beside one",
        'attachment; filename="seat-table-2026-11-26.csv"',
    ),
    "Location": ("Path of what was made", f"/v1/accounts/acc_{EXAMPLE_ID}"),
    "Idempotency-Replayed": ("`true` when the answer is the one to an earlier request", "true"),
    "RateLimit": (
        "What is left of the quota, and in how many seconds it is full again "
        "(draft-ietf-httpapi-ratelimit-headers)",
        '"user-reads";r=5990;t=42',
    ),
    "RateLimit-Policy": (
        "The quota, and the seconds that it is for",
        '"user-reads";q=6000;w=60',
    ),
    "Retry-After": ("Seconds to wait before the next try", "1"),
    "WWW-Authenticate": ("What kind of token is wanted", 'Bearer realm="seatkeeper"'),
    "Paid-Until": (
        "Until when a paid seat that was taken back is paid for",
        "2026-12-01T00:00:00.000Z",
    ),
}
AS_A_FILE = (
    "With `Accept: text/csv` the whole list is a file, and `limit` and `cursor` mean nothing: as "
    "RFC 4180 says, in UTF-8 with a byte order mark. Before what a spreadsheet would take for a "
    "formula there is an apostrophe."
)
QUOTA = ["RateLimit", "RateLimit-Policy"]
IF_MATCH = "The ETag of what was read; 412 when it has changed since"
IDEMPOTENCY_KEY = "A new random key for a new request, the same to repeat one; kept for 7 days"
PARAMETERS = {
    "IdempotencyKey": ("Idempotency-Key", False, IDEMPOTENCY_KEY, "9b2f6c1e-order-4711"),
    "IdempotencyKeyRequired": ("Idempotency-Key", True, IDEMPOTENCY_KEY, "9b2f6c1e-order-4711"),
    "IfMatch": ("If-Match", False, IF_MATCH, '"v7"'),
    "IfMatchRequired": ("If-Match", True, IF_MATCH, '"v7"'),
    "IfNoneMatch": ("If-None-Match", False, "The ETag that is known; 304 when it still is", '"v7"'),
}
PATH_PARAMETERS = {
    "account_id": ("The account", f"acc_{EXAMPLE_ID}"),
    "user_id": ("The user", f"usr_{EXAMPLE_ID}"),
    "seat_id": ("The held seat", f"seat_{EXAMPLE_ID}"),
    "request_id": ("The request for a seat", f"req_{EXAMPLE_ID}"),
    "pool_id": ("The pool", f"pool_{EXAMPLE_ID}"),
    "subscription_id": ("The subscription", f"sub_{EXAMPLE_ID}"),
    "removal_id": ("The removal", f"rem_{EXAMPLE_ID}"),
    "event_id": ("The event", f"evt_{EXAMPLE_ID}"),
    "clock_id": ("The test clock", f"clk_{EXAMPLE_ID}"),
    "endpoint_id": ("The webhook endpoint", f"whe_{EXAMPLE_ID}"),
    "replay_id": ("The replay", f"rpl_{EXAMPLE_ID}"),
    "key_id": ("The API key", f"key_{EXAMPLE_ID}"),
    "feature": ("The feature, as the catalogue names it", "contacts"),
    "code": ("The code of a problem", "no_seat_available"),
}


HEADERS_OF_PROBLEMS = {
    401: ["WWW-Authenticate"],
    412: ["ETag"],
    429: ["Retry-After", *QUOTA],
    503: ["Retry-After"],
}


def add_components(spec: APISpec) -> None:
    """Add what all operations share to the contract."""
    spec.components.schema("Problem", PROBLEM)
    for name, (text, example) in HEADERS.items():
        header = {"description": text, "schema": {"type": "string"}, "example": example}
        spec.components.header(name, header)
    for name, (header_name, required, text, example) in PARAMETERS.items():
        parameter = {
            "name": header_name,
            "required": required,
            "description": text,
            "schema": {"type": "string"},
            "example": example,
        }
        spec.components.parameter(name, "header", parameter)
    for status, (name, text) in RESPONSES.items():
        spec.components.response(name, _problem_response(status, text))


def _problem_response(status: int, text: str) -> dict[str, Any]:
    headers = ["X-Request-Id"]
    headers += HEADERS_OF_PROBLEMS.get(status, [])
    return {
        "description": text,
        "headers": _headers(headers),
        "content": {problems.MEDIA_TYPE: {"schema": _problem_schema()}},
    }


def _problem_schema() -> dict[str, str]:
    return {"$ref": "#/components/schemas/Problem"}


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def path_parameter(name: str) -> dict[str, Any]:
    """A parameter in the path."""
    text, example = PATH_PARAMETERS[name]
    return {"in": "path", "name": name, "required": True, "description": text, "example": example}


def document(declared: Operation) -> dict[str, Any]:
    """The operation object (OpenAPI 3.1) of an operation."""
    summary, description = declared.texts
    description += f"\n\n{AS_A_FILE}" if declared.csv else ""
    documented: dict[str, Any] = {
        "operationId": declared.id,
        "summary": summary,
        "description": f"{description}\n\n{_needed(declared.needed)}",
        "responses": _successes(declared) | _refusals(declared),
        "parameters": _parameters(declared),
    }
    if declared.needed.anonymous:
        documented["security"] = []
    if declared.body is not None:
        documented["requestBody"] = _request_body(declared)
    return documented


def _needed(need: Need) -> str:
    if need.anonymous:
        return "Needs no authentication."
    scopes = " or ".join(f"`{scope}`" for scope in need.scopes) or "any"
    keys = f"a key with the scope {scopes}" if need.scopes else "any key"
    users = "no session"
    if need.any_user:
        users = "any user of the account"
    elif need.permission is not None:
        own = "the user himself, or " if need.own else ""
        users = f"{own}a user with the permission `{need.permission}`"
    return f"**Needs** {keys}; or {users}."


def _parameters(declared: Operation) -> list[Any]:
    parameters: list[Any] = []
    if declared.query is not None:
        example_of(declared.query)  # raises where one is missing
        parameters.append({"in": "query", "schema": declared.query})
    if declared.repeatable:
        required = declared.idempotency == "required"
        parameters.append("IdempotencyKeyRequired" if required else "IdempotencyKey")
    if declared.if_match is not None:
        parameters.append("IfMatchRequired" if declared.if_match == "required" else "IfMatch")
    if declared.only_asks and declared.has_etag:
        parameters.append("IfNoneMatch")
    return parameters


def _request_body(declared: Operation) -> dict[str, Any]:
    content = {"schema": declared.body, "example": example_of(declared.body)}
    forms: dict[str, Any] = {t: dict(content) for t in declared.media_types}
    if CSV in forms:
        forms[CSV] = {
            "schema": {"type": "string"},
            "example": shown_as_csv(list(declared.columns), content["example"][declared.rows]),
        }
    return {"required": declared.body_required, "content": forms}


def _successes(declared: Operation) -> dict[int, Any]:
    answers = {given.status: _success(declared, given) for given in declared.gives}
    if declared.only_asks and declared.has_etag:
        answers[304] = {
            "description": "It has not changed",
            "headers": _headers(["X-Request-Id", "ETag"]),
        }
    return answers


def _success(declared: Operation, given: Given) -> dict[str, Any]:
    headers = ["X-Request-Id", *(QUOTA if declared.limited else [])]
    if given.schema is not None and declared.has_etag:
        headers.append("ETag")
    headers += ["Cache-Control"] * (declared.fresh_for is not None)
    headers += ["Content-Disposition"] * (declared.csv is not None)
    if given.location is not None:
        headers.append("Location")
    if declared.repeatable:
        headers.append("Idempotency-Replayed")
    if given.status == 204 and declared.id == "unassignSeat":
        headers.append("Paid-Until")
    texts = {200: "Done", 201: "Made", 204: "Done; there is nothing to say"}
    answer: dict[str, Any] = {"description": texts[given.status], "headers": _headers(headers)}
    if given.schema is not None:
        answer["content"] = _forms(given)
    return answer


def _forms(given: Given) -> dict[str, Any]:
    """The media types of an answer: JSON, and what else it can be shown as."""
    example = example_of(given.schema)
    others = {
        media_type: {"schema": {"type": "string"}, "example": shown(example)}
        for media_type, shown in given.shown_as.items()
    }
    return {JSON: {"schema": given.schema, "example": example}} | others


def _refusals(declared: Operation) -> dict[int, Any]:
    statuses = {400, 422, 503} | set(_statuses_of_input(declared))
    if not declared.needed.anonymous:
        statuses |= {401, 403}
    if declared.limited:
        statuses.add(429)
    if declared.path_parameters or declared.body is not None:
        statuses.add(404)
    answers: dict[int, Any] = {status: RESPONSES[status][0] for status in sorted(statuses)}
    kinds = list(declared.refuses)
    if declared.repeatable:
        kinds.append(IdempotencyInProgress)
    for status, own in problems.documented(kinds).items():
        answers[status] = _own_refusals(status, own)
    return answers


def _statuses_of_input(declared: Operation) -> list[int]:
    statuses = []
    if declared.body is not None:
        statuses += [411, 413, 415]
    if declared.if_match is not None:
        statuses.append(412)
    if declared.if_match == "required":
        statuses.append(428)
    return statuses


def _own_refusals(status: int, kinds: list[type[Refusal]]) -> dict[str, Any]:
    codes = ", ".join(f"`{kind.code}`" for kind in kinds)
    examples = {
        kind.code: {
            "summary": kind.paragraphs()[1],
            "value": {
                "type": f"/problems/{kind.code}",
                "title": problems.title_of(kind.code),
                "status": problems.status_of(kind),
                "detail": str(example),
                "instance": "/v1/…",
                "code": kind.code,
                "request_id": "req_" + EXAMPLE_ID,
            }
            | example.facts,
        }
        for kind, example in ((kind, example_of_refusal(kind)) for kind in kinds)
    }
    headers = ["X-Request-Id"]
    if status == 503 or IdempotencyInProgress in kinds:
        headers.append("Retry-After")
    return {
        "description": f"Refused as things stand: {codes}",
        "headers": _headers(headers),
        "content": {problems.MEDIA_TYPE: {"schema": _problem_schema(), "examples": examples}},
    }
