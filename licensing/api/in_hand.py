"""
The request in hand: its names, and what is found out about it on its way, for who answers, counts
and logs it.

Not in Flask's `g`, where each look and each word goes through two proxies: that took an eighth of
the smallest request, and needs a context of Flask.
"""

import re
import threading
import time
from typing import TYPE_CHECKING

from flask import Flask, request

from licensing import ids
from licensing.rules.permissions import Actor

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from licensing.api.limiting import Used

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# W3C Trace Context: version, trace, parent, flags; a trace or a parent of zeros is none.
TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
# Where the environment has the request, with what was found out before it came to Flask.
BEGUN = "seatkeeper.in_hand"


class InHand:
    """
    A request on its way.

    Attributes:
        environ: as the server handed it over (PEP 3333).
        began: when, in seconds of `time.perf_counter`.
        request_id, traceparent: as its sender names it, or anew; the trace that it is a part of.
        actor: who asks, once that is known.
        used: what he has used of his quota, once that was counted.
        refusal: the code of what it was refused with.
        failure: what kept the shortcut from answering, for Flask to answer with.
    """

    __slots__ = (
        "actor",
        "began",
        "environ",
        "failure",
        "refusal",
        "request_id",
        "traceparent",
        "used",
    )

    def __init__(self, environ: "WSGIEnvironment") -> None:
        self.environ = environ
        self.began = time.perf_counter()
        sent = environ.get("HTTP_X_REQUEST_ID")
        self.request_id = sent if sent and REQUEST_ID.fullmatch(sent) else ids.new("req")
        trace = environ.get("HTTP_TRACEPARENT")
        self.traceparent = trace if trace and TRACEPARENT.fullmatch(trace) else None
        self.actor: Actor | None = None
        self.used: Used | None = None
        self.refusal: str | None = None
        self.failure: Exception | None = None


class _Here(threading.local):
    in_hand: InHand | None = None


_here = _Here()


def take(environ: "WSGIEnvironment") -> InHand:
    """Take a request up; it is in this thread's hand until `let_go`."""
    taken = _here.in_hand = InHand(environ)
    return taken


def let_go(_problem: BaseException | None = None) -> None:
    """Have no request in hand any more."""
    _here.in_hand = None


def maybe() -> InHand | None:
    """The request in this thread's hand, None outside of one."""
    return _here.in_hand


def current() -> InHand:
    """The request in this thread's hand. Raises `RuntimeError` outside of one."""
    found = _here.in_hand
    if found is None:
        raise RuntimeError("no request is being answered")
    return found


def take_each(app: Flask) -> None:
    """Take up each request that comes to an application, or go on with what has begun already."""

    def begin() -> None:
        begun: InHand | None = request.environ.pop(BEGUN, None)
        _here.in_hand = begun or InHand(request.environ)
        if begun is not None and begun.failure is not None:
            raise begun.failure

    app.before_request(begin)
    app.teardown_request(let_go)
