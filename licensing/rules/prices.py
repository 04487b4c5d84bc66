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


def prorated(amount: int, share: TermShare, parts: int = 1) -> int:
    """
    The share of an amount in minor units, rounded to the nearest, halves up.

    Where the amount of a term is billed in `parts`, the share is one of a part's period (R24).
    """
    whole = share.denominator * parts
    return (2 * amount * share.numerator + whole) // (2 * whole)
