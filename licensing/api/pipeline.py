"""
A request on its way through: who asks, may he, what is sent; then the view; then the answer.

The order is the same for every operation, so that a caller who may not do something learns nothing
from how the rest of the request is judged.
"""

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

import orjson
from flask import Response, current_app, request
from marshmallow import Schema
from werkzeug.datastructures import Headers

from licensing import db, idempotency
from licensing.api import csv_answer, headers, in_hand, paths
from licensing.api.checking import loaded, mistakes
from licensing.api.csv_body import CSV, read_table
from licensing.api.in_hand import InHand
from licensing.api.json_body import JSON, read_object
from licensing.api.limiting import Gate
from licensing.api.operation import Given, Operation
from licensing.api.request_refusals import MalformedQuery, ValidationFailed
from licensing.idempotency import Answer
from licensing.queries.cursors import Page
from licensing.row_security import EVERY_ACCOUNT, within
from licensing.rules.permissions import Actor, ActorType, require
from licensing.rules.refusals import NotFound

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

R = TypeVar("R")

LONGEST_KEPT_QUERY, MOST_KEPT_QUERIES = 100, 1_000


def endpoint(declared: Operation) -> Callable[..., Response]:
    """The function that Flask calls for an operation."""

    def run(**path: str) -> Response:
        asked, gate = in_hand.current(), current_app.extensions["gate"]
        # What anybody may call has to answer without the database, too: it tells of its state.
        if declared.needed.anonymous:
            return _answered(declared, _anonymous(declared, asked, gate), path)
        answered = partial(_answered, declared, path=path)
        return _let_in(declared, asked, gate, path, answered)

    run.__name__ = declared.view.__name__
    run.declared = declared  # type: ignore[attr-defined]
    return run


def plain_answer(declared: Operation, asked: InHand, gate: Gate, path: dict[str, str]) -> Answer:
    """
    What an operation that only asks answers to a request that consists of its path and query.

    Args:
        declared: an operation that takes nothing else, or that was sent nothing else, and answers
            in JSON alone.
        asked: the request; it is looked at for who asks.
        gate: who comes in.
        path: the parameters of the path.

    Raises whatever refuses it.
    """

    def answered(actor: Actor) -> Answer:
        arguments: dict[str, Any] = dict(path)
        _query(declared, asked.environ, arguments)
        return _as_answer(declared, actor, declared.view(actor, **arguments))

    return _let_in(declared, asked, gate, path, answered)


def _let_in(
    declared: Operation,
    asked: InHand,
    gate: Gate,
    path: dict[str, str],
    answered: Callable[[Actor], R],
) -> R:
    """What is answered to the actor of a request, with nothing but the rows of his account."""
    of_an_account = "account_id" in path
    with db.connection(EVERY_ACCOUNT):
        actor = _permitted(declared, asked, gate, path)
        with within(actor.account if of_an_account else EVERY_ACCOUNT):
            return answered(actor)


def _answered(declared: Operation, actor: Actor, path: dict[str, str]) -> Response:
    key = headers.idempotency_key(declared)
    arguments: dict[str, Any] = dict(path)
    if declared.if_match is not None:
        arguments["if_match"] = headers.if_match(declared)
    query = _query(declared, request.environ, arguments)
    body = _body(declared, arguments)
    headers.refuse_missing_key(declared, body, key)
    if declared.csv is not None and _form(declared.gives[0]) == CSV:
        return _file(declared, declared.csv, actor, arguments)

    def work() -> Answer:
        return _as_answer(declared, actor, declared.view(actor, **arguments))

    if key is None:
        answer, replayed = work(), False
    else:
        answer, replayed = idempotency.once(actor, key, _fingerprint(query, body), work)
    return _as_response(declared, answer, replayed)


def _file(
    declared: Operation, form: csv_answer.CsvForm, actor: Actor, arguments: dict[str, Any]
) -> Response:
    """All of a list as a CSV file, which has no pages: a window that was asked for is ignored."""

    def page_after(cursor: str | None) -> Page:
        window = {"limit": csv_answer.ROWS_AT_ONCE, "cursor": cursor, "include_total": False}
        query = arguments["query"] | window
        page: Page = declared.view(actor, **arguments | {"query": query})
        return page

    with db.snapshot():
        return csv_answer.file_of(form, page_after)


def _anonymous(declared: Operation, asked: InHand, gate: Gate) -> Actor:
    if declared.limited:
        gate.count_address(asked)
    asked.actor = Actor(ActorType.API_KEY, "anonymous", request_id=asked.request_id)
    return asked.actor


def _permitted(declared: Operation, asked: InHand, gate: Gate, path: dict[str, str]) -> Actor:
    """The actor, in the account of the path, if he may do this (R10)."""
    actor = gate.enter(asked)
    for name, value in path.items():
        if not paths.VALUE.fullmatch(value):
            raise NotFound(name.removesuffix("_id"), value)
    account_id = path.pop("account_id", actor.account_id)
    if account_id is not None:
        actor.refuse_another(account_id)
    actor = actor.asking(account_id, asked.request_id, asked.traceparent)
    require(actor, declared.needed, about=path.get("user_id"))
    asked.actor = actor
    return actor


def _query(
    declared: Operation, environ: "WSGIEnvironment", arguments: dict[str, Any]
) -> dict[str, str]:
    """The query string as it was sent; `query` is added to the view's arguments."""
    text = environ.get("QUERY_STRING", "")
    read = _read_again if len(text) <= LONGEST_KEPT_QUERY else _read
    sent, query = read(declared.query, text)
    if query is not None:
        arguments["query"] = dict(query)
    return sent


