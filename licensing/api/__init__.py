"""The HTTP skin: a view is decorators and one call."""

from flask import Flask

from licensing.api import (
    accounts,
    api_keys,
    catalogue,
    docs,
    entitlements,
    event_types,
    events,
    health,
    pools,
    purchases,
    removals,
    seats,
    subscription_changes,
    subscriptions,
    test_clocks,
    users,
)
from licensing.api.kit import build_api, refuse_undeclared
from licensing.settings import Settings

RESOURCES = (
    accounts,
    api_keys,
    catalogue,
    docs,
    entitlements,
    event_types,
    events,
    health,
    pools,
    purchases,
    removals,
    seats,
    subscription_changes,
    subscriptions,
    test_clocks,
    users,
)


def add_api(app: Flask, settings: Settings) -> None:
    """
    Add every operation to the application.

    Raises `UndeclaredOperation` for a route that says nothing of what its caller needs.
    """
    api = build_api(app, settings.cors_origins, open_endpoints=docs.OPEN_ENDPOINTS)
    for resource in RESOURCES:
        api.register_blueprint(resource.blp)
    event_types.describe(api.spec)
    docs.add_pages(app)
    refuse_undeclared(app)
