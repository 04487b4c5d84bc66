"""Calling a WSGI application without a server: what is left is the cost of the application."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from flask import Flask
from werkzeug.test import EnvironBuilder

Environ = dict[str, Any]


def request(
    path: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None
) -> Environ:
    """A request, as a server would hand it over; it can be sent once."""
    data = None if body is None else orjson.dumps(body)
    kind = None if body is None else "application/json"
    sent_headers = list((headers or {}).items())
    sent = EnvironBuilder(path, method=method, data=data, content_type=kind, headers=sent_headers)
    environ = sent.get_environ()
    environ["REMOTE_ADDR"] = "127.0.0.1"
    return environ


def again(environ: Environ) -> Environ:
    """The same request, to be sent once more; one without a body."""
    return environ | {"wsgi.input": io.BytesIO()}


def send(app: Any, environs: Iterable[Environ], status: str) -> list[bytes]:
    """The bodies of the answers, all of which have to have this status."""
    seen: list[str] = []
    answers: list[bytes] = []

    def start(answered: str, _headers: Sequence[tuple[str, str]], *_: Any) -> None:
        seen.append(answered)

    for environ in environs:
        answer = app(environ, start)
        answers.append(b"".join(answer))
        if hasattr(answer, "close"):
            answer.close()
    odd = [(s, a) for s, a in zip(seen, answers, strict=True) if not s.startswith(status)]
    assert not odd, odd[0]
    return answers


def hello() -> Flask:
    """The smallest application in Flask: what there is no way to be faster than."""
    app = Flask("hello", static_folder=None)

    @app.get("/hello")
    def answer() -> dict[str, str]:
        return {"hello": "world"}

    return app
