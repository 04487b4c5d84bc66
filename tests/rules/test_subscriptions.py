"""Which way a change of tier goes (R25)."""

import pytest

from licensing.rules.reading import default
from licensing.rules.refusals import NotSold, Unknown
from licensing.rules.subscriptions import Move, move


@pytest.mark.parametrize(
    ("tier", "wanted", "way"),
    [
        pytest.param("starter", "enterprise", Move.UP, id="up"),
        pytest.param("enterprise", "professional", Move.DOWN, id="down"),
        pytest.param("starter", "starter", Move.NOWHERE, id="where it is"),
    ],
)
def test_r25_a_change_of_tier_goes_up_down_or_nowhere(tier: str, wanted: str, way: Move) -> None:
    assert move(default(), "marketing", tier, wanted) is way


def test_r25_a_product_moves_only_to_a_tier_at_which_it_is_sold() -> None:
    with pytest.raises(NotSold):
        move(default(), "marketing", "starter", "free")
    with pytest.raises(Unknown):
        move(default(), "marketing", "starter", "platinum")
