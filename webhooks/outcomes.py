"""What an answer means, and keeping every attempt (promises 4 and 10)."""

from typing import Any

from licensing import clock, ids
from licensing.compiled import compiled
from webhooks.messages import Message
from webhooks.models import Attempt
from webhooks.rules import Occasion, Verdict, verdict
from webhooks.transport import Failure, Outcome

LONGEST_ANSWER_KEPT = 1024
TEXTS = ("text/", "application/json", "application/problem+json")
# Of the receiver's doing; what else failed says nothing about the message.
ABOUT_THE_MESSAGE = (Verdict.MESSAGE_TROUBLE, Verdict.GIVEN_UP)


def meaning(outcome: Outcome) -> Verdict:
    """What an outcome means."""
    return verdict(
        outcome.status if outcome.failure is None else None,
        outcome.failure is Failure.ADDRESS_REFUSED,
        outcome.control,
        outcome.retry_after is not None,
    )


def note_attempt(
    log: str, endpoint_id: str, message: Message, outcome: Outcome, occasion: Occasion
) -> Attempt:
    """Keep an attempt, with the beginning of a text answer."""
    made = Attempt(
        account_id=log,
        id=ids.new("att"),
        endpoint_id=endpoint_id,
        event_id=message.id,
        event_type=message.type,
        sequence=message.sequence,
        previous=message.previous,
        occasion=occasion,
        verdict=meaning(outcome),
        status=outcome.status,
        failure=outcome.failure,
        detail=outcome.detail,
        milliseconds=outcome.milliseconds,
        answer=_kept(outcome),
        created_at=clock.now(),
    )
    _insert.run(*[getattr(made, name) for name in Attempt._meta.sorted_field_names])
    return made


@compiled
def _insert(*columns: Any) -> Any:
    return Attempt.insert_many([columns], fields=Attempt._meta.sorted_fields).as_rowcount()


def _kept(outcome: Outcome) -> str | None:
    if not (outcome.content_type or "").lower().startswith(TEXTS):
        return None
    text = outcome.body[:LONGEST_ANSWER_KEPT].decode("utf-8", "replace")
    # PostgreSQL keeps no NUL.
    return text.replace("\x00", "\ufffd")
