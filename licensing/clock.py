"""The one clock. Business time is read here and nowhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache


def system_time() -> datetime:
    """The time of this machine, whatever the clock reads."""
    return datetime.now(UTC)


_read: Callable[[], datetime] = system_time


def now() -> datetime:
    """The present instant in UTC, cut to milliseconds: what is stored is what is shown."""
    instant = _read().astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@contextmanager
def reading(source: Callable[[], datetime]) -> Iterator[None]:
    """Read the time from `source` (a function that returns an aware datetime) inside the block."""
    global _read
    before, _read = _read, source
    try:
        yield
    finally:
        _read = before


# What is made of an instant is kept: an answer, or a batch, has few of them, each many times.
@lru_cache(maxsize=512)
def to_text(instant: datetime) -> str:
    """`instant` as the API shows it: RFC 3339 in UTC with milliseconds and Z."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    # Not strftime, which takes three times as long: a page shows some hundred of these.
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"


@lru_cache(maxsize=512)
def to_kept(instant: datetime) -> str:
    """`instant` as SQLite keeps it: text in UTC of fixed width, which sorts."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return in_utc.isoformat(" ", "microseconds")
