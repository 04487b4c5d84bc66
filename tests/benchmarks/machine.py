"""What a machine is, and how busy others keep it: figures mean nothing without."""

import importlib.metadata
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

import peewee

PACKAGES = ("Flask", "flask-smorest", "marshmallow", "peewee", "granian", "requests", "orjson")
SYNCS = 50


def described() -> Iterator[tuple[str, str]]:
    """Name and value of what does not change from one run to the next."""
    yield "processor", f"{_processor()}, {os.cpu_count()} cores"
    yield "memory", f"{_memory()} GiB"
    yield "system", f"{platform.system()} {platform.release()}"
    yield "Python", platform.python_version()
    yield "SQLite", str(peewee.sqlite3.sqlite_version)  # type: ignore[attr-defined]
    for name, program in (("PostgreSQL", "psql"), ("wrk", "wrk"), ("Node", "node")):
        if version := _version(program):
            yield name, version
    yield "packages", ", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES)


def busy() -> str:
    """How busy it is: beforehand, by others."""
    load = " ".join(f"{load:.2f}" for load in os.getloadavg())
    return f"load {load}, processor pressure {_pressure()}, fsync {_sync() * 1000:.2f} ms"


def _pressure() -> str:
    """For how much of the last seconds somebody waited for a processor."""
    with suppress(OSError):
        found = re.search(r"avg10=(\S+)", Path("/proc/pressure/cpu").read_text(encoding="ascii"))
        if found:
            return f"{found.group(1)} % of the last 10 s"
    return "unknown"


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f}"


def _version(program: str) -> str:
    with suppress(OSError):
        told = subprocess.run(  # noqa: S603 programs that are named above
            [program, "-v" if program == "wrk" else "--version"],
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r"\d+(\.\d+)+", told.stdout + told.stderr)
        return found.group() if found else ""
    return ""


def _sync() -> float:
    """The seconds that it takes to have some bytes on the disk: the median of some."""
    took = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(SYNCS):
            file.write(b"x" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - start)
    return median(took)
