"""
What the service says to whoever runs it: one line for each event, on standard error.

As JSON for machines, or as text for people. Everything that is logged anywhere comes through here,
libraries included; what names the work in hand (`named_by`) stands on every line. Whatever was sent
by others is escaped and cut, so that it can neither begin a line nor hide, colour or flood one. In
text the lines of a traceback begin with a bar, which no record does.
"""

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

from licensing.settings import Settings

LONGEST_VALUE = 2_000
# Of a traceback the end says what happened.
LONGEST_TRACEBACK = 16_000
CUT = "…"
BAR = "  | "
LARGEST_NUMBER = 2**63

# The server says what it does where everything else is said; it has no lines of its own.
OF_THE_SERVER = {
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}

Names = Callable[[], Mapping[str, str | None]]
log = logging.getLogger(__name__)
_names_of_the_work_in_hand: Names = dict


def named_by(names: Names) -> None:
    """Say on every line what `names` returns at that moment; what is None is left out."""
    global _names_of_the_work_in_hand
    _names_of_the_work_in_hand = names


def configure(settings: Settings) -> None:
    """Write every log record, warning and death of a thread as the settings say, on stderr."""
    handler = _OneLineEach(sys.stderr)
    as_json = settings.observing.log_format == "json"
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                *(JSON if as_json else (_short, _printable, _as_text())),
            ],
        )
    )
    logging.basicConfig(level=settings.observing.log_level.upper(), handlers=[handler], force=True)
    # It would write every statement with its values, which are names and addresses.
    logging.getLogger("peewee").setLevel(logging.INFO)
    # Of a connection that ends in a transaction it says so once more than whoever was using it.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    logging.captureWarnings(True)
    threading.excepthook = _thread_died


class _OneLineEach(logging.StreamHandler[Any]):
    """Also for a record that cannot be written: a line says so, without what it was to say."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        try:
            return super().format(record)
        except Exception as problem:
            said = f"a record of {record.name} could not be written: {type(problem).__name__}"
            place = record.pathname, record.lineno
            return super().format(
                logging.LogRecord(__name__, logging.ERROR, *place, said, None, None)
            )


def _thread_died(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "unknown"
    cause = args.exc_value or args.exc_type()
    log.critical("the thread %s has died", name, exc_info=cause)


def _named(_logger: Any, _method: str, event: EventDict) -> EventDict:
    for name, value in _names_of_the_work_in_hand().items():
        if value is not None:
            event.setdefault(name, value)
    return event


def _short(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Numbers as they are; all else as text of a bounded length, without what is no character."""
    return {_as_value(str(name)): _as_member(name, value) for name, value in event.items()}


def _as_member(name: str, value: Any) -> Any:
    if name == "exception":
        text = _without_surrogates(str(value))
        return text if len(text) <= LONGEST_TRACEBACK else CUT + text[-LONGEST_TRACEBACK:]
    return _as_value(value)


def _as_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) < LARGEST_NUMBER:
        return value
    text = _without_surrogates(value if isinstance(value, str) else repr(value))
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + CUT


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _as_json(_logger: Any, _method: str, event: EventDict) -> str:
    line = orjson.dumps(event).decode()
    # JSON may hold what some readers take for the end of a line, and terminals for an order.
    return line if line.isprintable() else "".join(map(_in_json, line))


def _in_json(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _printable(_logger: Any, _method: str, event: EventDict) -> EventDict:
    traceback = event.pop("exception", None)
    said = {_in_text(name): _in_text(value) for name, value in event.items()}
    if traceback is not None:
        said["exception"] = "\n".join(BAR + _in_text(line) for line in traceback.split("\n"))
    return said


def _in_text(value: Any) -> Any:
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in value
    )


def _as_text() -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        # Never with the values of variables, which may be secrets.
        exception_formatter=structlog.dev.plain_traceback,
    )


SHARED: tuple[Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _named,
)
JSON: tuple[Processor, ...] = (_short, _as_json)
