"""Pages of a list by keyset: opaque, signed cursors (no offset, no count unless asked for)."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from licensing.rules.refusals import Refusal
from licensing.sealing import derived_key

SIGNATURE_BYTES = 16


@dataclass(eq=False)
class InvalidCursor(Refusal):
    """The cursor is not one that this list gave out with these filters.

    Start again without a cursor, and send it back unchanged with the same filters.
    """

    code: ClassVar[str] = "invalid_cursor"


@dataclass(frozen=True)
class Window:
    """
    Which part of a list is asked for.

    Attributes:
        limit: at most so many items.
        cursor: what the page before gave as `next_cursor`, None for the first page.
        include_total: whether the whole list is to be counted.
    """

    limit: int = 50
    cursor: str | None = None
    include_total: bool = False


@dataclass(frozen=True)
class Page:
    """A part of a list, the cursor of the next part (None at the end), the total if asked for."""

    items: list[Any]
    next_cursor: str | None
    total: int | None = None

    def mapped(self, shown: Callable[[Any], Any]) -> "Page":
        """The same page with each item as `shown` makes it."""
        return replace(self, items=[shown(item) for item in self.items])


def page(
    query: Any, key: Any, window: Window, of: tuple[object, ...], newest_first: bool = False
) -> Page:
    """
    The part of `query` that `window` asks for, sorted by the unique field `key`, or backwards.

    `of` says which list with which filters this is; a cursor of another one is refused. Raises
    `InvalidCursor`.
    """
    name = json.dumps([str(part) for part in of])
    total = query.count() if window.include_total else None
    if window.cursor is not None:
        last = _opened(window.cursor, name)
        query = query.where(key < last if newest_first else key > last)
    # One row more than asked for tells whether there is a next page.
    order = key.desc() if newest_first else key
    rows = list(query.order_by(order).limit(window.limit + 1))
    more = len(rows) > window.limit
    rows = rows[: window.limit]
    cursor = _signed(getattr(rows[-1], key.name), name) if more else None
    return Page(rows, cursor, total)


def _signed(last: object, of: str) -> str:
    position = json.dumps(last).encode()
    return _encoded(_signature(position, of) + position)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _opened(cursor: str, of: str) -> Any:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    signature, position = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    # The last character has spare bits; a cursor comes back exactly as it was given out.
    if _encoded(raw) != cursor or not hmac.compare_digest(signature, _signature(position, of)):
        raise InvalidCursor
    return json.loads(position)


def _signature(position: bytes, of: str) -> bytes:
    signed = hmac.digest(derived_key("cursors"), of.encode() + b"\n" + position, hashlib.sha256)
    return signed[:SIGNATURE_BYTES]
