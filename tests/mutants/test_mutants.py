"""The harness itself, on a module of a few lines."""

import os
import subprocess
import sys
from pathlib import Path

TESTED = """\
MOST = 3


def is_small(number: int) -> bool:
    return number < MOST
"""
UNTESTED = """

def is_large(number: int) -> bool:
    return number > 10
"""
ENDLESS = """

def at_least_three(number: int) -> int:
    while number < 3:
        number = number + 1
    return number
"""
EQUIVALENT = """

def larger(one: int, other: int) -> int:
    return one if one > other else other
"""
TESTS = """\
import tiny


def test_all():
    assert [tiny.is_small(n) for n in (2, 3)] == [True, False]
    assert tiny.at_least_three(0) == 3
    assert tiny.larger(1, 2) == tiny.larger(2, 1) == 2
"""


def _tried(folder: Path, module: str, tests: str = TESTS) -> tuple[int, str]:
    """The exit code of the command, and what it printed."""
    (folder / "tiny.py").write_text(module)
    (folder / "test_tiny.py").write_text(tests)
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "tiny.py", "--tests", "test_tiny.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_no_test_notices_is_told_with_its_line_and_nothing_else(tmp_path: Path) -> None:
    code, printed = _tried(tmp_path, TESTED + ENDLESS + UNTESTED + EQUIVALENT)

    assert (code, "10 of 14 killed" in printed) == (1, True), printed
    assert {told.split("\n\n")[0] for told in printed.split("survived ")[1:]} == {
        "tiny.py:15\n-    return number > 10\n+    return number >= 10",
        "tiny.py:15\n-    return number > 10\n+    return number > 11",
        "tiny.py:15\n-    return number > 10\n+    return None",
        "tiny.py:19\n-    return one if one > other else other\n"
        "+    return one if one >= other else other",
    }


def test_nothing_is_killed_by_tests_that_fail_anyway(tmp_path: Path) -> None:
    code, printed = _tried(tmp_path, TESTED, "def test_all():\n    assert False\n")

    assert code == 1
    assert "fail without any mutant" in printed
