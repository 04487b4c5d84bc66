"""What an answer means, and keeping every attempt (promises 4 and 10)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from licensing import clock, ids
from licensing.compiled import compiled, in_parts
from webhooks.messages import Message
from webhooks.models import Attempt
from webhooks.rules import Occasion, Verdict, verdict
from webhooks.transport import Failure, Outcome

LONGEST_ANSWER_KEPT = 1024
ATTEMPTS_PER_STATEMENT = 16
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


class Tried(NamedTuple):
    """A message that was sent to an endpoint, and what came of it; `log` is where it is kept."""

    log: str
    endpoint_id: str
    message: Message
    outcome: Outcome
    occasion: Occasion


def note_attempt(
    log: str, endpoint_id: str, message: Message, outcome: Outcome, occasion: Occasion
) -> Attempt:
    """Keep an attempt, with the beginning of a text answer."""
    columns = _columns(Tried(log, endpoint_id, message, outcome, occasion))
    _insert.run((columns,))
    return Attempt(**dict(zip(Attempt._meta.sorted_field_names, columns, strict=True)))


def note_attempts(tried: Sequence[Tried]) -> None:
    """Keep attempts, in the order in which they were made."""
    # One statement for each would cost 13 microseconds more for each delivery on SQLite.
    for part in in_parts([_columns(one) for one in tried], ATTEMPTS_PER_STATEMENT):
        _insert.run(tuple(part))


def _columns(tried: Tried) -> tuple[Any, ...]:
    """The columns of the table, in its order."""
    log, endpoint_id, message, outcome, occasion = tried
    return (
        log,
        ids.new("att"),
        endpoint_id,
        message.id,
        message.type,
        message.sequence,
        message.previous,
        occasion,
        meaning(outcome),
        outcome.status,
        outcome.failure,
        outcome.detail,
        outcome.milliseconds,
        _kept(outcome),
        clock.now(),
    )


@compiled
def _insert(rows: Any) -> Any:
    return Attempt.insert_many(rows, fields=Attempt._meta.sorted_fields).as_rowcount()


def _kept(outcome: Outcome) -> str | None:
    if not (outcome.content_type or "").lower().startswith(TEXTS):
        return None
    text = outcome.body[:LONGEST_ANSWER_KEPT].decode("utf-8", "replace")
    # PostgreSQL keeps no NUL.
    return text.replace("\x00", "\ufffd")
