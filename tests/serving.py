"""
The service as a process of its own, and what its commands print.

`COMMAND` is what a user has; `run` and `served` start the same program without waiting for Python
to import it.
"""

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

from tests import hygiene, warm

SECONDS_TO_START = 30
ROOT = Path(__file__).parent.parent
COMMAND = Path(sys.executable).with_name("seatkeeper")


def clean_environment() -> dict[str, str]:
    """The environment of the tests, without any settings of the service."""
    return {name: value for name, value in os.environ.items() if "SEATKEEPER" not in name}


@dataclass
class Served:
    """A running service: where it listens, its process, and what it prints."""

    address: str
    process: warm.Process
    output: TextIO
    lines: list[str] = field(default_factory=list)

    @property
    def printed(self) -> str:
        """All that it has printed so far."""
        return "".join(self.lines)

    @property
    def key(self) -> str:
        """The key that the demo printed, empty without a demo."""
        found = re.search(r"sk_\S+", self.printed)
        return found.group() if found else ""

    def listen(self) -> None:
        """Keep what it prints, until it ends."""
        with self.output:
            for line in iter(self.output.readline, ""):
                self.lines.append(line)
        hygiene.secrets_of(self.printed)
        hygiene.said("the log of a served process", "".join(hygiene.records_of(self.lines)))

    def answer(self) -> None:
        """Wait until it answers that it is ready, or ends."""
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.address}/readyz", timeout=5):  # noqa: S310 ours
                    return
            except OSError:
                # Wait for its end, which is the one thing that would make asking again useless.
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(timeout=0.05)
                    break
        raise AssertionError(f"the service is not ready: {self.printed}")


@contextmanager
def served(
    folder: Path, *options: str, program: str = warm.PROGRAM, **environment: str
) -> Iterator[Served]:
    """Run `seatkeeper serve` in a folder until the block ends; `program` may do it in its way."""
    port = free_port()
    reading, printing = os.pipe()
    with nothing() as nothing_to_read:
        process = warm.start(
            *("serve", "--port", str(port), *options),
            cwd=folder,
            # What a demo leaves behind when it is killed.
            env=clean_environment() | {"TMPDIR": str(folder)} | environment,
            streams=(nothing_to_read, printing, printing),
            program=program,
        )
    os.close(printing)
    running = Served(f"http://127.0.0.1:{port}", process, open(reading))  # noqa: PTH123, SIM115
    listener = threading.Thread(target=running.listen)
    listener.start()
    try:
        running.answer()
        yield running
    finally:
        # Nothing is left to be finished; the tests of that end it themselves.
        process.kill()
        process.wait(timeout=60)
        listener.join()


def started(*arguments: str, **environment: str) -> warm.Process:
    """Start `seatkeeper`, whatever it prints."""
    with nothing() as file:
        env = clean_environment() | environment
        return warm.start(*arguments, cwd=ROOT, env=env, streams=(file, file, file))


def run(
    *arguments: str, cwd: Path = ROOT, program: str = warm.PROGRAM, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run `seatkeeper`, or another program, to its end."""
    with nothing() as nothing_to_read, TemporaryFile("w+") as printed, TemporaryFile("w+") as told:
        process = warm.start(
            *arguments,
            cwd=cwd,
            env=clean_environment() | environment,
            streams=(nothing_to_read, printed.fileno(), told.fileno()),
            program=program,
        )
        try:
            code = process.wait(timeout=60)
        finally:
            process.kill()
        printed.seek(0)
        told.seek(0)
        complained = told.read()
        hygiene.said(f"what {arguments[:1]} complained", complained)
        return subprocess.CompletedProcess(arguments, code, printed.read(), complained)


@contextmanager
def nothing() -> Iterator[int]:
    """A file with nothing in it, as a stream of a process."""
    with Path(os.devnull).open("r+") as file:
        yield file.fileno()


def free_port() -> int:
    """A port on which nothing listens yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
