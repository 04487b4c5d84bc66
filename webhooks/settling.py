"""What follows from answers for the lanes that the events came from (promises 2 and 4)."""

import time
from collections.abc import Iterator, Mapping, Sequence

from webhooks import endpoints, health, jobs, lanes, notices, outcomes, parking, secrets
from webhooks.event_types import OperatorEvent
from webhooks.health import chance
from webhooks.jobs import EVENTS_PER_TURN, Delivery, Job, Single
from webhooks.messages import Message
from webhooks.models import Endpoint, Lane
from webhooks.outcomes import ABOUT_THE_MESSAGE, Tried, meaning
from webhooks.resources import parked_resource
from webhooks.rules import PARKED_AFTER, SECOND, LaneState, Poison, Verdict, lane_delay
from webhooks.senders import Report
from webhooks.transport import Outcome

# Of a lane whose endpoint is in trouble: for how long is the endpoint's own affair.
SHORTEST_WAIT = SECOND // 2
BY_ITSELF = "seatkeeper"


def write(reports: Sequence[Report], now: int, goes_on: bool) -> list[Job]:
    """
    Write what came back from senders, whatever it is, in few statements for all of it.

    Args:
        reports: those of one job in order.
        now: the present instant, in milliseconds.
        goes_on: whether lanes that have more to send go on with it.

    Returns the jobs to go on with.
    """
    of_jobs: dict[Job, list[Report]] = {}
    for report in reports:
        of_jobs.setdefault(report.job, []).append(report)
    # In one order, whatever is written, so that two dispatchers do not wait for each other.
    in_order = sorted(of_jobs, key=lambda job: job.key)
    sent_to = {job.endpoint.id for job in in_order if isinstance(job, Delivery)}
    # Each endpoint is read once, however many of its answers there are.
    current = endpoints.all_current(sent_to)
    returned = []
    for job in in_order:
        if isinstance(job, Delivery):
            came = Returned(job, of_jobs[job])
            if _noted(came, current, now):
                returned.append(came)
        elif isinstance(job, Single):
            _settle(job, of_jobs[job][0].outcome, now)
    return _moved(returned, current, now, goes_on)


def _settle(job: Single, outcome: Outcome | None, now: int) -> None:
    if outcome is None:
        job.give_back(now + SECOND)
    else:
        job.settle(outcome, now)


class Returned:
    """
    What came back of a delivery.

    Attributes:
        ends: whether its sender has nothing more of it.
        taken: the messages that were delivered.
        failed: the report of the message after them, if that was not delivered; it is the last one.
    """

    def __init__(self, job: Delivery, reports: Sequence[Report]) -> None:
        *_, last = reports
        self.job, self.reports, self.ends = job, reports, last.ends
        is_taken = last.outcome is not None and meaning(last.outcome) is Verdict.DELIVERED
        self.failed = None if is_taken else last
        self.taken = [report.message for report in (reports if is_taken else reports[:-1])]

    @property
    def key(self) -> tuple[str, str]:
        """The lane."""
        return self.job.endpoint.id, self.job.lane.account_id


def _noted(came: Returned, current: dict[str, Endpoint], now: int) -> bool:
    """Write how the endpoint fares; whether it is still there."""
    sent_to = came.job.endpoint
    for report in came.reports:
        if report.outcome is not None:
            found = current.get(sent_to.id)
            found = health.note_answer(sent_to, found, report.outcome, now)
            if found is None:
                current.pop(sent_to.id, None)
            else:
                current[sent_to.id] = found
    if sent_to.id not in current:
        came.job.stop()
    return sent_to.id in current


def _moved(
    returned: Sequence[Returned], current: Mapping[str, Endpoint], now: int, goes_on: bool
) -> list[Job]:
    """Keep the attempts, move the lanes on or let them wait; returns the jobs to go on with."""
    outcomes.note_attempts([tried for came in returned for tried in _attempts(came)])
    lanes.hold([came.key for came in returned])
    seen = time.monotonic()
    moved = lanes.advance_all(
        [_step(came, current, now, goes_on) for came in returned if came.taken]
    )
    following = []
    for came in returned:
        lane = moved.get(came.key) if came.taken else came.job.lane
        if lane is None:
            came.job.stop()  # the lease was lost
        elif not came.ends:
            _let_go_on(came.job, current, now, seen)
        else:
            following.append(_following(came, lane, current[came.job.endpoint.id], now))
    return [job for job in following if job is not None]


