"""A start line: many threads do something at the same moment, each on a connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from licensing import db
from licensing.row_security import EVERY_ACCOUNT
from licensing.rules.refusals import Refusal

RUNNERS = 16


def race(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """
    Run the calls at once, one thread each, and return what each returned or was refused with.

    Whatever else a call raises, the race raises.
    """
    line = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        with db.connection(EVERY_ACCOUNT):
            line.wait(timeout=30)
            try:
                return call()
            except Refusal as refusal:
                return refusal
            finally:
                db.close()

    with ThreadPoolExecutor(len(calls)) as runners:
        return [runner.result(timeout=60) for runner in [runners.submit(run, c) for c in calls]]


def refused(results: list[Any], kind: type[Refusal]) -> int:
    """How many were refused in this way."""
    return sum(isinstance(result, kind) for result in results)


def done(results: list[Any]) -> int:
    """How many were not refused."""
    return sum(not isinstance(result, Refusal) for result in results)
