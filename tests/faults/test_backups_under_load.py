"""
Backups of SQLite that are made while clients are at work (F21).

Put back, each is sound, and holds all that was acknowledged before it was begun.
"""

import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from licensing import settings
from licensing.queries import invariants
from tests.conftest import POSTGRES_URL
from tests.faults import effects
from tests.faults.cluster import another_database
from tests.faults.harness import Harness, a_seed
from tests.faults.load import Command, Load
from tests.faults.machines import Machine, Web, Works
from tests.faults.scene import Scene, a_scene

BACKUPS = 2
MOST_ANSWERS_BETWEEN_BACKUPS = 20

pytestmark = pytest.mark.skipif(bool(POSTGRES_URL), reason="PostgreSQL has backups of its own")


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def _by_command(works: Works, file: Path) -> None:
    _seatkeeper(works, "backup", str(file))


def _seatkeeper(works: Works, *command: str) -> None:
    with Machine(works, *command) as machine:
        machine.wait_until_it_ends()


def run(
    seed: int, size: int, back_up: Callable[[Works, Path], None] = _by_command
) -> dict[str, int]:
    """Make so many backups under load, and put each back somewhere else."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    made: list[tuple[Path, list[Command]]] = []
    with (
        tempfile.TemporaryDirectory(prefix="seatkeeper-backups-") as folder,
        a_scene() as scene,
        Works(settings.current()) as works,
        Web(works) as web,
    ):
        with Load([web.address], scene.token, scene.accounts, scene.clock_id, seed) as load:
            for number in range(size):
                load.wait_for(chance.randrange(5, MOST_ANSWERS_BETWEEN_BACKUPS))
                acknowledged = load.of_seats
                file = Path(folder) / f"{number}.backup"
                back_up(works, file)
                made.append((file, acknowledged))
            load.wait_for(1)
        totals = scene.holds_up(load)
        for file, acknowledged in made:
            _look(works, scene, file, acknowledged)
    return {"backups": size} | totals


def _look(works: Works, scene: Scene, file: Path, acknowledged: list[Command]) -> None:
    url = f"sqlite:///{file.with_suffix('.db')}"
    works.move_to(url)
    _seatkeeper(works, "restore", str(file))
    with another_database(url):
        told = [event for account in scene.accounts for event in account.log()]
        wrong = [*effects.wrong(acknowledged, told), *invariants.violations()]
    assert not wrong, "\n".join(wrong)


HARNESSES = (Harness("F21", "backups under load", run, size=20, plan=5),)


def test_a_backup_holds_all_that_was_acknowledged_before_it() -> None:
    run(a_seed(), BACKUPS)


def test_a_copy_of_the_file_alone_does_not() -> None:
    """The negative control: what is in the write-ahead log is left out."""

    def copy(_: Works, file: Path) -> None:
        shutil.copy(settings.sqlite_file(settings.current().database_url), file)

    with pytest.raises(AssertionError, match=r"had an effect|ended with"):
        run(a_seed(), 1, copy)
