"""
Clients at work, who note what they were answered, and repeat what was never answered.

Each command has an idempotency key, and each attempt at it a request id of its own, which the
service writes into the events that the attempt brings about: so the log tells how often a command
had its effect. What is lost on the way is repeated with the same key until there is an answer.
"""

import http.client
import json
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dateutil.relativedelta import relativedelta

from licensing import clock
from tests.world import AnAccount

CLIENTS = 4
# Where the hands of the test clock stand at first; each step of it is a month.
FIRST = datetime(2026, 1, 1, tzinfo=UTC)

SECONDS_FOR_AN_ANSWER = 15
SECONDS_UNTIL_ANSWERED = 90
SECONDS_BETWEEN_ATTEMPTS = 0.02
SECONDS_BETWEEN_STEPS = 0.3
MOST_USERS = 8
# What says that the same command may be tried again.
TRY_AGAIN = (429, 503)
IN_PROGRESS = "idempotency_in_progress"


@dataclass
class Command:
    """
    A command, all attempts at it, and the answer to the last one.

    Attributes:
        kind: what is done: one of `TELLS` in `tests.faults.effects`, or "advance".
        attempts: the request ids of all attempts.
        lost: when attempts were sent that were never answered, on the monotonic clock; infinite
            where the sending itself was cut short.
        status, answer: what the last one was answered.
    """

    kind: str
    method: str
    path: str
    body: Any
    key: str
    attempts: list[str] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    status: int = 0
    answer: Any = None

    def next_attempt(self) -> str:
        """The request id of one more attempt."""
        self.attempts.append(f"{self.key}-{len(self.attempts)}")
        return self.attempts[-1]


