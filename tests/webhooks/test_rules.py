"""What an answer means, when to try again, when to give up (promises 4 and 5)."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.rules import (
    DAY,
    FAILURES_THAT_OPEN,
    FULL_SPEED,
    HOUR,
    MINUTE,
    SECOND,
    Breaker,
    Verdict,
    header_problem,
    lane_delay,
    matches,
    pause,
    probe_delay,
    verdict,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AT = 1_800_000_000_000
BILLING = frozenset({"seats.purchased", "subscription.renewed"})


@pytest.fixture(autouse=True)
def service() -> None:
    """No database is needed here."""


@pytest.fixture(autouse=True)
def published() -> None:
    """Nothing is told here."""


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (200, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (299, Verdict.DELIVERED),
        (300, Verdict.ENDPOINT_TROUBLE),
        (307, Verdict.ENDPOINT_TROUBLE),
        (400, Verdict.MESSAGE_TROUBLE),
        (401, Verdict.ENDPOINT_TROUBLE),
        (402, Verdict.MESSAGE_TROUBLE),
        (403, Verdict.ENDPOINT_TROUBLE),
        (404, Verdict.ENDPOINT_TROUBLE),
        (405, Verdict.ENDPOINT_TROUBLE),
        (408, Verdict.ENDPOINT_TROUBLE),
        (409, Verdict.MESSAGE_TROUBLE),
        (410, Verdict.GONE),
        (413, Verdict.MESSAGE_TROUBLE),
        (421, Verdict.ENDPOINT_TROUBLE),
        (422, Verdict.MESSAGE_TROUBLE),
        (425, Verdict.ENDPOINT_TROUBLE),
        (429, Verdict.SLOW_DOWN),
        (499, Verdict.MESSAGE_TROUBLE),
        (500, Verdict.ENDPOINT_TROUBLE),
        (503, Verdict.ENDPOINT_TROUBLE),
        (599, Verdict.ENDPOINT_TROUBLE),
        (999, Verdict.ENDPOINT_TROUBLE),
        (None, Verdict.ENDPOINT_TROUBLE),
    ],
)
def test_what_a_status_means(status: int | None, means: Verdict) -> None:
    assert verdict(status) is means


def test_retry_after_matters_where_a_receiver_is_there_but_busy() -> None:
    slow = {status for status in range(100, 600) if verdict(status, slow=True) != verdict(status)}

    assert slow == {503}
    assert verdict(503, slow=True) is verdict(429, slow=True) is Verdict.SLOW_DOWN


def test_a_receiver_may_abort_a_message_unless_it_took_it() -> None:
    aborted = {status: verdict(status, control="abort-message") for status in range(200, 600)}

    assert {aborted[status] for status in range(200, 300)} == {Verdict.DELIVERED}
    assert {aborted[status] for status in range(300, 600)} == {Verdict.GIVEN_UP}
    assert verdict(400, control="something else") is Verdict.MESSAGE_TROUBLE
    assert verdict(None, control="abort-message") is Verdict.ENDPOINT_TROUBLE


def test_a_receiver_may_say_with_any_status_that_it_wants_nothing_more() -> None:
    assert {verdict(status, control="disable") for status in range(200, 600)} == {Verdict.GONE}
    assert verdict(None, control="disable") is Verdict.ENDPOINT_TROUBLE


def test_an_address_that_we_refuse_is_nobody_elses_fault() -> None:
    assert verdict(None, refused_address=True) is Verdict.BLOCKED


def _seconds_between_probes(failing_for: int) -> list[int]:
    return [probe_delay(step, failing_for, 1.0) // SECOND for step in range(8)]


def test_probes_come_slower_the_longer_an_endpoint_fails() -> None:
    assert _seconds_between_probes(0) == [1, 2, 5, 10, 30, 60, 60, 60]
    assert _seconds_between_probes(HOUR - 1) == [1, 2, 5, 10, 30, 60, 60, 60]
    assert _seconds_between_probes(HOUR) == [300] * 8
    assert _seconds_between_probes(DAY - 1) == [300] * 8
    assert _seconds_between_probes(DAY) == [900] * 8
    assert _seconds_between_probes(7 * DAY) == [900] * 8


@given(st.integers(0, 10_000), st.integers(0, 30 * DAY), st.floats(0.5, 1.0))
def test_a_probe_is_never_more_than_a_minute_away_in_the_first_hour(
    step: int, failing_for: int, chance: float
) -> None:
    delay = probe_delay(step, failing_for, chance)

    assert SECOND // 2 <= delay <= 15 * MINUTE
    assert delay <= MINUTE or failing_for >= HOUR


def test_an_hours_outage_costs_less_than_a_hundred_attempts() -> None:
    elapsed, attempts, breaker = 0, 0, Breaker()
    while elapsed < HOUR:
        attempts += 1
        breaker = breaker.failed(AT + elapsed)
        # The least that chance can make of it.
        elapsed += probe_delay(breaker.step, breaker.lasting(AT + elapsed), 0.75)

    assert attempts < 100


def test_a_lane_waits_longer_each_time_its_event_is_refused() -> None:
    waits = [lane_delay(n, 1.0) // SECOND for n in range(1, 11)]

    assert waits == [5, 30, 120, 600, 1800, 3600, 10800, 21600, 21600, 21600]
    assert lane_delay(1, 0.5) == 2500


@pytest.mark.parametrize(
    ("retry_after", "milliseconds"),
    [
        (None, 5 * SECOND),
        ("", 5 * SECOND),
        ("0", 5 * SECOND),
        ("1", SECOND),
        ("7", 7 * SECOND),
        (" 7 ", 7 * SECOND),
        ("3600", HOUR),
        ("3601", HOUR),
        ("1000000000", HOUR),
        ("9" * 1000, HOUR),
        ("-1", 5 * SECOND),
        ("1.5", 5 * SECOND),
        ("+7", 5 * SECOND),
        ("٧", 5 * SECOND),
        ("soon", 5 * SECOND),
        ("7 seconds", 5 * SECOND),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30 * SECOND),
        ("Mon, 23 Nov 2026 13:00:30 +0100", 30 * SECOND),
        ("Monday, 23-Nov-26 12:00:30 GMT", 30 * SECOND),
        ("Mon Nov 23 12:00:30 2026", 30 * SECOND),
        ("Mon, 23 Nov 2026 12:00:30", 30 * SECOND),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 5 * SECOND),
        ("Fri, 31 Dec 9999 23:59:59 GMT", HOUR),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 5 * SECOND),
        ("Mon, 32 Nov 2026 12:00:30 GMT", 5 * SECOND),
        ("Mon, 23 Nov 99999999999999999999 12:00:30 GMT", 5 * SECOND),
        ("Mon, 23 Nov 2026 12:00:30 +99999999999999999999", 5 * SECOND),
        ("Mon, 23 Nov 2026 99999999999999999999:00:30 GMT", 5 * SECOND),
    ],
)
def test_a_pause_is_as_long_as_asked_and_an_hour_at_the_most(
    retry_after: str | None, milliseconds: int
) -> None:
    assert pause(retry_after, NOW) == milliseconds


@given(st.text(max_size=60))
def test_whatever_is_asked_there_is_a_pause(retry_after: str) -> None:
    assert SECOND <= pause(retry_after, NOW) <= HOUR


@given(st.from_regex(r"(Mon, )?[0-9]{1,22} Nov [0-9]{1,22} [0-9:]{1,30} ?[+-]?[0-9A-Z]{0,22}"))
def test_whatever_date_is_asked_there_is_a_pause(retry_after: str) -> None:
    assert SECOND <= pause(retry_after, NOW) <= HOUR


@given(st.integers(0, 3600))
def test_a_date_and_a_number_mean_the_same(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)

    assert pause(date, NOW) == pause(str(seconds), NOW)


def _failed(times: int, every: int = 0) -> Breaker:
    breaker = Breaker()
    for n in range(times):
        breaker = breaker.failed(AT + n * every)
    return breaker


def test_five_failures_in_a_row_open_the_breaker() -> None:
    opened = [_failed(times).is_open for times in range(FAILURES_THAT_OPEN + 2)]

    assert opened == [False] * FAILURES_THAT_OPEN + [True] * 2
    assert not _failed(4).delivered().failed(AT).is_open


def test_the_first_probe_comes_a_second_after_it_opened() -> None:
    assert [_failed(times).step for times in (5, 6, 7)] == [0, 1, 2]


def test_while_it_is_open_one_event_is_on_its_way() -> None:
    assert [_failed(times).in_flight(16) for times in (5, 6, 100)] == [1, 1, 1]


def test_after_trouble_it_goes_faster_step_by_step() -> None:
    breaker, allowed = _failed(5), []
    for _ in range(FULL_SPEED):
        breaker = breaker.delivered()
        allowed.append(breaker.in_flight(16))

    assert allowed[0] == 1
    assert all(before <= after <= 2 * before for before, after in pairwise(allowed))
    assert sorted(set(allowed)) == [1, 2, 4, 8, 16]
    assert breaker.delivered().is_sound
    assert Breaker().in_flight(4) == 4


def test_who_asks_for_a_pause_is_sent_half_as_much_at_once() -> None:
    breaker, allowed = Breaker(), []
    for _ in range(5):
        breaker = breaker.slowed(16)
        allowed.append(breaker.in_flight(16))

    assert allowed == [8, 4, 2, 1, 1]
    assert Breaker().slowed(3).in_flight(3) == 1
    assert _failed(4).slowed(16).failures == 4
    for _ in range(FULL_SPEED):
        breaker = breaker.delivered()
    assert breaker.is_sound


def test_operators_are_warned_when_it_opens_and_after_an_hour_one_three_and_six_days() -> None:
    breaker = _failed(5)
    instants = [0, HOUR - 1, HOUR, DAY, 3 * DAY, 6 * DAY, 7 * DAY]

    assert [breaker.warnings_due(AT + after) for after in instants] == [1, 1, 2, 3, 4, 5, 5]
    assert _failed(4).warnings_due(AT + DAY) == 0


def test_it_is_given_up_after_seven_days_and_fifty_probes() -> None:
    patient, hasty = _failed(60, every=3 * HOUR), _failed(60)

    assert not patient.is_hopeless(AT + 7 * DAY - 1)
    assert patient.is_hopeless(AT + 7 * DAY)
    assert not hasty.is_hopeless(AT + DAY)
    assert not _failed(54).is_hopeless(AT + 7 * DAY)
    assert _failed(55).is_hopeless(AT + 7 * DAY)
    assert not Breaker().is_hopeless(AT)


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ([], set()),
        (["*"], {"seat.assigned", "seats.purchased", "seat_removal.applied"}),
        (["seat.*"], {"seat.assigned"}),
        (["seats.*"], {"seats.purchased"}),
        (["seat.assigned"], {"seat.assigned"}),
        (["billing"], {"seats.purchased"}),
        (["billing", "seat_removal.*"], {"seats.purchased", "seat_removal.applied"}),
        (["seat"], set()),
        (["seat.unassigned"], set()),
    ],
)
def test_an_endpoint_asks_for_types_of_events(filters: list[str], wanted: set[str]) -> None:
    types = ("seat.assigned", "seats.purchased", "seat_removal.applied")

    assert {one for one in types if matches(filters, one, BILLING)} == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer abc"),
        ("X-Api-Key", "abc"),
        ("x", "~"),
        ("X-Long", "a" * 1024),
        ("X-Words", "one two"),
    ],
)
def test_a_header_of_ones_own(name: str, value: str) -> None:
    assert header_problem(name, value) is None


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "HOST",
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Expect",
        "Cookie",
        "User-Agent",
        "Proxy-Authorization",
        "Content-Length",
        "content-type",
        "Content-Encoding",
        "Accept-Encoding",
        "Webhook-Id",
        "webhook-signature",
        "WEBHOOK-anything",
        "traceparent",
        "tracestate",
    ],
)
def test_a_header_that_the_service_sets_is_not_ones_own(name: str) -> None:
    assert header_problem(name, "a") == "This header is set by the service."


@pytest.mark.parametrize(
    "name", ["", " ", "X Y", "X:", "X\n", "X\r\nY", "X\x00", "Ünder", "a" * 65, "(x)", "x,y", '"']
)
def test_a_name_of_a_header_is_a_token(name: str) -> None:
    assert "name" in (header_problem(name, "a") or "")


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        " a",
        "a ",
        "a\n",
        "a\r\nb: c",
        "a\nb",
        "\x00",
        "a\x00b",
        "a\tb",
        "\x7f",
        "é",
        "€",
        "a" * 1025,
    ],
)
def test_a_value_of_a_header_is_visible_ascii(value: str) -> None:
    assert "visible ASCII" in (header_problem("X-Own", value) or "")
