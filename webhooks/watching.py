"""Figures of webhooks worth watching, and what the dispatcher of this process has sent."""

from collections.abc import Iterator

from peewee import fn

from licensing import db, ids, metrics, tracing
from licensing.clock import system_time
from licensing.metrics import Reading
from webhooks import lanes
from webhooks.jobs import Delivery, Job
from webhooks.messages import Message
from webhooks.models import Endpoint, Lane, Parked
from webhooks.outcomes import meaning
from webhooks.rules import SECOND, EndpointStatus, LaneState, Verdict
from webhooks.transport import Outcome


def count(job: Job, message: Message, outcome: Outcome) -> None:
    """Count an attempt, and how long an event took from its commit to its first delivery."""
    verdict = meaning(outcome)
    metrics.deliveries.labels(verdict).inc()
    if verdict is not Verdict.DELIVERED or not isinstance(job, Delivery):
        return
    if not _is_replayed(job, message):
        made_at = ids.milliseconds_of(message.id)
        metrics.delivery_seconds.observe(system_time().timestamp() - made_at / SECOND)


def tell(span: tracing.Telling, job: Job, message: Message, outcome: Outcome) -> None:
    """Tell a span which message was sent, and what came of it."""
    verdict = meaning(outcome)
    span.say(
        {
            **job.names(message),
            "http.response.status_code": outcome.status,
            "seatkeeper.failure": outcome.failure,
            "seatkeeper.verdict": verdict,
        }
    )
    if verdict is not Verdict.DELIVERED:
        span.fail(verdict)


def _is_replayed(job: Delivery, message: Message) -> bool:
    return (message.sequence or 0) <= job.lane.pace_until


def watch() -> None:
    """Have the figures of endpoints and lanes read whenever metrics are asked for."""
    metrics.look_up(
        "seatkeeper_webhook_endpoints",
        "Webhook endpoints by status.",
        ("status",),
        db.connected(_endpoints),
    )
    metrics.look_up(
        "seatkeeper_webhook_lanes",
        "Lanes (an endpoint and an account) that have something to send, by state.",
        ("state",),
        db.connected(_lanes),
    )
    metrics.look_up(
        "seatkeeper_webhook_lag_seconds",
        "For how long the lane that is due first has been due.",
        (),
        db.connected(_lag),
    )
    metrics.look_up("seatkeeper_webhook_parked", "Parked events.", (), db.connected(_parked))


def _endpoints() -> Iterator[Reading]:
    for status in EndpointStatus:
        yield (status,), Endpoint.select().where(Endpoint.status == status).count()


def _lanes() -> Iterator[Reading]:
    for state in LaneState:
        if state != LaneState.IDLE:  # of these there may be very many
            yield (state,), Lane.select().where(Lane.state == state).count()


def _lag() -> Iterator[Reading]:
    sound = Endpoint.select(Endpoint.id).where(Endpoint.status == EndpointStatus.ACTIVE)
    first = (
        Lane.select(fn.MIN(Lane.due_at))
        .where(Lane.state == LaneState.READY, Lane.endpoint_id.in_(sound))
        .scalar()
    )
    yield (), 0.0 if first is None else max(lanes.database_now() - first, 0) / SECOND


def _parked() -> Iterator[Reading]:
    yield (), Parked.select().count()
