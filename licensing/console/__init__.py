"""
The seats console: a static page at /console that uses the public API, and nothing else.

The files are served as they lie here, there is no build step. The page is asked for anew each time;
what it loads carries a digest of all files in its address, so browsers keep it for good.
"""

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import NotFound

FILES = Path(__file__).parent / "static"
PAGE = "index.html"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# Only what comes from here, nothing inline, and no text is ever read as markup.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
ASK_AGAIN = "no-cache"
FOR_GOOD = "public, max-age=31536000, immutable"

pages = Blueprint("console", __name__)
OPEN_ENDPOINTS = ("console.page", "console.asset")


@cache
def _assets() -> dict[str, bytes]:
    """Every file that the page loads, by its path."""
    return {
        file.relative_to(FILES).as_posix(): file.read_bytes()
        for file in sorted(FILES.rglob("*"))
        if file.suffix in KINDS
    }


@cache
def digest() -> str:
    """What tells this version of the files from every other one."""
    sum_of_all = hashlib.sha256((FILES / PAGE).read_bytes())
    for path, content in _assets().items():
        sum_of_all.update(path.encode() + b"\0" + content)
    return sum_of_all.hexdigest()[:16]


@cache
def _page() -> bytes:
    """The page, which names all modules so that the browser asks for them at once."""
    folder = f"/console/{digest()}"
    modules = "\n".join(
        f'<link rel="modulepreload" href="{folder}/{path}">'
        for path in _assets()
        if path.endswith(".js")
    )
    text = (FILES / PAGE).read_text(encoding="utf-8")
    return text.replace("<!-- modules -->", modules).replace("{folder}", folder).encode()


@pages.get("/console")
def page() -> Response:
    """Show the console."""
    answer = Response(_page(), content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = POLICY
    return _kept(answer, ASK_AGAIN)


@pages.get("/console/<version>/<path:path>")
def asset(version: str, path: str) -> Response:
    """A file of the console; where another version is asked for, as it is while servers change."""
    if path not in _assets():
        raise NotFound
    kind = KINDS[Path(path).suffix]
    answer = Response(_assets()[path], content_type=f"{kind}; charset=utf-8")
    return _kept(answer, FOR_GOOD if version == digest() else ASK_AGAIN)


def _kept(answer: Response, how_long: str) -> Response:
    answer.headers["Cache-Control"] = how_long
    answer.set_etag(digest())
    answer.make_conditional(request)
    return answer


def add_console(app: Flask) -> None:
    """Serve the console; its pages are no operations, so they are not in the contract."""
    app.register_blueprint(pages)
    app.config["OPEN_ENDPOINTS"] += OPEN_ENDPOINTS
