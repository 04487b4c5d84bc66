"""
Taking what is left of a request's body, so that whoever sends it comes to read the answer.

A request is often refused before its body was read: without a key, over a limit, too large. A
server that answers and closes while more arrives resets the connection, and a proxy makes of that
that nobody was there (502). Behind a proxy that takes whole requests the rest is there already;
without one, nobody without a key should be able to make a thread wait for it.
"""

from contextlib import suppress

from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

# What deploy/nginx.conf lets through. More is left where it is.
MOST = 1100 * 1024
PIECE = 64 * 1024


def take_the_rest(app: Flask) -> None:
    """Read what is left of each body, before the answer is sent."""
    app.after_request(_read_on)


def _read_on(answer: Response) -> Response:
    length = request.content_length or 0
    if not 0 < length <= MOST:
        return answer
    request.max_content_length = length + 1  # Werkzeug would read nothing of what is too large
    # Either nobody will read the answer, or the body was read to its limit already.
    with suppress(ClientDisconnected, RequestEntityTooLarge):
        while request.stream.read(PIECE):
            pass
    return answer
