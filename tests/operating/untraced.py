"""A process that works without a place to send spans to, and says what it has loaded."""

import importlib
import sys

from licensing import settings, tracing


def main() -> None:
    """Do all that can be done with spans; print what of the library is loaded afterwards."""
    importlib.import_module("app")
    tracing.configure(settings.from_environment().observing)
    with tracing.request(None), tracing.work("work"), tracing.part("part") as span:
        span.say({"any": 1})
        span.fail("any")
    with tracing.sending("any", None):
        print(tracing.traceparent(), [n for n in sys.modules if n.startswith("opentelemetry")])  # noqa: T201 for the test
