"""
A steady load for a while, with or without faults: answers, how late they are, and memory (F26).

The clients begin so many requests a second where the service lets them; one who is late does not
catch up, so that the rate falls instead of the queue growing. The rate that was reached is printed.
"""

import statistics
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path

from licensing import db, settings
from tests.faults.effects import MAY_BE_REFUSED
from tests.faults.filling import Prober
from tests.faults.harness import Database, Harness
from tests.faults.load import Client, Command, Load, SeatKeeper, Timekeeper
from tests.faults.machines import Machine, Web, Works
from tests.faults.scene import SECONDS_TO_FINISH, Scene, a_scene

WRITES, READS = 150, 600  # a second
WRITERS, READERS, ACCOUNTS = 24, 24, 12
SECONDS_BETWEEN_STEPS = 5
SECONDS_BETWEEN_KILLS = 30
# A slope of fewer samples than these says nothing.
SECONDS_THAT_TELL = 60
# In a shorter run the memory that is taken once cannot be told from what is lost for good.
SECONDS_FOR_A_SLOPE = 20 * 60
MOST_MEGABYTES_IN_TEN_MINUTES = 1.0
BYTES = 1024 * 1024


class SteadyLoad(Load):
    """
    Clients who write and read at a steady rate, until the block ends.

    Attributes:
        took: the seconds that each answered attempt took, of writes and of reads.
        unexpected: attempts that were not answered as they should be, by what came instead.
    """

    def __init__(
        self, address: str, scene: Scene, readers: Mapping[str, str], seed: int, share: float
    ) -> None:
        super().__init__([address], scene.token, scene.accounts, scene.clock_id, seed)
        self.took = {"writes": array("d"), "reads": array("d")}
        self.unexpected: Counter[str] = Counter()
        self._noting = threading.Lock()
        self._clients = [Calm(self, 0, f"/v1/test-clocks/{scene.clock_id}", seed)]
        for number in range(WRITERS):
            account = scene.accounts[number % len(scene.accounts)]
            writer = Writer(self, number + 1, f"/v1/accounts/{account.id}", seed)
            writer.pace(WRITERS / (WRITES * share))
            self._clients.append(writer)
        for number, (account_id, user_id) in zip(
            range(READERS), cycle(readers.items()), strict=False
        ):
            reader = Reader(self, number + 1 + WRITERS, f"/v1/accounts/{account_id}", seed)
            reader.look_at(user_id)
            reader.pace(READERS / (READS * share))
            self._clients.append(reader)

    def note(self, kind: str, seconds: float, wrong: str) -> None:
        """Note an attempt, and what was wrong with its answer, if anything."""
        with self._noting:
            if wrong:
                self.unexpected[wrong] += 1
            else:
                self.took[kind].append(seconds)


class Paced(Client):
    """A client who begins something at a steady rate, or as soon as he can."""

    _load: SteadyLoad
    kind = "writes"

    def pace(self, seconds: float) -> None:
        """Have so much time between two beginnings."""
        self._pause = seconds
        self._next = time.monotonic() + self._chance.uniform(0, seconds)

    def do_something(self) -> None:
        """Wait for one's turn, and do it."""
        now = time.monotonic()
        if now < self._next and self._load.stopping.wait(self._next - now):
            return
        self._next = max(self._next + self._pause, now)
        self.act()

    def act(self) -> None:
        """Do one thing."""
        raise NotImplementedError

    def _attempted(self, command: Command) -> bool:
        began = time.monotonic()
        kept = super()._attempted(command)
        self._load.note(self.kind, time.monotonic() - began, _wrong_with(command, kept))
        return kept


def _wrong_with(command: Command, kept: bool) -> str:
    code = command.answer.get("code", "") if isinstance(command.answer, dict) else ""
    if not kept:
        return f"{command.status} {code}" if command.status else "no answer"
    refused = command.status >= 400 and code not in MAY_BE_REFUSED
    return f"{command.status} {code}" if refused else ""


class Writer(Paced, SeatKeeper):
    """One that changes users and seats."""

    def act(self) -> None:
        """Do what comes to mind."""
        SeatKeeper.do_something(self)


