"""The contract to look at: /openapi.json, /docs (works offline), the meaning of each problem."""

from html import escape
from pathlib import Path
from typing import Any

import flask_swagger_ui
import orjson
from flask import Blueprint, Flask, Response, current_app, send_from_directory

from licensing.api import fields, problems
from licensing.api.kit import PlainBlueprint
from licensing.api.kit import Response as Answered
from licensing.api.openapi import document
from licensing.rules.permissions import NOBODY_IN_PARTICULAR, Actor

ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
OPEN_ENDPOINTS = ("pages.contract", "pages.page", "pages.script", "pages.asset")
# Only what comes from here; Swagger UI puts its styles and pictures into the page itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Seatkeeper API</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
SCRIPT = """\
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
"""

pages = Blueprint("pages", __name__)
blp = PlainBlueprint("problems", __name__, description="What the codes of errors mean")


@pages.get("/openapi.json")
def contract() -> Response:
    """Answer the contract."""
    app: Flask = current_app
    if "CONTRACT" not in app.config:
        app.config["CONTRACT"] = orjson.dumps(document(app))
    answer = Response(app.config["CONTRACT"], content_type="application/json")
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@pages.get("/docs")
def page() -> Response:
    """Show the contract in Swagger UI."""
    answer = Response(PAGE, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


@pages.get("/docs/start.js")
def script() -> Response:
    """Start Swagger UI; a file of its own, so that the page needs no inline script."""
    return Response(SCRIPT, content_type="text/javascript; charset=utf-8")


@pages.get("/docs/assets/<name>")
def asset(name: str) -> Response:
    """A file of Swagger UI."""
    answer = send_from_directory(ASSETS, name)
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer


class Meaning(Answered):
    """One refusal that has the code."""

    detail = fields.Text(
        max=500,
        description="The sentence, with the names of the facts in braces",
        example="All {purchased} {seat_type} seats of the account are assigned.",
    )
    advice = fields.Text(max=500, description="What to do", example="Buy seats.")


class ProblemTypeResponse(Answered):
    """What a code means."""

    code = fields.Name(description="The code", example="no_seat_available")
    title = fields.Text(max=100, description="The code as words", example="No seat available")
    status = fields.Integer(min=400, max=599, description="The HTTP status", example=409)
    meanings = fields.ListOf(
        fields.Nested(Meaning, description="A meaning"),
        max=20,
        description="When it is answered, and what to do",
    )


def _as_html(problem_type: dict[str, Any]) -> str:
    """The meaning of a code for people who follow the `type` of an error in their browser."""
    title = escape(f"{problem_type['status']} {problem_type['title']}")
    meanings = "".join(
        f"<p>{escape(meaning['detail'])}</p>\n<p>{escape(meaning['advice'])}</p>\n"
        for meaning in problem_type["meanings"]
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<h1>{title}</h1>\n<p><code>{escape(problem_type['code'])}</code></p>\n{meanings}</html>\n"
    )


@blp.get("/problems/<code>")
@blp.needs(NOBODY_IN_PARTICULAR)
@blp.gives(200, ProblemTypeResponse, shown_as={"text/html": _as_html})
def get_problem_type(actor: Actor, code: str) -> dict[str, Any]:
    """Explain a problem

    What the `type` of an error points to; a page for browsers, which prefer `text/html`.
    """
    return problems.explained(code)


def add_pages(app: Flask) -> None:
    """Serve the pages; they are no operations, so they are not in the contract."""
    app.register_blueprint(pages)
