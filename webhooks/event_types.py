"""What endpoints can ask for: the types of the accounts' logs, and those about endpoints."""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache

from licensing.rules.event_types import BILLING, EventType
from webhooks.rules import matches


class OperatorEvent(StrEnum):
    """What is told to operators: how endpoints fare."""

    ENDPOINT_FAILING = "endpoint.failing"
    ENDPOINT_RECOVERED = "endpoint.recovered"
    ENDPOINT_SUSPENDED = "endpoint.suspended"
    ENDPOINT_RESUMED = "endpoint.resumed"
    ENDPOINT_GONE = "endpoint.gone"
    EVENT_PARKED = "event.parked"


NAMES = frozenset(EventType) | frozenset(OperatorEvent)
NOUNS = frozenset(f"{name.partition('.')[0]}.*" for name in NAMES)
ALL, BILLING_FILTER = "*", "billing"


def is_filter(text: str) -> bool:
    """Whether it is a type, a noun and a star, `billing`, or `*`."""
    return text in NAMES or text in NOUNS or text in (ALL, BILLING_FILTER)


def types_of(filters: Sequence[str]) -> tuple[str, ...]:
    """The types that an endpoint is told of accounts."""
    return _types_of(tuple(filters))


def operator_types_of(filters: Sequence[str]) -> list[str]:
    """The types that an endpoint is told of other endpoints: `*` does not ask for them."""
    named = [wanted for wanted in filters if wanted != ALL]
    return [kind.value for kind in OperatorEvent if matches(named, kind, frozenset())]


@cache
def _types_of(filters: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(kind.value for kind in EventType if matches(list(filters), kind, BILLING))
