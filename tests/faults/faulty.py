"""
The service with a fault built in: what the processes of `tests.faults.machines` run.

`stock` builds the application and forks programs of it; `program` takes the name of a fault, or
`at_step:NUMBER`, then the command line of `seatkeeper`. A fault is a point at which the process
dies, as kill -9 would have it, or a broken variant of the service: the negative control of a test.
"""

import itertools
import multiprocessing
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import copy_context
from typing import Any

import peewee
from flask import Flask, has_request_context
from granian.server import mp
from playhouse import migrate

import app
from licensing import db, events, idempotency, ledger, settings
from licensing.idempotency import Answer
from licensing.settings import Settings
from tests import warm
from tests.faults.dispatching import hurry
from webhooks import waking

# A point of a command is passed so many times before it is deadly.
SURVIVED = 2
SECONDS_BEFORE_THE_COMMIT = 0.05


def die() -> None:
    """What kill -9 does, to all processes of a machine."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def none() -> None:
    """The service as it is."""


def _dies_before(module: Any, name: str, when: Callable[[], bool]) -> None:
    """Let the process die where it would call a function, once it has passed a few times."""
    original = getattr(module, name)
    passed = iter(range(SURVIVED))

    def run(*arguments: Any, **more: Any) -> Any:
        if when() and next(passed, None) is None:
            die()
        return original(*arguments, **more)

    setattr(module, name, run)


def _in_a_step() -> bool:
    return threading.current_thread().name == "scheduler"


def _closing(last: Callable[[], None], when: Callable[[], bool]) -> None:
    """Have `last` done as the last thing before the commit."""
    original: Any = db._once

    def once(work: Callable[[], Any], alone: bool) -> Any:
        def with_an_end() -> Any:
            result = work()
            if when():
                db.transaction().closing.append(last)
            return result

        return original(with_an_end, alone)

    db._once = once


def _dies_at_the_commit(when: Callable[[], bool]) -> None:
    passed = iter(range(SURVIVED))
    _closing(lambda: die() if next(passed, None) is None else None, when)


def _dies_after_the_commit(when: Callable[[], bool]) -> None:
    original: Any = db._once
    passed = iter(range(SURVIVED))

    def once(work: Callable[[], Any], alone: bool) -> Any:
        result = original(work, alone)
        if when() and next(passed, None) is None:
            die()
        return result

    db._once = once


def after_the_key() -> None:
    """Die when the idempotency key is claimed, and nothing else was done."""
    original = idempotency._claim
    passed = iter(range(SURVIVED))

    def claim(*arguments: Any) -> bool:
        claimed = original(*arguments)
        if next(passed, None) is None:
            die()
        return claimed

    idempotency._claim = claim


def before_the_log() -> None:
    """Die when the rows are changed, and the log has yet to be written."""
    _dies_before(events, "_append", has_request_context)


def in_the_log() -> None:
    """Die when the events are in the log, and what is kept of them beside it is not."""
    _dies_before(ledger, "keep", has_request_context)


def before_the_commit() -> None:
    """Die when everything is written but the commit."""
    _dies_at_the_commit(has_request_context)


def after_the_commit() -> None:
    """Die when a command is committed, before anybody is told of it."""
    _dies_before(waking, "ring_all", has_request_context)


def before_the_answer() -> None:
    """Die when a command is done, before its answer leaves."""
    _dies_after_the_commit(has_request_context)


def before_the_commit_of_a_step() -> None:
    """Die when the scheduler has done a step, before it is committed."""
    _dies_at_the_commit(_in_a_step)


def after_the_commit_of_a_step() -> None:
    """Die when the scheduler has committed a step."""
    _dies_after_the_commit(_in_a_step)


POINTS: dict[str, Callable[[], None]] = {
    point.__name__: point
    for point in (
        after_the_key,
        before_the_log,
        in_the_log,
        before_the_commit,
        after_the_commit,
        before_the_answer,
        before_the_commit_of_a_step,
        after_the_commit_of_a_step,
    )
}


def at_step(number: int) -> None:
    """Die before the n-th statement or commit (from 1) that is asked of the database."""
    steps = itertools.count(1)
    for name in ("execute_sql", "commit"):
        original = getattr(peewee.Database, name)

        def run(*arguments: Any, original: Any = original, **more: Any) -> Any:
            if next(steps) == number:
                die()
            return original(*arguments, **more)

        setattr(peewee.Database, name, run)


def at_step_without_transactions(number: int) -> None:
    """A control: migrations that are not done as a whole."""
    migrate.SchemaMigrator.migration_context = lambda *_: nullcontext()
    at_step(number)


def answers_first() -> None:
    """A control: a server that answers, and then commits."""
    original: Any = db._once

    def once(work: Callable[[], Any], alone: bool) -> Any:
        if not has_request_context():
            return original(work, alone)
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def early() -> Any:
            result = work()
            closing = db.transaction().closing
            closing += [lambda: answers.put(result), lambda: time.sleep(SECONDS_BEFORE_THE_COMMIT)]
            return result

        def later() -> None:
            with db.connection():
                try:
                    original(early, alone)
                except BaseException as problem:
                    answers.put(problem)
                finally:
                    db.close()

        threading.Thread(target=copy_context().run, args=(later,), daemon=True).start()
        result = answers.get()
        if isinstance(result, BaseException):
            raise result
        return result

    db._once = once


def forgets_keys() -> None:
    """A control: a server that does not know idempotency keys, and dies before it answers."""

    def once(_actor: Any, _key: str, _fingerprint: str, run: Callable[[], Answer]) -> Any:
        return run(), False

    idempotency.once = once
    before_the_answer()


def drops_what_is_in_hand() -> None:
    """A control: a server that ends at once when it is asked to."""
    mp.WorkerProcess.terminate = mp.WorkerProcess.kill


FAULTS: dict[str, Callable[[], None]] = POINTS | {
    fault.__name__: fault for fault in (none, answers_first, forgets_keys, drops_what_is_in_hand)
}

AT_A_STEP = {fault.__name__: fault for fault in (at_step, at_step_without_transactions)}


def stock() -> None:
    """Build the application once; what is forked from here on uses it, with its own database."""
    built = app.create_app()

    def create_app(chosen: Settings | None = None) -> Flask:
        in_force = chosen or settings.from_environment()
        settings.put_in_force(in_force)
        db.open_database(in_force)
        return built

    app.create_app = create_app
    hurry()
    multiprocessing.set_start_method("fork")  # the process that answers has the fault, too
    warm.serve(socket.socket(fileno=os.dup(0)))


def program() -> None:
    """What a stock forks."""
    fault, _, number = sys.argv.pop(1).partition(":")
    if number:
        AT_A_STEP[fault](int(number))
    else:
        FAULTS[fault]()
    app.main()
