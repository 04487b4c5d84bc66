"""Endpoints as the dispatcher sees them: which have work, and how much may be on its way."""

from collections.abc import Collection
from typing import Any

from peewee import fn

from licensing.compiled import compiled
from licensing.db import for_update
from webhooks.models import Endpoint, Lane, Parked
from webhooks.rules import SECOND, Breaker, EndpointStatus, LaneState

LIVE = (EndpointStatus.ACTIVE, EndpointStatus.SUSPENDED)
# The last success is for people to read; writing it at each delivery would cost one update each.
PRECISION_OF_LAST_SUCCESS = 1 * SECOND
LONGEST_BURST = SECOND // 10
# Who has noted an attempt holds on to the key of its endpoint: of two such dispatchers, each would
# wait for the other one to let go before it had the row FOR UPDATE.
LOCK = "FOR NO KEY UPDATE"


def with_work(now: int) -> list[Endpoint]:
    """The endpoints that may be sent to now and have something that is due, by id."""
    return _with_work.models(now)


@compiled
def _with_work(now: Any) -> Any:
    lanes = Lane.select(Lane.endpoint_id).where(
        Lane.endpoint_id == Endpoint.id, Lane.state == LaneState.READY, Lane.due_at <= now
    )
    parked = Parked.select(Parked.endpoint_id).where(
        Parked.endpoint_id == Endpoint.id, Parked.due_at <= now
    )
    may_be_sent_to = Endpoint.status.in_(LIVE) & (fn.EXISTS(lanes) | fn.EXISTS(parked))
    in_question = (Endpoint.status == EndpointStatus.PENDING) | may_be_sent_to
    return Endpoint.select().where(Endpoint.next_send_at <= now, in_question).order_by(Endpoint.id)


def breaker_of(endpoint: Endpoint) -> Breaker:
    """How the endpoint has fared."""
    return Breaker(endpoint.failures, endpoint.probes, endpoint.successes, endpoint.failing_since)


def allowance(endpoint: Endpoint) -> int:
    """How many events of one dispatcher may be on their way to the endpoint (promise 5)."""
    if endpoint.status != EndpointStatus.ACTIVE:
        return 1
    return breaker_of(endpoint).in_flight(endpoint.max_in_flight)


def is_probing(endpoint: Endpoint) -> bool:
    """Whether one message at a time finds out if the endpoint works."""
    return endpoint.status != EndpointStatus.ACTIVE or breaker_of(endpoint).is_open


def take_the_probe(endpoint: Endpoint, until: int) -> bool:
    """
    Let one dispatcher alone send to an endpoint that is probed, until `until`.

    The guarded update moves the next instant at which anything may be sent there.
    """
    if locked_unless_busy(endpoint.id) is None:
        return False
    taken: int = (
        Endpoint.update(next_send_at=until)
        .where(Endpoint.id == endpoint.id, Endpoint.next_send_at == endpoint.next_send_at)
        .execute()
    )
    return taken == 1


def turns_free(endpoint: Endpoint, now: int) -> int:
    """
    How many messages may be sent now at the endpoint's own rate, which all dispatchers share.

    A turn that was not used is saved up, and at high rates what a tenth of a second has, so that a
    second never has more than the rate and one.
    """
    if endpoint.rate is None:
        return endpoint.max_in_flight
    current = locked_unless_busy(endpoint.id)
    if current is None or current.rate is None:
        return 0
    return int((now - _paced_from(current, current.rate, now)) * current.rate // SECOND)


def use_turns(endpoint: Endpoint, turns: int, now: int) -> None:
    """Take so many turns of an endpoint that has a rate; it is locked by `turns_free`."""
    current = locked(endpoint.id)
    if current is not None and current.rate is not None and turns:
        until = _paced_from(current, current.rate, now) + turns * SECOND / current.rate
        Endpoint.update(paced_until=round(until)).where(Endpoint.id == endpoint.id).execute()


def _paced_from(endpoint: Endpoint, rate: int, now: int) -> int:
    saved = max(2 * SECOND // rate, LONGEST_BURST)
    return max(int(endpoint.paced_until), now - saved)


def current(endpoint_id: str) -> Endpoint | None:
    """The endpoint as it is; None where it was deleted."""
    found: Endpoint | None = _endpoint.model(endpoint_id)
    return found


@compiled
def _endpoint(id: Any) -> Any:
    return Endpoint.select().where(Endpoint.id == id)


def all_current(ids: Collection[str]) -> dict[str, Endpoint]:
    """Endpoints as they are, by id; those that were deleted are not among them."""
    return {one.id: one for one in _endpoints.models(tuple(ids))} if ids else {}


@compiled
def _endpoints(ids: Any) -> Any:
    return Endpoint.select().where(Endpoint.id.in_(ids))


_locked_endpoint = compiled(lambda id: for_update(_endpoint.query(id), LOCK))
_endpoint_unless_busy = compiled(lambda id: for_update(_endpoint.query(id), f"{LOCK} SKIP LOCKED"))


def locked(endpoint_id: str) -> Endpoint | None:
    """
    The endpoint, locked until the commit; None where it was deleted.

    Who locks several does so by their ids.
    """
    found: Endpoint | None = _locked_endpoint.model(endpoint_id)
    return found


def locked_unless_busy(endpoint_id: str) -> Endpoint | None:
    """The same for who takes endpoints in turn; None also where another one has locked it."""
    found: Endpoint | None = _endpoint_unless_busy.model(endpoint_id)
    return found


def note(endpoint: Endpoint, breaker: Breaker, **changes: Any) -> None:
    """Write how a locked endpoint has fared, on its row and in hand."""
    columns = {
        "failures": breaker.failures,
        "probes": breaker.step,
        "successes": breaker.successes,
        "failing_since": breaker.failing_since,
    } | changes
    Endpoint.update(**columns).where(Endpoint.id == endpoint.id).execute()
    for name, value in columns.items():
        setattr(endpoint, name, value)
