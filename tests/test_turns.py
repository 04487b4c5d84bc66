"""The turn to write is had by one thread of one process at a time."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from licensing.turns import Turn

HOLDER = """
import sys
from licensing.turns import Turn

turn = Turn(sys.argv[1])
assert turn.take(5)
print("taken", flush=True)
sys.stdin.readline()
turn.give_back()
print("given back", flush=True)
sys.stdin.readline()
"""
FORKED = """
import os, sys
from licensing.turns import Turn

turn = Turn(sys.argv[1])
assert turn.take(5)
turn.give_back()
ours, theirs = os.pipe(), os.pipe()
if os.fork() == 0:
    os.read(ours[0], 1)  # the parent has it now
    turn.take(5)
    os.write(theirs[1], b"x")
    os._exit(0)
assert turn.take(5)
os.write(ours[1], b"x")
import select
print("waits" if not select.select([theirs[0]], [], [], 0.3)[0] else "shares it", flush=True)
turn.give_back()
os.read(theirs[0], 1)
os.wait()
"""


def test_a_process_waits_until_another_one_gives_the_turn_back(tmp_path: Path) -> None:
    file = str(tmp_path / "seatkeeper.db")
    ours, came = Turn(file), threading.Event()
    with subprocess.Popen(  # noqa: S603 ourselves
        [sys.executable, "-c", HOLDER, file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "taken\n"
        waiting = threading.Thread(target=lambda: (ours.take(30), came.set()))
        waiting.start()
        waiting.join(timeout=0.2)
        assert not came.is_set()

        other.stdin.write("\n")
        other.stdin.flush()

        assert other.stdout.readline() == "given back\n"
        assert came.wait(timeout=30)
        waiting.join()
        other.kill()
    ours.give_back()
    ours.close()


def test_a_process_that_ends_gives_its_turn_back(tmp_path: Path) -> None:
    file = str(tmp_path / "seatkeeper.db")
    with subprocess.Popen(  # noqa: S603 ourselves
        [sys.executable, "-c", HOLDER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"taken\n"
        other.kill()
    ours = Turn(file)

    assert ours.take(1)

    ours.give_back()
    ours.close()


def test_a_process_that_was_forked_off_waits_like_any_other(tmp_path: Path) -> None:
    ran = subprocess.run(  # noqa: S603 ourselves
        [sys.executable, "-c", FORKED, str(tmp_path / "seatkeeper.db")],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ran.stdout == "waits\n", ran.stderr


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_a_thread_is_told_when_its_turn_does_not_come(tmp_path: Path, seconds: float) -> None:
    turn = Turn(str(tmp_path / "seatkeeper.db"))
    assert turn.take(1)

    assert not turn.take(seconds)

    turn.give_back()
    assert turn.take(1)
    turn.give_back()
    turn.close()