class Load:
    """
    Clients who work until the block ends, each in a thread of its own.

    Attributes:
        commands: all that were answered, or given up.
        answers: how often each status was answered.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        token: str,
        accounts: Sequence[AnAccount],
        clock_id: str,
        seed: int,
    ) -> None:
        self.addresses = addresses
        self.token = token
        self.commands: list[Command] = []
        self.answers: Counter[int] = Counter()
        self.stopping = threading.Event()
        self._changed = threading.Condition()
        self._clients: list[Client] = [Timekeeper(self, 0, f"/v1/test-clocks/{clock_id}", seed)]
        for number in range(1, CLIENTS + 1):
            account = accounts[number % len(accounts)]
            client = SeatKeeper(self, number, f"/v1/accounts/{account.id}", seed)
            self._clients.append(client)

    def __enter__(self) -> "Load":
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for client in self._clients:
            client.join()
        for client in self._clients:
            if client.problem is not None:
                raise client.problem

    def finished(self, command: Command) -> None:
        """Note a command that was answered."""
        with self._changed:
            self.commands.append(command)
            self.answers[command.status] += 1
            self._changed.notify_all()

    @property
    def of_seats(self) -> list[Command]:
        """The commands on users and seats."""
        return [command for command in self.commands if command.kind != "advance"]

    @property
    def steps_of_the_clock(self) -> list[Command]:
        """The commands that moved the test clock, each by a month."""
        return [one for one in self.commands if one.kind == "advance" and one.status == 200]

    def bought(self) -> Counter[str]:
        """How many seats were bought, by account."""
        bought: Counter[str] = Counter()
        for command in self.commands:
            if command.kind == "buy" and command.status == 201:
                bought[command.answer["account_id"]] += command.answer["quantity"]
        return bought

    def wait_for(self, more: int, seconds: float = SECONDS_UNTIL_ANSWERED) -> float:
        """Wait until so many more commands were answered; returns how many seconds it took."""
        began = time.monotonic()
        with self._changed:
            goal = len(self.commands) + more
            came = self._changed.wait_for(lambda: len(self.commands) >= goal, seconds)
            assert came, f"{more} more answers did not come in {seconds} s: {self.answers}"
        return time.monotonic() - began


class Client(threading.Thread):
    """A client: one command after the other, each until it is answered."""

    def __init__(self, load: Load, number: int, base: str, seed: int) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self._load = load
        self._name = f"c{number}"
        self._base = base
        self._chance = random.Random(f"{seed}/{number}")  # noqa: S311 chance that can be repeated
        self._made = 0
        self._turn = number
        self._connection: http.client.HTTPConnection | None = None
        self.problem: Exception | None = None

    def run(self) -> None:
        """Work until the load ends; what was begun is finished."""
        try:
            while not self._load.stopping.is_set():
                self.do_something()
        except Exception as problem:
            self.problem = problem  # the load raises it
        self._hang_up()

    def do_something(self) -> None:
        """Do one command."""
        raise NotImplementedError

    def _do(self, kind: str, method: str, path: str, body: Any) -> Command:
        """Have a command done, however many attempts it takes."""
        self._made += 1
        command = Command(kind, method, self._base + path, body, f"{self._name}-{self._made}")
        deadline = time.monotonic() + SECONDS_UNTIL_ANSWERED
        while not self._attempted(command) and time.monotonic() < deadline:
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        self._load.finished(command)
        return command

    def _attempted(self, command: Command) -> bool:
        """Attempt it once; returns whether there was an answer to keep."""
        try:
            connection = self._connected()
        except OSError:
            self._look_elsewhere()
            return False
        sent = math.inf
        try:
            self._send(connection, command)
            sent = time.monotonic()
            command.status, command.answer = _answer(connection)
        except (OSError, http.client.HTTPException):
            command.lost.append(sent)
            self._look_elsewhere()
            return False
        code = command.answer.get("code") if isinstance(command.answer, dict) else None
        return command.status not in TRY_AGAIN and code != IN_PROGRESS

    def _send(self, connection: http.client.HTTPConnection, command: Command) -> None:
        headers = {"Authorization": f"Bearer {self._load.token}"}
        headers["X-Request-Id"] = command.next_attempt()
        content = None
        if command.body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": command.key}
            content = json.dumps(command.body)
        connection.request(command.method, command.path, content, headers)

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            address = self._load.addresses[self._turn % len(self._load.addresses)]
            made = http.client.HTTPConnection(address, timeout=SECONDS_FOR_AN_ANSWER)
            made.connect()
            self._connection = made
        return self._connection

    def _look_elsewhere(self) -> None:
        """Connect anew the next time, to another server where there are several."""
        self._hang_up()
        self._turn += 1

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SeatKeeper(Client):
    """One that gives, takes back and transfers seats of its own users, and buys more."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._free: list[str] = []
        self._held: dict[str, str] = {}

    def do_something(self) -> None:
        """Do what comes to mind."""
        users = len(self._free) + len(self._held)
        chance = self._chance.random()
        if users < 2 or (users < MOST_USERS and chance < 0.1):
            self._add_a_user()
        elif self._held and chance < 0.3:
            self._take_back()
        elif self._held and self._free and chance < 0.5:
            self._transfer()
        elif self._free and chance < 0.9:
            self._assign()
        else:
            self._do("buy", "POST", "/purchases", {"seat_type": "core", "quantity": 1})

    def _add_a_user(self) -> None:
        email = f"{self._name}-{self._made}@example.com"
        done = self._do("add", "POST", "/users", {"email": email, "name": "U", "status": "active"})
        if done.status == 201:
            self._free.append(done.answer["id"])

    def _assign(self) -> None:
        user = self._chance.choice(self._free)
        done = self._do("assign", "POST", "/seats", {"user_id": user, "seat_type": "core"})
        if done.status == 201:
            self._free.remove(user)
            self._held[user] = done.answer["id"]

    def _take_back(self) -> None:
        user = self._chance.choice(sorted(self._held))
        done = self._do("take back", "DELETE", f"/seats/{self._held[user]}", None)
        if done.status in (204, 404):
            del self._held[user]
            self._free.append(user)

    def _transfer(self) -> None:
        giver, taker = self._chance.choice(sorted(self._held)), self._chance.choice(self._free)
        body = {"seat_id": self._held[giver], "to_user_id": taker}
        done = self._do("transfer", "POST", "/transfers", body)
        if done.status == 201:
            self._held[taker] = self._held.pop(giver)
            self._free.remove(taker)
            self._free.append(giver)


class Timekeeper(Client):
    """One that moves a test clock on, a month at a time, which gives the scheduler work."""

    _months = 0

    def do_something(self) -> None:
        """Move the clock on, or wait until it has arrived where it is going."""
        body = {"to": month(self._months + 1)}
        if self._do("advance", "POST", "/advance", body).status == 200:
            self._months += 1
        self._load.stopping.wait(SECONDS_BETWEEN_STEPS)


def _answer(connection: http.client.HTTPConnection) -> tuple[int, Any]:
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text else None


def month(number: int) -> str:
    """Where the hands of the test clock stand after so many steps."""
    return clock.to_text(FIRST + relativedelta(months=number))
