"""
Histories of one pool (F4): six clients at once, each call with its begin, its end and its answer.

Some answers are lost on the way: of a command that was done, or of one that was undone.
"""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from licensing import clock, db
from licensing.models import Seat
from licensing.operations import assigning, buying, giving_back
from licensing.rules.refusals import NoSeatAvailable
from licensing.scheduler import work_through
from tests.faults.harness import Database, Harness
from tests.faults.linearising import DONE, FULL, Call, Kind, State, is_linearisable
from tests.faults.racing import race
from tests.world import AnAccount, Hands, an_account

CLIENTS, CALLS = 6, 7
USERS_OF_A_CLIENT = 4
# A log that grows makes the pool's later histories slower to check, but not better.
HISTORIES_OF_A_POOL = 20
WEIGHTS = {Kind.ASSIGN: 4, Kind.TAKE_BACK: 3, Kind.BUY: 1, Kind.READ: 8}
CHANCE_OF_A_LOST_ANSWER = 0.1

Answer = str | State


class Lost(Exception):
    """The connection broke before the commit."""


class Counted(Protocol):
    """A pool as clients see it; they hold seats, and know which."""

    def state(self) -> State:
        """The pool as it is while nobody is at work on it."""
        ...

    def act(self, client: int, kind: Kind) -> Answer | None:
        """Do something; None where the client has nothing to do that with."""
        ...

    def lose(self, client: int, kind: Kind) -> None:
        """Do something of which nobody will know, by chance, whether it was done."""
        ...


class ServedPool:
    """The pool of an account, and for each client some users who hold seats of it or none."""

    def __init__(self, chance: random.Random, hands: Hands) -> None:
        self.account: AnAccount = an_account(core=4)
        self._chance = chance
        self._hands = hands
        users = [self.account.user() for _ in range(CLIENTS * USERS_OF_A_CLIENT)]
        self._users = [users[n::CLIENTS] for n in range(CLIENTS)]
        self._held: list[dict[str, str]] = [{} for _ in range(CLIENTS)]
        self._free = [list(users) for users in self._users]

    def begin(self) -> None:
        """Look up who holds what, and give back seats until at most two are left."""
        purchased, assigned = self.state()
        spare = purchased - assigned - self._chance.randint(0, 2)
        if spare > 0:
            giving_back.schedule_removal(self.account.by, "core", spare)
            self._hands.move(days=32)
            work_through()
        rows = Seat.select().where(Seat.account_id == self.account.id, Seat.seat_type == "core")
        holders = {row.user_id: row.id for row in rows}
        for client, users in enumerate(self._users):
            self._held[client] = {user: holders[user] for user in users if user in holders}
            self._free[client] = [user for user in users if user not in holders]

    def state(self) -> State:
        """How many seats are purchased and assigned."""
        purchased, assigned, _ = self.account.numbers("core")
        return purchased, assigned

    def act(self, client: int, kind: Kind) -> Answer | None:
        """Do something in the name of one client."""
        command = self._command(client, kind, self._held[client])
        return None if command is None else command()

    def lose(self, client: int, kind: Kind) -> None:
        """Do something and undo it, or do it and throw the answer away."""
        command = self._command(client, kind, {})
        if command is not None and self._chance.random() < 0.5:
            command()
        elif command is not None:
            try:
                _undone(command)
            except Lost:
                return

    def _command(
        self, client: int, kind: Kind, known: dict[str, str]
    ) -> Callable[[], Answer] | None:
        held, free = self._held[client], self._free[client]
        if kind is Kind.READ:
            return self.state
        if kind is Kind.BUY:
            return self._buy
        if kind is Kind.ASSIGN:
            return partial(self._assign, known, free.pop()) if free else None
        return partial(self._take_back, held.popitem()[1]) if held else None

    def _assign(self, known: dict[str, str], user: str) -> Answer:
        try:
            known[user] = assigning.assign_seat(self.account.by, user, "core").id
        except NoSeatAvailable:
            return FULL
        return DONE

    def _take_back(self, seat: str) -> Answer:
        assigning.take_back(self.account.by, seat)
        return DONE

    def _buy(self) -> Answer:
        bought = buying.purchase_seats(self.account.by, "core", 1)
        return bought.purchased_before, bought.purchased_after


