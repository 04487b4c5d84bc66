"""
Spans for OpenTelemetry (the extra `otel`), where the environment says where to send them.

What is told of a span are ids, names of ours and numbers; of what callers choose only the id of the
request (X-Request-Id) and the trace it belongs to (traceparent). No other content, no address, no
query string, and of an exception its kind only, since its words may quote any of that. Where no
spans are wanted nothing of the library is loaded, and a span costs a call.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from licensing import __version__
from licensing.ending import at_the_end
from licensing.observing import Observing

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

log = logging.getLogger(__name__)
_tracer: "Tracer | None" = None


class Telling:
    """What a span is told; nobody hears it where there is no span."""

    def __init__(self, span: "Span | None" = None) -> None:
        self._span = span

    def call(self, name: str) -> None:
        """Its name, where it is known late."""
        if self._span is not None:
            self._span.update_name(name)

    def say(self, attributes: Mapping[str, str | int | None]) -> None:
        """Its attributes; what is None is left out."""
        if self._span is not None:
            known = {name: value for name, value in attributes.items() if value is not None}
            self._span.set_attributes(known)

    def fail(self, kind: str) -> None:
        """That it failed, and the kind of failure."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("error.type", kind)
            self._span.set_status(StatusCode.ERROR)


_UNHEARD = nullcontext(Telling())


def configure(observing: Observing) -> None:
    """
    Send spans where the standard variables of OpenTelemetry say, by OTLP over HTTP.

    Does nothing where they name no place. Without the library the service works all the same, and
    its log says what is missing.
    """
    if not observing.traced:
        return
    try:
        use(_sending_tracer())
    except ImportError as missing:
        log.warning(
            "spans are wanted, but %s is not installed; run: pip install 'seatkeeper[otel]'",
            missing.name,
        )


def use(tracer: "Tracer | None") -> None:
    """Make spans with this tracer from now on; none at all with None."""
    global _tracer
    _tracer = tracer


def _sending_tracer() -> "Tracer":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = Resource({"service.name": "seatkeeper", "service.version": __version__})
    resource = ours.merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    at_the_end(provider.shutdown)
    return provider.get_tracer("seatkeeper", __version__)


def is_on() -> bool:
    """Whether spans are made."""
    return _tracer is not None


def request(traceparent: str | None) -> AbstractContextManager[Telling]:
    """The span of a request that is answered, in the trace of who sent it if he sent any."""
    return _UNHEARD if _tracer is None else _span(_tracer, "HTTP", "SERVER", _after(traceparent))


def sending(name: str, traceparent: str | None) -> AbstractContextManager[Telling]:
    """The span of a message that is sent, in the trace of the request that caused it."""
    return _UNHEARD if _tracer is None else _span(_tracer, name, "CLIENT", _after(traceparent))


def work(name: str) -> AbstractContextManager[Telling]:
    """The span of work that nobody asked for, in a trace of its own."""
    return _UNHEARD if _tracer is None else _span(_tracer, name, "INTERNAL", _after(None))


def part(name: str) -> AbstractContextManager[Telling]:
    """The span of a part of the span in hand; none where there is none."""
    if _tracer is None or traceparent() is None:
        return _UNHEARD
    return _span(_tracer, name, "INTERNAL")


def traceparent() -> str | None:
    """The name of the span in hand (W3C Trace Context), None outside of one."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span

    here = get_current_span().get_span_context()
    if not here.is_valid:
        return None
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"


def trace_id_of(traceparent: str) -> str:
    """The trace that a span of this name belongs to."""
    return traceparent.split("-")[1]


def _after(traceparent: str | None) -> "Context":
    """The context of a span whose parent is elsewhere, or which has none."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carried = {} if traceparent is None else {"traceparent": traceparent}
    return TraceContextTextMapPropagator().extract(carried, Context())


@contextmanager
def _span(
    tracer: "Tracer", name: str, kind: str, context: "Context | None" = None
) -> Iterator[Telling]:
    from opentelemetry.trace import SpanKind

    with tracer.start_as_current_span(
        name, context, SpanKind[kind], record_exception=False, set_status_on_exception=False
    ) as span:
        yield Telling(span)
