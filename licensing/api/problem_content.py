"""What the contract says of problems: their schema, and an example of each that may be answered."""

from collections.abc import Iterable
from typing import Any

from licensing.api import problems
from licensing.api.examples import example_of_refusal
from licensing.api.fields import EXAMPLE_ID
from licensing.api.request_refusals import RequestRefused
from licensing.idempotency import IdempotencyKeyReused
from licensing.queries.cursors import InvalidCursor
from licensing.rules.refusals import NotFound, PermissionDenied, PreconditionFailed, Refusal

# What any operation may answer, beside the refusals that it declares itself.
OF_ANY_OPERATION = (
    RequestRefused,
    InvalidCursor,
    IdempotencyKeyReused,
    PermissionDenied,
    NotFound,
    PreconditionFailed,
)
PROBLEM_ERROR = {
    "type": "object",
    "description": "A mistake in a request.",
    "properties": {
        "location": {
            "type": "string",
            "enum": ["body", "query", "path", "header"],
            "description": "Where it is",
        },
        "pointer": {"type": "string", "description": "JSON pointer to the member (RFC 6901)"},
        "detail": {"type": "string", "description": "What is wrong with it"},
    },
    "required": ["location", "pointer", "detail"],
}
PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457), with the facts behind it as further members.",
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Path of an explanation of the code",
        },
        "title": {"type": "string", "description": "The code as words"},
        "status": {"type": "integer", "description": "The HTTP status"},
        "detail": {"type": "string", "description": "What is wrong, in a sentence"},
        "instance": {"type": "string", "description": "The path of the request"},
        "code": {
            "type": "string",
            "description": "Stable code of the error; take one that you do not know by its status",
        },
        "request_id": {
            "type": ["string", "null"],
            "description": "Identifies the request in the log",
        },
        "errors": {
            "type": "array",
            "description": "Every mistake of the request, for validation",
            "items": {"$ref": "#/components/schemas/ProblemError"},
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "additionalProperties": True,
}


def of_any_operation(status: int) -> list[type[Refusal]]:
    """The refusals with this status that no operation has to declare."""
    general = [kind for kind in problems.all_refusals() if issubclass(kind, OF_ANY_OPERATION)]
    return problems.documented(general).get(status, [])


def codes(kinds: Iterable[type[Refusal]]) -> str:
    """The codes of refusals, for a sentence."""
    return ", ".join(f"`{kind.code}`" for kind in kinds)


def content(kinds: Iterable[type[Refusal]]) -> dict[str, Any]:
    """The content of an answer that is one of these refusals, with an example of each."""
    schema = {"$ref": "#/components/schemas/Problem"}
    examples = {kind.code: _example(kind) for kind in kinds}
    return {problems.MEDIA_TYPE: {"schema": schema, "examples": examples}}


def _example(kind: type[Refusal]) -> dict[str, Any]:
    example = example_of_refusal(kind)
    value = {
        "type": f"/problems/{kind.code}",
        "title": problems.title_of(kind.code),
        "status": problems.status_of(kind),
        "detail": str(example),
        "instance": f"/v1/accounts/acc_{EXAMPLE_ID}",
        "code": kind.code,
        "request_id": "req_" + EXAMPLE_ID,
    }
    return {"summary": kind.paragraphs()[1], "value": value | example.facts}
