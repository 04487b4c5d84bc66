"""
The last digests of the logs, to be kept elsewhere, and to be compared with later.

A chain alone cannot show that its end was cut off, or that all of it was written anew.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from peewee import JOIN

from licensing.models import Account, Event

ACCOUNTS_PER_READ = 500


class BadAnchor(ValueError):
    """A line that is no anchor; the message says which."""


@dataclass(frozen=True)
class Anchor:
    """That the event of an account with this sequence had this digest."""

    account_id: str
    sequence: int
    digest: str

    def line(self) -> str:
        """The anchor as one line of JSON."""
        return json.dumps(asdict(self))


def anchors() -> Iterator[Anchor]:
    """The last event of each account, in the order of the accounts' ids."""
    query: Any = (
        Account.select(Account.id, Account.last_sequence, Event.digest)
        .join(
            Event,
            on=(Event.account_id == Account.id) & (Event.sequence == Account.last_sequence),
        )
        .order_by(Account.id)
        .limit(ACCOUNTS_PER_READ)
        .tuples()
    )
    after = ""
    while page := [Anchor(*row) for row in query.where(Account.id > after)]:
        yield from page
        after = page[-1].account_id


def read(lines: Iterable[str]) -> Iterator[Anchor]:
    """What `Anchor.line` wrote. Raises `BadAnchor`."""
    for number, line in enumerate(lines, 1):
        try:
            found = Anchor(**json.loads(line))
        except (ValueError, TypeError, RecursionError):
            raise BadAnchor(f"line {number} is no anchor") from None
        if not _is_sound(found):
            raise BadAnchor(f"line {number} is no anchor")
        yield found


def _is_sound(anchor: Anchor) -> bool:
    texts = (anchor.account_id, anchor.digest)
    return (
        all(isinstance(text, str) and re.fullmatch(r"\w+", text, re.ASCII) for text in texts)
        and type(anchor.sequence) is int
        and 1 <= anchor.sequence < 2**53
    )


def broken(kept: Iterable[Anchor]) -> Iterator[str]:
    """
    The anchors that do not hold any more, as sentences that name the event.

    Of an event that was purged since, nothing is left to compare with.
    """
    for anchor in kept:
        found = _found(anchor)
        if found is None:
            yield f"account {anchor.account_id} is gone; it had an anchor"
        elif anchor.sequence > found.last_sequence:
            yield (
                f"account {anchor.account_id}: event {anchor.sequence} is missing, "
                f"which had an anchor; the log ends with {found.last_sequence}"
            )
        elif anchor.sequence >= found.purged_through and anchor.digest != _digest(found, anchor):
            yield (
                f"account {anchor.account_id}: event {anchor.sequence} is not the one "
                "that had an anchor"
            )


def _found(anchor: Anchor) -> Any:
    return (
        Account.select(Account, Event.digest)
        .join(
            Event,
            JOIN.LEFT_OUTER,
            on=(Event.account_id == Account.id) & (Event.sequence == anchor.sequence),
            attr="event",
        )
        .where(Account.id == anchor.account_id)
        .get_or_none()
    )


def _digest(account: Any, anchor: Anchor) -> str | None:
    if anchor.sequence == account.purged_through:
        return str(account.purged_digest)
    return account.event.digest if account.event else None
