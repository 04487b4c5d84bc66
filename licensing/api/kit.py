"""
The kit: all that this API does otherwise than flask-smorest, behind documented hooks.

A view is a sentence: decorators say what comes in, what goes out, what its caller needs and what it
may refuse; the body is one call.
"""

import threading
from collections.abc import Callable
from typing import Any

import flask_smorest
from apispec import APISpec
from flask import Flask
from marshmallow import EXCLUDE, RAISE, Schema
from marshmallow.fields import Field

from licensing import __version__
from licensing.api import (
    auth,
    browsers,
    documenting,
    in_hand,
    limiting,
    openapi,
    operation,
    paths,
    pipeline,
    problems,
    unread,
)
from licensing.api.converting import Plugin, component_name
from licensing.api.csv_answer import CsvForm
from licensing.api.csv_body import CSV
from licensing.api.fields import Integer, ListOf, Nested, QueryBoolean, QueryInteger, Text
from licensing.api.json_body import LARGEST_BODY
from licensing.api.operation import (
    Given,
    Idempotency,
    IfMatch,
    Shown,
    UndeclaredOperation,
    View,
)
from licensing.callers import Callers
from licensing.queries.cursors import Page, Window
from licensing.rules.permissions import Need
from licensing.rules.refusals import Refusal

__all__ = [
    "Blueprint",
    "CsvForm",
    "Page",
    "Request",
    "Response",
    "SeatkeeperApi",
    "build_api",
    "window_of",
]

Decorator = Callable[[View], View]
VERSION_PREFIX = "/v1"
# A sort key of the longest name or address in the rarest letters.
LONGEST_CURSOR = 4000


class Request(Schema):
    """What comes in: unknown members are refused."""

    class Meta:
        unknown = RAISE


class Response(Schema):
    """What goes out: every member is always there, and more may come."""

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: Field[Any]) -> None:
        """Everything is required of an answer, unless the field says `required=False`."""
        field_obj.required = not field_obj.metadata.get("optional", False)


class WindowQuery(Request):
    """Which part of a list is asked for."""

    limit = QueryInteger(
        min=1, max=200, load_default=50, description="At most so many items", example=50
    )
    cursor = Text(
        max=LONGEST_CURSOR,
        description="The `next_cursor` of the page before; with the same filters",
        example="c2lnbmVkIHBvc2l0aW9u",
    )
    include_total = QueryBoolean(
        load_default=False, description="Also count the whole list, as `total`", example=False
    )


def window_of(query: dict[str, Any]) -> dict[str, Any]:
    """The query of a list with its three window parameters made one `window`."""
    window = Window(*(query.pop(name, None) for name in ("limit", "cursor", "include_total")))
    return query | {"window": window}


def _page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a page: the items, the next one's cursor, and what `item` has `beside` it."""
    name = item.__name__.removesuffix("Response")
    members: dict[str, Any] = {
        "items": ListOf(
            Nested(item, description="An item"), max=200, description="The items of this page"
        ),
        "next_cursor": Text(
            max=LONGEST_CURSOR,
            allow_none=True,
            description="Send it as `cursor` for the next page; null at the end",
        ),
        "total": Integer(
            min=0, required=False, description="Only with `include_total=true`", example=1
        ),
        **getattr(item, "beside", {}),
    }
    members["__doc__"] = f"A page of {name} objects."
    return type(f"{name}PageResponse", (Response,), members)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """Some operations on one kind of thing."""

    prefix = VERSION_PREFIX

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._described: dict[str, tuple[str, dict[str, Any]]] = {}

    def register_views_in_doc(self, api: "SeatkeeperApi", *args: Any, **options: Any) -> None:
        """Describe the operations in the contract, when somebody asks for it."""
        describe = super().register_views_in_doc

        def describe_operations(_spec: APISpec) -> None:
            # Only now, since what a view has of its own is copied, deeply, when it is routed.
            for endpoint, (method, described) in self._described.items():
                self._docs[endpoint][method]["manual_doc"] = described
            describe(api, *args, **options)

        api.describe_later(describe_operations)

    def needs(self, need: Need) -> Decorator:
        """What the caller needs (R10); every operation has to say."""
        return _declare(need=need)

    def takes(
        self,
        schema: type[Schema],
        required: bool = True,
        largest: int = LARGEST_BODY,
        rows: str | None = None,
    ) -> Decorator:
        """
        A JSON body, passed as `body`; an empty object where none is sent or required.

        `rows` names the member, a list of objects, that may be sent as the lines of a CSV instead.
        """
        return _declare(body=schema(), body_required=required, largest_body=largest, rows=rows)

    def patches(self, schema: type[Schema], if_match: IfMatch = "optional") -> Decorator:
        """A JSON Merge Patch (RFC 7396), passed as `body`, and the version seen, as `if_match`."""
        return _declare(body=schema(), if_match=if_match)

    def asks(self, schema: type[Schema]) -> Decorator:
        """Query parameters, passed as `query`."""
        return _declare(query=schema())

    def lists(
        self, item: type[Schema], query: type[Schema] | None = None, csv: CsvForm | None = None
    ) -> Decorator:
        """
        A page of a list; the view gets the filters and the window as `query`.

        With `csv`, who prefers that by `Accept` gets a file with the whole list instead: the view
        is asked for one page after the other, of one state of the database.
        """
        with_window = type(
            f"{item.__name__}Query", (query, WindowQuery) if query else (WindowQuery,), {}
        )
        given = Given(200, _page_of(item)(), None, {CSV: csv.page} if csv else {})
        return _declare(query=with_window(), gives=[given], csv=csv)

    def gives(
        self,
        status: int,
        schema: type[Schema] | None = None,
        location: str | None = None,
        shown_as: dict[str, Shown] | None = None,
    ) -> Decorator:
        """
        How the operation succeeds.

        Args:
            status, schema: what is answered.
            location: the path of what was made, with the members of the answer in braces.
            shown_as: other media types that `Accept` may prefer to JSON, and how each is made.
        """

        def decorate(view: View) -> View:
            given = Given(status, schema() if schema else None, location, shown_as or {})
            operation.of(view).gives.insert(0, given)
            return view

        return decorate

    def refuses(self, *kinds: type[Refusal]) -> Decorator:
        """The refusals that are the operation's own."""
        return _declare(refuses=list(dict.fromkeys(kinds)))

    def idempotent(self, mode: Idempotency) -> Decorator:
        """Whether an Idempotency-Key is required; optional on every POST otherwise."""
        return _declare(idempotency=mode)

    def keyed_by(self, member: str) -> Decorator:
        """The member of the body that costs money, and so needs an Idempotency-Key, when true."""
        return _declare(keyed_by=member)

    def fresh_for(self, seconds: int) -> Decorator:
        """For how long the caller alone may use the answer again; after that its ETag is asked."""
        return _declare(fresh_for=seconds)

    def unlimited(self) -> Decorator:
        """Answer however often it is asked: whoever watches the service has to learn the truth."""
        return _declare(limited=False)

    def get(self, rule: str) -> Decorator:
        """Answer GET."""
        return self._routed("GET", rule)

    def post(self, rule: str) -> Decorator:
        """Answer POST."""
        return self._routed("POST", rule)

    def patch(self, rule: str) -> Decorator:
        """Answer PATCH."""
        return self._routed("PATCH", rule)

    def delete(self, rule: str) -> Decorator:
        """Answer DELETE."""
        return self._routed("DELETE", rule)

    def _routed(self, method: str, rule: str) -> Decorator:
        def decorate(view: View) -> View:
            declared = operation.of(view)
            declared.method, declared.rule = method, self.prefix + rule
            declared.check()
            endpoint = pipeline.endpoint(declared)
            self._described[endpoint.__name__] = method.lower(), documenting.document(declared)
            parameters = [documenting.path_parameter(n) for n in declared.path_parameters]
            self.route(paths.routed(declared.rule), methods=[method], parameters=parameters)(
                endpoint
            )
            return view

        return decorate


