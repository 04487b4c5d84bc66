"""
The turn to write to an SQLite file: one thread of one process at a time.

SQLite's own queue has no order: who finds the file locked sleeps for up to a tenth of a second and
tries again, so that under load some writers get nothing done for seconds. Here threads wait for a
line of their process, first come, first served, and only the one whose turn it is waits for the
other processes. Their locks promise no order, but a process that has had its turn lets one that
waits go first, unless who has the turn hands it on inside the process.
"""

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Callable

# The kernel would wait for a lock at no cost, but for ever.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.0002, 0.001


def open_to_lock(file: str) -> int:
    """
    A descriptor of a file to be locked, which is made where it is missing.

    To read it is enough for that: so it does not matter which user was the first to come.
    """
    return os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


class Turn:
    """The turn to write to one file; two files beside it are what processes wait for."""

    def __init__(self, file: str) -> None:
        self._threads = _Line()
        # Without the first one, who has just given the turn back would mostly have it again before
        # a process that waits has looked.
        self._next, self._writing = _Lock(f"{file}.next"), _Lock(f"{file}.writing")
        self._handed_on = False  # touched by who has the turn, and nobody else

    def take(self, seconds: float, unwanted: Callable[[], None] | None = None) -> bool:
        """
        Wait for it, for so many seconds at the most; whether it came.

        A process that ends has given its turn back. Raises `OSError` where a file cannot be opened.
        Where something else is raised in this thread while it waits, such as `KeyboardInterrupt`,
        and the turn has just come, `unwanted` is called, or it is given back.
        """
        deadline = time.monotonic() + seconds
        if not self._threads.wait(seconds, unwanted or self.give_back):
            return False
        if self._handed_on:
            self._handed_on = False
            return True
        came = False
        try:
            came = self._comes_before(deadline)
        finally:
            if not came:
                self._threads.leave()
        return came

    def _comes_before(self, deadline: float) -> bool:
        if not self._next.take(deadline):
            return False
        try:
            return self._writing.take(deadline)
        finally:
            self._next.give_back()

    def hand_on(self) -> bool:
        """Let the next thread have it, before any other process; where none waits, keep it."""
        self._handed_on = True
        if self._threads.leave_to_next():
            return True
        self._handed_on = False
        return False

    def give_back(self) -> None:
        """Let the next one have it."""
        self._handed_on = False
        try:
            self._writing.give_back()
        finally:
            self._threads.leave()

    def close(self) -> None:
        """Let the files go; nobody has the turn."""
        self._next.close()
        self._writing.close()


class _Line:
    """
    The threads of a process, in the order in which they came.

    A plain lock goes to whoever asks at the right moment, and that is mostly who has just had it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = False
        # A locked lock for each thread that waits; who leaves opens that of the next one.
        self._waiting: deque[threading.Lock] = deque()

    def wait(self, seconds: float, unwanted: Callable[[], None]) -> bool:
        """
        Wait until those who came before have left, for so many seconds at the most.

        `unwanted` is called when the turn came, but waiting was interrupted.
        """
        with self._lock:
            if not self._busy:
                self._busy = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            if mine.acquire(timeout=seconds):
                return True
        except BaseException:  # Ctrl-C: nobody would ever give this turn back
            if not self._steps_out(mine):
                unwanted()
            raise
        return not self._steps_out(mine)

    def _steps_out(self, mine: threading.Lock) -> bool:
        """Whether it was in the line until now; it is not if its turn came in between."""
        with self._lock:
            waits = mine in self._waiting
            if waits:
                self._waiting.remove(mine)
            return waits

    def leave(self) -> None:
        """Let the next one go on, if there is one."""
        with self._lock:
            if not self._next_goes_on():
                self._busy = False

    def leave_to_next(self) -> bool:
        """Let the next one go on; where there is none, stay. Whether there was one."""
        with self._lock:
            return self._next_goes_on()

    def _next_goes_on(self) -> bool:
        if not self._waiting:
            return False
        self._waiting.popleft().release()
        return True


class _Lock:
    """A file that one process at a time has, for whichever of its threads."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._process, self._opened_as = 0, -1

    def take(self, deadline: float) -> bool:
        """Wait for it until an instant of the monotonic clock; whether it came."""
        pause = SHORTEST_PAUSE
        while not self._is_free():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)
        return True

    def _is_free(self) -> bool:
        """Take it unless another process has it."""
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give_back(self) -> None:
        """Let another process have it."""
        fcntl.flock(self._opened(), fcntl.LOCK_UN)

    def _opened(self) -> int:
        # A process that was forked off opens the file itself: what it inherited is its parent's.
        if self._process != os.getpid():
            self._opened_as = open_to_lock(self._file)
            self._process = os.getpid()
        return self._opened_as

    def close(self) -> None:
        """Let the file go, which nobody has."""
        if self._process == os.getpid():
            os.close(self._opened_as)
            self._process = 0
