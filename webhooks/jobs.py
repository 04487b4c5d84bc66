"""What a sender is given to send, and what is written when it comes back."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from webhooks import challenges, health, lanes, logs, messages, outcomes, parking, secrets, settling
from webhooks.messages import Message
from webhooks.models import Endpoint, Lane, Parked
from webhooks.rules import SECOND, EndpointStatus, Occasion, Verdict
from webhooks.transport import Outcome

# A lane gives way to others after so many events in a row.
EVENTS_PER_TURN = 50


@dataclass(eq=False)
class Job(ABC):
    """
    A message on its way to an endpoint.

    Attributes:
        endpoint: as it was when the message was made.
        message: what is sent.
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

    @property
    def names(self) -> dict[str, str | int | None]:
        """What it is about, for whoever runs the service: ids and names of ours."""
        return {
            "seatkeeper.endpoint_id": self.endpoint.id,
            "seatkeeper.account_id": self.key[1] or None,
            "seatkeeper.event_id": self.message.id,
            "seatkeeper.event_type": self.message.type,
            "seatkeeper.sequence": self.message.sequence,
        }

    @abstractmethod
    def settle(self, outcome: Outcome, now: int) -> "Job | None":
        """Write what came of it; returns the job to go on with."""

    def renew(self, now: int) -> None:
        """Hold what is leased for longer; what is leased long enough from the start needs none."""
        return

    def give_back(self, now: int) -> None:
        """Nothing was sent: let others send it."""
        return

    def note(self, log: str, outcome: Outcome) -> None:
        """Keep the attempt."""
        outcomes.note_attempt(log, self.endpoint.id, self.message, outcome, self.occasion)


@dataclass(eq=False)
class Delivery(Job):
    """The next event of a leased lane; `turn` counts how many it sent in a row."""

    occasion = Occasion.DELIVERY
    lane: Lane
    turn: int = 1

    @property
    def key(self) -> tuple[str, str, int]:
        """The lane."""
        return self.endpoint.id, self.lane.account_id, 0

    def settle(self, outcome: Outcome, now: int) -> Job | None:
        """Move the lane on, or let it wait; returns its next event while it has one."""
        current = health.note_answer(self.endpoint, outcome, now)
        if current is None:
            return None
        self.note(self.lane.account_id, outcome)
        lane = settling.settle_lane(self.lane, current, self.message, outcome, now)
        if lane is None:
            return None
        if not self._goes_on(current, now):
            lanes.wait(lane, now)
            return None
        try:
            return delivery(lane, current, now, self.turn + 1)
        except secrets.Unreadable:
            # What is to be done about it is decided where lanes are claimed.
            lanes.wait(lane, now)
            return None

    def _goes_on(self, endpoint: Endpoint, now: int) -> bool:
        return (
            self.turn < EVENTS_PER_TURN
            and endpoint.status == EndpointStatus.ACTIVE
            and endpoint.next_send_at <= now
            and endpoint.rate is None
        )

    def renew(self, now: int) -> None:
        """Lease the lane for longer."""
        lanes.renew(self.lane, now)
        self.lease_ends = time.monotonic() + lanes.LEASE / SECOND

    def give_back(self, now: int) -> None:
        """Make the lane ready."""
        lanes.wait(self.lane, now)


def delivery(lane: Lane, endpoint: Endpoint, now: int, turn: int = 1) -> Delivery | None:
    """The next event of a leased lane; None where nothing up to its head is asked for any more."""
    types = lanes.asked_for(endpoint, lane.account_id)
    log = lane.account_id
    entry = logs.next_entry(log, endpoint.id, types, lane.cursor, lane.head)
    if entry is None:
        lanes.rest(lane)
        return None
    if lane.previous is None:
        lane.previous = logs.last_before(log, endpoint.id, types, entry.sequence - 1)
        lanes.fix_previous(lane)
    message = messages.of_entry(entry, lane.previous, endpoint)
    lease_ends = time.monotonic() + (lane.lease_until - now) / SECOND
    return Delivery(endpoint, message, lease_ends, lane, turn)


@dataclass(eq=False)
class Recovery(Job):
    """A parked event that somebody wants sent again."""

    occasion = Occasion.RECOVERY
    parked: Parked

    @property
    def key(self) -> tuple[str, str, int]:
        """The parked event."""
        return self.endpoint.id, self.parked.account_id, self.parked.sequence

    def settle(self, outcome: Outcome, now: int) -> Job | None:
        """It is parked no longer, or tried again, or stays parked where it is refused again."""
        means = outcomes.meaning(outcome)
        current = health.note_answer(self.endpoint, outcome, now)
        if current is None:
            return None
        self.note(self.parked.account_id, outcome)
        if means is Verdict.DELIVERED:
            parking.delivered(self.parked)
        elif means in outcomes.ABOUT_THE_MESSAGE:
            parking.stays(self.parked, None)
        else:
            parking.stays(self.parked, now + SECOND)
        return None

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
class Challenge(Job):
    """The question whether an endpoint wants our messages."""

    occasion = Occasion.VERIFICATION
    challenge: str

    @property
    def key(self) -> tuple[str, str, int]:
        """The endpoint."""
        return self.endpoint.id, "", 0

    def settle(self, outcome: Outcome, now: int) -> Job | None:
        """Make the endpoint active, or ask again later."""
        if challenges.settle(self.endpoint, self.challenge, outcome, now):
            self.note(logs.OPERATOR, outcome)
        return None


def challenge(endpoint: Endpoint, seconds: float) -> Challenge:
    """A challenge for a pending endpoint, which nobody else challenges for so long."""
    text, message = challenges.challenge_for(endpoint)
    return Challenge(endpoint, message, time.monotonic() + seconds, text)
