"""
What browsers need: CORS by an exact list of origins, safe headers; and for everybody the names of
the request, its own and the one of the trace that it is a part of.
"""

import re

from flask import Flask, Response, g, request
from flask_cors import CORS

from licensing import ids

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# W3C Trace Context: version, trace, parent, flags; a trace or a parent of zeros is none.
TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
SENT = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Traceparent",
    "X-Request-Id",
)
EXPOSED = (
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Paid-Until",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # No page of another site may put an answer into itself; with CORS it may read it all the same.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    # The server would tell its own name otherwise.
    "Server": "seatkeeper",
    "X-Content-Type-Options": "nosniff",
}
SECONDS_A_PREFLIGHT_IS_GOOD_FOR = 600


def welcome_browsers(app: Flask, origins: tuple[str, ...], hsts_seconds: int = 0) -> None:
    """
    Let single-page apps of these origins in; no cookies, so no credentials.

    Args:
        app: the application.
        origins: compared exactly.
        hsts_seconds: for how long browsers are to come by https only (RFC 6797); 0 for no word.
    """
    safe = dict(SAFE)
    if hsts_seconds:
        safe["Strict-Transport-Security"] = f"max-age={hsts_seconds}; includeSubDomains"

    def add_headers(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id") or ids.new("req")
        _add_missing(response, safe)
        if origins:
            # Also where no origin asked, lest a cache gives an answer without the headers to one.
            varies = response.headers.get("Vary")
            response.headers["Vary"] = f"{varies}, Origin" if varies else "Origin"
        return response

    app.before_request(_take_names)
    app.after_request(add_headers)
    if origins:
        CORS(
            app,
            origins=[re.compile(re.escape(origin) + r"\Z") for origin in origins],
            allow_headers=list(SENT),
            expose_headers=list(EXPOSED),
            methods=["GET", "POST", "PATCH", "DELETE"],
            max_age=SECONDS_A_PREFLIGHT_IS_GOOD_FOR,
            send_wildcard=False,
            vary_header=False,
        )


def _add_missing(response: Response, headers: dict[str, str]) -> None:
    # Looked through once, and not once for each header: that took a tenth of a small request.
    there = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 no dictionary
    for name, value in headers.items():
        if name.lower() not in there:
            response.headers.add(name, value)


def _take_names() -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if REQUEST_ID.fullmatch(sent) else ids.new("req")
    trace = request.headers.get("Traceparent", "")
    g.traceparent = trace if TRACEPARENT.fullmatch(trace) else None
