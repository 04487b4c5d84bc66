"""
What browsers need: CORS by an exact list of origins, safe headers; and a request id for everybody.
"""

import re

from flask import Flask, Response, g, request
from flask_cors import CORS

from licensing import ids

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SENT = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-Id",
)
EXPOSED = (
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Paid-Until",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
SAFE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def welcome_browsers(app: Flask, origins: tuple[str, ...]) -> None:
    """Let single-page apps of these origins in; no cookies, so no credentials."""
    app.before_request(_take_request_id)
    app.after_request(_add_headers)
    if origins:
        CORS(
            app,
            origins=[re.compile(re.escape(origin) + r"\Z") for origin in origins],
            allow_headers=list(SENT),
            expose_headers=list(EXPOSED),
            methods=["GET", "POST", "PATCH", "DELETE"],
            max_age=600,
            send_wildcard=False,
            vary_header=True,
        )


def _take_request_id() -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if REQUEST_ID.fullmatch(sent) else ids.new("req")


def _add_headers(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id") or ids.new("req")
    for name, value in SAFE.items():
        response.headers.setdefault(name, value)
    return response
