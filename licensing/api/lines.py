"""
The lines of batches that are plainly right, read without their schemas.

Nearly all lines are: strings of ASCII in members that are known. A schema takes 50 µs for each of
them, a seventh of all that a batch takes. It has the say on every other line: what is wrong is told
by it alone, and a test holds what is read here against it.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from licensing.api.fields import Name
from licensing.rules.accounts import UserStatus
from licensing.rules.batches import Change, LineAction, Named, NewUser

T = TypeVar("T")

MOST_SEAT_TYPES = 20
# Narrower than the fields are: nothing of it has to be composed or trimmed, or be told apart.
_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
_EMAIL = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,189}")
_TEXT = re.compile(r"[!-~]([ -~]{0,198}[!-~])?")
_ACTION = re.compile("|".join(LineAction))
_STATUS = re.compile(f"{UserStatus.INVITED}|{UserStatus.ACTIVE}")
_FORMS: dict[str, re.Pattern[str]] = {
    "action": _ACTION,
    "user_id": _ID,
    "email": _EMAIL,
    "seat_type": Name.pattern,
    "to_user_id": _ID,
    "to_email": _EMAIL,
    "to_seat_type": Name.pattern,
    "name": _TEXT,
    "status": _STATUS,
    "external_id": _TEXT,
}
_ONE_USER, _RECEIVER = ("user_id", "email"), ("to_user_id", "to_email")
# The members of a line, however its users are named, and what it can do then.
_CHANGES: dict[frozenset[str], tuple[str, ...]] = {
    **{
        frozenset(("action", "seat_type", user)): (LineAction.ASSIGN, LineAction.UNASSIGN)
        for user in _ONE_USER
    },
    **{
        frozenset(("action", "seat_type", user, "to_seat_type")): (LineAction.CHANGE,)
        for user in _ONE_USER
    },
    **{
        frozenset(("action", "seat_type", user, receiver)): (LineAction.TRANSFER,)
        for user in _ONE_USER
        for receiver in _RECEIVER
    },
}
_NEW_USER = frozenset(("email", "name", "status", "seat_types", "external_id"))


def changes(lines: list[Any]) -> list[Change] | None:
    """The changes that lines are, where all of them are plainly right."""
    return _all(_change, lines)


def new_users(lines: list[Any]) -> list[NewUser] | None:
    """The new users that lines are, where all of them are plainly right."""
    return _all(_new_user, lines)


def _all(read: Callable[[Any], T | None], lines: list[Any]) -> list[T] | None:
    found: list[T] = []
    for line in lines:
        one = read(line)
        if one is None:
            return None
        found.append(one)
    return found


def _change(line: Any) -> Change | None:
    if type(line) is not dict or not _are_plain(line):
        return None
    action = line.get("action")
    if action not in _CHANGES.get(frozenset(line), ()):
        return None
    return Change(
        LineAction(action),
        Named(line.get("user_id"), line.get("email")),
        line["seat_type"],
        Named(line.get("to_user_id"), line.get("to_email"))
        if action == LineAction.TRANSFER
        else None,
        line.get("to_seat_type"),
    )


def _new_user(line: Any) -> NewUser | None:
    if type(line) is not dict or not _NEW_USER.issuperset(line):
        return None
    texts = dict(line)
    seat_types = texts.pop("seat_types", None)
    if "seat_types" in line and not _are_names(seat_types):
        return None
    if not _are_plain(texts) or "email" not in texts or "name" not in texts:
        return None
    return NewUser(
        texts["email"],
        texts["name"],
        status=UserStatus(texts.get("status", UserStatus.INVITED)),
        seat_types=None if seat_types is None else tuple(seat_types),
        external_id=texts.get("external_id"),
    )


def _are_plain(texts: dict[str, Any]) -> bool:
    for name, value in texts.items():
        form = _FORMS.get(name)
        if form is None or type(value) is not str or form.fullmatch(value) is None:
            return False
    return True


def _are_names(value: Any) -> bool:
    return (
        type(value) is list
        and len(value) <= MOST_SEAT_TYPES
        and all(type(name) is str and Name.pattern.fullmatch(name) for name in value)
    )
