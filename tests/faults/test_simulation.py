"""F24: histories that are all chance, and the same for the same seed."""

import pytest

from licensing import idempotency
from tests.conftest import POSTGRES_URL
from tests.faults.dispatching import careless
from tests.faults.harness import a_seed
from tests.faults.simulated_world import worlds
from tests.faults.simulating import lived, run
from webhooks import jobs

SEEDS, SEEDS_TO_FIND_A_BUG = 250, 150

pytestmark = pytest.mark.skipif(
    bool(POSTGRES_URL), reason="a simulation has a database of its own, in memory"
)


def test_whatever_happens_nothing_is_lost_done_twice_or_out_of_order() -> None:
    totals = run(a_seed(), SEEDS)

    print(dict(totals))  # noqa: T201
    assert totals["seeds"] == SEEDS
    # Otherwise it would have been a fair day.
    assert min(totals["kills"], totals["duplicates"]) > SEEDS / 10


def test_a_seed_is_a_history() -> None:
    seed = a_seed()

    with worlds() as world_of:
        digests = [lived(world_of(seed + n)) for n in (0, 1, 0, 1)]

    assert digests[:2] == digests[2:]
    assert digests[0] != digests[1]


def test_a_dispatcher_that_moves_the_cursor_first_is_found() -> None:
    """A negative control."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "delivery", jobs.delivery)
        careless()
        with pytest.raises(AssertionError, match="never took"):
            run(a_seed(), SEEDS_TO_FIND_A_BUG)


def test_an_idempotency_key_that_is_forgotten_is_found() -> None:
    """A negative control."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idempotency, "_claim", lambda *_: True)
        with pytest.raises(AssertionError, match="done twice"):
            run(a_seed(), SEEDS_TO_FIND_A_BUG)
