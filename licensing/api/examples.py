"""Examples of whole requests and answers, put together from those of their fields."""

from typing import Any

import marshmallow

from licensing.api.fields import Choice
from licensing.api.operation import UndeclaredOperation


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
