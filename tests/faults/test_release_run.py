"""The release run itself: what it finds, runs, adds up, and how it tells what is broken."""

import re
import subprocess
import sys
from collections.abc import Mapping

from tests.faults.harness import Harness
from tests.faults.slice import harnesses
from tests.serving import ROOT, clean_environment

# For these tests alone: a release run that was not asked for them leaves them out.
BROKEN, SOUND = "fail on purpose", "do nothing"
COMMAND = (sys.executable, "-m", "tests.faults")


def test_every_harness_has_a_name_of_its_own() -> None:
    names = [one.name for one in harnesses()]

    assert names
    assert len(set(names)) == len(names)


def test_what_was_done_is_added_up_and_a_broken_promise_told_with_what_repeats_it() -> None:
    ran = subprocess.run(  # noqa: S603 this folder
        [*COMMAND, "--plan", "--only", BROKEN, "--only", SOUND],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=200,
    )

    told = re.search(r"AssertionError: seed (\d+), size 3", ran.stdout)
    assert told, ran.stdout + ran.stderr
    total, command = ran.stdout.splitlines()[-2:]
    assert ran.returncode == 1
    everything, slices, failed, _seconds, kills = total.split()[:5]
    assert (everything, slices, failed, kills) == ("all", "2", "1", "5")
    assert command == (
        f"repeat with: python -m tests.faults.slice '{BROKEN}' --seed {told[1]} --size 3"
        " --database sqlite"
    )


def fail(seed: int, size: int) -> Mapping[str, int]:
    """Break a promise."""
    raise AssertionError(f"seed {seed}, size {size}")


def hold(_seed: int, size: int) -> Mapping[str, int]:
    """Keep all promises."""
    return {"kills": size}


ON_REQUEST = (
    Harness("F0", BROKEN, fail, size=30, plan=3),
    Harness("F0", SOUND, hold, size=50, plan=5),
)
