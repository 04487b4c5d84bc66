"""
Senders: threads that send what the engine gives them, and report what comes back.

What is reported is written in groups. The engine is woken by the first report of a group and by the
last job that is on its way; where many come, it waits a few milliseconds for others in between,
since a transaction for twenty answers costs little more than one for few: without that wait a
delivery costs 19 microseconds more than its 133 of processor time.
"""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from licensing import tracing
from webhooks import watching
from webhooks.gate import gate
from webhooks.jobs import Job
from webhooks.messages import Message
from webhooks.transport import Outcome, Transport

# What came back is written at the latest after so long: what one kill makes dispatchers send again
# is what was on its way, and what came back in this time.
SECONDS_OF_A_GROUP = 0.005
# It waits for others only where so many came while it wrote the group before.
ANSWERS_THAT_ARE_MANY = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """
    What became of a message of a job.

    Attributes:
        outcome: None where it was not sent.
        ends: whether the sender is done with the job; else it has gone on with the next message.
    """

    job: Job
    message: Message
    outcome: Outcome | None
    ends: bool


class Senders:
    """So many threads that send; `bell` is rung when there is something to write."""

    def __init__(self, transport: Transport, number: int, bell: threading.Event) -> None:
        self._transport = transport
        self._pool = ThreadPoolExecutor(number, thread_name_prefix="webhook-sender")
        self._bell = bell
        self._guard = threading.Lock()
        self._reports: list[Report] = []
        self._on_their_way = 0
        self._taken = 0
        self._stopping = False

    def hand_out(self, job: Job) -> None:
        """Let a sender send the messages of a job."""
        with self._guard:
            self._on_their_way += 1
        self._pool.submit(self._send, job)

    def wait(self, seconds: float) -> None:
        """Wait for a hint or a report; where there is a report, for others that may follow soon."""
        self._bell.wait(seconds)
        self._bell.clear()
        if self._reports and self._on_their_way and self._taken >= ANSWERS_THAT_ARE_MANY:
            self._bell.wait(SECONDS_OF_A_GROUP)
            self._bell.clear()

    def take(self) -> list[Report]:
        """What was reported, those of one job in order."""
        with self._guard:
            reports, self._reports = self._reports, []
        self._taken = len(reports)
        return reports

    def put_back(self, reports: Sequence[Report]) -> None:
        """What was taken could not be written: it is still to be."""
        with self._guard:
            self._reports = [*reports, *self._reports]
        self._bell.set()

    def stop(self) -> None:
        """Let each sender end with the message in hand."""
        self._stopping = True

    def close(self) -> None:
        """Let the threads and their sockets go."""
        self._pool.shutdown(wait=True)
        self._transport.close()

    def _send(self, job: Job) -> None:
        with gate:
            self._send_in_turn(job)

    def _send_in_turn(self, job: Job) -> None:
        message: Message | None = job.message
        while message is not None:
            outcome = self._outcome(job, message)
            following = None
            if outcome is not None and not self._stopping:
                following = job.after(outcome)
            self._report(Report(job, message, outcome, ends=following is None))
            message = following

    def _outcome(self, job: Job, message: Message) -> Outcome | None:
        """Send a message, unless the lease is about to end; returns what came of it."""
        try:
            if not job.may_send(time.monotonic()):
                return None
            with tracing.sending(f"webhook {job.occasion}", message.traceparent) as span:
                outcome = message.send(self._transport)
                if tracing.is_on():
                    watching.tell(span, job, message, outcome)
                return outcome
        except Exception:
            log.exception("message %s could not be sent", message.id)
            return None

    def _report(self, report: Report) -> None:
        with self._guard:
            is_first = not self._reports
            self._reports.append(report)
            self._on_their_way -= report.ends
            is_last = not self._on_their_way
        if is_first or is_last:
            self._bell.set()
