"""
Every place of a request that takes an id, found in the contract, so that new operations are found
as well; and the request with the id of another tenant in that place.
"""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from licensing.api.fields import EXAMPLE_ID

Step = str | int
# Kinds of things by what their ids are called, where the contract has no example to tell it.
KINDS = {
    "account_id": "acc",
    "actor_id": "usr",
    "user_id": "usr",
    "user_ids": "usr",
    "transfer_to": "usr",
    "seat_id": "seat",
    "pool_id": "pool",
}
# Named by somebody else, or by nobody: there is nothing of another tenant to put there.
NOT_OURS = {"external_id"}
# Recorded examples count up from the first id, so that their last digits differ.
COUNTED = 4
EXAMPLE = re.compile(rf"([a-z]+)_{EXAMPLE_ID[:-COUNTED]}[0-9a-f]{{{COUNTED}}}")
METHODS = ("get", "post", "patch", "delete")


@dataclass(frozen=True)
class Request:
    """A request as the contract shows it, with the ids of a tenant."""

    operation: str
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""
    content_type: str = "application/json"


@dataclass(frozen=True)
class Place:
    """Where an operation takes an id, and of which kind of thing."""

    operation: str
    where: str
    steps: tuple[Step, ...]
    kind: str

    def __str__(self) -> str:
        return f"{self.operation} {self.where} {'/'.join(map(str, self.steps))}"


def operations(contract: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of every operation, with the parameters of its path."""
    for path, item in contract["paths"].items():
        for method in METHODS:
            if method in item:
                shared = item.get("parameters", []) + item[method].get("parameters", [])
                yield path, method, item[method] | {"parameters": shared}


def places(contract: dict[str, Any]) -> list[Place]:
    """All places that take ids. Fails for one whose kind cannot be told."""
    return [
        Place(described["operationId"], where, steps, kind)
        for _, _, described in operations(contract)
        for where, steps, kind in _places(contract, described)
    ]


def _places(
    contract: dict[str, Any], described: dict[str, Any]
) -> Iterator[tuple[str, tuple[Step, ...], str]]:
    for parameter in described["parameters"]:
        name, where = parameter.get("name", ""), parameter.get("in", "header")
        if where != "header" and (kind := _kind(name, parameter)):
            yield where, (name,), kind
    _, body = content_of(described)
    for steps, schema in _members(contract, body.get("schema", {})):
        named = next((step for step in reversed(steps) if isinstance(step, str)), "")
        is_list = schema.get("type") == "array" or (steps and steps[-1] == "metadata")
        if not is_list and (kind := _kind(named, schema)):
            yield "body", steps, kind


def content_of(described: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The media type in which an operation takes its body first of all, and what is told of it."""
    content = described.get("requestBody", {}).get("content", {})
    return next(iter(content.items()), ("application/json", {}))


def _kind(name: str, described: dict[str, Any]) -> str | None:
    for example in _shown(described):
        if isinstance(example, str) and (found := EXAMPLE.fullmatch(example)):
            return found[1]
    if name in KINDS:
        return KINDS[name]
    assert name in NOT_OURS or not re.search(r"_ids?$", name), f"of what is {name} the id?"
    return None


def _shown(described: dict[str, Any]) -> list[Any]:
    """The examples of a parameter or a member, wherever they stand."""
    own = [described.get("example"), *described.get("examples", [])]
    return own + (_shown(described["schema"]) if "schema" in described else [])


def _members(
    contract: dict[str, Any], schema: dict[str, Any], at: tuple[Step, ...] = ()
) -> Iterator[tuple[tuple[Step, ...], dict[str, Any]]]:
    if "$ref" in schema:
        schema = contract["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if at:
        yield at, schema
    for name, member in schema.get("properties", {}).items():
        yield from _members(contract, member, (*at, name))
    if isinstance(schema.get("items"), dict):
        yield from _members(contract, schema["items"], (*at, 0))
    for choice in schema.get("anyOf", []):
        yield from _members(contract, choice, at)


def request_of(
    path: str,
    method: str,
    described: dict[str, Any],
    ids: dict[str, str],
    key: str,
    body: Any = None,
) -> Request:
    """The documented example of an operation, with the ids of a tenant, sent with a new key."""
    content_type, content = content_of(described)
    if body is None:
        body = content.get("example")
    for parameter in described["parameters"]:
        if parameter.get("in") == "path":
            kind = _kind(parameter["name"], parameter)
            value = ids[kind] if kind else str(parameter["example"])
            path = path.replace(f"{{{parameter['name']}}}", value)
    headers = {"Idempotency-Key": key} if method == "post" else {}
    if {"$ref": "#/components/parameters/IfMatchRequired"} in described["parameters"]:
        headers["If-Match"] = '"v1"'
    query = "?" + urlencode(_required(described))
    body = _of(ids, body)
    return Request(
        described["operationId"], method.upper(), path, body, headers, query, content_type
    )


def _required(described: dict[str, Any]) -> dict[str, str]:
    """The query parameters without which nothing is answered, as the contract shows them."""
    return {
        parameter["name"]: next(filter(None, _shown(parameter)))
        for parameter in described["parameters"]
        if parameter.get("in") == "query" and parameter.get("required")
    }


def _of(ids: dict[str, str], value: Any) -> Any:
    """A value with the ids of a tenant in place of those of the examples."""
    text = EXAMPLE.sub(lambda found: ids.get(found[1], found[0]), json.dumps(value))
    return json.loads(text)


def swapped(request: Request, place: Place, own: dict[str, str], foreign: str) -> Request:
    """The request with the id of another tenant in one place."""
    body, path, query = deepcopy(request.body), request.path, request.query
    if place.where == "path":
        path = path.replace(own[place.kind], foreign)
    elif place.where == "query":
        query += f"&{place.steps[0]}={foreign}"
    else:
        *way, last = place.steps
        inner = body = {} if body is None else body
        for step, following in zip(way, place.steps[1:], strict=True):
            if isinstance(inner, dict):
                inner.setdefault(step, [] if isinstance(following, int) else {})
            inner = inner[step]  # type: ignore[index]
        if isinstance(inner, list) and not inner:
            inner.append(foreign)
        inner[last] = foreign  # type: ignore[index,call-overload]
    return replace(request, path=path, body=body, query=query)
