"""
What is counted while the service works, for Prometheus.

Each process counts for itself. What can be looked up is not counted: `look_up` adds figures that
are read when somebody asks for them.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST as MEDIA_TYPE
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["MEDIA_TYPE", "exposition", "look_up", "serve"]

log = logging.getLogger(__name__)
# Asked for more often than this, figures are not read again: they cost some queries.
SECONDS_FRESH = 10.0
SECONDS_OF_A_REQUEST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SECONDS_OF_A_DELIVERY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3600, 86400)

# What one figure is: its labels in order, and its value.
Reading = tuple[tuple[str, ...], float]

disable_created_metrics()  # type: ignore[no-untyped-call]
registry = CollectorRegistry()
requests = Counter(
    "seatkeeper_requests",
    "Requests by operation and the status of the answer.",
    ("operation", "status"),
    registry=registry,
)
request_seconds = Histogram(
    "seatkeeper_request_seconds",
    "How long requests took, in seconds.",
    ("operation",),
    buckets=SECONDS_OF_A_REQUEST,
    registry=registry,
)
refusals = Counter(
    "seatkeeper_refusals",
    "Requests that were refused, by operation and the code of the problem.",
    ("operation", "code"),
    registry=registry,
)
commands = Counter(
    "seatkeeper_commands",
    "Commands by what came of them; one that collided with another was undone and is run again.",
    ("command", "outcome"),
    registry=registry,
)
deliveries = Counter(
    "seatkeeper_deliveries",
    "Attempts to deliver webhooks, by what came of them.",
    ("verdict",),
    registry=registry,
)
delivery_seconds = Histogram(
    "seatkeeper_delivery_seconds",
    "From the commit of an event to its delivery, in seconds; first deliveries only.",
    buckets=SECONDS_OF_A_DELIVERY,
    registry=registry,
)


class _LookedUp(Collector):
    """A gauge whose values are read from the database when they are asked for."""

    def __init__(
        self, name: str, about: str, labels: tuple[str, ...], read: Callable[[], Iterable[Reading]]
    ) -> None:
        self._name, self._about, self._labels, self._read = name, about, labels, read
        self._guard = threading.Lock()
        self._readings: list[Reading] = []
        self._read_at = -SECONDS_FRESH

    def describe(self) -> Iterator[Metric]:
        """What it is, without reading it."""
        yield GaugeMetricFamily(self._name, self._about, labels=self._labels)

    def collect(self) -> Iterator[Metric]:
        """Its values, at most a few seconds old."""
        gauge = GaugeMetricFamily(self._name, self._about, labels=self._labels)
        with self._guard:
            if time.monotonic() - self._read_at >= SECONDS_FRESH:
                self._readings, self._read_at = self._looked_up(), time.monotonic()
            for labels, value in self._readings:
                gauge.add_metric(labels, value)
        yield gauge

    def _looked_up(self) -> list[Reading]:
        try:
            return list(self._read())
        except Exception as problem:
            # What is counted is answered without it.
            log.warning("%s cannot be looked up: %s", self._name, problem)
            return []


_looked_up: dict[str, _LookedUp] = {}


def look_up(
    name: str, about: str, labels: tuple[str, ...], read: Callable[[], Iterable[Reading]]
) -> None:
    """Add figures that are read when somebody asks; once for each name."""
    if name not in _looked_up:
        _looked_up[name] = _LookedUp(name, about, labels, read)
        registry.register(_looked_up[name])


def exposition() -> bytes:
    """Everything that is counted or looked up, in Prometheus' text format."""
    return generate_latest(registry)


def serve(host: str, port: int) -> None:
    """Answer the same at http://host:port/metrics, for a process that has no API."""
    start_http_server(port, host, registry)
