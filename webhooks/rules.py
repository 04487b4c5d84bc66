"""
What an answer means, when to try again, when to give up: pure rules (promises 4 and 5 of webhooks).

The endpoint is retried, not the message: while an endpoint is in trouble, one of its lanes probes
it with the next real event. Only a message that the receiver refuses is held against its lane.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000

FAILURES_THAT_OPEN = 5
PROBES = (1, 2, 5, 10, 30, 60)
LANE_DELAYS = (5, 30, 2 * 60, 10 * 60, 30 * 60, 3600, 3 * 3600, 6 * 3600)
PARKED_AFTER = 72 * HOUR
SUSPENDED_AFTER = 7 * DAY
PROBES_BEFORE_SUSPENSION = 50
LONGEST_PAUSE = HOUR
USUAL_PAUSE = 5 * SECOND
SLOW_START_SUCCESSES = 10
FULL_SPEED = 10 * SLOW_START_SUCCESSES
# Operators are told again when an endpoint has been failing for so long.
WARNINGS = (0, HOUR, DAY, 3 * DAY, 6 * DAY)


class Verdict(StrEnum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    ENDPOINT_TROUBLE = "endpoint_trouble"
    SLOW_DOWN = "slow_down"
    MESSAGE_TROUBLE = "message_trouble"
    GONE = "gone"
    GIVEN_UP = "given_up"
    BLOCKED = "blocked"


class EndpointStatus(StrEnum):
    """Where an endpoint stands."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    GONE = "gone"


class LaneState(StrEnum):
    """Where a lane stands."""

    IDLE = "idle"
    READY = "ready"
    LEASED = "leased"
    BLOCKED = "blocked"


class Poison(StrEnum):
    """What becomes of a message that the receiver goes on refusing."""

    PARK = "park"
    BLOCK = "block"


class Occasion(StrEnum):
    """Why a message is sent."""

    DELIVERY = "delivery"
    RECOVERY = "recovery"
    RETRY = "retry"
    VERIFICATION = "verification"
    PING = "ping"
    TEST = "test"


class ReplayStatus(StrEnum):
    """Whether a replay has sent all its events."""

    RUNNING = "running"
    DONE = "done"


# What a receiver may say in the header `webhook-delivery`.
ABORT_MESSAGE, DISABLE = "abort-message", "disable"
OF_A_STATUS = {
    410: Verdict.GONE,
    429: Verdict.SLOW_DOWN,
    **dict.fromkeys((401, 403, 404, 405, 408, 421, 425), Verdict.ENDPOINT_TROUBLE),
}
OF_A_HUNDRED = {2: Verdict.DELIVERED, 4: Verdict.MESSAGE_TROUBLE}


