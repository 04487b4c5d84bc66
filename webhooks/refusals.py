"""What an operator of webhooks may be refused, beside what the rule-book knows."""

from dataclasses import dataclass
from typing import ClassVar

from licensing.rules.refusals import Conflict, Invalid


@dataclass(eq=False)
class UrlNotAllowed(Invalid):
    """Webhooks are not sent to this address: {because}.

    Use https on port 443 or 8443 with a public host; the operator can allow other hosts.
    """

    code: ClassVar[str] = "url_not_allowed"
    example: ClassVar[dict[str, str]] = {"field": "url", "because": "only https is used"}
    field: str
    because: str


@dataclass(eq=False)
class EventTypeUnknown(Invalid):
    """There is no event type {unknown}.

    Use the name of a type, a noun and a star (seat.*), billing, or *.
    """

    code: ClassVar[str] = "event_type_unknown"
    example: ClassVar[dict[str, str]] = {"field": "event_types", "unknown": "seat.asigned"}
    field: str
    unknown: str


@dataclass(eq=False)
class StartNotPossible(Invalid):
    """Nothing can be sent from there: {because}.

    Use now, beginning, or a sequence of the one account.
    """

    code: ClassVar[str] = "start_not_possible"
    example: ClassVar[dict[str, str]] = {
        "field": "start",
        "because": "the account's log ends with sequence 1042",
    }
    field: str
    because: str


@dataclass(eq=False)
class TooManyEndpoints(Conflict):
    """There are {maximum} webhook endpoints already.

    Delete one that is no longer used.
    """

    code: ClassVar[str] = "too_many_endpoints"
    example: ClassVar[dict[str, int]] = {"maximum": 100}
    maximum: int


@dataclass(eq=False)
class EndpointGone(Conflict):
    """Endpoint {endpoint_id} has answered that it is gone (410).

    Enable it first if it is there again.
    """

    code: ClassVar[str] = "endpoint_gone"
    endpoint_id: str


@dataclass(eq=False)
class DeliveryWaits(Conflict):
    """Event {event_id} waits behind others of its account.

    Retry the event that is next, or skip it; see the lanes of the endpoint.
    """

    code: ClassVar[str] = "delivery_waits"
    event_id: str


@dataclass(eq=False)
class NothingToSkip(Conflict):
    """Nothing up to sequence {through_sequence} waits to be sent.

    See the lanes of the endpoint.
    """

    code: ClassVar[str] = "nothing_to_skip"
    example: ClassVar[dict[str, int]] = {"through_sequence": 1042}
    through_sequence: int


@dataclass(eq=False)
class TooManyToSkip(Conflict):
    """{events} events would be skipped; {maximum} can be at once.

    Skip them in several steps.
    """

    code: ClassVar[str] = "too_many_to_skip"
    example: ClassVar[dict[str, int]] = {"events": 12_000, "maximum": 10_000}
    events: int
    maximum: int
