"""How apispec writes schemas down, where this API wants it otherwise."""

import inspect
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import RAISE
from marshmallow.fields import Field

from licensing.api.fields import Choice


class Converter(OpenAPIConverter):
    """apispec's converter: enumerations are named components, examples a list as in 3.1."""

    def init_attribute_functions(self) -> None:
        """Put ours before the one that makes types nullable, which wraps what it finds."""
        super().init_attribute_functions()  # type: ignore[no-untyped-call]
        nullable = self.attribute_functions.pop()
        self.attribute_functions += [self.choice2component, self.example2list, nullable]

    def choice2component(self, field: Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
        """An enumeration becomes a component; a part of one stands where it is used."""
        if not isinstance(field, Choice):
            return {}
        ret.pop("type", None)
        ret.pop("enum", None)
        if set(field.only) < set(field.choices):
            return {"type": "string", "enum": list(field.only)}
        component = {"type": "string", "enum": list(field.only)}
        self.spec.components.schemas.setdefault(field.enum.__name__, component)
        return {"$ref": f"#/components/schemas/{field.enum.__name__}"}

    def example2list(self, field: Field[Any], ret: dict[str, Any], **_: Any) -> dict[str, Any]:
        """JSON Schema has a list of examples, and none where there is nothing to show."""
        example = ret.pop("example", None)
        return {} if example is None else {"examples": [example]}

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        """Say `additionalProperties` as the schema treats unknown members."""
        described: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        described.pop("additionalProperties", None)
        described["description"] = inspect.getdoc(type(schema))
        if schema.unknown == RAISE:
            described["additionalProperties"] = False
        return described


class Plugin(MarshmallowPlugin):
    """apispec's plugin with our converter."""

    Converter = Converter


def component_name(schema: Any) -> str:
    """How a schema is called in the contract."""
    name = (schema if isinstance(schema, type) else type(schema)).__name__
    return str(name.removesuffix("Response"))
