"""Which moves of a batch lead nowhere, and which one has to come first (R16)."""

import pytest

from licensing.rules.batches import in_turn, is_a_batch, round_trips


@pytest.mark.parametrize(
    ("moves", "going_round"),
    [
        pytest.param({}, set(), id="nothing"),
        pytest.param({"a": "b"}, set(), id="one move"),
        pytest.param({"a": "b", "b": "c"}, set(), id="a chain"),
        pytest.param({"a": "b", "b": "a"}, {"a", "b"}, id="there and back"),
        pytest.param({"a": "b", "b": "c", "c": "a"}, {"a", "b", "c"}, id="a circle"),
        pytest.param(
            {"a": "b", "b": "a", "c": "d", "d": "e"}, {"a", "b"}, id="a circle beside a chain"
        ),
        pytest.param({"x": "a", "a": "b", "b": "a"}, {"a", "b"}, id="into a circle"),
    ],
)
def test_r16_moves_that_come_back_to_the_start_change_nothing(
    moves: dict[str, str], going_round: set[str]
) -> None:
    assert round_trips(moves) == going_round


@pytest.mark.parametrize(
    ("moves", "order"),
    [
        pytest.param(["ab", "cd"], [0, 1], id="apart"),
        pytest.param(["ab", "bc", "cd"], [2, 1, 0], id="a chain from its start"),
        pytest.param(["cd", "bc", "ab"], [0, 1, 2], id="a chain from its end"),
        pytest.param(["ab", "cd", "bx"], [1, 2, 0], id="the others in their order"),
        pytest.param(["ab", "ba", "cd"], [2, 0, 1], id="a circle in its own order"),
        pytest.param(["aa", "bc"], [0, 1], id="in its own place"),
    ],
)
def test_r16_a_place_is_left_before_somebody_comes_to_it(
    moves: list[str], order: list[int]
) -> None:
    leaving = {n: {move[0]} for n, move in enumerate(moves)}
    coming = {n: {move[1]} for n, move in enumerate(moves)}

    assert in_turn(leaving, coming) == order


@pytest.mark.parametrize(("lines", "yes"), [(0, False), (1, True), (500, True), (501, False)])
def test_r16_a_batch_has_1_to_500_lines(lines: int, yes: bool) -> None:
    assert is_a_batch(lines) is yes
