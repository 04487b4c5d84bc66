"""The catalogue: what is sold, as data."""

from typing import Any

from licensing.api import fields
from licensing.api.kit import Blueprint, Response
from licensing.api.purchases import Money
from licensing.queries import catalogue as queries
from licensing.rules.entitlements import Level
from licensing.rules.permissions import ANYBODY, Actor
from licensing.rules.terms import Interval

blp = Blueprint("catalogue", __name__, description="Products, tiers, seat types, features, prices")

TITLE: dict[str, Any] = {"description": "Its name for people", "example": "Professional"}


def _names(description: str, example: str) -> fields.ListOf:
    one = fields.Name(description="A name", example=example)
    return fields.ListOf(one, max=1000, description=description)


class CatalogueTier(Response):
    """An edition of a product."""

    name = fields.Name(description="The tier", example="professional")
    title = fields.Text(max=200, **TITLE)
    paid = fields.Boolean(description="Whether it costs money", example=True)


class CatalogueProduct(Response):
    """A product line."""

    name = fields.Name(description="The product", example="marketing")
    title = fields.Text(max=200, description="Its name for people", example="Marketing")
    tiers = _names("The tiers at which it is sold", "professional")
    included = fields.AnyObject(
        description="For a tier, how many seats of a type a subscription has at least",
        example={"professional": {"core": 1}},
    )


class CatalogueSeatType(Response):
    """What a seat lets its holder do."""

    name = fields.Name(description="The seat type", example="core")
    title = fields.Text(max=200, description="Its name for people", example="Core")
    description = fields.Text(
        max=1000, min=0, description="What it is for", example="Every feature of every product."
    )
    paid = fields.Boolean(description="Whether its seats are bought", example=True)
    exclusive = fields.Boolean(description="Whether its holder holds no other", example=False)
    transferable = fields.Boolean(description="Whether it can be transferred", example=True)
    legacy = fields.Boolean(description="Whether legacy accounts have it", example=False)
    eligible_only = fields.Boolean(description="Whether only eligible users hold it", example=False)
    includes = _names("The poorer types that it contains", "core")
    sold_by = fields.AnyObject(
        description="For a product, the tiers that sell it",
        example={"marketing": ["starter", "professional"]},
    )
    available_to = _names("For a free type, the kinds of account that have it", "subscribed")
    level = fields.Choice(Level, description="What it gives", example="edit")
    advanced = _names("The products whose advanced features it opens", "sales")
    everything = fields.Boolean(description="Whether it opens every feature", example=False)
    closed = _names("The features that are closed to it", "forms")
    becomes = fields.Name(
        allow_none=True,
        description="What its holders get when nothing sells it any more, null for the fallback",
        example=None,
    )


class CatalogueFeature(Response):
    """Something that a user can do."""

    name = fields.Name(description="The feature", example="forecasting")
    title = fields.Text(max=200, description="Its name for people", example="Forecasting")
    product = fields.Name(description="The product that it belongs to", example="sales")
    tier = fields.Name(description="The lowest tier that has it", example="professional")
    advanced = fields.Boolean(description="Whether it needs a special seat", example=True)


class CataloguePrice(Response):
    """The price of one seat for one interval."""

    seat_type = fields.Name(description="The seat type", example="core")
    product = fields.Name(
        allow_none=True, description="The product of the subscription, null for any", example=None
    )
    tier = fields.Name(description="The tier of the subscription", example="professional")
    interval = fields.Choice(Interval, description="For how long", example="month")
    price = fields.Nested(Money, description="For one seat and one interval")


class CatalogueResponse(Response):
    """All that is sold here."""

    version = fields.Text(max=64, description="The catalogue's version", example="2026-11")
    fallback = fields.Name(
        description="The seat that every active user of a paying account has", example="view_only"
    )
    free_tools = fields.Name(
        description="The seat of accounts that pay for nothing yet", example="free"
    )
    suspended = fields.Choice(
        Level, description="The most that a suspended subscription leaves", example="view"
    )
    tiers = fields.ListOf(
        fields.Nested(CatalogueTier, description="A tier"),
        max=100,
        description="The tiers, the poorest first",
    )
    products = fields.ListOf(
        fields.Nested(CatalogueProduct, description="A product"),
        max=1000,
        description="The products",
    )
    seat_types = fields.ListOf(
        fields.Nested(CatalogueSeatType, description="A seat type"),
        max=1000,
        description="The seat types",
    )
    features = fields.ListOf(
        fields.Nested(CatalogueFeature, description="A feature"),
        max=10_000,
        description="The features",
    )
    prices = fields.ListOf(
        fields.Nested(CataloguePrice, description="A price"), max=10_000, description="The prices"
    )


@blp.get("/catalogue")
@blp.needs(ANYBODY)
@blp.gives(200, CatalogueResponse)
def get_catalogue(actor: Actor) -> dict[str, Any]:
    """Read the catalogue

    Products, tiers, seat types, features and prices of this installation, as data.
    """
    return queries.catalogue(actor)
