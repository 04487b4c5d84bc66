"""Amounts of money for seats (R17): integers in minor units, exact shares, no floats."""

from licensing.rules.catalogue import Catalogue
from licensing.rules.terms import Interval, TermShare


def per_term(
    catalogue: Catalogue,
    seat_type: str,
    product: str,
    tier: str,
    interval: Interval,
    interval_count: int,
    currency: str,
) -> int | None:
    """The price of one seat for a term of `interval_count` intervals; None where there is none."""
    price = catalogue.price(seat_type, product, tier, interval, currency)
    return None if price is None else price * interval_count


def prorated(amount: int, share: TermShare) -> int:
    """The share of an amount in minor units, rounded to the nearest, halves up."""
    return (2 * amount * share.numerator + share.denominator) // (2 * share.denominator)
