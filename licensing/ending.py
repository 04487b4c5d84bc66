"""What a process does before it ends, whoever started it."""

from collections.abc import Callable
from multiprocessing.util import Finalize


def at_the_end(work: Callable[[], object]) -> None:
    """
    Do this before the process ends; what was asked for last is done first.

    Not by `atexit`, which is passed over in a process that the server has forked.
    """
    Finalize(None, work, exitpriority=0)