def _read(schema: Schema | None, text: str) -> tuple[dict[str, str], dict[str, Any] | None]:
    """A query string as it was sent, and as its schema reads it, where there is one."""
    sent = _query_parameters(text)
    if schema is not None:
        return sent, loaded(schema, sent, "query")
    if sent:
        unknown = {name: ["Unknown field."] for name in sent}
        raise ValidationFailed(mistakes(unknown, "query"))
    return sent, None


# Front ends ask for few pages, over and over: to read the same query once more took a seventh of a
# page of fifty seats.
_read_again = lru_cache(MOST_KEPT_QUERIES)(_read)


def _query_parameters(text: str) -> dict[str, str]:
    if not text:
        return {}
    # As it came over the wire (PEP 3333).
    raw = text.encode("latin-1")
    try:
        unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedQuery from None
    sent: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in parse_qsl(raw.decode("utf-8"), keep_blank_values=True):
        if name in sent:
            repeated[name] = ["Must be sent once."]
        sent[name] = value
    if repeated:
        raise ValidationFailed(mistakes(repeated, "query"))
    return sent


def _body(declared: Operation, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """The body as it was sent; `body` is added to the view's arguments."""
    if declared.body is None:
        return None
    if declared.rows is not None and request.mimetype == CSV:
        return _table(declared, declared.body, declared.rows, arguments)
    sent = read_object(request, declared.media_types, declared.body_required, declared.largest_body)
    arguments["body"] = loaded(declared.body, sent, "body")
    return sent


def _table(
    declared: Operation, schema: Schema, member: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """The same of a body in CSV, whose lines are the items of `member`."""
    table = read_table(request, declared.media_types, declared.columns, declared.largest_body)
    sent = {member: table.rows}
    try:
        arguments["body"] = loaded(schema, sent, "body")
    except ValidationFailed as failed:
        raise table.named(failed, member) from None
    return sent


def _fingerprint(query: dict[str, str], body: dict[str, Any] | None) -> str:
    """
    What makes a request the same one again: what was sent, not what this release makes of it.

    A default that a later release adds must not turn a repetition into another request.
    """
    # Not orjson, which cannot encode every text that JSON can escape.
    sent = json.dumps([request.method, request.path, query, body], sort_keys=True)
    return hashlib.sha256(sent.encode()).hexdigest()


def _as_answer(declared: Operation, actor: Actor, result: Any) -> Answer:
    """What the view returned, as bytes: a thing, a page, nothing; with headers and a status."""
    content, own_headers, given = _unpacked(declared, result)
    if isinstance(content, Page):
        content = _page(content)
    if content is None:
        return Answer(given.status, own_headers, b"")
    etag = headers.etag_of(content)
    if etag is not None:
        own_headers["ETag"] = etag
    if given.location is not None:
        path = given.location.format_map({"account_id": actor.account_id} | content)
        own_headers["Location"] = path
    form, body = _shown(given, content)
    if declared.fresh_for is not None:
        own_headers["Cache-Control"] = f"private, max-age={declared.fresh_for}"
        own_headers["Vary"] = "Authorization"
        own_headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Answer(given.status, form | own_headers, body)


def _shown(given: Given, content: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """The answer as JSON, or in another of its forms if the caller prefers that."""
    if not given.shown_as:
        return {"Content-Type": JSON}, orjson.dumps(content)
    form = _form(given)
    body = given.shown_as[form](content).encode() if form != JSON else orjson.dumps(content)
    charset = "" if form == JSON else "; charset=utf-8"
    return {"Content-Type": form + charset, "Vary": "Accept"}, body


def _form(given: Given) -> str:
    """The media type that the caller prefers of those that there are."""
    if request.headers.get("Accept", "*/*") in ("*/*", JSON):
        return JSON  # what most say; to weigh it took a fiftieth of a page of the seats table
    return request.accept_mimetypes.best_match([JSON, *given.shown_as], default=JSON)


def _unpacked(declared: Operation, result: Any) -> tuple[Any, dict[str, str], Given]:
    """The content, its own headers, and which of the documented successes this is."""
    if not isinstance(result, tuple):
        return result, {}, declared.gives[0]
    content, own_headers, *other = result
    status = other[0] if other else declared.gives[0].status
    (given,) = [given for given in declared.gives if given.status == status]
    return content, dict(own_headers), given


def _page(page: Page) -> dict[str, Any]:
    shown = {"items": page.items, "next_cursor": page.next_cursor, **page.beside}
    return shown if page.total is None else shown | {"total": page.total}


class _Complete(Response):
    """An answer whose headers are what is to be sent, each of them checked when it was added."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """
        The headers themselves; what must not come with an answer without a body is left out.

        Werkzeug copies and checks them all once more, which took a tenth of a small request.
        """
        if self.status_code in (204, 304):
            return super().get_wsgi_headers(environ)
        return self.headers


def _as_response(declared: Operation, answer: Answer, replayed: bool) -> Response:
    response = _Complete(answer.body, answer.status, answer.headers)
    if not answer.body:
        # Flask names a type for what has no content, too.
        del response.headers["Content-Type"]
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    etag = answer.headers.get("ETag")
    if declared.only_asks and etag is not None and headers.knows(etag):
        response.status_code = 304
        response.set_data(b"")
        del response.headers["Content-Type"]
    return response
