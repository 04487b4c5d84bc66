"""
Every mistake that can be made in a request, made from the contract: one at a time, in every member
of every body, every parameter, every header of every operation.

    for mistake in mistakes(document(app), account_id):
        mistake.request, mistake.status, mistake.code, mistake.pointer

An operation that is added to the contract is covered from then on.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

VALIDATION = (422, "validation_failed")
HEADER = (400, "malformed_header")
NOT_FOUND = (404, "not_found")
UNKNOWN = "no_such_member"
TEXTS = [
    "half \ud800",
    "nul\u0000",
    "bell\u0007",
    "\u0085",
    "bidi\u202e",
    "isolate\u2066",
    "a\u2028",
]
INSTANTS = [
    "2026-01-01T00:00:00",
    "2026-01-01",
    "2026-02-30T00:00:00Z",
    "2026-03-02T09:00:60Z",
    "2026-03-02T24:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "+02026-03-02T09:00:00Z",
    "yesterday",
]
ENDLESS = 2**63
IN_PATHS = ["%00", "%ff", "..%2fx", "x" * 65, "%E2%80%AE", "%D9%A1", "a%20b", "'", "%F0%9F%AA%91"]
IN_QUERIES = ["%00", "a%00b", "%E2%80%AE", "%C2%85"]
KEYS = ["", " ", "k" * 256, "a,b", 'a"b', '"a', "a\tb", "\xe9", '""']
ETAGS = [
    "",
    "*",
    "v1",
    '"1"',
    '"v0"',
    '"v01"',
    '"v1", "v2"',
    '"v' + "9" * 19 + '"',
    "\xff",
]


@dataclass(frozen=True)
class Sent:
    """A request as a test sends it; the body is JSON unless it is None."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Mistake:
    """A request with one mistake, and what it has to be answered."""

    what: str
    request: Sent
    status: int
    code: str
    location: str = ""
    pointer: str = ""


