"""A load on a server: wrk with keep-alive connections, on a processor of its own."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from tempfile import NamedTemporaryFile

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 16
# Of a window, so many users are asked about before it begins again with the first.
MOST_PER_SECOND = 1_500


class BadAnswers(Exception):
    """Something was answered that is no success: such a figure says nothing."""


@dataclass(frozen=True)
class Ask:
    """
    One request for each user, over and over.

    Attributes:
        users: the file with the users and their accounts, one a line.
        method, path, body: `{user}` and `{account}` are replaced in the path and in the body.
        headers: an `Idempotency-Key` gets another value in each request.
    """

    users: Path
    method: str
    path: str
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """What came of a load; times in milliseconds."""

    requests: int
    rate: float
    p50: float
    p99: float
    longest: float
    fairness: float
    next_user: int


def is_there() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def load(
    address: str,
    ask: Ask,
    seconds: float,
    first: int = 0,
    connections: int = CONNECTIONS,
    clients: int = CONNECTIONS,
) -> Window:
    """
    Ask for so many seconds; each connection is one client in a thread of its own.

    Args:
        first: the number of the user with whom to begin; `next_user` of the window is who follows.
        clients: how many there are, with those that ask another process: n, of which each asks
            about every n-th user.

    Raises `BadAnswers`.
    """
    command = ["wrk", f"-t{connections}", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    command += [f"--script={SCRIPT}", "--timeout=10s"]
    for name, value in ask.headers.items():
        command += ["-H", f"{name}: {value}"]
    with _next_of(ask.users, first, round(seconds * MOST_PER_SECOND)) as users:
        command += [address, "--", users, str(first), str(clients)]
        command += [ask.method, ask.path, ask.body]
        ended = subprocess.run(  # noqa: S603 wrk, which is ours to start
            [*beside(), *command], capture_output=True, text=True, check=True
        )
    told, example = ended.stdout.split("RESULT\n")[1].split("\n")[:2]
    result = json.loads(told)
    if result["bad"] or result["broken"]:
        raise BadAnswers(f"{ask.method} {ask.path}: {told} {example}")
    answered: Sequence[int] = result["answered"]
    return Window(
        requests=result["requests"],
        rate=result["requests"] / result["seconds"],
        p50=result["p50"],
        p99=result["p99"],
        longest=result["max"],
        fairness=min(answered) / max(max(answered), 1),
        next_user=first + (result["sent_most"] + 1) * clients,
    )


@contextmanager
def _next_of(users: Path, first: int, many: int) -> Iterator[str]:
    """
    A file of so many users from a number on, over and over.

    Each client reads it before the next one begins. With all users in it, the first one was at work
    by itself for a quarter of a second, and seemed to be served twice as well as the last.
    """
    lines = users.read_text(encoding="ascii").splitlines(keepends=True)
    start = first % len(lines)
    with NamedTemporaryFile("w", encoding="ascii") as file:
        file.writelines(islice(cycle(lines), start, start + min(many, len(lines))))
        file.flush()
        yield file.name


def beside() -> list[str]:
    """How a command begins that leaves the first processor to the server."""
    return _on(range(1, os.cpu_count() or 1))


def in_front() -> list[str]:
    """How the command of a server begins: on the first processor, where there is another one."""
    return _on(range(1))


@contextmanager
def alone_in_front() -> Iterator[None]:
    """Have this thread, and those that it starts, on the first processor, as `in_front` does."""
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _on(processors: Sequence[int]) -> list[str]:
    if not processors or (os.cpu_count() or 1) < 2:
        return []
    return ["taskset", "-c", ",".join(map(str, processors))]
