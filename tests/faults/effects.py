"""
What was answered, held against what the log tells: each command had its effect exactly once.

Whatever was acknowledged is told by the events of one attempt, whatever was refused by none, and
nothing is left without an answer (R18).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.faults.load import Command

Event = dict[str, Any]
# For each kind of command the event that tells of it, and of what.
TELLS: dict[str, tuple[str, Callable[[Command], str]]] = {
    "add": ("user.created", lambda command: command.answer["id"]),
    "assign": ("seat.assigned", lambda command: command.answer["id"]),
    "take back": ("seat.unassigned", lambda command: command.path.rpartition("/")[2]),
    "transfer": ("seat.transferred", lambda command: command.answer["seat_id"]),
    "buy": ("seats.purchased", lambda command: command.answer["id"]),
}
MAY_BE_REFUSED = ("no_seat_available",)


def wrong(commands: Iterable[Command], events: Iterable[Event]) -> Iterator[str]:
    """What does not agree, a sentence for each command."""
    by_attempt: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_attempt[event["data"]["request_id"]].append(event)
    for command in commands:
        told = [by_attempt[id] for id in command.attempts if id in by_attempt]
        for text in _wrong_with(command, told):
            yield f"{command.key} ({command.kind}, {len(command.attempts)} attempts): {text}"


def _wrong_with(command: Command, told: list[list[Event]]) -> Iterator[str]:
    if command.status == 0 or command.status >= 500:
        yield f"was answered with {command.status} at last: {command.answer}"
    elif not _was_done(command):
        if command.answer["code"] not in MAY_BE_REFUSED:
            yield f"was refused: {command.answer}"
        if told:
            yield "was refused, and had an effect"
    elif len(told) != 1:
        yield f"was acknowledged, and {len(told)} attempts had an effect"
    else:
        kind, thing = TELLS[command.kind]
        objects = [event["data"]["object"]["id"] for event in told[0] if event["type"] == kind]
        if objects.count(thing(command)) != 1:
            yield f"was acknowledged with {thing(command)}, and {kind} tells of {objects}"


def _was_done(command: Command) -> bool:
    """
    Whether the last answer says that it was done, by this attempt or by one before.

    One before may have had no answer, or that the database was gone: in the middle of its commit.
    """
    again = len(command.attempts) > 1
    repeated = command.kind == "take back" and command.status == 404 and again
    return command.status < 300 or repeated
