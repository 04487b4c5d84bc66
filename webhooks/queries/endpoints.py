"""Endpoints: one, and all that the caller reaches; their lanes and how far behind they are."""

from licensing.queries.cursors import Page, Window, page
from licensing.rules.permissions import Actor
from webhooks import lanes, logs
from webhooks.access import reachable, seen_endpoint
from webhooks.models import Endpoint, Lane
from webhooks.resources import Resource, endpoint_resource, lane_resource


def endpoint(actor: Actor, endpoint_id: str) -> Resource:
    """One endpoint. Raises `NotFound`."""
    return endpoint_resource(seen_endpoint(actor, endpoint_id))


def endpoints(
    actor: Actor, window: Window, account_id: str | None = None, status: str | None = None
) -> Page:
    """The endpoints that the caller reaches, oldest first."""
    query = reachable(actor)
    if account_id is not None:
        query = query.where(Endpoint.account_id == account_id)
    if status is not None:
        query = query.where(Endpoint.status == status)
    of = ("webhook_endpoints", actor.account_id, account_id, status)
    return page(query, Endpoint.id, window, of).mapped(endpoint_resource)


def lanes_of(
    actor: Actor,
    endpoint_id: str,
    window: Window,
    account_id: str | None = None,
    state: str | None = None,
) -> Page:
    """The lanes of an endpoint by account, each with how many events it has to send."""
    found = seen_endpoint(actor, endpoint_id)
    query = Lane.select().where(Lane.endpoint_id == found.id)
    if account_id is not None:
        query = query.where(Lane.account_id == account_id)
    if state is not None:
        query = query.where(Lane.state == state)
    of = ("webhook_lanes", found.id, account_id, state)

    def shown(lane: Lane) -> Resource:
        types = lanes.asked_for(found, lane.account_id)
        waiting = logs.count(lane.account_id, found.id, types, lane.cursor, lane.head)
        return lane_resource(lane, waiting)

    return page(query, Lane.account_id, window, of).mapped(shown)
