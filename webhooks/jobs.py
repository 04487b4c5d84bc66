"""What a sender is given to send, and what is written when it comes back."""

import time
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from webhooks import challenges, endpoints, health, lanes, logs, messages, outcomes, parking
from webhooks.messages import Message
from webhooks.models import Endpoint, Lane, Parked
from webhooks.rules import SECOND, EndpointStatus, Occasion, Verdict
from webhooks.transport import Outcome

# A lane gives way to others after so many events in a row.
EVENTS_PER_TURN = 50


# Each sender has so many events of a lane in hand. What is read and opened for one serves them all,
# which saves 116 microseconds of processor time for each delivery: without it, it costs 249.
EVENTS_IN_HAND = 25
SECONDS_IN_HAND = 1.0
# A sender goes on by itself for so long after the engine has last seen that the lane is its own and
# the endpoint as it was; the engine looks again whenever it writes what came back. A receiver that
# takes longer to answer is sent nothing before the answer before it was written.
SECONDS_ON_ITS_OWN = 0.01
# Nothing is sent in the last moments of a lease, which could end while it is under way.
SECONDS_BEFORE_A_LEASE_ENDS = 1.0


@dataclass(eq=False)
class Job(ABC):
    """
    A message on its way to an endpoint.

    Attributes:
        endpoint: as it was when the message was made.
        message: what is sent first.
        lease_ends: until when nobody else sends it, by the monotonic clock.
    """

    occasion: ClassVar[Occasion]
    endpoint: Endpoint
    message: Message
    lease_ends: float

    @property
    @abstractmethod
    def key(self) -> tuple[str, str, int]:
        """What it is about; jobs are written in this order, so that dispatchers do not deadlock."""

    def names(self, message: Message) -> dict[str, str | int | None]:
        """What a message of it is about, for whoever runs the service: ids and names of ours."""
        return {
            "seatkeeper.endpoint_id": self.endpoint.id,
            "seatkeeper.account_id": self.key[1] or None,
            "seatkeeper.event_id": message.id,
            "seatkeeper.event_type": message.type,
            "seatkeeper.sequence": message.sequence,
        }

    def may_send(self, now: float) -> bool:
        """Whether the lease lasts for long enough, at an instant of the monotonic clock."""
        return now < self.lease_ends - SECONDS_BEFORE_A_LEASE_ENDS

    def after(self, _outcome: Outcome) -> Message | None:
        """The message that its sender sends next, now that this came of the one before."""
        return None

    def stop(self) -> None:
        """Let its sender send nothing after the message in hand; most have no other one."""
        return

    def renew(self, now: int) -> None:
        """Hold what is leased for longer; what is leased long enough from the start needs none."""
        return

    def give_back(self, now: int) -> None:
        """Nothing was sent: let others send it."""
        return


class Single(Job):
    """A job of one message, which is written by itself."""

    @abstractmethod
    def settle(self, outcome: Outcome, now: int) -> None:
        """Write what came of it."""

    def note(self, log: str, outcome: Outcome) -> None:
        """Keep the attempt."""
        outcomes.note_attempt(log, self.endpoint.id, self.message, outcome, self.occasion)


@dataclass(eq=False)
class Delivery(Job):
    """
    The next events of a leased lane, which one sender sends in turn.

    Attributes:
        ahead: those after the first one.
        turn: the how manieth in a row of the lane the first one is.
        seen: when the engine last saw that all is as it was, by the monotonic clock.
        read: when the events were read, and the secrets, by the same.
        sent: how many its sender has sent, or is sending.
    """

    occasion = Occasion.DELIVERY
    lane: Lane
    ahead: deque[Message]
    turn: int
    seen: float
    read: float
    sent: int = 1

    @property
    def key(self) -> tuple[str, str, int]:
        """The lane."""
        return self.endpoint.id, self.lane.account_id, 0

    def after(self, outcome: Outcome) -> Message | None:
        """
        The next event, once the one before it was taken.

        On one connection, and without waiting for the engine, which would cost 60 microseconds more
        for each delivery.
        """
        # Not more than the turn has had before, so that a kill in a lane that has few repeats few.
        if not self.ahead or self.sent >= self.turn:
            return None
        if outcomes.meaning(outcome) is not Verdict.DELIVERED:
            return None
        now = time.monotonic()
        if now >= self.seen + SECONDS_ON_ITS_OWN or not self.may_send(now):
            return None
        self.sent += 1
        return self.ahead.popleft()

    def stop(self) -> None:
        """Let its sender send nothing after the message in hand."""
        self.seen = -SECONDS_ON_ITS_OWN

    def rest(self, lane: Lane, endpoint: Endpoint, now: int, turn: int) -> "Delivery | None":
        """
        What is left of it, whose sender has come back, now that its lane was moved past the others.

        None where nothing is, or where it may be out of date: then it is to be read anew. That it
        mostly need not saves 32 microseconds for each delivery.
        """
        seen = time.monotonic()
        is_old = endpoint.version != self.endpoint.version or seen > self.read + SECONDS_IN_HAND
        if is_old or not self.ahead:
            return None
        lease_ends = seen + (lane.lease_until - now) / SECOND
        first, *ahead = self.ahead
        return Delivery(endpoint, first, lease_ends, lane, deque(ahead), turn, seen, self.read)

    def may_go_on(self, current: Endpoint, now: int) -> bool:
        """Whether more may be sent to its endpoint at once."""
        return (
            current.status == EndpointStatus.ACTIVE
            and current.next_send_at <= now
            and current.rate is None
        )

    def renew(self, now: int) -> None:
        """Lease the lane for longer."""
        if lanes.renew(self.lane, now):
            self.lease_ends = time.monotonic() + lanes.LEASE / SECOND
        else:
            self.stop()

    def give_back(self, now: int) -> None:
        """Make the lane ready."""
        lanes.wait(self.lane, now)


