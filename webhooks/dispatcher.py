"""
The dispatcher: one engine thread, which alone writes, and senders, which alone send.

The engine writes what came of all that the senders have sent, and claims what is due, in one
transaction; then it hands each job to a sender. Any number of dispatchers may run at once: leases
keep them apart, and whoever lost one changes nothing (promise 7).
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from peewee import PeeweeException

from licensing import db, heartbeats
from licensing.db import transaction, transactional
from licensing.row_security import EVERY_ACCOUNT
from webhooks import endpoints, health, jobs, lanes, parking, secrets, settling, waking, watching
from webhooks.jobs import Job
from webhooks.models import Endpoint, Lane
from webhooks.rules import SECOND, EndpointStatus
from webhooks.senders import Report, Senders
from webhooks.transport import Transport

SENDERS = 32
SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_BETWEEN_RENEWALS = 2.0
# Who is probed is left to one dispatcher for longer than an answer may take.
MILLISECONDS_FOR_A_PROBE = 15 * SECOND

log = logging.getLogger(__name__)


class Dispatcher:
    """One dispatcher; `run` keeps it working, `deliver_all` works until nothing is due."""

    def __init__(
        self,
        transport: Transport,
        now: Callable[[], int] = lanes.database_now,
        senders: int = SENDERS,
    ) -> None:
        self._now = now
        self._bell = waking.bell()
        self._senders = Senders(transport, senders, self._bell)
        self._number = senders
        self._held: list[Job] = []
        self._renewed = time.monotonic()
        self._rotation = 0
        self._patience = SECONDS_BETWEEN_LOOKS
        self._stopping = threading.Event()

    def run(self) -> None:
        """Send what is due, until `stop` is called."""
        while not self._stopping.is_set():
            try:
                with db.connection(EVERY_ACCOUNT):
                    self._go_on()
            except Exception:
                # Whatever it was, deliveries have to go on; what was not written is repeated.
                log.exception("the dispatcher could not work; it tries again")
                db.close()  # a connection that was cut stays so
                self._stopping.wait(SECONDS_BETWEEN_LOOKS)
        with db.connection(EVERY_ACCOUNT):
            self._finish()

    def _go_on(self) -> None:
        while not self._stopping.is_set():
            heartbeats.beat("dispatcher")
            self._senders.wait(self._patience)
            self._work(self._senders.take())

    def stop(self) -> None:
        """Let `run` end when what is on its way has come back."""
        self._stopping.set()
        self._senders.stop()
        self._bell.set()

    def deliver_all(self) -> int:
        """Work until nothing is due or on its way; returns how many messages were sent."""
        sent = self._work([])
        while self._held:
            self._senders.wait(self._patience)
            sent += self._work(self._senders.take())
        return sent

    def close(self) -> None:
        """Let the senders and their sockets go."""
        self._senders.close()

    def _work(self, reports: Sequence[Report]) -> int:
        try:
            return self._worked(reports)
        except (PeeweeException, db.Busy):
            # Nothing was written: what the senders reported is still to be.
            self._senders.put_back(reports)
            raise
        except Exception:
            if not reports:
                raise
            log.exception("reports cannot be written together; they are one by one")
        return sum(self._worked_alone(report) for report in reports)

    def _worked_alone(self, report: Report) -> int:
        """Write one report; where that cannot be done, its lane lapses, and others go on."""
        try:
            return self._worked([report])
        except Exception:
            log.exception("what came of message %s cannot be written", report.message.id)
            report.job.stop()
            self._held = [job for job in self._held if job is not report.job]
            return 0

    def _worked(self, came: Sequence[Report]) -> int:
        # Of a job that was let go nothing is written any more.
        held = set(self._held)
        reports = [report for report in came if report.job in held]
        handed_out = self._settle_and_claim(reports)
        sent = [(one.job, one.message, one.outcome) for one in reports if one.outcome is not None]
        for job, message, outcome in sent:
            watching.count(job, message, outcome)
        ended = {report.job for report in reports if report.ends}
        self._held = [job for job in self._held if job not in ended] + handed_out
        for job in handed_out:
            self._senders.hand_out(job)
        return len(sent)

    @transactional
    def _settle_and_claim(self, reports: Sequence[Report]) -> list[Job]:
        now, goes_on = self._now(), not self._stopping.is_set()
        ended = {report.job for report in reports if report.ends}
        busy = [job for job in self._held if job not in ended]
        handed_out = settling.write(reports, now, goes_on)
        if time.monotonic() - self._renewed >= SECONDS_BETWEEN_RENEWALS:
            for job in sorted(busy, key=lambda job: job.key):
                job.renew(now)
            # No sooner: what is not committed is done again, and has to be renewed again.
            renewed = partial(setattr, self, "_renewed", time.monotonic())
            transaction().afterwards["renewed"] = renewed
        if goes_on:
            lanes.lapse(now)
            handed_out += self._claimed(now, [*busy, *handed_out])
        return handed_out

    def _claimed(self, now: int, busy: Sequence[Job]) -> list[Job]:
        """Fairly: each endpoint that has work in turn, while senders are free (promise 5)."""
        in_flight = Counter(job.endpoint.id for job in busy)
        in_trouble = sum(endpoints.is_probing(job.endpoint) for job in busy)
        free = self._number - len(busy)
        ready = endpoints.with_work(now) if free else []
        self._rotation += 1
        start = self._rotation % max(len(ready), 1)
        claimed: list[Job] = []
        self._patience = SECONDS_BETWEEN_LOOKS
        for endpoint in ready[start:] + ready[:start]:
            room = min(endpoints.allowance(endpoint) - in_flight[endpoint.id], free - len(claimed))
            if endpoints.is_probing(endpoint):
                room = min(room, 1, self._number // 2 - in_trouble)
                in_trouble += room > 0
            if room > 0:
                claimed += _claimed_of(endpoint, room, now)
            if endpoint.rate is not None:
                self._patience = min(self._patience, 1 / endpoint.rate)
        return claimed

    def _finish(self) -> None:
        """Write what is still on its way; what does not come back lapses and is sent again."""
        while self._held:
            self._senders.wait(self._patience)
            self._work(self._senders.take())
        self.close()
        db.close()
        heartbeats.rest("dispatcher")


def _claimed_of(endpoint: Endpoint, room: int, now: int) -> list[Job]:
    """What is due of one endpoint, at most `room` messages."""
    if endpoints.is_probing(endpoint):
        until = now + MILLISECONDS_FOR_A_PROBE
        if not endpoints.take_the_probe(endpoint, until):
            return []
        if endpoint.status == EndpointStatus.PENDING:
            return _challenged(endpoint, now)
    room = min(room, endpoints.turns_free(endpoint, now))
    leased = lanes.claim(endpoint.id, room, now) if room else []
    parked = parking.claim(endpoint.id, room - len(leased), now) if room > len(leased) else []
    endpoints.use_turns(endpoint, len(leased) + len(parked), now)
    try:
        found = [
            *(jobs.delivery(lane, endpoint, now) for lane in leased),
            *(jobs.recovery(row, endpoint) for row in parked),
        ]
    except secrets.Unreadable as unreadable:
        _leave_alone(endpoint, leased, now, unreadable)
        return []
    return [job for job in found if job is not None]


def _challenged(endpoint: Endpoint, now: int) -> list[Job]:
    try:
        return [jobs.challenge(endpoint, MILLISECONDS_FOR_A_PROBE / SECOND)]
    except secrets.Unreadable as unreadable:
        _leave_alone(endpoint, [], now, unreadable)
        return []


def _leave_alone(
    endpoint: Endpoint, leased: Sequence[Lane], now: int, unreadable: secrets.Unreadable
) -> None:
    """Nothing can be signed: let the endpoint wait until somebody brings the secret key back."""
    log.error("%s cannot be decrypted; a former secret key is missing", unreadable)
    for lane in leased:
        lanes.wait(lane, now)
    current = endpoints.locked_unless_busy(endpoint.id)
    if current is not None:
        health.block(current, now)