def verdict(
    status: int | None,
    refused_address: bool = False,
    control: str | None = None,
    slow: bool = False,
) -> Verdict:
    """
    What an answer means.

    Args:
        status: the HTTP status, None where none came in time.
        refused_address: whether it was we who did not connect.
        control: the header `webhook-delivery` of the answer.
        slow: whether the answer had a `Retry-After`.
    """
    if refused_address:
        return Verdict.BLOCKED
    if status is None:
        return Verdict.ENDPOINT_TROUBLE
    if control == DISABLE:
        return Verdict.GONE
    if control == ABORT_MESSAGE and status // 100 != 2:
        return Verdict.GIVEN_UP
    if status == 503 and slow:
        return Verdict.SLOW_DOWN
    found = OF_A_STATUS.get(status) or OF_A_HUNDRED.get(status // 100)
    return found or Verdict.ENDPOINT_TROUBLE


def probe_delay(step: int, failing_for: int, chance: float) -> int:
    """
    How many milliseconds until the next probe of an endpoint in trouble.

    1, 2, 5, 10, 30, 60 seconds, every minute in the first hour, every 5 to 24 hours, every 15 after
    that; each times `chance`, 0.5 to 1, so that endpoints behind one host do not probe together.
    """
    seconds = PROBES[min(step, len(PROBES) - 1)]
    if failing_for >= DAY:
        seconds = 15 * 60
    elif failing_for >= HOUR:
        seconds = 5 * 60
    return int(seconds * SECOND * chance)


def lane_delay(refusals: int, chance: float) -> int:
    """How many milliseconds a lane waits after its event was refused for the n-th time (from 1)."""
    seconds = LANE_DELAYS[min(refusals, len(LANE_DELAYS)) - 1]
    return int(seconds * SECOND * chance)


def pause(retry_after: str | None, now: datetime) -> int:
    """How many milliseconds to send nothing, after a 429 or 503: as asked, an hour at the most."""
    asked = _seconds(retry_after, now) * SECOND
    return min(asked or USUAL_PAUSE, LONGEST_PAUSE)


def _seconds(retry_after: str | None, now: datetime) -> int:
    """The header in seconds (RFC 9110, 10.2.3): a number or a date; 0 where it is neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return 0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0, int((until - now).total_seconds()))


@dataclass(frozen=True)
class Breaker:
    """
    How an endpoint has fared: shared by all dispatchers.

    Attributes:
        failures: endpoint failures in a row.
        step: how many probes have failed since it opened.
        successes: how many deliveries since it closed again.
        failing_since: the first failure in a row, in milliseconds; None while it works.
    """

    failures: int = 0
    step: int = 0
    successes: int = FULL_SPEED
    failing_since: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether one lane at a time probes."""
        return self.failures >= FAILURES_THAT_OPEN

    def failed(self, now: int) -> "Breaker":
        """After one more failure of the endpoint."""
        since = self.failing_since if self.failing_since is not None else now
        step = self.step + 1 if self.is_open else 0
        return Breaker(self.failures + 1, step, 0, since)

    @property
    def is_sound(self) -> bool:
        """Whether a delivery changes nothing about it."""
        return self == Breaker()

    def delivered(self) -> "Breaker":
        """After a delivery."""
        successes = 0 if self.is_open else min(self.successes + 1, FULL_SPEED)
        return Breaker(0, 0, successes, None)

    def slowed(self, most: int) -> "Breaker":
        """After it asked for a pause: half as many events may be on their way as before."""
        steps = self.in_flight(most).bit_length() - 2
        return replace(self, successes=max(0, steps) * SLOW_START_SUCCESSES)

    def in_flight(self, most: int) -> int:
        """How many events may be on their way at once: slowly more after trouble."""
        if self.is_open:
            return 1
        return min(most, int(2 ** (self.successes // SLOW_START_SUCCESSES)))

    def lasting(self, now: int) -> int:
        """How many milliseconds it has been failing."""
        return 0 if self.failing_since is None else now - self.failing_since

    def warnings_due(self, now: int) -> int:
        """How many times operators should have been told by now that it fails."""
        return sum(self.lasting(now) >= after for after in WARNINGS) if self.is_open else 0

    def is_hopeless(self, now: int) -> bool:
        """Whether it has failed for so long that only a daily probe is worth the while."""
        return self.step >= PROBES_BEFORE_SUSPENSION and self.lasting(now) >= SUSPENDED_AFTER


def matches(filters: list[str], event_type: str, billing: frozenset[str]) -> bool:
    """
    Whether an endpoint asks for a type of event: by name, by noun (`seat.*`), `billing`, or `*`.
    """
    noun = event_type.partition(".")[0]
    return any(
        wanted in ("*", event_type, f"{noun}.*") or (wanted == "billing" and event_type in billing)
        for wanted in filters
    )


MOST_HEADERS = 10
LONGEST_HEADER = 1024
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
# Those of the connection, of the content, and of the signature.
OUR_HEADERS = re.compile(
    r"host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|cookie|user-agent"
    r"|proxy-.*|content-.*|accept-encoding|webhook-.*|traceparent|tracestate",
    re.IGNORECASE,
)


def header_problem(name: str, value: str) -> str | None:
    """Why a header cannot be sent with events, None where it can."""
    if not HEADER_NAME.fullmatch(name):
        return "Not the name of a header (RFC 9110)."
    if OUR_HEADERS.fullmatch(name):
        return "This header is set by the service."
    if len(value) > LONGEST_HEADER or not HEADER_VALUE.fullmatch(value):
        return f"A value has 1 to {LONGEST_HEADER} visible ASCII characters."
    return None