def delivery(lane: Lane, endpoint: Endpoint, now: int, turn: int = 1) -> Delivery | None:
    """The next events of a leased lane; None where none up to its head is asked for any more."""
    seen = time.monotonic()
    types = lanes.asked_for(endpoint, lane.account_id)
    log, most = lane.account_id, _most_in_hand(lane, endpoint, turn)
    entries = logs.next_entries(log, endpoint.id, types, lane.cursor, lane.head, most)
    if not entries:
        lanes.rest(lane)
        return None
    if lane.previous is None:
        lane.previous = logs.last_before(log, endpoint.id, types, entries[0].sequence - 1)
        lanes.fix_previous(lane)
    first, *ahead = messages.of_entries(entries, lane.previous, endpoint)
    lease_ends = seen + (lane.lease_until - now) / SECOND
    return Delivery(endpoint, first, lease_ends, lane, deque(ahead), turn, seen, seen)


def _most_in_hand(lane: Lane, endpoint: Endpoint, turn: int) -> int:
    """How many events of a lane a sender may have in hand: one where each has its own time."""
    if endpoint.rate is not None or lane.pace is not None or endpoints.is_probing(endpoint):
        return 1
    return min(EVENTS_IN_HAND, EVENTS_PER_TURN - turn + 1)


@dataclass(eq=False)
class Recovery(Single):
    """A parked event that somebody wants sent again."""

    occasion = Occasion.RECOVERY
    parked: Parked

    @property
    def key(self) -> tuple[str, str, int]:
        """The parked event."""
        return self.endpoint.id, self.parked.account_id, self.parked.sequence

    def settle(self, outcome: Outcome, now: int) -> None:
        """It is parked no longer, or tried again, or stays parked where it is refused again."""
        means = outcomes.meaning(outcome)
        current = endpoints.current(self.endpoint.id)
        if health.note_answer(self.endpoint, current, outcome, now) is None:
            return
        self.note(self.parked.account_id, outcome)
        if means is Verdict.DELIVERED:
            parking.delivered(self.parked)
        elif means in outcomes.ABOUT_THE_MESSAGE:
            parking.stays(self.parked, None)
        else:
            parking.stays(self.parked, now + SECOND)

    def give_back(self, now: int) -> None:
        """Make it due."""
        parking.stays(self.parked, now)


def recovery(parked: Parked, endpoint: Endpoint) -> Recovery | None:
    """A claimed parked event; None where its log does not hold it any more."""
    entry = logs.entry(parked.account_id, parked.event_id)
    if entry is None:
        parking.stays(parked, None)
        return None
    message = messages.of_entry(entry, parked.previous, endpoint)
    return Recovery(endpoint, message, time.monotonic() + parking.LEASE / SECOND, parked)


@dataclass(eq=False)
class Challenge(Single):
    """The question whether an endpoint wants our messages."""

    occasion = Occasion.VERIFICATION
    challenge: str

    @property
    def key(self) -> tuple[str, str, int]:
        """The endpoint."""
        return self.endpoint.id, "", 0

    def settle(self, outcome: Outcome, now: int) -> None:
        """Make the endpoint active, or ask again later."""
        if challenges.settle(self.endpoint, self.challenge, outcome, now):
            self.note(logs.OPERATOR, outcome)


def challenge(endpoint: Endpoint, seconds: float) -> Challenge:
    """A challenge for a pending endpoint, which nobody else challenges for so long."""
    text, message = challenges.challenge_for(endpoint)
    return Challenge(endpoint, message, time.monotonic() + seconds, text)
