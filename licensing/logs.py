"""
What the service says to whoever runs it: one line for each event, on standard error.

As JSON for machines, or as text for people. Everything that is logged anywhere comes through here,
libraries included; what was bound to the request in hand (`bound`) stands on every line. Values are
encoded, so that nothing that was sent can begin a line of its own.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

from licensing.settings import Settings

SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(settings: Settings) -> None:
    """Write every log record as the settings say, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_as_json() if settings.observing.log_format == "json" else _as_text()),
            ],
        )
    )
    logging.basicConfig(level=settings.observing.log_level.upper(), handlers=[handler], force=True)


def _as_json() -> tuple[Processor, ...]:
    return (
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_line),
    )


def _line(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=repr).decode()


def _as_text() -> tuple[Processor, ...]:
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        # Never with the values of variables, which may be secrets.
        exception_formatter=structlog.dev.plain_traceback,
    )
    return (_on_one_line, console)


def _on_one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    said = str(event["event"])
    if not said.isprintable():
        event["event"] = said.encode("unicode_escape").decode("ascii")
    return event


@contextmanager
def bound(**values: str | None) -> Iterator[None]:
    """Say these values on every line that is logged inside the block; those that are not None."""
    known = {name: value for name, value in values.items() if value is not None}
    with structlog.contextvars.bound_contextvars(**known):
        yield
