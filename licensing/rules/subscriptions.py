"""Moving between tiers, cancelling, suspending, ending (R25, R25b)."""

from enum import StrEnum

from licensing.rules.catalogue import Catalogue
from licensing.rules.refusals import NotSold


class SubscriptionStatus(StrEnum):
    """Where a subscription stands."""

    ACTIVE = "active"
    CANCELLING = "cancelling"
    ENDED = "ended"


class Move(StrEnum):
    """Which way a change of tier goes."""

    UP = "up"
    DOWN = "down"
    NOWHERE = "nowhere"


class Fate(StrEnum):
    """What becomes of a pool when its subscription ends or changes its tier."""

    STAYS = "stays"
    MOVES = "moves"
    CLOSES = "closes"
    OPENS = "opens"


def move(catalogue: Catalogue, product: str, tier: str, wanted: str) -> Move:
    """
    R25: up takes effect at once, down at the next renewal.

    Raises `NotSold` for a tier at which the product is not sold, `Unknown` for one that is none.
    """
    if catalogue.tier(wanted).name not in catalogue.product(product).tiers:
        raise NotSold(product, wanted)
    if wanted == tier:
        return Move.NOWHERE
    return Move.UP if catalogue.is_above(wanted, tier) else Move.DOWN