def mistakes(contract: dict[str, Any], account_id: str) -> Iterator[Mistake]:
    """Every mistake in every operation; what else is needed is as the contract's examples."""
    for path, operations in contract["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                parameters = operations.get("parameters", []) + operation.get("parameters", [])
                yield from _OfOperation(contract, account_id, method, path, parameters).all()


def right_request(contract: dict[str, Any], account_id: str, method: str, path: str) -> Sent:
    """The request of an operation without any mistake, as the contract's examples have it."""
    operations = contract["paths"][path]
    parameters = operations.get("parameters", []) + operations[method].get("parameters", [])
    return _OfOperation(contract, account_id, method, path, parameters).right


class _OfOperation:
    def __init__(
        self, contract: dict[str, Any], account_id: str, method: str, path: str, named: list[Any]
    ) -> None:
        self.contract, self.method, self.path, self.account_id = contract, method, path, account_id
        self.parameters = [self._resolved(parameter) for parameter in named]
        body = contract["paths"][path][method].get("requestBody")
        self.content = next(iter(body["content"].values())) if body else None
        headers = {p["name"]: p["example"] for p in self._in("header") if p["required"]}
        example = deepcopy(self.content["example"]) if self.content else None
        self.right = Sent(method.upper(), self._filled({}), "", headers, example)

    def all(self) -> Iterator[Mistake]:
        yield from self._in_path()
        yield from self._in_query()
        yield from self._in_headers()
        if self.content is not None:
            yield from self._in_body(self.content["schema"], self.right.body, [])

    def _resolved(self, described: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in described:
            _, _, kind, name = described["$ref"].split("/")
            rest = {k: v for k, v in described.items() if k != "$ref"}
            described = self.contract["components"][kind][name] | rest
        return described

    def _in(self, place: str) -> list[dict[str, Any]]:
        return [parameter for parameter in self.parameters if parameter["in"] == place]

    def _filled(self, values: dict[str, str]) -> str:
        known = {p["name"]: p["example"] for p in self._in("path")}
        return self.path.format_map(known | {"account_id": self.account_id} | values)

    def _mistake(self, what: str, answer: tuple[int, str], at: str = "", **more: Any) -> Mistake:
        name = f"{self.method.upper()} {self.path}: {what}"
        location = next(iter(more)) if answer == VALIDATION else ""
        return Mistake(name, replace(self.right, **more), *answer, location, at)

    def _in_path(self) -> Iterator[Mistake]:
        for parameter in self._in("path"):
            for value in IN_PATHS:
                filled = self._filled({parameter["name"]: value})
                yield self._mistake(f"{parameter['name']} is {value}", NOT_FOUND, path=filled)
        for path in (self.right.path + "/", self.right.path.replace("/v1/", "/v1//", 1)):
            if path != self.right.path:
                yield self._mistake(f"the path is {path}", NOT_FOUND, path=path)

    def _in_query(self) -> Iterator[Mistake]:
        for query in ("%ff=1", "a=%c0%80"):
            yield self._mistake(query, (400, "malformed_query"), query=query)
        for query in (f"{UNKNOWN}=1", f"{UNKNOWN}=", UNKNOWN):
            yield self._mistake(query, VALIDATION, f"/{UNKNOWN}", query=query)
        for parameter in self._in("query"):
            name, schema = parameter["name"], self._resolved(parameter["schema"])
            example = quote(str(parameter.get("example", "x")))
            twice = f"{name}={example}&{name}={example}"
            for query in [twice, *(f"{name}={value}" for value in _wrong_texts(schema))]:
                yield self._mistake(query, VALIDATION, f"/{name}", query=query)

    def _in_headers(self) -> Iterator[Mistake]:
        for parameter in self._in("header"):
            name, required = parameter["name"], parameter["required"]
            values = {"Idempotency-Key": KEYS, "If-Match": ETAGS}.get(name, [])
            for value in values:
                headers = self.right.headers | {name: value}
                yield self._mistake(f"{name} is {value!a}", HEADER, headers=headers)
            if required:
                missing = {
                    "Idempotency-Key": (400, "idempotency_key_required"),
                    "If-Match": (428, "precondition_required"),
                }[name]
                yield self._mistake(f"no {name}", missing, headers={})

    def _in_body(self, schema: dict[str, Any], value: Any, at: list[Any]) -> Iterator[Mistake]:
        schema, nullable = _without_null(self._resolved(schema))
        schema = self._resolved(schema)
        if at:
            wrong = _wrong(schema) + ([] if nullable else [None])
            for other in wrong:
                yield self._with(at, other)
        if "properties" in schema:
            yield from self._in_members(schema, value or {}, at)
        elif schema.get("type") == "array":
            first = value[0] if value else _example(self._resolved(schema["items"]))
            if first is not None:
                yield from self._in_body(schema["items"], first, [*at, 0])
        elif isinstance(schema.get("additionalProperties"), dict) and value:
            yield from self._in_map(schema, value, at)

    def _in_members(self, schema: dict[str, Any], value: Any, at: list[Any]) -> Iterator[Mistake]:
        yield self._with([*at, UNKNOWN], 1)
        for name in schema.get("required", []):
            yield self._with([*at, name], _LEFT_OUT)
        for name, member in schema["properties"].items():
            shown = value.get(name)
            if shown is None:
                shown = _example(self._resolved(member))
            yield from self._in_body(member, shown, [*at, name])

    def _in_map(self, schema: dict[str, Any], value: Any, at: list[Any]) -> Iterator[Mistake]:
        name = next(iter(value))
        for other in ["", "nul\u0000", "half \ud800", "a b", "x" * 300]:
            yield self._with(at, {other: value[name]})
        most = schema.get("maxProperties")
        if most is not None:
            yield self._with(at, {f"{name}{n}": value[name] for n in range(most + 1)})
        yield from self._in_body(schema["additionalProperties"], value[name], [*at, name])

    def _with(self, at: list[Any], value: Any) -> Mistake:
        """The mistake of having this value at a place of the body."""
        shown = f"{'/'.join(map(str, at))} is {json.dumps(value, default=str)[:60]}"
        pointer = "" if value in (ENDLESS, -ENDLESS) else "".join(f"/{step}" for step in at)
        body = _put(deepcopy(self.right.body), at, value)
        return self._mistake(shown, VALIDATION, pointer, body=body)


_LEFT_OUT = object()


def _put(body: Any, at: list[Any], value: Any) -> Any:
    step, rest = at[0], at[1:]
    if rest:
        empty: Any = [] if isinstance(rest[0], int) else {}
        value = _put(_inside(body, step) or empty, rest, value)
    if isinstance(step, int):
        return [value, *body[1:]]
    if value is _LEFT_OUT:
        return {name: member for name, member in body.items() if name != step}
    return body | {step: value}


def _inside(body: Any, step: Any) -> Any:
    if isinstance(body, list):
        return body[step] if body else None
    return body.get(step)


def _example(schema: dict[str, Any]) -> Any:
    return schema.get("examples", [None])[0]


def _without_null(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    kinds = schema.get("type")
    if isinstance(kinds, list):
        others = [kind for kind in kinds if kind != "null"]
        return schema | {"type": others[0] if len(others) == 1 else others}, "null" in kinds
    choices = schema.get("anyOf", [])
    if {"type": "null"} in choices:
        (choice,) = [choice for choice in choices if choice != {"type": "null"}]
        return choice, True
    return schema, False


def _wrong(schema: dict[str, Any]) -> list[Any]:
    """Values that the schema does not allow, for JSON."""
    kind = schema.get("type")
    if kind == "integer":
        bounds = [schema[n] + d for n, d in (("minimum", -1), ("maximum", 1)) if n in schema]
        return ["12", "1_000", " 7 ", "\u0661", 1.9, 1.0, True, [1], {}, ENDLESS, -ENDLESS, *bounds]
    if kind == "boolean":
        return [0, 1, "true", "", [], {}]
    if kind == "array":
        too_many = [["x"] * (schema["maxItems"] + 1)] if schema.get("maxItems", 9999) < 9999 else []
        return ["x", {}, 1, True, *too_many, *([[]] if schema.get("minItems") else [])]
    if kind == "object":
        return ["x", [], 1, True]
    numbers = [] if isinstance(kind, list) else [1]
    return [*numbers, 1.5, True, ["x"], {"x": "x"}, ENDLESS, *_texts(schema)]


def _texts(schema: dict[str, Any]) -> list[str]:
    """Texts that the schema does not allow."""
    wrong = list(TEXTS)
    if schema.get("minLength", 1 if "enum" in schema else 0):
        wrong += ["", "   "]
    if "maxLength" in schema:
        wrong.append("x" * (schema["maxLength"] + 1))
    if "enum" in schema or "pattern" in schema:
        wrong += ["\U0001fa91", "no such (thing)"]
    if schema.get("format") == "date-time":
        wrong += INSTANTS
    return wrong


def _wrong_texts(schema: dict[str, Any]) -> list[str]:
    """Values that the schema does not allow, for a query."""
    kind = schema.get("type")
    if kind == "integer":
        return ["", "-1", "1_0", "%207", "%D9%A1", "1.9", "1e1", "0x1", "true", "01", str(10**20)]
    if kind == "boolean":
        return ["", "1", "TRUE", "yes", "%20true"]
    return IN_QUERIES + [quote(text) for text in _texts(schema) if text not in TEXTS]
