"""What is sold here: the catalogue in force."""

from typing import Any

from licensing import settings
from licensing.rules.catalogue import Catalogue, Product, SeatType
from licensing.rules.permissions import ANYBODY, Actor, require


def catalogue(actor: Actor) -> dict[str, Any]:
    """The catalogue in force, in the order of its file."""
    require(actor, ANYBODY)
    offered = settings.current().catalogue
    return {
        "version": offered.version,
        "fallback": offered.fallback,
        "free_tools": offered.free_tools,
        "suspended": offered.suspended,
        "tiers": [
            {"name": tier.name, "title": tier.title, "paid": tier.paid}
            for tier in offered.tiers.values()
        ],
        "products": [_product(product) for product in offered.products.values()],
        "seat_types": [_seat_type(offered, kind) for kind in offered.seat_types.values()],
        "features": [vars(feature) for feature in offered.features.values()],
        "prices": [
            {
                "seat_type": price.seat_type,
                "product": price.product,
                "tier": price.tier,
                "interval": price.interval,
                "price": {"amount": price.amount, "currency": price.currency},
            }
            for price in offered.prices
        ],
    }


def _product(product: Product) -> dict[str, Any]:
    return {
        "name": product.name,
        "title": product.title,
        "tiers": list(product.tiers),
        "included": {tier: dict(seats) for tier, seats in product.included.items()},
    }


def _seat_type(offered: Catalogue, kind: SeatType) -> dict[str, Any]:
    lists = {"includes", "available_to", "advanced", "closed"}
    shown = {name: value for name, value in vars(kind).items() if name not in lists}
    shown["sold_by"] = {product: list(tiers) for product, tiers in kind.sold_by.items()}
    return shown | {name: sorted(getattr(kind, name)) for name in sorted(lists)}
