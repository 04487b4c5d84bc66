"""
Forced interleavings: a command is stopped in the middle of its transaction while another one runs.

The product has no hooks for this. What a thread sends to the database goes through a `Wire`, which
can hold it before any of its statements. Whether the other command waits is seen from outside: on
PostgreSQL in the locks that its backend has not been granted, on SQLite in the turn to write.

What came out must be what the two commands do one after the other, in one order or the other, on
an identical stage; or one of them was refused, or told to come again, and the other did what it
does alone.
"""

import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import datetime
from itertools import zip_longest
from os.path import commonprefix
from typing import Any

from peewee import Model, PeeweeException

from licensing import db, finding, turns
from licensing.clock import to_text
from licensing.models import (
    TABLES,
    Account,
    Event,
    Pool,
    Purchase,
    Removal,
    Seat,
    Subscription,
    Term,
    Transfer,
    User,
)
from licensing.queries import invariants
from licensing.rules.refusals import Refusal
from tests.world import Hands

LINE, ROWS = 160, 4
LONGEST = 20.0
LOOK_AGAIN = 0.001
VISIBLE = (Account, User, Subscription, Term, Pool, Seat, Purchase, Removal, Transfer, Event)
ID = re.compile(r"\b([a-z]{2,6})_[0-9a-f]{32}\b")
# When it was written down, and what is made of that; all else of an event has to be the same.
WRITTEN_AT = re.compile(
    r'"occurred_at": "[^"]*"|\\"timestamp\\":\\"[^"]*\\",|, "digest": "[0-9a-f]{64}"'
)
WRITES = ("INSERT", "UPDATE", "DELETE")
LOCK = re.compile(r'FROM (?!"accounts").* FOR UPDATE')
RECORD = re.compile(r'UPDATE "accounts" SET "last_sequence"')


@dataclass(frozen=True)
class Command:
    """
    Something that can be done on a stage.

    Attributes:
        passes_over: it does nothing where it would have to wait; it is done again and again.
    """

    name: str
    act: Callable[["Stage"], Any]
    passes_over: bool = False


Turn = tuple[Command, datetime]


