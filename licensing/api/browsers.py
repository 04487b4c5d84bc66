"""What browsers need: CORS by an exact list of origins, and safe headers."""

import re
from collections.abc import Iterable
from functools import lru_cache

from flask import Flask, Response
from flask_cors import CORS

from licensing.api import in_hand

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
MOST_SETS_OF_HEADERS = 100


def welcome_browsers(app: Flask, origins: tuple[str, ...], hsts_seconds: int = 0) -> None:
    """
    Let single-page apps of these origins in; no cookies, so no credentials.

    Args:
        app: the application.
        origins: compared exactly.
        hsts_seconds: for how long browsers are to come by https only (RFC 6797); 0 for no word.
    """
    always = Always(origins, hsts_seconds)
    app.extensions["always"] = always

    def add_headers(response: Response) -> Response:
        request_id = in_hand.current().request_id
        response.headers.extend(always.missing(response.headers.keys(), request_id))
        varies = always.varies(response.headers.get("Vary"))
        if varies is not None:
            response.headers["Vary"] = varies
        return response

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


class Always:
    """The headers that every answer has, whatever it answers."""

    def __init__(self, origins: tuple[str, ...], hsts_seconds: int) -> None:
        safe = dict(SAFE)
        if hsts_seconds:
            safe["Strict-Transport-Security"] = f"max-age={hsts_seconds}; includeSubDomains"
        self._safe = [(name.lower(), name, value) for name, value in safe.items()]
        self._has_origins = bool(origins)
        # Answers have the same few sets of headers: to compare the names anew took a twentieth of a
        # small request.
        self._missing = lru_cache(MOST_SETS_OF_HEADERS)(self._find_missing)

    def missing(self, there: Iterable[str], request_id: str) -> dict[str, str]:
        """Those of them that are missing where there are headers of these names already."""
        return self._missing(tuple(there)) | {"X-Request-Id": request_id}

    def _find_missing(self, there: tuple[str, ...]) -> dict[str, str]:
        names = {name.lower() for name in there}
        return {name: value for lower, name, value in self._safe if lower not in names}

    def varies(self, so_far: str | None) -> str | None:
        """What `Vary` is to say, where it said that so far; None for no such header."""
        if not self._has_origins:
            return so_far
        # Also where no origin asked, lest a cache gives an answer without the headers to one.
        return f"{so_far}, Origin" if so_far else "Origin"
