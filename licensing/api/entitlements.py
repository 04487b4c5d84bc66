"""What a user may do with a feature (R9), and the catalogue that says so."""

from typing import Any

from licensing.api import fields
from licensing.api.kit import Blueprint, Request, Response
from licensing.queries import entitlements as queries
from licensing.rules.entitlements import Level, Reason
from licensing.rules.permissions import SEE_ENTITLEMENTS, Actor

# A page may be shown for so long with what the user could do when it was asked for.
SECONDS_FRESH = 5

blp = Blueprint("entitlements", __name__, description="What a user may do with a feature")


class EntitlementResponse(Response):
    """What a user may do with one feature."""

    feature = fields.Name(description="The feature", example="contacts")
    level = fields.Choice(Level, description="What the user may do with it", example="edit")
    reason = fields.Choice(
        Reason, allow_none=True, description="Why it is `none`; null otherwise", example=None
    )


class EntitlementsResponse(Response):
    """What a user may do with every feature."""

    user_id = fields.Id("usr", description="The user")
    seat_types = fields.ListOf(
        fields.Name(description="A seat type", example="core"),
        max=100,
        description="The types of the seats held",
        example=["core"],
    )
    features = fields.MapOf(
        fields.Choice(Level, description="A level", example="edit"),
        description="The level of every feature of the catalogue",
        example={"contacts": "edit", "forecasting": "none"},
    )
    reasons = fields.MapOf(
        fields.Choice(Reason, description="A reason", example="tier"),
        description="Why, for each feature that is `none`",
        example={"forecasting": "tier"},
    )


class EntitlementsQueryRequest(Request):
    """Whose entitlements, and for what."""

    user_ids = fields.ListOf(
        fields.Id("usr", description="A user"),
        min=1,
        max=500,
        required=True,
        description="The users, at most 500",
    )
    features = fields.ListOf(
        fields.Name(description="A feature", example="contacts"),
        min=1,
        max=500,
        description="Only these features; all of the catalogue without it",
        example=["contacts"],
    )


class EntitlementsQueryResponse(Response):
    """What many users may do."""

    items = fields.ListOf(
        fields.Nested(EntitlementsResponse, description="A user"),
        max=500,
        description="The users, in the order in which they were named",
    )
    not_found = fields.ListOf(
        fields.Id("usr", description="A user"),
        max=500,
        description="Those whom the account does not have",
        example=[],
    )


@blp.post("/accounts/<account_id>/entitlements/query")
@blp.needs(SEE_ENTITLEMENTS)
@blp.idempotent("none")
@blp.fresh_for(SECONDS_FRESH)
@blp.takes(EntitlementsQueryRequest, largest=1024 * 1024)
@blp.gives(200, EntitlementsQueryResponse)
def query_entitlements(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Read what many users may do

    Up to 500 users at once, for all features or some. Who is named twice is answered twice. It only
    asks: sent again with the `ETag` in `If-None-Match`, it answers 304 while nothing has changed.
    """
    return queries.entitlements_of(actor, **body)


@blp.get("/accounts/<account_id>/users/<user_id>/entitlements")
@blp.needs(SEE_ENTITLEMENTS)
@blp.fresh_for(SECONDS_FRESH)
@blp.gives(200, EntitlementsResponse)
def get_entitlements(actor: Actor, user_id: str) -> dict[str, Any]:
    """Read what a user may do

    The answer for every feature: `none`, `view` or `edit`, from the seats held, the subscriptions
    and the catalogue. Users may ask about themselves.
    """
    return queries.entitlements(actor, user_id)


@blp.get("/accounts/<account_id>/users/<user_id>/entitlements/<feature>")
@blp.needs(SEE_ENTITLEMENTS)
@blp.fresh_for(SECONDS_FRESH)
@blp.gives(200, EntitlementResponse)
def get_entitlement(actor: Actor, user_id: str, feature: str) -> dict[str, Any]:
    """Read what a user may do with one feature

    The question to ask on each page. A `none` says why.
    """
    return queries.entitlement(actor, user_id, feature)