@db.transactional
def _undone(command: Callable[[], Answer]) -> None:
    command()
    raise Lost


class StalePool(ServedPool):
    """The negative control: whoever reads is told what there was when the history began."""

    def begin(self) -> None:
        """Remember it."""
        super().begin()
        self._remembered = self.state()

    def act(self, client: int, kind: Kind) -> Answer | None:
        """Answer reads from memory."""
        return self._remembered if kind is Kind.READ else super().act(client, kind)


class NaivePool:
    """The negative control: whoever takes a seat looks first, and writes what he makes of it."""

    def __init__(self) -> None:
        self._state = (6, 3)
        self._all_looked = threading.Barrier(CLIENTS)

    def state(self) -> State:
        """How many seats are purchased and assigned."""
        return self._state

    def act(self, client: int, kind: Kind) -> Answer | None:
        """Read, wait until the others have read too, write."""
        seen = purchased, assigned = self._state
        self._all_looked.wait(timeout=60)
        if kind is Kind.READ:
            return seen
        if kind is Kind.BUY:
            self._state = (purchased + 1, assigned)
            return purchased, purchased + 1
        if kind is Kind.ASSIGN and assigned == purchased:
            return FULL
        self._state = (purchased, assigned + (1 if kind is Kind.ASSIGN else -1))
        return DONE

    def lose(self, client: int, kind: Kind) -> None:
        """Throw the answer away."""
        self.act(client, kind)


def a_history(pool: Counted, chance: random.Random) -> list[Call]:
    """What six clients see who do this and that at once."""
    ticks = itertools.count()
    kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
    plans = [
        [(kind, chance.random()) for kind in chance.choices(kinds, weights, k=CALLS)]
        for _ in range(CLIENTS)
    ]

    def client(number: int) -> list[Call]:
        if db.on_sqlite():
            db.db.pragma("synchronous", "off")  # nobody pulls the plug here
        calls = []
        for kind, luck in plans[number]:
            began = next(ticks)
            if kind is not Kind.READ and luck < CHANCE_OF_A_LOST_ANSWER:
                pool.lose(number, kind)
                calls.append(Call(kind, began))
            elif (answer := pool.act(number, kind)) is not None:
                calls.append(Call(kind, began, next(ticks), answer))
        return calls

    seen = race([partial(client, number) for number in range(CLIENTS)])
    assert all(isinstance(calls, list) for calls in seen), seen
    return [call for calls in seen for call in calls]


def judged(pool: Counted, chance: random.Random) -> tuple[bool, list[Call]]:
    """Whether a history of the pool can be put in one line, with what is read at its end."""
    before = pool.state()
    history = a_history(pool, chance)
    end = max(call.began for call in history) + CLIENTS * CALLS * 2
    history.append(Call(Kind.READ, end, end + 1, pool.state()))
    return is_linearisable(history, before), history


def histories(
    seed: int, size: int, kind: type[ServedPool] = ServedPool
) -> tuple[Counter[str], list[int]]:
    """So many histories of the service's pools: totals, and which of them fit in no line."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    hands = Hands()
    totals: Counter[str] = Counter(histories=0)
    objections = []
    with clock.reading(hands.read):
        for number in range(size):
            if number % HISTORIES_OF_A_POOL == 0:
                pool = kind(chance, hands)
            pool.begin()
            fits, history = judged(pool, chance)
            objections += [] if fits else [number]
            totals["histories"] += 1
            totals["steps"] += len(history)
            totals["commands"] += sum(c.is_known and c.kind is not Kind.READ for c in history)
            totals["unknown"] += sum(not call.is_known for call in history)
            totals["full"] += sum(call.answer == FULL for call in history)
    return totals, objections


def run(seed: int, size: int) -> Mapping[str, int]:
    """So many histories; each has to fit in one line."""
    totals, objections = histories(seed, size)
    assert not objections, f"seed {seed}: histories {objections} of {size} fit in no line"
    return totals


HARNESSES = (Harness("F4", "what clients see of a pool", run, 500, Database.BOTH, plan=200),)
