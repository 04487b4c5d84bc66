"""
Examples of whole requests, answers and refusals.

Requests and answers are those that were recorded in `openapi/examples`; what has none is put
together from the examples of its parts, as are refusals.
"""

import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import marshmallow

from licensing.api.fields import EXAMPLE_ID, Choice
from licensing.api.operation import UndeclaredOperation
from licensing.rules.refusals import Refusal

# A link to openapi/examples, which so is part of what is installed.
RECORDED = Path(__file__).parent / "recorded"
# What a fact of a refusal may be, where its type alone would not say enough.
FACTS: dict[str, Any] = {
    "because": "it is not sold to this account",
    "held": "core",
    "user_status": "deactivated",
    "removal_status": "applied",
    "request_status": "declined",
    "first_line": 1,
    "key_status": "revoked",
    "invitation": "accepted",
    "email": "priya@example.com",
    "expired_at": "2026-11-20T10:00:00.000Z",
    "ends_at": "2026-12-01T00:00:00.000Z",
    "advancing_to": "2026-03-01T00:00:00.000Z",
    "furthest": "2026-04-01T00:00:00.000Z",
    "product": "marketing",
    "tier": "free",
    "seat_type": "core",
    "external_id": "crm-4711",
    "kind": "user",
    "id": f"usr_{EXAMPLE_ID}",
    "version": 8,
    "idempotency_key": "9b2f6c1e-order-4711",
    "purchased": 10,
    "assigned": 10,
    "requested": 4,
    "unassigned": 3,
    "scheduled_removal": 1,
    "quantity": 7,
    "minimum": 8,
    "maximum": 1_000_000,
    "refused": 1,
    "limit": 6000,
    "retry_after": 42,
    "troubles": ["schema"],
    "lines": [
        {
            "line": 2,
            "code": "no_seat_available",
            "detail": "No core seat is free: 10 of 10 are assigned; more can be bought.",
        }
    ],
    "seats": [{"id": f"seat_{EXAMPLE_ID}", "seat_type": "core"}],
}


def example_of_refusal(kind: type[Refusal]) -> Refusal:
    """A refusal with believable facts; raises `UndeclaredOperation` for a fact without example."""
    own: dict[str, Any] = getattr(kind, "example", {})
    facts = (own.get(fact.name) or _fact(fact.name) for fact in fields(kind))  # type: ignore[arg-type]
    return kind(*facts)


def _fact(name: str) -> Any:
    if name in FACTS:
        return FACTS[name]
    if name.endswith("_id"):
        prefixes = {
            "user_id": "usr",
            "account_id": "acc",
            "removal_id": "rem",
            "subscription_id": "sub",
            "clock_id": "clk",
            "request_id": "req",
        }
        return f"{prefixes.get(name, name.removesuffix('_id')[:4])}_{EXAMPLE_ID}"
    raise UndeclaredOperation(f"the fact {name} of a refusal has no example")


def sent_to(operation: str, schema: Any) -> Any:
    """A body that is sent to an operation."""
    composed = example_of(schema)
    return _recorded(operation).get("request", {}).get("body") or composed


def answered_by(operation: str, status: int, schema: Any) -> Any:
    """What an operation answers with this status."""
    composed = example_of(schema)
    response = _recorded(operation).get("response", {})
    return response["body"] if response.get("status") == status else composed


@cache
def _recorded(operation: str) -> dict[str, Any]:
    file = RECORDED / f"{operation}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def example_of(schema: Any) -> Any:
    """An example of a schema, from those of its fields; raises `UndeclaredOperation` without."""
    for name, field in schema.fields.items():
        if not field.metadata.get("description"):
            raise UndeclaredOperation(f"the field {name} has no description")
    return {name: _example(name, field) for name, field in schema.fields.items()}


def _example(name: str, field: Any) -> Any:
    example = field.metadata.get("example")
    if example is not None:
        return example
    if isinstance(field, marshmallow.fields.Nested):
        return example_of(field.schema)
    if isinstance(field, marshmallow.fields.List):
        return [_example(name, field.inner)]
    if isinstance(field, Choice):
        return None if field.allow_none else field.only[0]
    if field.allow_none:
        return None
    raise UndeclaredOperation(f"the field {name} has no example")
