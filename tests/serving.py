"""The service as a process of its own, started the way the README says."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

SECONDS_TO_START = 30
ROOT = Path(__file__).parent.parent
COMMAND = Path(sys.executable).with_name("seatkeeper")


@dataclass
class Served:
    """A running service: where it listens, the key that its demo printed, its process."""

    address: str
    key: str
    process: subprocess.Popen[str]
    output: Path


@contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[Served]:
    """Run `seatkeeper serve` in a folder until the block ends."""
    port = _free_port()
    output = folder / "output.txt"
    clean = {name: value for name, value in os.environ.items() if "SEATKEEPER" not in name}
    with output.open("w") as printed:
        process = subprocess.Popen(  # noqa: S603 our own command
            [COMMAND, "serve", "--port", str(port), *options],
            cwd=folder,
            env=clean | environment,
            stdout=printed,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process, output)
        found = re.search(r"sk_\S+", output.read_text())
        yield Served(address, found.group() if found else "", process, output)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, process: subprocess.Popen[str], output: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        assert process.poll() is None, output.read_text()
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):  # noqa: S310 loopback
                return
        except (URLError, ConnectionError, TimeoutError):
            _pause()
    raise AssertionError(f"not ready in {SECONDS_TO_START} s: {output.read_text()}")


def _pause() -> None:
    """Let the service go on; there is nothing else to wait for before it listens."""
    time.sleep(0.05)
