"""Small disks that can be filled up, for whoever may mount a file system."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The service is not ready with less than 64 MiB; the rest is for what it writes and logs meanwhile.
MEBIBYTES = 128
SMALLEST_PIECE = 4096


class Disk:
    """A file system in memory of a fixed size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, but: int = 0) -> None:
        """Leave no room, or only so many bytes."""
        descriptor = os.open(self._filler, os.O_CREAT | os.O_RDWR)
        piece, size = 2**24, 0
        while piece >= SMALLEST_PIECE:
            try:
                os.posix_fallocate(descriptor, size, piece)
                size += piece
            except OSError as problem:
                if problem.errno != errno.ENOSPC:
                    raise
                piece //= 2
        os.ftruncate(descriptor, max(0, size - but))
        os.close(descriptor)

    def make_room(self) -> None:
        """Leave room again."""
        self._filler.unlink()


def may_mount() -> bool:
    """Whether this process may mount a file system."""
    with tempfile.TemporaryDirectory() as folder:
        done = _mount(folder, 1)
        if done:
            _unmount(folder)
    return done


@contextmanager
def a_small_disk() -> Iterator[Disk]:
    """A disk for the time of the block."""
    with tempfile.TemporaryDirectory() as folder:
        assert _mount(folder, MEBIBYTES), "no file system may be mounted"
        try:
            yield Disk(Path(folder))
        finally:
            _unmount(folder)


def _mount(folder: str, mebibytes: int) -> bool:
    order = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder]
    try:
        return subprocess.run(order, check=False, capture_output=True).returncode == 0  # noqa: S603
    except FileNotFoundError:
        return False


def _unmount(folder: str) -> None:
    # Lazily: whoever is still ending on it does not keep it there.
    subprocess.run(["umount", "-l", folder], check=True)  # noqa: S603, S607
