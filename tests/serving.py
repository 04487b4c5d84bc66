"""The service as a process of its own, started the way the README says."""

import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SECONDS_TO_START = 30
ROOT = Path(__file__).parent.parent
COMMAND = Path(sys.executable).with_name("seatkeeper")


@dataclass
class Served:
    """A running service: where it listens, its process, and what it prints."""

    address: str
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    listens: threading.Event = field(default_factory=threading.Event)

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
                for line in output:
                    self.lines.append(line)
                    if "Started worker" in line:
                        self.listens.set()
        self.listens.set()


@contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[Served]:
    """Run `seatkeeper serve` in a folder until the block ends."""
    port = _free_port()
    clean = {name: value for name, value in os.environ.items() if "SEATKEEPER" not in name}
    process = subprocess.Popen(  # noqa: S603 our own command
        [COMMAND, "serve", "--port", str(port), *options],
        cwd=folder,
        env=clean | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Served(f"http://127.0.0.1:{port}", process)
    listener = threading.Thread(target=running.listen)
    listener.start()
    try:
        assert running.listens.wait(SECONDS_TO_START), running.printed
        assert process.poll() is None, running.printed
        # The first request waits in the queue of the socket until the worker takes it.
        with urllib.request.urlopen(f"{running.address}/readyz", timeout=SECONDS_TO_START):  # noqa: S310 loopback
            yield running
    finally:
        process.terminate()
        process.wait(timeout=60)
        listener.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
