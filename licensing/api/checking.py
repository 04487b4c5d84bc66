"""Whether what came in, or what goes out, is as its schema says."""

from typing import Any

import orjson
from marshmallow import Schema, ValidationError
from marshmallow.fields import Dict, Field, List, Nested

from licensing.api.request_refusals import ValidationFailed


def loaded(schema: Schema, raw: dict[str, Any], location: str) -> dict[str, Any]:
    """What was sent, as the view gets it. Raises `ValidationFailed`, which lists every mistake."""
    try:
        taken: dict[str, Any] = schema.load(raw)
    except ValidationError as error:
        raise ValidationFailed(mistakes(error.messages, location)) from None
    return taken


def mistakes(messages: Any, location: str, pointer: str = "") -> list[dict[str, str]]:
    """marshmallow's nested messages as a flat list with JSON pointers (RFC 6901)."""
    if not isinstance(messages, dict):
        details = messages if isinstance(messages, list) else [messages]
        return [{"location": location, "pointer": pointer, "detail": str(d)} for d in details]
    errors = []
    for name, inner in messages.items():
        below = pointer if name == "_schema" else f"{pointer}/{_token(name)}"
        errors += mistakes(inner, location, below)
    return errors


def _token(name: object) -> str:
    """A name in a pointer; an unknown one may have lone surrogates, which cannot be encoded."""
    escaped = str(name).replace("~", "~0").replace("/", "~1")
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


def response_schema_errors(schema: Schema | type[Schema], answer: Any) -> list[dict[str, str]]:
    """
    Where an answer is not exactly as its schema says; for tests, since nobody checks them live.

    Members that are missing, of the wrong type, out of bounds or not documented, at any depth.
    """
    instance = schema() if isinstance(schema, type) else schema
    shown = orjson.loads(orjson.dumps(answer))
    if not isinstance(shown, dict):
        return mistakes("Not an object.", "body")
    return mistakes(instance.validate(shown), "body") + _undocumented(instance, shown, "")


def _undocumented(schema: Any, shown: Any, pointer: str) -> list[dict[str, str]]:
    if not isinstance(shown, dict):
        return []
    errors = []
    for name, value in shown.items():
        below = f"{pointer}/{_token(name)}"
        if name in schema.fields:
            errors += _undocumented_in(schema.fields[name], value, below)
        else:
            errors += mistakes("Not documented.", "body", below)
    return errors


def _undocumented_in(field: Field[Any], value: Any, pointer: str) -> list[dict[str, str]]:
    if isinstance(field, Nested):
        return _undocumented(field.schema, value, pointer)
    inner, children = _children(field, value)
    if inner is None:
        return []
    return [
        error
        for name, child in children
        for error in _undocumented_in(inner, child, f"{pointer}/{_token(name)}")
    ]


def _children(field: Field[Any], value: Any) -> tuple[Field[Any] | None, list[tuple[Any, Any]]]:
    if isinstance(field, List) and isinstance(value, list):
        return field.inner, list(enumerate(value))
    if isinstance(field, Dict) and isinstance(value, dict):
        return field.value_field, list(value.items())
    return None, []
