"""
A shortcut in front of Flask for what is asked most: what a user may do with one feature, which a
product asks on each of its pages, and who holds the seats, of which front ends show the list.

Flask's own work, its contexts, routing and answer, took three quarters of the time of the first and
a third of that of the second. The shortcut does what an operation does and leaves that out: it
calls the same functions, and answers what goes well, byte by byte as Flask would. A request with
anything to it that Flask, or what stands between it and the operation, would look at is left to
them; and what refuses a request is handed over, to be answered there as all refusals are.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from licensing import tracing
from licensing.api import browsers, in_hand, observing, operation, paths, pipeline
from licensing.api.entitlements import get_entitlement
from licensing.api.in_hand import InHand
from licensing.api.operation import Operation
from licensing.api.seats import list_seats
from licensing.idempotency import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

VIEWS = (get_entitlement, list_seats)
# CORS answers an origin; who knows an ETag is not sent the same again; the path of a WebSocket is
# another one to Flask; and a body is read behind a proxy.
LOOKED_AT = (
    "HTTP_ORIGIN",
    "HTTP_IF_NONE_MATCH",
    "HTTP_UPGRADE",
    "CONTENT_LENGTH",
)


def open_shortcut(app: Flask) -> None:
    """
    Answer these questions in front of an application, before anything else is put there.

    Not where spans are made of requests, which begin and end in Flask.
    """
    if not tracing.is_on():
        app.wsgi_app = Shortcut(app)  # type: ignore[method-assign]


class Shortcut:
    """A WSGI application that answers these questions, and leaves all others to Flask."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._flask: WSGIApplication = app.wsgi_app
        operations = map(operation.of, VIEWS)
        self._operations = [(paths.pattern_of(one.rule), one) for one in operations]

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        question = self._question(environ)
        if question is None:
            return self._flask(environ, start_response)
        declared, path = question
        asked = in_hand.take(environ)
        try:
            gate = self._app.extensions["gate"]
            answer = pipeline.plain_answer(declared, asked, gate, path)
            observing.end(asked, declared.view.__name__, answer.status)
        except Exception as problem:
            asked.failure = problem
            environ[in_hand.BEGUN] = asked
        else:
            start_response("200 OK", self._headers(asked, answer))
            return [answer.body]
        finally:
            in_hand.let_go()
        return self._flask(environ, start_response)

    def _question(self, environ: "WSGIEnvironment") -> tuple[Operation, dict[str, str]] | None:
        """Which question it is, with the parameters of the path, where nothing else is to it."""
        if environ["REQUEST_METHOD"] != "GET" or any(map(environ.get, LOOKED_AT)):
            return None
        path = environ.get("PATH_INFO", "")
        for pattern, declared in self._operations:
            matched = pattern.fullmatch(path)
            if matched is not None:
                return declared, matched.groupdict()
        return None

    def _headers(self, asked: InHand, answer: Answer) -> list[tuple[str, str]]:
        always: browsers.Always = self._app.extensions["always"]
        headers = answer.headers | {"Content-Length": str(len(answer.body))}
        if asked.used is not None:
            headers |= asked.used.headers
        headers |= always.missing(headers, asked.request_id)
        varies = always.varies(headers.get("Vary"))
        if varies is not None:
            headers["Vary"] = varies
        return list(headers.items())
