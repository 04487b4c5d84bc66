"""Which endpoints a caller reaches: those of the account that his key is bound to, or all."""

from typing import Any

from licensing.db import for_update
from licensing.rules.permissions import MANAGE_WEBHOOKS, Actor, require
from licensing.rules.refusals import NotFound
from webhooks.models import Endpoint


def locked_endpoint(actor: Actor, endpoint_id: str) -> Endpoint:
    """
    The endpoint, locked until the commit.

    Raises `PermissionDenied`, and `NotFound` also where it is beyond the account that the actor's
    key is bound to.
    """
    return _found(for_update(reachable(actor).where(Endpoint.id == endpoint_id)), endpoint_id)


def seen_endpoint(actor: Actor, endpoint_id: str) -> Endpoint:
    """The endpoint as it is. Raises as `locked_endpoint`."""
    return _found(reachable(actor).where(Endpoint.id == endpoint_id), endpoint_id)


def reachable(actor: Actor) -> Any:
    """A query for all endpoints that the actor reaches. Raises `PermissionDenied`."""
    require(actor, MANAGE_WEBHOOKS)
    query = Endpoint.select()
    if actor.account_id is not None:
        query = query.where(Endpoint.account_id == actor.account_id)
    return query


def _found(query: Any, endpoint_id: str) -> Endpoint:
    found: Endpoint | None = query.get_or_none()
    if found is None:
        raise NotFound("webhook_endpoint", endpoint_id)
    return found
