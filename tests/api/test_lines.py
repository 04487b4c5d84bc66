"""Lines of batches that are plainly right are read as their schemas read them (R16)."""

from itertools import product
from typing import Any

import pytest
from flask import Flask
from marshmallow import Schema, ValidationError

from licensing.api import lines
from licensing.api.batches import ChangeRequest
from licensing.api.user_batches import NewUserRequest
from tests.http import calling
from tests.world import an_account

ABSENT = object()
ODD: tuple[Any, ...] = (
    None, 5, True, [], ["core"], {}, "", " ", "a b", "core ", "Core", "co\u0301re", "core\n",
    "\u202ecore", "no", "ä@example.com", "a@b@c", "active", "assign", "1", "x" * 65, "x" * 201,
)  # fmt: skip
ID, EMAIL = f"usr_{'0' * 32}", "Priya.R+seats@example.com"
PLAIN_CHANGES: list[dict[str, Any]] = [
    {"action": action, "seat_type": "core", **user}
    for action in ("assign", "unassign")
    for user in ({"user_id": ID}, {"email": EMAIL})
]
PLAIN_CHANGES += [
    {"action": "transfer", "seat_type": "core", **user, **receiver}
    for user in ({"user_id": ID}, {"email": EMAIL})
    for receiver in ({"to_user_id": ID}, {"to_email": EMAIL})
]
PLAIN_CHANGES += [
    {"action": "change", "seat_type": "core", "to_seat_type": "sales", **user}
    for user in ({"user_id": ID}, {"email": EMAIL})
]
PLAIN_USERS: list[dict[str, Any]] = [
    {"email": EMAIL, "name": "Priya Raghavan", **status, **seats, **external}
    for status in ({}, {"status": "active"}, {"status": "invited"})
    for seats in ({}, {"seat_types": []}, {"seat_types": ["core", "sales"]})
    for external in ({}, {"external_id": "crm-4711"})
]
CHANGE_MEMBERS = (*ChangeRequest().fields, "colour")
USER_MEMBERS = (*NewUserRequest().fields, "colour")


def _with_one_odd(plain: list[dict[str, Any]], members: tuple[str, ...]) -> list[dict[str, Any]]:
    """Each plain line with each member left out, or odd."""
    changed = [{**line, name: odd} for line, name, odd in product(plain, members, (ABSENT, *ODD))]
    return [
        {name: value for name, value in line.items() if value is not ABSENT} for line in changed
    ]


def _loaded(schema: Schema, line: Any) -> Any:
    """What the schema makes of a line; None where it is wrong."""
    try:
        return schema.load(line)
    except ValidationError:
        return None


@pytest.mark.parametrize(
    ("read", "schema", "plain", "members"),
    [
        pytest.param(lines.changes, ChangeRequest(), PLAIN_CHANGES, CHANGE_MEMBERS, id="changes"),
        pytest.param(lines.new_users, NewUserRequest(), PLAIN_USERS, USER_MEMBERS, id="users"),
    ],
)
def test_r16_what_is_plainly_right_is_what_the_schema_reads(
    read: Any, schema: Schema, plain: list[dict[str, Any]], members: tuple[str, ...]
) -> None:
    corpus = [*plain, *_with_one_odd(plain, members), *ODD]

    found = [(line, read([line])) for line in corpus]

    assert [line for line, one in found[: len(plain)] if one is None] == [], "they are plain"
    for line, one in found:
        if one is not None:
            assert one == [_loaded(schema, line)], line


def test_r16_one_line_that_is_odd_is_told_as_ever_among_many_that_are_plain(app: Flask) -> None:
    account = an_account()
    line = {"action": "assign", "user_id": account.user(), "seat_type": "core"}
    account.from_here()
    bad = [line | {"colour": "red"}, {"action": "assign"}, line | {"seat_type": 5}, "a line"]

    answer = calling(app, account).post("seat-batches", {"changes": [line, *bad, line]})

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert {error["pointer"]: error["detail"] for error in answer.json["errors"]} == {
        "/changes/1/colour": "Unknown field.",
        "/changes/2/seat_type": "Missing data for required field.",
        "/changes/3/seat_type": "Not a valid string.",
        "/changes/4": "Invalid input type.",
    }
    assert account.happened() == []
