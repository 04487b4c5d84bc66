"""How an endpoint fares after an answer: its breaker, its pauses, what operators are told of it."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from webhooks import endpoints, notices
from webhooks.event_types import OperatorEvent
from webhooks.models import Endpoint
from webhooks.outcomes import ABOUT_THE_MESSAGE, meaning
from webhooks.resources import instant
from webhooks.rules import DAY, MINUTE, Breaker, EndpointStatus, Verdict, pause, probe_delay
from webhooks.transport import Outcome

PAUSE_OF_WHAT_IS_BLOCKED = 5 * MINUTE


def note_answer(
    sent_to: Endpoint, current: Endpoint | None, outcome: Outcome, now: int
) -> Endpoint | None:
    """
    Write how the endpoint fares after an answer.

    Args:
        sent_to: the endpoint as it was when the message was sent.
        current: as it is; None where it was deleted.
        outcome: what came back.
        now: the present instant in milliseconds.

    Returns the endpoint as it is then, None where it was deleted.
    """
    # What an address that was changed meanwhile has answered says nothing about the new one.
    if current is None or current.url != sent_to.url or not _is_news(current, outcome, now):
        return current
    current = endpoints.locked(sent_to.id)
    if current is not None:
        NOTES[meaning(outcome)](current, sent_to, outcome, now)
    return current


def _is_news(endpoint: Endpoint, outcome: Outcome, now: int) -> bool:
    """Whether an answer changes anything about the endpoint."""
    if meaning(outcome) not in (Verdict.DELIVERED, *ABOUT_THE_MESSAGE):
        return True
    return (
        not endpoints.breaker_of(endpoint).is_sound
        or endpoints.is_probing(endpoint)
        or now - (endpoint.last_success_at or 0) >= endpoints.PRECISION_OF_LAST_SUCCESS
    )


def _delivered(endpoint: Endpoint, _sent_to: Endpoint, _outcome: Outcome, now: int) -> None:
    _works(endpoint, last_success_at=now)


def _answers(endpoint: Endpoint, _sent_to: Endpoint, _outcome: Outcome, _now: int) -> None:
    """It refused the message, which a receiver that works may do."""
    _works(endpoint)


def _works(endpoint: Endpoint, **changes: Any) -> None:
    before = endpoints.breaker_of(endpoint)
    told = endpoint.warnings > 0
    previous = {"failing_since": instant(endpoint.failing_since)}
    changes["warnings"] = 0
    if before.is_open:
        changes["next_send_at"] = 0
    resumes = endpoint.status == EndpointStatus.SUSPENDED
    if resumes:
        previous["status"] = EndpointStatus.SUSPENDED
        changes |= {"status": EndpointStatus.ACTIVE, "version": endpoint.version + 1}
    endpoints.note(endpoint, before.delivered(), **changes)
    if resumes:
        notices.tell(OperatorEvent.ENDPOINT_RESUMED, endpoint, "delivered", previous=previous)
    elif told:
        notices.tell(OperatorEvent.ENDPOINT_RECOVERED, endpoint, "delivered", previous=previous)


def _gone(endpoint: Endpoint, _sent_to: Endpoint, _outcome: Outcome, _now: int) -> None:
    before = endpoint.status
    changes = {"status": EndpointStatus.GONE, "version": endpoint.version + 1}
    endpoints.note(endpoint, endpoints.breaker_of(endpoint), **changes)
    notices.tell(OperatorEvent.ENDPOINT_GONE, endpoint, "gone", previous={"status": before})


def _slow_down(endpoint: Endpoint, _sent_to: Endpoint, outcome: Outcome, now: int) -> None:
    """It asks for a pause; nothing is charged, and then it goes on more slowly."""
    wait = pause(outcome.retry_after, datetime.fromtimestamp(now / 1000, UTC))
    until = max(endpoint.next_send_at, now + wait)
    slowed = endpoints.breaker_of(endpoint).slowed(endpoint.max_in_flight)
    endpoints.note(endpoint, slowed, next_send_at=until)


def _blocked(endpoint: Endpoint, _sent_to: Endpoint, _outcome: Outcome, now: int) -> None:
    """We do not connect to where its name points now."""
    block(endpoint, now)


def block(endpoint: Endpoint, now: int) -> None:
    """
    Leave a locked endpoint alone for a while, because of something on our side.

    Nothing is charged to it, but operators are told.
    """
    before = endpoints.breaker_of(endpoint)
    warns = endpoint.warnings == 0
    endpoints.note(
        endpoint,
        replace(before, failing_since=before.failing_since or now),
        next_send_at=now + PAUSE_OF_WHAT_IS_BLOCKED,
        warnings=max(endpoint.warnings, 1),
    )
    if warns:
        notices.tell(OperatorEvent.ENDPOINT_FAILING, endpoint, Verdict.BLOCKED)


def _in_trouble(endpoint: Endpoint, sent_to: Endpoint, _outcome: Outcome, now: int) -> None:
    before = endpoints.breaker_of(endpoint)
    if before.is_open and not endpoints.is_probing(sent_to):
        return  # it was on its way already when the endpoint was found to be in trouble
    after = before.failed(now)
    suspends = after.is_hopeless(now) and endpoint.status == EndpointStatus.ACTIVE
    changes = _pause(after, now) if after.is_open else {}
    if suspends:
        changes |= {"status": EndpointStatus.SUSPENDED, "version": endpoint.version + 1}
    warns = changes.get("warnings", 0) > endpoint.warnings
    endpoints.note(endpoint, after, **changes)
    if suspends:
        previous = {"status": EndpointStatus.ACTIVE}
        notices.tell(OperatorEvent.ENDPOINT_SUSPENDED, endpoint, "failing", previous=previous)
    elif warns:
        notices.tell(OperatorEvent.ENDPOINT_FAILING, endpoint, "failing")


def _pause(breaker: Breaker, now: int) -> dict[str, Any]:
    delay = probe_delay(breaker.step, breaker.lasting(now), chance())
    if breaker.is_hopeless(now):
        delay = DAY
    return {"next_send_at": now + delay, "warnings": breaker.warnings_due(now)}


def chance() -> float:
    """A factor that spreads what would else happen at once."""
    return random.uniform(0.5, 1.0)  # noqa: S311 not a secret


NOTES: dict[Verdict, Callable[[Endpoint, Endpoint, Outcome, int], None]] = {
    Verdict.DELIVERED: _delivered,
    Verdict.MESSAGE_TROUBLE: _answers,
    Verdict.GIVEN_UP: _answers,
    Verdict.ENDPOINT_TROUBLE: _in_trouble,
    Verdict.SLOW_DOWN: _slow_down,
    Verdict.BLOCKED: _blocked,
    Verdict.GONE: _gone,
}
