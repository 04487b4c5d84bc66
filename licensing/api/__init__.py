"""The HTTP skin: a view is decorators and one call."""

from collections.abc import Iterable
from typing import Protocol

from flask import Flask

from licensing.api import (
    accounts,
    api_keys,
    batches,
    catalogue,
    docs,
    entitlements,
    event_types,
    events,
    health,
    inactive_seats,
    observing,
    pool_history,
    pools,
    purchases,
    removals,
    seat_days,
    seat_requests,
    seats,
    seats_table,
    shortcut,
    snapshot,
    subscription_changes,
    subscriptions,
    test_clocks,
    user_batches,
    users,
)
from licensing.api.kit import Blueprint, build_api, refuse_undeclared
from licensing.settings import Settings

RESOURCES = (
    accounts,
    api_keys,
    batches,
    catalogue,
    docs,
    entitlements,
    event_types,
    events,
    health,
    inactive_seats,
    pool_history,
    pools,
    purchases,
    removals,
    seat_days,
    seat_requests,
    seats,
    seats_table,
    snapshot,
    subscription_changes,
    subscriptions,
    test_clocks,
    user_batches,
    users,
)


class Resource(Protocol):
    """A module of operations on one kind of thing."""

    blp: Blueprint


def add_api(app: Flask, settings: Settings, more: Iterable[Resource] = ()) -> None:
    """
    Add every operation to the application, and those of other packages (`more`).

    Raises `UndeclaredOperation` for a route that says nothing of what its caller needs.
    """
    shortcut.open_shortcut(app)
    observing.observe(app, settings.observing.metrics_token)
    api = build_api(
        app,
        settings.cors_origins,
        open_endpoints=(*docs.OPEN_ENDPOINTS, *observing.OPEN_ENDPOINTS),
        callers=settings.callers,
    )
    for resource in (*RESOURCES, *more):
        api.register_blueprint(resource.blp)
    api.describe_later(event_types.describe)
    docs.add_pages(app)
    observing.trace(app)
    refuse_undeclared(app)