class PlainBlueprint(Blueprint):
    """Operations beside the versioned API, such as health."""

    prefix = ""


def _declare(**declarations: Any) -> Decorator:
    def decorate(view: View) -> View:
        vars(operation.of(view)).update(declarations)
        return view

    return decorate


class SeatkeeperApi(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest's extension, with our errors and components in place of its own."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        # /v1//accounts is no path: it is answered with a 404, not with a page that redirects.
        app.url_map.merge_slashes = False
        plugin = Plugin(schema_name_resolver=component_name)
        self._undescribed: list[Callable[[APISpec], None]] = []
        self._describing = threading.Lock()
        super().__init__(app, spec_kwargs={"marshmallow_plugin": plugin})

    def describe_later(self, describe: Callable[[APISpec], None]) -> None:
        """
        Have a part of the contract described when somebody asks for it.

        That took most of the time of making the application, and few ask.
        """
        self._undescribed.append(describe)

    def described(self) -> APISpec:
        """The contract, all of it."""
        spec: APISpec = self.spec
        with self._describing:
            while self._undescribed:
                self._undescribed.pop(0)(spec)
        return spec

    def _register_error_handlers(self) -> None:
        """Ours are registered in `problems`."""

    def _register_responses(self) -> None:
        documenting.add_components(self.spec)

    def _register_etag_headers(self) -> None:
        """Ours are among the components."""

    def _register_pagination_header(self) -> None:
        """A page says it in its body."""


def build_api(
    app: Flask,
    origins: tuple[str, ...] = (),
    authenticate: auth.Authenticator = auth.authenticate,
    open_endpoints: tuple[str, ...] = (),
    callers: Callers = Callers(),  # noqa: B008 it never changes
) -> SeatkeeperApi:
    """
    Make an application answer as this API does; blueprints are registered with what is returned.

    Args:
        app: the application, without routes so far.
        origins: the single-page apps that are let in.
        authenticate: who it is that sends a header `Authorization`.
        open_endpoints: endpoints that are no operations, such as the pages of the documentation.
        callers: how often each may ask, and what is believed of where they come from.
    """
    app.config.update(
        API_TITLE="Seatkeeper",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.1",
        API_SPEC_OPTIONS=openapi.spec_options(),
        OPEN_ENDPOINTS=open_endpoints,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
    )
    app.url_map.converters[paths.ID] = paths.IdConverter
    # A path has one form: with a slash at its end it is another one, and unknown.
    app.url_map.strict_slashes = True
    in_hand.take_each(app)
    problems.handle_errors(app)
    browsers.welcome_browsers(app, origins, callers.hsts_seconds)
    limiting.limit(app, callers, authenticate)
    if callers.proxies:
        unread.take_the_rest(app)
    return SeatkeeperApi(app)


def refuse_undeclared(app: Flask) -> None:
    """Refuse to start with a route that says nothing of what its caller needs."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not hasattr(view, "declared") and rule.endpoint not in app.config["OPEN_ENDPOINTS"]:
            raise UndeclaredOperation(f"{rule.rule} declares nothing that its caller needs")
