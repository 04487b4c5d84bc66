"""The filters of the log, in any combination (R29)."""

import itertools
import json
import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from licensing.events import SUBJECTS
from licensing.models import Event
from licensing.operations import assigning, buying, cancelling, giving_back
from licensing.operations.deactivating import delete_user
from licensing.queries import history
from licensing.queries.cursors import Window
from licensing.queries.history import Wanted
from licensing.rules.event_types import EventType, LogOrder, types_named
from tests.world import START, AnAccount, Hands, an_account

ABOUT = re.compile(r'"(?:usr|seat)_[0-9a-f]{32}"')
DONE_BY = re.compile(r'"(?:actor|assigned_by|requested_by)":\{[^}]*\}')


def _eventful(hands: Hands) -> tuple[AnAccount, list[str], str]:
    """An account in which much has happened, its users, and a seat that went through hands."""
    account = an_account(core=4)
    account.subscribe("sales", seats={"sales": 2})
    admin = account.super_admin
    people = [account.user() for _ in range(3)]
    for person in people:
        hands.move(hours=6)
        assigning.assign_seat(admin, person, "core")
    seat_id = account.seat(people[0], "core")
    hands.move(hours=6)
    assigning.take_back(account.by, account.seat(people[1], "core"))
    assigning.transfer_seat(admin, seat_id, people[1])
    giving_back.schedule_removal(account.by, "core", 1)
    hands.move(hours=6)
    assigning.change_seat(account.by, seat_id, "sales")
    delete_user(account.by, people[2], take_seats=True)
    buying.purchase_seats(admin, "core", 1)
    cancelling.cancel(account.by, account.pool("sales")["subscription_id"])
    hands.move(days=40)
    account.user(seats=["core"])
    return account, [*people, admin.id], seat_id


def _is_wanted(event: dict[str, Any], wanted: Wanted) -> bool:
    """The filters once more, asked of the event as it is shown."""
    when = datetime.fromisoformat(event["timestamp"])
    data = DONE_BY.sub("", _compact(event["data"]))
    return all(
        (
            wanted.after is None or event["sequence"] > wanted.after,
            not wanted.types
            or event["type"] in wanted.types
            or event["type"].split(".")[0] + ".*" in wanted.types,
            wanted.user_id is None or f'"{wanted.user_id}"' in data,
            wanted.seat_id is None or f'"{wanted.seat_id}"' in _without_seats(data),
            wanted.actor_id is None or event["data"]["actor"]["id"] == wanted.actor_id,
            wanted.since is None or when >= wanted.since,
            wanted.before is None or when < wanted.before,
        )
    )


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _without_seats(data: str) -> str:
    """The list of all that a user holds is no event about each of these seats."""
    return re.sub(r'"seats":\[[^\]]*\]', "", data)


@pytest.fixture
def scene() -> list[Any]:
    """What all examples share, once the first one has set it."""
    return []


INSTANTS = st.integers(0, 40).map(lambda hours: START + Hands.span(hours=hours))


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_r29_all_filters_and_both_orders_together(
    hands: Hands, scene: list[Any], data: st.DataObject
) -> None:
    if not scene:
        scene.append(_eventful(hands))
    account, people, seat_id = scene[0]
    wanted = Wanted(
        after=data.draw(st.none() | st.integers(0, 30)),
        types=tuple(
            data.draw(st.lists(st.sampled_from([*EventType, "seat.*", "user.*"]), max_size=3))
        ),
        user_id=data.draw(st.none() | st.sampled_from(people)),
        seat_id=data.draw(st.none() | st.just(seat_id)),
        actor_id=data.draw(st.none() | st.sampled_from([people[-1], "seatkeeper", "usr_none"])),
        since=data.draw(st.none() | INSTANTS),
        before=data.draw(st.none() | INSTANTS),
    )
    order = data.draw(st.sampled_from(LogOrder))
    expected = [event for event in account.log() if _is_wanted(event, wanted)]
    if order is LogOrder.NEWEST:
        expected.reverse()

    found, cursor = [], None
    for _ in itertools.count():
        window = Window(limit=7, cursor=cursor, include_total=True)
        page = history.events(account.by, window, wanted, order)
        found += page.items
        assert page.total == len(expected)
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == expected


def test_r29_every_user_and_seat_that_an_event_names_finds_it(hands: Hands) -> None:
    """What nobody can be found by would be missing from somebody's history."""
    account, _, _ = _eventful(hands)

    for event in account.log():
        text = _without_seats(DONE_BY.sub("", _compact(event["data"])))
        for named in {match.strip('"') for match in ABOUT.findall(text)}:
            kind = "user_id" if named.startswith("usr") else "seat_id"
            about = history.events(account.by, Window(limit=200), Wanted(**{kind: named}))
            assert event in about.items, (event["type"], named)
    assert "user_id" in SUBJECTS


def test_r29_clocks_that_differ_a_little_lose_no_event(hands: Hands) -> None:
    account = an_account()
    hands.move(minutes=30)
    account.user()
    hands.move(minutes=-20)
    account.user()
    hands.move(minutes=20)
    account.user()
    since = START + Hands.span(minutes=30)

    late = history.events(account.by, Window(), Wanted(since=since)).items
    early = history.events(account.by, Window(), Wanted(before=since)).items

    assert sorted([*early, *late], key=lambda event: event["sequence"]) == account.log()
    assert {event["timestamp"] for event in late} == {"2026-03-02T09:30:00.000Z"}
    assert Event.select().count() == len(account.log())


def test_r29_a_noun_is_all_of_its_types() -> None:
    assert {one.partition(".")[0] for one in types_named(["seat.*"])} == {"seat"}
    assert types_named(["seats.purchased", "seat.none"]) == [EventType.SEATS_PURCHASED]
    assert len(types_named(["seat.*", "seat.assigned"])) == 4
