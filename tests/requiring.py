"""
What a test needs beside Python: without it the test is skipped, unless it was promised to be there.

    needs("clients", shutil.which("node") is not None, "Node 20")

SEATKEEPER_TEST_REQUIRE names, separated by commas, what is promised (`clients`, `browser`,
and more): then its absence fails the test. `.ci/run` promises every tool; what takes the right to
mount (`disk`) or to make networks (`network`) is skipped where that is refused, and what needs a
PostgreSQL server is tested in the run that has one.
"""

import os

import pytest

PROMISED = "SEATKEEPER_TEST_REQUIRE"


def needs(group: str, there: bool, what: str) -> None:
    """Go on if it is there; else fail where the group was promised, and skip where it was not."""
    if there:
        return
    promised = {name.strip() for name in os.environ.get(PROMISED, "").split(",")}
    if group in promised:
        pytest.fail(f"{what} is missing, though {PROMISED} promises {group}")
    pytest.skip(f"{what} is missing")