def _attempts(came: Returned) -> Iterator[Tried]:
    for message, outcome in ((report.message, report.outcome) for report in came.reports):
        if outcome is not None:
            log, endpoint_id = came.job.lane.account_id, came.job.endpoint.id
            yield Tried(log, endpoint_id, message, outcome, came.job.occasion)


def _step(came: Returned, current: Mapping[str, Endpoint], now: int, goes_on: bool) -> lanes.Step:
    """How far the lane goes: what was refused, or was not sent, is looked at when it is there."""
    job, last = came.job, came.taken[-1]
    due_at = None
    if came.ends and came.failed is None:
        due_at = _paced(job.lane, last, now)
        stays = goes_on and job.turn + len(came.taken) <= EVENTS_PER_TURN
        if due_at is None and not (stays and job.may_go_on(current[job.endpoint.id], now)):
            due_at = now
    return lanes.Step(job.lane, _sequence(last), due_at)


def _let_go_on(job: Delivery, current: Mapping[str, Endpoint], now: int, seen: float) -> None:
    """The lane is still leased: let its sender go on, unless what it has in hand is out of date."""
    endpoint = current[job.endpoint.id]
    if endpoint.version == job.endpoint.version and job.may_go_on(endpoint, now):
        job.seen = seen
    else:
        job.stop()


def _following(came: Returned, lane: Lane, endpoint: Endpoint, now: int) -> Job | None:
    """What a lane goes on with, whose sender has come back."""
    if came.failed is not None:
        if came.failed.outcome is None:
            lanes.wait(lane, now + SECOND)
        else:
            _settle_lane(lane, endpoint, came.failed.message, came.failed.outcome, now)
        return None
    if lane.state != LaneState.LEASED:
        return None
    turn = came.job.turn + len(came.taken)
    try:
        rest = came.job.rest(lane, endpoint, now, turn)
        return rest or jobs.delivery(lane, endpoint, now, turn)
    except secrets.Unreadable:
        # What is to be done about it is decided where lanes are claimed.
        lanes.wait(lane, now)
        return None


def _settle_lane(
    lane: Lane, endpoint: Endpoint, message: Message, outcome: Outcome, now: int
) -> None:
    """Let a leased lane wait after an answer that took nothing, or give the message up."""
    means = meaning(outcome)
    if means in ABOUT_THE_MESSAGE:
        _refused(lane, endpoint, message, means, now)
    else:
        lanes.wait(lane, now + SHORTEST_WAIT)


def _sequence(message: Message) -> int:
    if message.sequence is None:
        raise ValueError("a lane sends events of its log only")
    return message.sequence


def _paced(lane: Lane, message: Message, now: int) -> int | None:
    """When a lane that is replayed goes on; None for at once."""
    if lane.pace is None or _sequence(message) >= lane.pace_until:
        return None
    return now + lane.pace


def _refused(lane: Lane, endpoint: Endpoint, message: Message, means: Verdict, now: int) -> None:
    """The receiver works, but does not take this message: other lanes go on."""
    since = lane.refused_since if lane.refused_since is not None else now
    if means is Verdict.GIVEN_UP or now - since >= PARKED_AFTER:
        _give_up(lane, endpoint, message, means)
        return
    refusals = lane.refusals + 1
    due_at = now + lane_delay(refusals, chance())
    lanes.wait(lane, due_at, refusals=refusals, refused_since=since)


def _give_up(lane: Lane, endpoint: Endpoint, message: Message, means: Verdict) -> None:
    if endpoint.poison_policy == Poison.BLOCK and means is not Verdict.GIVEN_UP:
        lanes.block(lane)
        return
    sequence = _sequence(message)
    if lanes.advance(lane, sequence, due_at=0) is None:
        return
    parked = parking.park(
        lane, sequence, message.id, message.type, message.previous or 0, means, BY_ITSELF
    )
    about = {"endpoint_id": endpoint.id} | parked_resource(parked)
    notices.tell(OperatorEvent.EVENT_PARKED, endpoint, means, about)