class Reader(Paced):
    """One that asks what a user may do, and which seats there are."""

    kind = "reads"

    def look_at(self, user_id: str) -> None:
        """Ask about this user."""
        self._paths = (f"/users/{user_id}/entitlements", "/seats?limit=50", "/pools")

    def act(self) -> None:
        """Ask something, half of the time for entitlements."""
        path = self._chance.choices(self._paths, (2, 1, 1))[0]
        self._attempted(Command("read", "GET", self._base + path, None, f"{self._name}-read"))


class Calm(Timekeeper):
    """One that lets some time pass between two months."""

    def do_something(self) -> None:
        """Move the clock on."""
        super().do_something()
        self._load.stopping.wait(SECONDS_BETWEEN_STEPS)


class Memory(threading.Thread):
    """What all processes of a machine have in memory, each second, in MB."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(name="memory", daemon=True)
        self._machine = machine
        self._over = threading.Event()
        self.samples: list[float] = []

    def __enter__(self) -> "Memory":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Look once a second."""
        while not self._over.wait(1):
            self.samples.append(_resident(self._machine.process.pid) / BYTES)


def _resident(group: int) -> int:
    """The bytes that the processes of a group have in memory."""
    pages = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in parentheses, may have blanks; the group is the third field behind it.
            if int((process / "stat").read_text().rpartition(")")[2].split()[2]) == group:
                pages += int((process / "statm").read_text().split()[1])
        except OSError:
            pass  # it has just ended
    return pages * 4096


def growth(samples: list[float]) -> float:
    """By how many MB the memory grows in ten minutes, without what it takes to get going."""
    steady = samples[len(samples) // 4 :]
    if len(steady) < 2:
        return 0.0
    return statistics.linear_regression(range(len(steady)), steady).slope * 600


def run(seed: int, size: int) -> Mapping[str, int]:
    """So many seconds of load, without any fault; nothing but refusals for want of a seat."""
    return work(seed, size)


def run_with_kills(seed: int, size: int) -> Mapping[str, int]:
    """So many seconds of load, in which the service is killed -9 now and then."""
    return work(seed, size, SECONDS_BETWEEN_KILLS, excused=True)


def work(
    seed: int,
    seconds: float,
    between_kills: float | None = None,
    *,
    excused: bool = False,
    share: float = 1.0,
) -> dict[str, int]:
    """Load the service with a share of the full rate; `excused` errors are counted only."""
    kills = 0
    with a_scene(accounts=ACCOUNTS) as scene, Works(settings.current()) as works, Web(works) as web:
        with db.connection():
            readers = {account.id: account.user() for account in scene.accounts}
            db.close()
        load = SteadyLoad(web.address, scene, readers, seed, share)
        Prober(web, scene.token).wait()
        until = time.monotonic() + seconds
        with Memory(web) as memory, load:
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, between_kills or left))
                if between_kills is not None and time.monotonic() < until:
                    web.restart()
                    kills += 1
        totals = scene.holds_up(load, SECONDS_TO_FINISH + seconds)
    slope = growth(memory.samples)
    for line in _told(load, seconds, memory.samples, slope):
        print(line)  # noqa: T201 the figures of a release run
    assert excused or not load.unexpected, f"seed {seed}: {dict(load.unexpected)}"
    leaks = slope > MOST_MEGABYTES_IN_TEN_MINUTES and not kills and seconds >= SECONDS_FOR_A_SLOPE
    assert not leaks, f"seed {seed}: the memory grows by {slope:.1f} MB in ten minutes"
    reads = len(load.took["reads"])
    return {"kills": kills, "reads": reads, "errors": load.unexpected.total()} | totals


def _told(load: SteadyLoad, seconds: float, samples: list[float], slope: float) -> Iterator[str]:
    for kind, answered in load.took.items():
        took = sorted(answered)
        assert took, f"none of the {kind} was answered: {load.unexpected}"
        rate, p50, p99 = len(took) / seconds, took[len(took) // 2], took[len(took) * 99 // 100]
        yield f"{kind}: {rate:.0f}/s, p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms"
    grows = f", {slope:+.1f} MB in ten minutes" if seconds >= SECONDS_THAT_TELL else ""
    yield f"memory: {samples[0]:.0f} MB at first, {samples[-1]:.0f} MB at last{grows}"
    yield f"not answered as they should be: {dict(load.unexpected) or 'none'}"


HARNESSES = (
    Harness("F26", "a steady load", run, 1200, Database.BOTH, plan=180),
    Harness("F26", "a steady load and kills", run_with_kills, 300, Database.BOTH),
)
