"""What is counted and logged of each request."""

import hmac
import logging
import time
from functools import cache

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import Counter, Histogram

from licensing import db, logs, metrics
from licensing.api.request_refusals import Unauthenticated
from licensing.rules.refusals import NotFound

OPEN_ENDPOINTS = ("metrics.exposition",)
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
    app.before_request(_begin)
    app.after_request(_end)
    app.register_blueprint(pages)


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    operation = _operation()
    _counter(operation, response.status_code).inc()
    _histogram(operation).observe(seconds)
    code = g.get("refusal")
    if code is not None:
        metrics.refusals.labels(operation, code).inc()
    # What went well is counted above; each such line would cost more than some operations.
    level = logging.DEBUG if response.status_code < 400 else logging.INFO
    if log.isEnabledFor(level):
        _say(level, operation, response.status_code, seconds)
    return response


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


def _say(level: int, operation: str, status: int, seconds: float) -> None:
    actor = g.get("actor")
    with logs.bound(
        request_id=g.get("request_id"),
        account_id=actor.account_id if actor else None,
        actor=actor.id if actor else None,
        code=g.get("refusal"),
    ):
        said = {"operation": operation, "status": status, "milliseconds": round(seconds * 1000, 1)}
        log.log(level, "%s %s", request.method, status, extra=said)


@pages.get("/metrics")
def exposition() -> Response:
    """Answer what is counted, in Prometheus' text format."""
    token = current_app.config["METRICS_TOKEN"]
    if not token:
        raise NotFound("path", request.path)
    sent = request.headers.get("Authorization", "")
    if not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
        raise Unauthenticated
    with db.connection():
        return Response(metrics.exposition(), content_type=metrics.MEDIA_TYPE)
