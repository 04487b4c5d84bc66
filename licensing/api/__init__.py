"""The HTTP skin: a view is decorators and one call."""

from flask import Flask

from licensing import __version__
from licensing.api import (
    accounts,
    api_keys,
    browsers,
    catalogue,
    docs,
    entitlements,
    events,
    health,
    openapi,
    pools,
    problems,
    purchases,
    removals,
    seats,
    subscriptions,
    users,
)
from licensing.api.json_body import LARGEST_BODY
from licensing.api.kit import SeatkeeperApi, refuse_undeclared
from licensing.settings import Settings

RESOURCES = (
    accounts,
    api_keys,
    catalogue,
    docs,
    entitlements,
    events,
    health,
    pools,
    purchases,
    removals,
    seats,
    subscriptions,
    users,
)


def add_api(app: Flask, settings: Settings) -> None:
    """
    Add every operation to the application.

    Raises `UndeclaredOperation` for a route that says nothing of what its caller needs.
    """
    app.config.update(
        API_TITLE="Seatkeeper",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.1",
        API_SPEC_OPTIONS=openapi.spec_options(),
        OPEN_ENDPOINTS=docs.OPEN_ENDPOINTS,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
    )
    app.url_map.strict_slashes = False
    problems.handle_errors(app)
    browsers.welcome_browsers(app, settings.cors_origins)
    api = SeatkeeperApi(app)
    for resource in RESOURCES:
        api.register_blueprint(resource.blp)
    docs.add_pages(app)
    refuse_undeclared(app)
