"""Seat-days: how long each user held a seat of each type in a period (R29)."""

import json
from collections import defaultdict
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from peewee import Cast, fn

from licensing import clock, spans
from licensing.models import Event, EventSubject, SeatHolding, User
from licensing.queries.accounts import existing_account
from licensing.queries.cursors import Key, Order, Page, Window, first_of, position_after, value_of
from licensing.queries.pool_history import period
from licensing.resources import Resource
from licensing.rules import calendar
from licensing.rules.calendar import Stretch
from licensing.rules.event_types import EventType
from licensing.rules.permissions import SEE_USAGE, Actor, require
from licensing.rules.refusals import Unacceptable

BY_USER = Order(
    (
        Key(SeatHolding.user_id, value_of(SeatHolding.user_id)),
        Key(SeatHolding.seat_type, value_of(SeatHolding.seat_type)),
    )
)


class _Period(NamedTuple):
    """A period as an account means it, and the parts in which its days are equally long."""

    starts_at: datetime
    ends_at: datetime
    stretches: list[Stretch]


def seat_days(
    actor: Actor, window: Window, starts_at: date | datetime, ends_at: date | datetime
) -> Page:
    """
    What each user held of each seat type from `starts_at` until right before `ends_at`.

    Exact: whole seconds, of which a day has as many as it has in the account's time zone, and
    nothing after the present. Users who were deleted are in it. The first page also has the totals
    of each seat type. Raises `Unacceptable` for a period that is none or too long, `InvalidCursor`,
    `NotFound`, `PermissionDenied`.
    """
    require(actor, SEE_USAGE)
    account = existing_account(actor.account)
    first, last = period(account, starts_at, ends_at)
    if last - first > calendar.LONGEST_PERIOD:
        raise Unacceptable("to", f"is more than {calendar.LONGEST_PERIOD.days} days after `from`")
    asked = _Period(first, last, calendar.stretches(first, last, ZoneInfo(account.time_zone)))
    of = ("seat_days", actor.account, starts_at, ends_at)
    after = position_after(window, of)
    rows = _rows(actor, asked, window, after)
    page = first_of(rows, BY_USER, window, of, _total(actor, asked, window))
    names = _names(actor.account, {row.user_id for row in page.items})
    beside = {
        "from": clock.to_text(first),
        "to": clock.to_text(last),
        "totals": _totals(actor.account, asked) if after is None else None,
    }
    return page.mapped(lambda row: _shown(row, names)).with_beside(beside)


def _rows(actor: Actor, asked: _Period, window: Window, after: list[Any] | None) -> list[Any]:
    query = _by_user(actor.account, asked)
    if after is not None:
        query = query.where(BY_USER.beyond(after))
    return list(query.order_by(*BY_USER.terms).limit(window.limit + 1))


def _total(actor: Actor, asked: _Period, window: Window) -> int | None:
    return _by_user(actor.account, asked).count() if window.include_total else None


def _by_user(account_id: str, asked: _Period) -> Any:
    columns = _seconds(asked)
    keys = (SeatHolding.user_id, SeatHolding.seat_type)
    query = SeatHolding.select(*keys, *columns.values()).where(
        SeatHolding.account_id == account_id,
        SeatHolding.starts_at < asked.ends_at,
        SeatHolding.ends_at.is_null() | (SeatHolding.ends_at > asked.starts_at),
    )
    return query.group_by(*keys).having(_all(asked) > 0)


def _seconds(asked: _Period) -> dict[int, Any]:
    """Sums of the seconds held, by the length of the days that they are of."""
    parts: defaultdict[int, list[Any]] = defaultdict(list)
    for stretch in asked.stretches:
        parts[stretch.seconds_in_day].append(_held(stretch.starts_at, stretch.ends_at))
    return {
        length: Cast(fn.SUM(sum(held[1:], held[0])), "BIGINT").alias(_column(length))
        for length, held in parts.items()
    }


def _column(length: int) -> str:
    return f"of_{length}"


def _all(asked: _Period) -> Any:
    return fn.SUM(_held(asked.starts_at, asked.ends_at))


def _held(starts_at: datetime, ends_at: datetime) -> Any:
    """How many seconds of a holding lie between two instants."""
    until = int(ends_at.timestamp())
    begun = spans.later_of(spans.second_of(SeatHolding.starts_at), int(starts_at.timestamp()))
    over = spans.earlier_of(fn.COALESCE(spans.second_of(SeatHolding.ends_at), until), until)
    return spans.later_of(over - begun, 0)


def _totals(account_id: str, asked: _Period) -> list[Resource]:
    """By seat type; what is over and what is still held are each found through an index."""
    columns = _seconds(asked)
    if not columns:
        return []
    seconds: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    begun = SeatHolding.starts_at < asked.ends_at
    for held in (
        SeatHolding.ends_at > asked.starts_at,
        SeatHolding.ends_at.is_null(),
    ):
        rows = SeatHolding.select(SeatHolding.seat_type, *columns.values()).where(
            SeatHolding.account_id == account_id, begun, held
        )
        for row in rows.group_by(SeatHolding.seat_type):
            for length in columns:
                seconds[row.seat_type][length] += getattr(row, _column(length))
    return [
        {"seat_type": seat_type} | _amount(of_type)
        for seat_type, of_type in sorted(seconds.items())
        if any(of_type.values())
    ]


def _amount(seconds: dict[int, int]) -> Resource:
    days = calendar.days(seconds)
    return {
        "seconds": sum(seconds.values()),
        "seat_days": {"numerator": days.numerator, "denominator": days.denominator},
        "seat_days_rounded": calendar.to_four_places(days),
    }


def _shown(row: Any, names: dict[str, tuple[str, str]]) -> Resource:
    lengths = [name for name in vars(row) if name.startswith("of_")]
    name, email = names.get(row.user_id, (None, None))
    return {
        "user_id": row.user_id,
        "name": name,
        "email": email,
        "seat_type": row.seat_type,
        **_amount({int(length.removeprefix("of_")): getattr(row, length) for length in lengths}),
    }


def _names(account_id: str, user_ids: set[str]) -> dict[str, tuple[str, str]]:
    """Name and e-mail of each user; of one who was deleted as the log still tells them."""
    users = User.select(User.id, User.name, User.email).where(
        User.account_id == account_id, User.id.in_(sorted(user_ids))
    )
    found = {user.id: (user.name, user.email) for user in users}
    gone = user_ids - found.keys()
    return found | _last_names(account_id, gone) if gone else found


def _last_names(account_id: str, user_ids: set[str]) -> dict[str, tuple[str, str]]:
    rows = (
        Event.select(Event.body)
        .join(
            EventSubject,
            on=(EventSubject.account_id == Event.account_id)
            & (EventSubject.sequence == Event.sequence),
        )
        .where(
            EventSubject.account_id == account_id,
            EventSubject.subject_id.in_(sorted(user_ids)),
            # Not by its index of types: a user has fewer events than all that were deleted.
            fn.COALESCE(Event.type, "") == EventType.USER_DELETED,
        )
    )
    gone = [json.loads(row.body)["data"]["object"] for row in rows]
    return {user["id"]: (user["name"], user["email"]) for user in gone}
