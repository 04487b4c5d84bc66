"""
Dispatchers in processes of their own, which can be killed cheaply: one process forks them all.

`program` takes the arguments NUMBER [FAULT POINT [VARIANT]], and the service's settings from the
environment. Each line `kill N` on standard input kills -9 the N-th and starts
another in its place, without the fault; the end of the input ends them all.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from app import create_app
from licensing import db, settings
from licensing.settings import from_environment
from webhooks import dispatcher, jobs, lanes
from webhooks.answers import Answer
from webhooks.dispatcher import Dispatcher
from webhooks.messages import Message
from webhooks.running import Running


def hurry() -> None:
    """Lease for as long as a test can wait; the proportions are those of the service."""
    lanes.LEASE = 1_600
    dispatcher.SECONDS_BETWEEN_RENEWALS = 0.4
    dispatcher.SECONDS_BEFORE_A_LEASE_ENDS = 0.2


def die() -> None:
    """What kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


def after_the_claim() -> None:
    """Die when lanes were leased, and nothing was handed out."""

    def wrap(work: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        def run(*arguments: Any) -> list[Any]:
            claimed = work(*arguments)
            if claimed:
                die()
            return claimed

        return run

    Dispatcher._settle_and_claim = wrap(Dispatcher._settle_and_claim)  # type: ignore[method-assign]


def before_the_send() -> None:
    """Die when a sender has a message in hand."""
    Message.send = lambda *_: die()  # type: ignore[assignment, method-assign, return-value]


def during_the_send() -> None:
    """Die when a message is on the wire, and before its answer is read."""
    Answer.begin = lambda _: die()  # type: ignore[method-assign]


def after_the_answer() -> None:
    """Die when the receiver has taken a message, and nothing of that was written."""
    send = Message.send

    def run(self: Message, transport: Any) -> Any:
        send(self, transport)
        die()

    Message.send = run  # type: ignore[method-assign]


def after_the_commit() -> None:
    """Die when a delivery was written, before what follows is handed out."""

    def wrap(work: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        def run(self: Dispatcher, reports: Any) -> list[Any]:
            following = work(self, reports)
            if reports:
                die()
            return following

        return run

    Dispatcher._settle_and_claim = wrap(Dispatcher._settle_and_claim)  # type: ignore[method-assign]


def careless() -> None:
    """The negative control: a dispatcher that moves the cursor before it sends."""
    delivery = jobs.delivery

    def run(lane: Any, *arguments: Any) -> Any:
        job = delivery(lane, *arguments)
        if job is not None:
            lanes.advance(lane, job.message.sequence)
        return job

    jobs.delivery = run


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault
    for fault in (
        after_the_claim,
        before_the_send,
        during_the_send,
        after_the_answer,
        after_the_commit,
    )
}


def _forked(fault: Callable[[], None] | None) -> int:
    child = os.fork()
    if child:
        return child
    if fault is not None:
        fault()
    running = Running(settings.current())
    signal.signal(signal.SIGTERM, lambda *_: running.stop())
    running.run()
    os._exit(0)


def main(number: int, point: str = "", variant: str = "") -> None:
    """Keep so many dispatchers at work; the first one dies at the fault point."""
    hurry()
    create_app(from_environment())
    if variant:
        careless()
    crew = [_forked(FAULTS.get(point) if n == 0 else None) for n in range(number)]
    print("working", flush=True)  # noqa: T201 for whoever has started it
    for line in sys.stdin:
        unlucky = int(line.split()[1])
        os.kill(crew[unlucky], signal.SIGKILL)
        os.waitpid(crew[unlucky], 0)
        crew[unlucky] = _forked(None)
    for child in crew:
        os.kill(child, signal.SIGTERM)
    for child in crew:
        os.waitpid(child, 0)
    db.close_all()


def program() -> None:
    """What `tests.warm` starts."""
    main(int(sys.argv[1]), *sys.argv[2:])
