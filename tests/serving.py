"""The service as a process of its own, started the way the README says."""

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
    process: subprocess.Popen[str]
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
        if self.process.stdout is not None:
            with self.process.stdout as output:
                self.lines.extend(iter(output.readline, ""))

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
def served(folder: Path, *options: str, **environment: str) -> Iterator[Served]:
    """Run `seatkeeper serve` in a folder until the block ends."""
    port = _free_port()
    process = subprocess.Popen(  # noqa: S603 our own command
        [COMMAND, "serve", "--port", str(port), *options],
        cwd=folder,
        env=clean_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Served(f"http://127.0.0.1:{port}", process)
    listener = threading.Thread(target=running.listen)
    listener.start()
    try:
        running.answer()
        yield running
    finally:
        process.terminate()
        process.wait(timeout=60)
        listener.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
