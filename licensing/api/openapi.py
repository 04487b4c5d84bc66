"""
The contract as files: OpenAPI 3.1.1 from the code, and 3.0.3 derived from it for older generators.
"""

from collections.abc import Iterator
from typing import Any

from flask import Flask

# Values, not schemas: nothing in them is to be rewritten.
AS_THEY_ARE = ("default", "enum", "const", "example", "examples")
SCHEMAS = "#/components/schemas/"
DESCRIPTION = """\
Seat (licence) management: accounts subscribe to products, buy seats, give them to users, take them
back and move them; every change is kept in the account's log.

Send `Authorization: Bearer <token>` with an API key (`sk_…`) or a session token. Errors are
`application/problem+json` (RFC 9457) with a stable `code`. Lists are paged by an opaque `cursor`.
What changes in place has an `ETag`; send it in `If-Match`. Every POST can be repeated safely with
the same `Idempotency-Key`."""


def spec_options() -> dict[str, Any]:
    """What the contract says as a whole."""
    return {
        "info": {
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This service"}],
        "security": [{"bearer": []}],
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (`sk_…`) or a session token",
                }
            }
        },
    }


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1.1 document of the application, always in the same order."""
    apis = app.extensions["flask-smorest"]["apis"]
    described: dict[str, Any] = apis[""]["ext_obj"].described().to_dict()
    described["paths"] = dict(sorted(described["paths"].items()))
    described["tags"] = sorted(described["tags"], key=lambda tag: str(tag["name"]))
    described["components"] = {
        kind: dict(sorted(found.items())) for kind, found in sorted(described["components"].items())
    }
    order = ("openapi", "info", "servers", "security", "tags", "paths", "webhooks", "components")
    return {name: described[name] for name in order if name in described}


def as_3_0(described: dict[str, Any]) -> dict[str, Any]:
    """
    The same contract as OpenAPI 3.0.3: what 3.0 cannot say is said in its own way.

    Without `webhooks`, their schemas and the licence's identifier; `type` lists become `nullable`,
    a null to choose and constants one-value enumerations, and references with siblings `allOf`.
    """
    older: dict[str, Any] = _older(described)
    older["openapi"] = "3.0.3"
    if older.pop("webhooks", None) is not None:
        _leave_out_what_nothing_refers_to(older)
    older["info"]["license"].pop("identifier", None)
    return older


def _leave_out_what_nothing_refers_to(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    rest = described | {"components": described["components"] | {"schemas": {}}}
    used: set[str] = set()
    wanted = set(_referred_to(rest))
    while wanted:
        used |= wanted
        wanted = {name for found in wanted for name in _referred_to(schemas[found])} - used
    described["components"]["schemas"] = {n: s for n, s in schemas.items() if n in used}


def _referred_to(value: Any) -> Iterator[str]:
    """The names of the schemas that something refers to."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(SCHEMAS):
            yield reference.removeprefix(SCHEMAS)
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, dict | list):
            yield from _referred_to(child)


def _older(value: Any) -> Any:
    if isinstance(value, list):
        return [_older(item) for item in value]
    if not isinstance(value, dict):
        return value
    older = {name: _member(name, member) for name, member in value.items()}
    older = _one_example(_without_null(_one_type(older)))
    older = _exclusive_by_flag(older, "exclusiveMinimum", "minimum")
    older = _exclusive_by_flag(older, "exclusiveMaximum", "maximum")
    if "const" in older:
        older["enum"] = [older.pop("const")]
    if "$ref" in older and len(older) > 1:
        older["allOf"] = [{"$ref": older.pop("$ref")}]
    return older


def _member(name: str, member: Any) -> Any:
    if name in AS_THEY_ARE:
        return member
    if name == "properties":
        # Names of members of an object, which may be called like anything, "example" too.
        return {inner: _older(schema) for inner, schema in member.items()}
    return _older(member)


def _one_type(schema: dict[str, Any]) -> dict[str, Any]:
    """A list of several types becomes a choice; its null is left to `_without_null`."""
    kinds = schema.get("type")
    if not isinstance(kinds, list) or len(set(kinds) - {"null"}) < 2:
        return schema
    rest = {name: member for name, member in schema.items() if name != "type"}
    return rest | {"anyOf": [{"type": kind} for kind in kinds]}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    if isinstance(kinds, list):
        (kind,) = [kind for kind in kinds if kind != "null"]
        return schema | {"type": kind} | ({"nullable": True} if "null" in kinds else {})
    choices = schema.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        # Beside a choice `nullable` would say nothing: it widens the `type` next to it only.
        others = [choice for choice in choices if choice != {"type": "null"}]
        return schema | {"anyOf": [*others, {"enum": [None]}]}
    return schema


def _one_example(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema has a list of examples in 3.1 and one in 3.0; media types keep theirs, a map."""
    examples = schema.get("examples")
    if not isinstance(examples, list):
        return schema
    rest = {name: member for name, member in schema.items() if name != "examples"}
    return rest | ({"example": examples[0]} if examples else {})


def _exclusive_by_flag(schema: dict[str, Any], exclusive: str, bound: str) -> dict[str, Any]:
    limit = schema.get(exclusive)
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return schema
    return schema | {bound: limit, exclusive: True}
