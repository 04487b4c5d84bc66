"""What is written of lanes: where they begin, who has them, how far they are (promises 1, 2, 7)."""

import time

import pytest

from licensing.db import transactional
from licensing.models import Event
from licensing.rules.permissions import system
from tests.world import AnAccount, an_account
from webhooks import lanes
from webhooks.lanes import LANES_PER_STATEMENT, LEASE, Step
from webhooks.models import Lane
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint
from webhooks.rules import SECOND, LaneState

NOW = 1_000_000
_move = transactional(lanes.move)


@pytest.fixture
def endpoint() -> str:
    """An endpoint that is told of the new users of every account."""
    wanted = NewEndpoint("https://billing.example.com/hook", ["user.created"])
    return endpoints.create_endpoint(system(), wanted)[0].id


@pytest.fixture
def company(endpoint: str) -> AnAccount:
    """An account, of which there are three events to send."""
    made = an_account()
    for _ in range(3):
        made.user(seats=[])
    return made


def _sequences(company: AnAccount) -> list[int]:
    """Those of the events that are asked for."""
    of_users = (Event.account_id == company.id) & (Event.type == "user.created")
    return [event.sequence for event in Event.select().where(of_users).order_by(Event.sequence)]


def _lane(company: AnAccount) -> Lane:
    found: Lane = Lane.get(Lane.account_id == company.id)
    return found


def _claimed(endpoint: str, now: int = NOW) -> Lane:
    (lane,) = lanes.claim(endpoint, 1, now)
    return lane


def test_a_lane_begins_right_before_the_first_event_that_is_asked_for(company: AnAccount) -> None:
    first, _, last = _sequences(company)

    lane = _lane(company)

    assert (lane.cursor, lane.head, lane.previous) == (first - 1, last, None)
    assert (lane.state, lane.due_at, lane.lease_until) == (LaneState.READY, 0, 0)
    assert (lane.token, lane.refusals, lane.refused_since, lane.pace_until) == (0, 0, None, 0)


def test_a_lane_that_rested_begins_anew_right_before_the_next_event(
    endpoint: str, company: AnAccount
) -> None:
    lanes.advance(_claimed(endpoint), _lane(company).head)
    rested = _lane(company)
    company.user(seats=[])

    lane = _lane(company)

    assert rested.state == LaneState.IDLE
    *_, last = _sequences(company)
    assert (lane.cursor, lane.head) == (last - 1, last)
    assert (lane.state, lane.due_at) == (LaneState.READY, 0)


def test_of_a_lane_that_waits_only_the_head_moves(endpoint: str, company: AnAccount) -> None:
    lanes.wait(_claimed(endpoint), NOW + 5)
    before = _lane(company)
    company.user(seats=[])

    lane = _lane(company)

    assert lane.head == _sequences(company)[-1] > before.head
    assert (lane.cursor, lane.state, lane.due_at) == (before.cursor, LaneState.READY, NOW + 5)


def test_of_a_lane_that_is_leased_only_the_head_moves(endpoint: str, company: AnAccount) -> None:
    leased = _claimed(endpoint)
    company.user(seats=[])

    lane = _lane(company)

    assert lane.head > leased.head
    assert (lane.cursor, lane.state, lane.token) == (leased.cursor, LaneState.LEASED, leased.token)


def _due(endpoint: str, *instants: int) -> list[AnAccount]:
    """As many accounts, whose lanes are due at these instants."""
    found = []
    for due_at in instants:
        company = an_account()
        company.user(seats=[])
        Lane.update(due_at=due_at).where(Lane.account_id == company.id).execute()
        found.append(company)
    return found


def test_those_that_are_due_are_leased_the_longest_due_first(endpoint: str) -> None:
    late, first, second = _due(endpoint, NOW + 1, NOW - 2, NOW)

    leased = lanes.claim(endpoint, 5, NOW)

    assert [lane.account_id for lane in leased] == [first.id, second.id]
    assert {(lane.state, lane.lease_until) for lane in leased} == {(LaneState.LEASED, NOW + LEASE)}
    assert lanes.claim(endpoint, 5, NOW) == []
    assert _lane(late).state == LaneState.READY


def test_no_more_are_leased_than_are_asked_for(endpoint: str) -> None:
    _, first = _due(endpoint, NOW - 1, NOW - 2)

    assert [lane.account_id for lane in lanes.claim(endpoint, 1, NOW)] == [first.id]


def test_a_lease_is_renewed_by_whoever_has_it(endpoint: str, company: AnAccount) -> None:
    lane = _claimed(endpoint)

    assert lanes.renew(lane, NOW + 7)
    assert _lane(company).lease_until == NOW + 7 + LEASE

    _move(_lane(company))
    assert not lanes.renew(lane, NOW + 9)
    assert _lane(company).lease_until == NOW + 7 + LEASE


