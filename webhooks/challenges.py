"""A new or moved endpoint has to show that it wants our messages: it echoes a signed challenge."""

import json
import secrets

from webhooks import endpoints, messages
from webhooks.health import chance
from webhooks.messages import Message
from webhooks.models import Endpoint
from webhooks.outcomes import meaning
from webhooks.rules import DAY, EndpointStatus, Verdict, probe_delay
from webhooks.transport import Outcome

CHALLENGE_BYTES = 24
HEADER = "webhook-challenge"


def challenge_for(endpoint: Endpoint) -> tuple[str, Message]:
    """A new challenge, and the message that carries it."""
    challenge = secrets.token_urlsafe(CHALLENGE_BYTES)
    message = messages.outside_of_logs(
        endpoint, messages.VERIFICATION, {"endpoint_id": endpoint.id, "challenge": challenge}
    )
    return challenge, message


def is_echoed(challenge: str, outcome: Outcome) -> bool:
    """Whether the answer is a 2xx with the challenge: its body, a member of it, or a header."""
    if meaning(outcome) is not Verdict.DELIVERED:
        return False
    if outcome.headers.get(HEADER) == challenge:
        return True
    text = outcome.body.decode("utf-8", "replace").strip()
    return text == challenge or _member(text) == challenge


def _member(text: str) -> object:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content.get("challenge") if isinstance(content, dict) else None


def settle(sent_to: Endpoint, challenge: str, outcome: Outcome, now: int) -> bool:
    """
    Make a pending endpoint active if it has answered rightly, else ask again later.

    Returns whether it is still there. `now` is in milliseconds.
    """
    current = endpoints.locked(sent_to.id)
    if current is None:
        return False
    if current.status != EndpointStatus.PENDING or current.url != sent_to.url:
        return True
    breaker = endpoints.breaker_of(current)
    if is_echoed(challenge, outcome):
        endpoints.note(
            current,
            breaker.delivered(),
            status=EndpointStatus.ACTIVE,
            version=current.version + 1,
            last_success_at=now,
            next_send_at=0,
        )
        return True
    after = breaker.failed(now)
    hopeless = after.is_hopeless(now)
    delay = DAY if hopeless else probe_delay(after.failures - 1, after.lasting(now), chance())
    endpoints.note(current, after, next_send_at=now + delay)
    return True
