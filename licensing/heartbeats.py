"""Signs of life of the threads that work beside the API."""

import time

# A step of work, with a database that is slow to answer, takes less.
SECONDS_TO_LIVE = 60.0

_beats: dict[str, float] = {}


def beat(name: str) -> None:
    """Say that the thread of this name is alive; from now on it is missed when it is silent."""
    _beats[name] = time.monotonic()


def go_on(name: str) -> None:
    """Say that the thread of this name, if it is one that beats, is alive in a long step."""
    if name in _beats:
        beat(name)


def rest(name: str) -> None:
    """Say that the thread of this name has ended as it should."""
    _beats.pop(name, None)


def expected() -> list[str]:
    """The names of those that are missed when they are silent, sorted."""
    return sorted(_beats)


def silent() -> list[str]:
    """The names of those that have given no sign of life for too long, sorted."""
    now = time.monotonic()
    return sorted(name for name, at in _beats.items() if now - at > SECONDS_TO_LIVE)