def test_promise_7_a_lease_that_was_not_renewed_lapses(endpoint: str) -> None:
    one, other = _due(endpoint, 0, NOW + 1)
    lost, held = _claimed(endpoint), _claimed(endpoint, NOW + 1)

    lanes.lapse(NOW + LEASE)
    assert _lane(one).state == LaneState.LEASED
    lanes.lapse(NOW + LEASE + 1)

    assert (_lane(one).state, _lane(one).due_at) == (LaneState.READY, NOW + LEASE + 1)
    assert _lane(other).state == LaneState.LEASED
    assert lanes.advance(lost, lost.head) is None
    assert lanes.advance(held, held.head) is not None


def test_a_lane_stays_leased_or_waits_while_there_is_more(
    endpoint: str, company: AnAccount
) -> None:
    first, second, last = _sequences(company)

    stays = lanes.advance(_claimed(endpoint), first)
    assert stays is not None
    assert (stays.cursor, stays.previous, stays.state) == (first, first, LaneState.LEASED)

    waits = lanes.advance(stays, second, NOW + 3)
    assert waits is not None
    assert (waits.cursor, waits.state, waits.due_at) == (second, LaneState.READY, NOW + 3)

    rests = lanes.advance(_claimed(endpoint, NOW + 3), last, NOW + 4)
    assert rests is not None
    assert (rests.cursor, rests.previous, rests.state) == (last, last, LaneState.IDLE)


def test_an_event_that_was_taken_ends_the_refusals(endpoint: str, company: AnAccount) -> None:
    refused = lanes.wait(_claimed(endpoint), NOW, refusals=2, refused_since=NOW)
    assert refused is not None
    assert (refused.refusals, refused.refused_since) == (2, NOW)

    lane = lanes.advance(_claimed(endpoint), _sequences(company)[0])

    assert lane is not None
    assert (lane.refusals, lane.refused_since) == (0, None)


def test_more_lanes_than_fit_in_a_statement_move_at_once(endpoint: str) -> None:
    companies = _due(endpoint, *range(LANES_PER_STATEMENT + 2))
    leased = lanes.claim(endpoint, len(companies), NOW)
    lost = leased[1]
    _move(lost)

    moved = lanes.advance_all([Step(lane, lane.head) for lane in leased])

    assert moved.keys() == {(endpoint, c.id) for c in companies} - {(endpoint, lost.account_id)}
    assert {lane.state for lane in moved.values()} == {LaneState.IDLE}


def test_a_lane_rests_at_the_head_that_was_seen(endpoint: str, company: AnAccount) -> None:
    lanes.rest(_claimed(endpoint))

    lane = _lane(company)
    assert (lane.cursor, lane.state) == (lane.head, LaneState.IDLE)


def test_a_lane_whose_head_has_moved_does_not_rest(endpoint: str, company: AnAccount) -> None:
    seen = _claimed(endpoint)
    company.user(seats=[])

    lanes.rest(seen)

    assert (_lane(company).cursor, _lane(company).state) == (seen.cursor, LaneState.READY)


def test_a_lane_that_is_blocked_is_leased_by_nobody(endpoint: str, company: AnAccount) -> None:
    blocked = lanes.block(_claimed(endpoint))

    assert blocked is not None
    assert blocked.state == LaneState.BLOCKED
    assert lanes.claim(endpoint, 1, NOW) == []


def test_what_was_sent_before_is_fixed(endpoint: str, company: AnAccount) -> None:
    lane = _claimed(endpoint)
    lane.previous = 1

    lanes.fix_previous(lane)

    assert _lane(company).previous == 1


def test_promise_7_whoever_moves_a_lane_from_outside_takes_it_from_its_sender(
    endpoint: str, company: AnAccount
) -> None:
    first, second, _ = _sequences(company)
    lanes.wait(_claimed(endpoint), NOW + 1, refusals=3, refused_since=NOW)
    leased = _claimed(endpoint, NOW + 1)

    _move(leased, cursor=first)

    lane = _lane(company)
    assert (lane.cursor, lane.state, lane.due_at) == (first, LaneState.READY, 0)
    assert (lane.refusals, lane.refused_since) == (0, None)
    lost = lanes.block(leased), lanes.wait(leased, 5), lanes.advance(leased, second)
    assert lost == (None, None, None)
    assert (_lane(company).cursor, _lane(company).state) == (first, LaneState.READY)


def test_each_lease_is_another_one(endpoint: str, company: AnAccount) -> None:
    tokens = []
    for now in (NOW, NOW + 1, NOW + 2):
        lane = _claimed(endpoint, now)
        tokens.append(lane.token)
        lanes.wait(lane, now)

    assert len(set(tokens)) == len(tokens)


def test_the_clock_of_the_database_counts_milliseconds_since_1970() -> None:
    before = time.time() * SECOND

    assert before - SECOND < lanes.database_now() < before + 60 * SECOND
