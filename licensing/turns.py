"""
The turn to write to an SQLite file: one thread of one process at a time.

SQLite's own queue has no order: who finds the file locked sleeps for up to a tenth of a second and
tries again, so that under load some writers get nothing done for seconds. Here threads wait for a
lock of their process, and the one that has it waits for the other processes in the kernel.
"""

import fcntl
import os
import threading


class Turn:
    """The turn to write to one file; a second file beside it is what processes wait for."""

    def __init__(self, file: str) -> None:
        self._file = f"{file}.writing"
        self._threads = threading.Lock()
        self._process, self._lock = 0, -1

    def take(self, seconds: float) -> bool:
        """
        Wait for it, for so many seconds at the most; whether it came.

        Other processes have as much time as they need: the kernel gives their turn back when they
        end, and the threads behind the one that waits for them are not kept any longer.
        """
        if not self._threads.acquire(timeout=seconds):
            return False
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise
        return True

    def give_back(self) -> None:
        """Let the next one have it."""
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _opened(self) -> int:
        # A process that was forked off opens the file itself: what it inherited is its parent's.
        if self._process != os.getpid():
            self._lock = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._process = os.getpid()
        return self._lock

    def close(self) -> None:
        """Let the file go; nobody has the turn."""
        if self._process == os.getpid():
            os.close(self._lock)
            self._process = 0
