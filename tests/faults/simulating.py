"""Many histories of the simulation (F24), one for each seed."""

import random
from collections import Counter
from collections.abc import Mapping

from licensing.queries import invariants
from tests.faults.harness import Harness
from tests.faults.simulated_world import World, worlds

# To look up all invariants takes as long as the rest of a history.
HISTORIES_BETWEEN_LOOKS = 20


def lived(world: World) -> str:
    """Live a history to its end; returns what happened, in short."""
    world.live()
    world.finish()
    return world.digest


def run(seed: int, size: int) -> Mapping[str, int]:
    """So many histories; in each, nothing is lost, done twice or delivered out of order."""
    seeds = random.Random(seed)  # noqa: S311 chance that can be repeated
    totals: Counter[str] = Counter()
    with worlds() as world_of:
        for number in range(size):
            own = seeds.randrange(2**32)
            world = world_of(own)
            try:
                lived(world)
                if number % HISTORIES_BETWEEN_LOOKS == 0:
                    assert list(invariants.violations()) == []
            except AssertionError as objection:
                told = "\n".join(world.told)
                raise AssertionError(f"seed {own}: {objection}\n{told}") from objection
            totals["seeds"] += 1
            totals["kills"] += world.crashes
            totals["commands"] += world.commands
            totals["deliveries"] += world.wire.taken.deliveries
            totals["duplicates"] += world.wire.taken.duplicates
    return totals


HARNESSES = (Harness("F24", "a simulation from one seed", run, 1000, plan=2000),)
