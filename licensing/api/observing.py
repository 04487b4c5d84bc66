"""What is counted and logged of each request."""

import hmac
import logging
import time
from functools import cache

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import Counter, Histogram

from licensing import logs, metrics, tracing
from licensing.api import in_hand
from licensing.api.in_hand import InHand
from licensing.api.request_refusals import Unauthenticated
from licensing.rules.refusals import NotFound

OPEN_ENDPOINTS = ("metrics.exposition",)
# What is asked every few seconds would bury all other spans.
UNTRACED = ("/livez", "/readyz", "/metrics")
# One name for all paths that do not exist, lest callers make up as many as they like.
NO_OPERATION = "none"

log = logging.getLogger("seatkeeper.requests")
pages = Blueprint("metrics", __name__)


def observe(app: Flask, metrics_token: str) -> None:
    """
    Count and log the requests of an application, and answer /metrics to who has the token.

    Args:
        app: the application, before other hooks are added to it.
        metrics_token: what Prometheus sends as bearer token; without one there is no /metrics.
    """
    app.config["METRICS_TOKEN"] = metrics_token
    logs.named_by(names_of_the_request)
    app.after_request(_end)
    app.register_blueprint(pages)


def trace(app: Flask) -> None:
    """Make a span of each request, where spans are wanted; after other hooks have been added."""
    if tracing.is_on():
        app.before_request(_begin_span)
        app.teardown_request(_end_span)


def _begin_span() -> None:
    if request.path in UNTRACED:
        return
    asked = in_hand.current()
    g.span = tracing.request(asked.traceparent)
    g.told = g.span.__enter__()
    # What comes of the request goes on from here: its events, and the webhooks that tell them.
    asked.traceparent = tracing.traceparent()


def _end_span(problem: BaseException | None) -> None:
    span = g.pop("span", None)
    if span is not None:
        span.__exit__(None, None, None)


def _end(response: Response) -> Response:
    operation = _operation()
    if "told" in g:
        _tell(g.told, operation, response.status_code)
    end(in_hand.current(), operation, response.status_code)
    return response


def end(asked: InHand, operation: str, status: int) -> None:
    """Count a request, and log it, with the status of its answer."""
    seconds = time.perf_counter() - asked.began
    _counter(operation, status).inc()
    _histogram(operation).observe(seconds)
    if asked.refusal is not None:
        metrics.refusals.labels(operation, asked.refusal).inc()
    # What went well is counted above; each such line would cost more than some operations.
    level = logging.DEBUG if status < 400 else logging.INFO
    if log.isEnabledFor(level):
        said = {"operation": operation, "status": status, "milliseconds": round(seconds * 1000, 1)}
        log.log(level, "%s %s", asked.environ["REQUEST_METHOD"], status, extra=said)


# Kept, because looking them up among the labels takes longer than counting. They are few: all paths
# that do not exist have one name.
@cache
def _counter(operation: str, status: int) -> Counter:
    return metrics.requests.labels(operation, status)


@cache
def _histogram(operation: str) -> Histogram:
    return metrics.request_seconds.labels(operation)


def _operation() -> str:
    view = current_app.view_functions.get(request.endpoint or "")
    declared = getattr(view, "declared", None)
    return declared.view.__name__ if declared is not None else request.endpoint or NO_OPERATION


def _tell(span: tracing.Telling, operation: str, status: int) -> None:
    names, rule = names_of_the_request(), request.url_rule
    if rule is not None:
        # Not the method of a path that does not exist, which may be any word.
        span.call(f"{request.method} {operation}")
        span.say({"http.request.method": request.method, "http.route": rule.rule})
    span.say({"http.response.status_code": status})
    span.say({f"seatkeeper.{name}": value for name, value in names.items() if name != "trace_id"})
    if status >= 500:
        span.fail(str(status))


def names_of_the_request() -> dict[str, str | None]:
    """What stands on every line that is logged during a request: whose it is, and its names."""
    asked = in_hand.maybe()
    if asked is None:
        return {}
    actor, trace = asked.actor, asked.traceparent
    return {
        "request_id": asked.request_id,
        "trace_id": trace and tracing.trace_id_of(trace),
        "account_id": actor.account_id if actor else None,
        "actor": actor.id if actor else None,
        "code": asked.refusal,
    }


@pages.get("/metrics")
def exposition() -> Response:
    """Answer what is counted, in Prometheus' text format."""
    token = current_app.config["METRICS_TOKEN"]
    if not token:
        raise NotFound("path", request.path)
    sent = request.headers.get("Authorization", "")
    if not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
        raise Unauthenticated
    return Response(metrics.exposition(), content_type=metrics.MEDIA_TYPE)
