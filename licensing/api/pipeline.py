"""
A request on its way through: who asks, may he, what is sent; then the view; then the answer.

The order is the same for every operation, so that a caller who may not do something learns nothing
from how the rest of the request is judged.
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from flask import Response, g, request
from marshmallow import Schema, ValidationError

from licensing import db, idempotency
from licensing.api import auth
from licensing.api.json_body import JSON, MERGE_PATCH, read_object
from licensing.api.operation import Operation
from licensing.api.request_refusals import (
    IdempotencyKeyRequired,
    MalformedHeader,
    MalformedQuery,
    PreconditionRequired,
    ValidationFailed,
)
from licensing.idempotency import Answer
from licensing.queries.cursors import Page
from licensing.rules.permissions import Actor, require, system
from licensing.rules.refusals import NotFound

PATH_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
ETAG = re.compile(r'"v([1-9][0-9]{0,17})"')
IDEMPOTENCY_KEY = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21-\x7e]{1,255})')


def endpoint(declared: Operation) -> Callable[..., Response]:
    """The function that Flask calls for an operation."""

    def run(**path: str) -> Response:
        with db.connection():
            return _answered(declared, path)

    run.__name__ = declared.view.__name__
    run.declared = declared  # type: ignore[attr-defined]
    return run


def _answered(declared: Operation, path: dict[str, str]) -> Response:
    actor = _permitted(declared, path)
    key = _idempotency_key(declared)
    arguments: dict[str, Any] = path | _sent(declared)

    def work() -> Answer:
        return _as_answer(declared, actor, declared.view(actor, **arguments))

    if key is None:
        answer, replayed = work(), False
    else:
        answer, replayed = idempotency.once(actor, key, _fingerprint(arguments), work)
    return _as_response(declared, answer, replayed)


def _permitted(declared: Operation, path: dict[str, str]) -> Actor:
    """The actor, in the account of the path, if he may do this (R10)."""
    need = declared.needed
    if need.anonymous:
        return system(request_id=g.request_id)
    actor = auth.authenticate(request, g.request_id)
    for name, value in path.items():
        if not PATH_VALUE.fullmatch(value):
            raise NotFound(name.removesuffix("_id"), value)
    if "account_id" in path:
        actor = actor.within(path.pop("account_id"))
    require(actor, need, about=path.get("user_id"))
    return actor


def _idempotency_key(declared: Operation) -> str | None:
    if declared.method != "POST":
        return None
    sent = request.headers.getlist("Idempotency-Key")
    if not sent:
        if declared.idempotency == "required":
            raise IdempotencyKeyRequired
        return None
    matched = IDEMPOTENCY_KEY.fullmatch(sent[0]) if len(sent) == 1 else None
    if matched is None:
        raise MalformedHeader("Idempotency-Key", "one key of 1 to 255 ASCII characters is expected")
    return matched[1] or matched[2]


def _sent(declared: Operation) -> dict[str, Any]:
    """
    What came with the request, checked: `if_match`, `query` and `body` as far as they are declared.
    """
    sent: dict[str, Any] = {}
    if declared.if_match is not None:
        sent["if_match"] = _if_match(declared.if_match == "required")
    query = _query()
    if declared.query is not None:
        sent["query"] = _loaded(declared.query, query, "query")
    elif query:
        unknown = {name: ["Unknown field."] for name in query}
        raise ValidationFailed(_errors(unknown, "query"))
    if declared.body is not None:
        accepted = (JSON, MERGE_PATCH) if declared.if_match else (JSON,)
        raw = read_object(request, accepted, declared.body_required)
        sent["body"] = _loaded(declared.body, raw, "body")
    return sent


def _if_match(required: bool) -> int | None:
    sent = request.headers.getlist("If-Match")
    if not sent:
        if required:
            raise PreconditionRequired
        return None
    matched = ETAG.fullmatch(sent[0].strip()) if len(sent) == 1 else None
    if matched is None:
        raise MalformedHeader("If-Match", 'one strong ETag such as "v7" is expected')
    return int(matched[1])


def _query() -> dict[str, str]:
    try:
        unquote_to_bytes(request.query_string.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedQuery from None
    repeated = {
        name: ["Must be sent once."] for name in request.args if len(request.args.getlist(name)) > 1
    }
    if repeated:
        raise ValidationFailed(_errors(repeated, "query"))
    return request.args.to_dict()


def _loaded(schema: Schema, raw: dict[str, Any], location: str) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(raw)
    except ValidationError as error:
        raise ValidationFailed(_errors(error.messages, location)) from None
    return loaded


def _errors(messages: Any, location: str, pointer: str = "") -> list[dict[str, str]]:
    """marshmallow's nested messages as a flat list with JSON pointers (RFC 6901)."""
    if not isinstance(messages, dict):
        details = messages if isinstance(messages, list) else [messages]
        return [{"location": location, "pointer": pointer, "detail": str(d)} for d in details]
    errors = []
    for name, inner in messages.items():
        below = pointer
        if name != "_schema":
            below += "/" + str(name).replace("~", "~0").replace("/", "~1")
        errors += _errors(inner, location, below)
    return errors


def _fingerprint(arguments: dict[str, Any]) -> str:
    sent = json.dumps(arguments, sort_keys=True, default=str)
    return hashlib.sha256(f"{request.method} {request.path}\n{sent}".encode()).hexdigest()


def _as_answer(declared: Operation, actor: Actor, result: Any) -> Answer:
    """
    What the view returned, as bytes: a thing, a page, nothing; with headers, with another status.
    """
    content, headers, status = _unpacked(declared, result)
    if isinstance(content, Page):
        content = _page(content)
    if content is None:
        return Answer(status, headers, b"")
    headers = {"Content-Type": JSON} | headers
    version = content.get("version")
    if isinstance(version, int):
        headers["ETag"] = f'"v{version}"'
    location = declared.gives[0].location if declared.gives else None
    if location is not None:
        headers["Location"] = location.format_map({"account_id": actor.account_id} | content)
    return Answer(status, headers, orjson.dumps(content))


def _unpacked(declared: Operation, result: Any) -> tuple[Any, dict[str, str], int]:
    status = declared.gives[0].status if declared.gives else 200
    if not isinstance(result, tuple):
        return result, {}, status
    content, headers, *other = result
    return content, headers, other[0] if other else status


def _page(page: Page) -> dict[str, Any]:
    shown = {"items": page.items, "next_cursor": page.next_cursor}
    return shown if page.total is None else shown | {"total": page.total}


def _as_response(declared: Operation, answer: Answer, replayed: bool) -> Response:
    response = Response(answer.body, answer.status)
    del response.headers["Content-Type"]
    response.headers.update(answer.headers)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    etag = answer.headers.get("ETag")
    if declared.method == "GET" and etag is not None and _knows(etag):
        response.status_code = 304
        response.set_data(b"")
        del response.headers["Content-Type"]
    return response


def _knows(etag: str) -> bool:
    """Whether If-None-Match names the version that would be sent (weak comparison, RFC 9110)."""
    sent = request.headers.get("If-None-Match", "")
    tags = [tag.strip().removeprefix("W/") for tag in sent.split(",")]
    return etag in tags or "*" in tags