@dataclass
class Stage:
    """
    An account that can be set again exactly as it was, ids and all.

    Attributes:
        name: what there is to contend for.
        account_id: the account.
        named: the ids of what the commands speak of.
        at: when the commands run.
        later: when the one runs that comes in between, if that is not the same instant.
        about: the names of the commands that one of two has to be; none where any two will do.
        rows: everything that the database holds, by table.
        known: the ids in it; others are new.
        serial: what came of commands that ran on this stage one after the other.
        sound: what was seen where all invariants held.
    """

    name: str
    account_id: str
    named: dict[str, str]
    at: datetime
    later: datetime | None = None
    about: tuple[str, ...] = ()
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    serial: dict[tuple[Turn, ...], "Outcome"] = field(default_factory=dict)
    sound: set[tuple[str, ...]] = field(default_factory=set)

    def __getitem__(self, name: str) -> str:
        """The id of what has this name."""
        return self.named[name]

    def keep(self) -> None:
        """Remember the database as it is."""
        for model in TABLES:
            table = model._meta.table_name
            self.rows[table] = db.db.execute_sql(f"SELECT * FROM {table}").fetchall()
        self.known = frozenset(found[0] for found in ID.finditer(repr(self.rows)))

    def set(self, hands: Hands) -> None:
        """Make the database what it was when it was kept."""
        hands.move_to(self.at)
        clear()
        param = db.db.obj.param
        with db.db.atomic():
            for table, rows in self.rows.items():
                if rows:
                    row = f"({', '.join([param] * len(rows[0]))})"
                    values = [value for kept in rows for value in kept]
                    places = ", ".join([row] * len(rows))
                    db.db.execute_sql(f"INSERT INTO {table} VALUES {places}", values)
            # How users are found is no table of rows on one of the databases: it is made anew.
            for user in User.select(User.account_id, User.id, User.search_text):
                finding.keep(user.account_id, [(user.id, user.search_text)])

    def plain(self, text: str) -> str:
        """`text` with ids that a command has made replaced by what they are ids of."""
        text = ID.sub(lambda id: id[0] if id[0] in self.known else f"{id[1]}_new", text)
        return self._timeless(text)

    def _timeless(self, text: str) -> str:
        """`text` without the difference between the two instants at which commands run."""
        for instant in filter(None, (self.at, self.later) if self.later else ()):
            for shown in (str(instant), instant.isoformat(" ", "microseconds"), to_text(instant)):
                text = text.replace(shown, "now")
        return text

    def seen(self) -> tuple[str, ...]:
        """What can be seen of the account, one line for each row."""
        lines = []
        for model in VISIBLE:
            table = model._meta.table_name
            cursor = db.db.execute_sql(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                shown = json.dumps(dict(zip(names, row, strict=True)), default=str)
                shown = WRITTEN_AT.sub("", self.plain(shown))
                lines.append(f"{table} {shown}")
        return tuple(sorted(lines))


def clear() -> None:
    """Empty the database."""
    tables = ["user_search", *(model._meta.table_name for model in reversed(TABLES))]
    # The database lets go of what counts as purged.
    deletions = ["UPDATE accounts SET purged_through = last_sequence"]
    deletions += [f"DELETE FROM {table}" for table in tables]
    with db.db.atomic():
        for statement in deletions if db.on_sqlite() else ["; ".join(deletions)]:
            db.db.execute_sql(statement)


@dataclass(frozen=True)
class Outcome:
    """How commands ended, in the order in which they are named, and what can be seen then."""

    ended: tuple[str, ...]
    seen: tuple[str, ...]


def done_or_refused(stage: Stage, command: Command) -> str:
    """How a command ends, as text that is the same for the same end."""
    try:
        answer = command.act(stage)
    except Refusal as refusal:
        facts = json.dumps(refusal.facts, default=str, sort_keys=True)
        return stage.plain(f"refused {refusal.code} {facts}")
    except db.Busy:
        return "refused busy"
    except Exception as failure:  # whatever it is, it is what the test looks for
        return f"raised {type(failure).__name__}: {failure}"
    answered = json.dumps(_plain_data(answer), default=str, sort_keys=True)
    return stage.plain(f"done {answered}")


def _plain_data(answer: Any) -> Any:
    if isinstance(answer, Model):
        return answer.__data__
    if is_dataclass(answer) and not isinstance(answer, type):
        return asdict(answer)
    if isinstance(answer, list | tuple):
        return [_plain_data(part) for part in answer]
    return answer


class Wire:
    """
    What threads send to the database.

    Attributes:
        sent: the statements of each thread that is listened to, with BEGIN, COMMIT and ROLLBACK.
        collisions: why the database undid a transaction or a statement, by SQLSTATE.
        stopped: set when the thread that is to stop has come to its point.
        go_on: lets it go on.
    """

    def __init__(self) -> None:
        self.sent: dict[int, list[str]] = {}
        self.collisions: Counter[str] = Counter()
        self.stopped, self.go_on = threading.Event(), threading.Event()
        self._stop: tuple[int, int] | None = None

    def listen(self, *threads: int, stop: tuple[int, int] | None = None) -> None:
        """Listen anew; hold a thread before its statement of a number, where `stop` names both."""
        self.stopped.clear()
        self.go_on.clear()
        self.sent = {thread: [] for thread in threads}
        self._stop = stop

    def pass_on(self, statement: str) -> None:
        """A thread is about to send a statement."""
        thread = threading.get_ident()
        sent = self.sent.get(thread)
        if sent is None:
            return
        if self._stop == (thread, len(sent)):
            self._stop = None
            self.stopped.set()
            assert self.go_on.wait(LONGEST), "nobody let the stopped command go on"
        sent.append(statement)

    def inside(self, thread: int) -> bool:
        """Whether the thread is in a transaction."""
        bounds = [s for s in self.sent[thread] if s in ("BEGIN", "COMMIT", "ROLLBACK")]
        return bounds[-1:] == ["BEGIN"]


@contextmanager
def _tapped(wire: Wire) -> Iterator[None]:
    database = db.db.obj
    execute_sql = database.execute_sql

    def heard(sql: str, *args: Any, **more: Any) -> Any:
        wire.pass_on(sql)
        try:
            return execute_sql(sql, *args, **more)
        except PeeweeException as failure:
            wire.collisions[str(db.sqlstate(failure))] += 1
            raise

    def bound(name: str) -> Callable[..., Any]:
        pass_through = getattr(database, name)

        def call(*args: Any, **more: Any) -> Any:
            wire.pass_on(name.upper())
            return pass_through(*args, **more)

        return call

    bounds = {name: bound(name) for name in ("begin", "commit", "rollback")}
    vars(database).update(bounds, execute_sql=heard)
    try:
        yield
    finally:
        for name in (*bounds, "execute_sql"):
            delattr(database, name)


class Player:
    """A thread with a connection of its own, which does one command after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self.ident: int = self._thread.submit(threading.get_ident).result()
        self._thread.submit(_connect).result()
        self.backend = 0 if db.on_sqlite() else self._thread.submit(_backend).result()

    def play(self, stage: Stage, command: Command) -> "Future[str]":
        """Let it do a command."""
        return self._thread.submit(done_or_refused, stage, command)

    def waits(self) -> bool:
        """Whether it waits for somebody who writes."""
        if db.on_sqlite():
            frame = sys._current_frames().get(self.ident)
            while frame is not None and frame.f_code is not turns.Turn.take.__code__:
                frame = frame.f_back
            return frame is not None
        waiting = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
        return bool(db.db.execute_sql(waiting, (self.backend,)).fetchone()[0])

    def leave(self) -> None:
        """End the thread."""
        self._thread.submit(db.db.close).result()
        self._thread.shutdown()


def _connect() -> None:
    db.db.connect(reuse_if_open=True)
    if db.on_sqlite():
        db.db.pragma("synchronous", "off")  # nobody pulls the plug here


def _backend() -> int:
    return int(db.db.execute_sql("SELECT pg_backend_pid()").fetchone()[0])


def points_of(sent: Sequence[str], every: bool = False) -> list[int]:
    """
    Before which statements a command is stopped; `every` one, or those that matter.

    Before the first lock on something else than the account, the first write, the second, the
    record of its events, and the commit; where there are several transactions, also before what the
    last of them records and commits.
    """
    if every:
        return list(range(1, len(sent)))
    locks = [n for n, statement in enumerate(sent) if LOCK.search(statement)]
    writes = [n for n, statement in enumerate(sent) if statement.startswith(WRITES)]
    records = [n for n, statement in enumerate(sent) if RECORD.match(statement)]
    commits = [n for n, statement in enumerate(sent) if statement in ("COMMIT", "ROLLBACK")]
    first_and_last = [*records[:1], *records[-1:], *commits[:1], *commits[-1:]]
    return sorted({*locks[:1], *writes[:2], *first_and_last})


class Theatre:
    """Where two commands meet: `a` is stopped, and `b` runs meanwhile."""

    def __init__(self, hands: Hands, figures: "Counter[str]", every_point: bool = False) -> None:
        self.wire = Wire()
        self.hands = hands
        self.figures = figures
        self.a, self.b = Player(), Player()
        self.waited = False
        self._every_point = every_point
        self._points: dict[tuple[str, Command], list[int]] = {}

    def points(self, stage: Stage, command: Command) -> list[int]:
        """Where a command can be stopped on a stage, from a run in which nobody disturbs it."""
        if (stage.name, command) not in self._points:
            self.wire.listen(self.a.ident)
            stage.set(self.hands)
            self.a.play(stage, command).result(LONGEST)
            sent = self.wire.sent[self.a.ident]
            self._points[stage.name, command] = points_of(sent, self._every_point)
        return self._points[stage.name, command]

    def one_by_one(self, stage: Stage, *turns: Turn) -> Outcome:
        """What comes of commands one after the other."""
        if turns not in stage.serial:
            stage.set(self.hands)
            ended = []
            for command, instant in turns:
                self.hands.move_to(instant)
                ended.append(done_or_refused(stage, command))
            stage.serial[turns] = Outcome(tuple(ended), stage.seen())
            self.figures["serial runs"] += 1
            seen = stage.serial[turns].seen
            unsound = [] if seen in stage.sound else list(invariants.violations())
            stage.sound.add(seen)
            raised = [end for end in ended if end.startswith("raised")]
            names = [command.name for command, _ in turns]
            assert not unsound + raised, f"{names}: {unsound + raised}"
        return stage.serial[turns]

    def met(self, stage: Stage, a: Command, b: Command, point: int) -> Outcome:
        """What comes of two commands where `a` is stopped before its statement of a number."""
        stage.set(self.hands)
        self.wire.listen(self.a.ident, self.b.ident, stop=(self.a.ident, point))
        first = self.a.play(stage, a)
        try:
            assert self.wire.stopped.wait(LONGEST), f"{a.name} did not come to statement {point}"
            if stage.later:
                self.hands.move_to(stage.later)
            second = self.b.play(stage, b)
            self.waited = self._until_it_waits(second)
            self.figures["interleavings"] += 1
            self.figures["waited"] += self.waited
        finally:
            self.wire.go_on.set()
        ended = (first.result(LONGEST), second.result(LONGEST))
        return Outcome(ended, stage.seen())

    def _until_it_waits(self, second: "Future[str]") -> bool:
        for _ in range(int(LONGEST / LOOK_AGAIN)):
            wait([second], timeout=LOOK_AGAIN)
            if second.done():
                return False
            if self.wire.inside(self.a.ident) and self.b.waits():
                return True
        raise AssertionError("the second command neither ends nor waits")

    def objections(self, stage: Stage, a: Command, b: Command) -> Iterator[str]:
        """
        Let two commands meet at one point after the other; what is wrong with what came of it.

        Once the second has waited for a lock of the first, it would wait for that one at each later
        point, too, at the latest, and find the same behind it. Those are left out, unless every
        point is wanted.
        """
        for point in self.points(stage, a):
            objection = self.objection(stage, a, b, point)
            if objection is not None:
                yield objection
            if self.waited and not self._every_point:
                return

    def objection(self, stage: Stage, a: Command, b: Command, point: int) -> str | None:
        """Let two commands meet; what is wrong with what came of it, or None."""
        found = self.met(stage, a, b, point)
        objection = self._judged(stage, a, b, found)
        if objection is None:
            return None
        before = self.wire.sent[self.a.ident][point]
        return f"{stage.name}: {a.name}, stopped before [{before[:90]}], met {b.name}:\n{objection}"

    def _one_way_and_the_other(
        self, stage: Stage, a: Command, b: Command
    ) -> tuple[Outcome, Outcome]:
        later = stage.later or stage.at
        one = self.one_by_one(stage, (a, stage.at), (b, later))
        other = self.one_by_one(stage, (b, later), (a, later))
        return one, Outcome(other.ended[::-1], other.seen)

    def _judged(self, stage: Stage, a: Command, b: Command, found: Outcome) -> str | None:
        one, other = self._one_way_and_the_other(stage, a, b)
        if found == one:
            return self._counted("as a, then b")
        if found == other:
            return self._counted("as b, then a")
        later = stage.later or stage.at
        for gone, kept, turn in ((a, 1, (b, later)), (b, 0, (a, stage.at))):
            gave_way = gone.passes_over or found.ended[1 - kept].startswith("refused")
            without_it = Outcome((found.ended[kept],), found.seen)
            if gave_way and without_it == self.one_by_one(stage, turn):
                return self._counted("clean conflicts")
        return _difference(found, one, other)

    def _counted(self, what: str) -> None:
        self.figures[what] += 1

    def does_something(self, stage: Stage, command: Command) -> bool:
        """Whether a command by itself changes what can be seen."""
        alone = self.one_by_one(stage, (command, stage.later or stage.at))
        nothing = self.one_by_one(stage)
        return alone.seen != nothing.seen

    def leave(self) -> None:
        """End both threads."""
        self.a.leave()
        self.b.leave()


def _difference(found: Outcome, *expected: Outcome) -> str:
    lines = [f"  ended {end[:LINE]}" for end in found.ended]
    for name, outcome in zip(("a, then b", "b, then a"), expected, strict=True):
        lines += [f"  {name}: {end[:LINE]}" for end in outcome.ended]
        missing = sorted((Counter(outcome.seen) - Counter(found.seen)).elements())
        added = sorted((Counter(found.seen) - Counter(outcome.seen)).elements())
        for wanted, got in list(zip_longest(missing, added, fillvalue=""))[:ROWS]:
            same = max(0, len(commonprefix([wanted, got])) - 60)  # noqa: RUF071 texts are meant
            lines.append(f"  {name}: {wanted[:60]} ...{wanted[same : same + LINE]}")
            lines.append(f"       found: {got[:60]} ...{got[same : same + LINE]}")
    return "\n".join(lines)


@contextmanager
def a_theatre(hands: Hands, figures: "Counter[str]", every_point: bool) -> Iterator[Theatre]:
    """A theatre for the time of the block; afterwards the database is empty."""
    _connect()
    theatre = Theatre(hands, figures, every_point)
    try:
        with _tapped(theatre.wire):
            yield theatre
    finally:
        theatre.leave()
        clear()
        for sqlstate, count in theatre.wire.collisions.items():
            figures[f"collisions {sqlstate}"] += count
