"""The turn to write is had by one thread of one process at a time."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from licensing.turns import Turn, open_to_lock

HOLDER = """
import sys
from licensing.turns import Turn

turn = Turn(sys.argv[1])
assert turn.take(5)
print("taken", flush=True)
sys.stdin.readline()
turn.give_back()
print("given back", flush=True)
assert turn.take(30)
print("taken again", flush=True)
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


@contextmanager
def _holder(file: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that has the turn; it gives it back when it is told, and wants it again at once."""
    with subprocess.Popen(  # noqa: S603 ourselves
        [sys.executable, "-c", HOLDER, file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        try:
            assert _said(other) == "taken"
            yield other
        finally:
            other.kill()


def _said(other: "subprocess.Popen[str]") -> str:
    assert other.stdout is not None
    return other.stdout.readline().strip()


def _tell(other: "subprocess.Popen[str]") -> None:
    assert other.stdin is not None
    other.stdin.write("\n")
    other.stdin.flush()


def _is_had(file: str) -> bool:
    """Whether anybody has the lock on a file."""
    with Path(file).open() as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_process_waits_until_another_one_gives_the_turn_back_and_comes_before_it(
    tmp_path: Path,
) -> None:
    file = str(tmp_path / "seatkeeper.db")
    ours, came = Turn(file), threading.Event()
    with _holder(file) as other:
        waiting = threading.Thread(target=lambda: ours.take(30) and came.set())
        waiting.start()
        while not _is_had(f"{file}.next"):
            time.sleep(0.001)
        assert not came.is_set()

        _tell(other)

        assert _said(other) == "given back"
        assert came.wait(timeout=30)
        waiting.join()
        ours.give_back()
        assert _said(other) == "taken again"
    ours.close()


def test_a_process_is_told_when_another_one_does_not_give_the_turn_back(tmp_path: Path) -> None:
    file = str(tmp_path / "seatkeeper.db")
    ours = Turn(file)
    with _holder(file):
        assert not ours.take(0.05)
        assert not ours.take(0)  # and the other threads of the process are not kept waiting

    assert ours.take(5)  # it ended, and so gave it back

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


def test_whoever_may_read_the_file_can_lock_it_whoever_has_made_it(tmp_path: Path) -> None:
    """A command that was run as root has made it, and the service runs as another user."""
    before = os.umask(0o022)
    try:
        opened = open_to_lock(str(tmp_path / "seatkeeper.db.writing"))
    finally:
        os.umask(before)
    needs = fcntl.fcntl(opened, fcntl.F_GETFL) & os.O_ACCMODE
    os.close(opened)

    assert needs == os.O_RDONLY
    assert (tmp_path / "seatkeeper.db.writing").stat().st_mode & 0o777 == 0o644


def _waiting(turn: Turn, seconds: float, comes: Callable[[bool], None]) -> threading.Thread:
    """A thread that waits for the turn, gives it back when it came, and says whether it did."""
    before = len(turn._threads._waiting)

    def wait() -> None:
        came = turn.take(seconds)
        comes(came)
        if came:
            turn.give_back()

    thread = threading.Thread(target=wait)
    thread.start()
    while len(turn._threads._waiting) == before and thread.is_alive():
        time.sleep(0.001)
    return thread


def test_threads_come_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """Also before the one that has just had its turn, which a plain lock gives it again."""
    turn, order = Turn(str(tmp_path / "seatkeeper.db")), []
    assert turn.take(1)
    waiting = [_waiting(turn, 30, lambda _, n=n: order.append(n)) for n in range(4)]  # type: ignore[misc]

    turn.give_back()
    assert turn.take(30)
    order.append(4)

    for thread in waiting:
        thread.join()
    turn.give_back()
    turn.close()
    assert order == [0, 1, 2, 3, 4]


def test_nobody_waits_for_who_has_given_up(tmp_path: Path) -> None:
    turn, came = Turn(str(tmp_path / "seatkeeper.db")), []
    assert turn.take(1)
    _waiting(turn, 0.01, came.append).join()
    last = _waiting(turn, 30, came.append)

    turn.give_back()
    last.join()

    assert came == [False, True]
    turn.close()


def test_it_can_be_handed_on_to_a_thread_before_any_other_process(tmp_path: Path) -> None:
    file = str(tmp_path / "seatkeeper.db")
    turn, came, give_back = Turn(file), threading.Event(), threading.Event()
    assert turn.take(1)
    assert not turn.hand_on()  # nobody waits

    def wait() -> None:
        assert turn.take(30)
        came.set()
        give_back.wait()
        turn.give_back()

    thread = threading.Thread(target=wait)
    thread.start()
    while not turn._threads._waiting:
        time.sleep(0.001)
    assert turn.hand_on()
    assert came.wait(30)
    still_had = _is_had(f"{file}.writing")
    give_back.set()
    thread.join()

    assert still_had
    assert not _is_had(f"{file}.writing")
    turn.close()


@pytest.mark.parametrize("handed_on", [False, True])
def test_who_is_interrupted_when_his_turn_comes_gives_it_back(
    tmp_path: Path, handed_on: bool
) -> None:
    file = str(tmp_path / "seatkeeper.db")
    turn, unwanted = Turn(file), []
    assert turn.take(1)

    def interrupted(*_: object) -> None:
        if handed_on:
            assert turn.hand_on()
        else:
            turn.give_back()
        raise KeyboardInterrupt

    def give_back() -> None:
        unwanted.append(True)
        turn.give_back()

    before = signal.signal(signal.SIGALRM, interrupted)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        with pytest.raises(KeyboardInterrupt):
            turn.take(30, give_back)
    finally:
        signal.signal(signal.SIGALRM, before)

    assert unwanted == [True]
    assert not _is_had(f"{file}.writing")
    assert turn.take(0)
    turn.give_back()
    turn.close()
