"""What follows from an answer for the lane that the event came from (promises 2 and 4)."""

from webhooks import lanes, notices, parking
from webhooks.event_types import OperatorEvent
from webhooks.health import chance
from webhooks.messages import Message
from webhooks.models import Endpoint, Lane
from webhooks.outcomes import ABOUT_THE_MESSAGE, meaning
from webhooks.resources import parked_resource
from webhooks.rules import PARKED_AFTER, SECOND, LaneState, Poison, Verdict, lane_delay
from webhooks.transport import Outcome

# Of a lane whose endpoint is in trouble: for how long is the endpoint's own affair.
SHORTEST_WAIT = SECOND // 2
BY_ITSELF = "seatkeeper"


def settle_lane(
    lane: Lane, endpoint: Endpoint, message: Message, outcome: Outcome, now: int
) -> Lane | None:
    """
    Move a leased lane on after an answer, or let it wait.

    Args:
        lane: the lane as it was leased.
        endpoint: the endpoint as it is now.
        message: what was sent.
        outcome: what came back.
        now: the present instant, in milliseconds.

    Returns the lane if it is still leased and may have more to send.
    """
    means = meaning(outcome)
    if means is Verdict.DELIVERED:
        moved = lanes.advance(lane, _sequence(message), _paced(lane, message, now))
        return moved if moved is not None and moved.state == LaneState.LEASED else None
    if means in ABOUT_THE_MESSAGE:
        _refused(lane, endpoint, message, means, now)
    else:
        lanes.wait(lane, now + SHORTEST_WAIT)
    return None


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
