"""The end of one term and the start of the next (R23, R23b, R24)."""

from datetime import UTC, datetime

import pytest

from licensing.operations import assigning, buying, giving_back
from licensing.queries import pools as queries
from licensing.queries.snapshot import snapshot
from licensing.rules.refusals import NoSeatAvailable, RemovalNotPending
from licensing.rules.terms import Interval
from licensing.scheduler import work_through
from tests.world import NEXT_RENEWAL, START, AnAccount, Hands, a_free_account, an_account


def _subscription(account: AnAccount, seat_type: str = "core") -> dict[str, object]:
    return queries.subscription(account.by, account.pool(seat_type)["subscription_id"])


def test_r23b_a_command_first_renews_the_terms_that_are_over(hands: Hands) -> None:
    account = an_account(core=3)
    giving_back.schedule_removal(account.billing_admin, "core", 1)
    admin = account.billing_admin
    hands.move_to(NEXT_RENEWAL)

    buying.purchase_seats(admin, "core", 2)

    assert account.numbers("core") == (4, 0, 0)
    assert account.happened() == [
        "subscription.renewed",
        "seat_removal.applied",
        "seats.purchased",
    ]


def test_r23b_one_millisecond_before_the_renewal_the_old_term_counts(hands: Hands) -> None:
    account = an_account(core=3)
    admin = account.billing_admin
    hands.move_to(NEXT_RENEWAL)
    hands.move(milliseconds=-1)

    before = buying.purchase_seats(admin, "core", 1)
    hands.move(milliseconds=1)
    at = buying.purchase_seats(admin, "core", 1)

    assert before.days_left == 1
    assert (at.share_numerator, at.share_denominator) == (1, 1)


def test_r23_a_removal_tells_when_it_took_effect_beside_when_it_was_applied(hands: Hands) -> None:
    account = an_account(core=3)
    removal = giving_back.schedule_removal(account.billing_admin, "core", 2)
    admin = account.billing_admin
    hands.move(days=40)

    buying.preview_purchase(admin, "core", 1)

    renewed, applied = account.events()
    assert applied["data"]["effective_at"] == "2026-04-02T09:00:00.000Z"
    assert applied["timestamp"] == applied["data"]["object"]["applied_at"]
    assert applied["data"]["cause"] == renewed["id"]
    assert applied["data"]["pool"]["purchased"] == 1
    assert applied["data"]["object"]["id"] == removal.id


def test_r23_removals_of_one_pool_are_applied_in_order(hands: Hands) -> None:
    account = an_account(core=10)
    admin = account.billing_admin
    for quantity in (1, 2, 3):
        giving_back.schedule_removal(admin, "core", quantity)
    account.from_here()
    hands.move_to(NEXT_RENEWAL)

    buying.preview_purchase(admin, "core", 1)

    quantities = [event["data"]["pool"]["purchased"] for event in account.events()[1:]]
    assert quantities == [9, 7, 4]


def test_r23_every_missed_term_is_worked_through_in_order_and_removals_once(hands: Hands) -> None:
    account = an_account(core=3)
    giving_back.schedule_removal(account.billing_admin, "core", 1)
    admin = account.billing_admin
    hands.move(days=365 + 60)

    buying.preview_purchase(admin, "core", 1)

    happened = account.happened()
    numbers = [
        event["data"]["object"]["term"]["number"]
        for event in account.events()
        if event["type"] == "subscription.renewed"
    ]
    assert numbers == list(range(2, 2 + len(numbers)))
    assert happened.count("seat_removal.applied") == 1
    assert account.numbers("core") == (2, 0, 0)


def test_r23_terms_of_several_subscriptions_are_renewed_by_date(hands: Hands) -> None:
    account = an_account()
    hands.move(days=10)
    account.subscribe("sales", seats={"sales": 1})
    admin = account.billing_admin
    hands.move(days=62)

    buying.preview_purchase(admin, "core", 1)

    dates = [event["data"]["effective_at"] for event in account.events()]
    assert dates == sorted(dates)
    assert len(dates) == 4


def test_r23_a_renewal_that_leaves_no_seat_unassigned_is_told(hands: Hands) -> None:
    account = an_account(core=2)
    account.user(seats=["core"])
    giving_back.schedule_removal(account.billing_admin, "core", 1)
    admin = account.billing_admin
    hands.move_to(NEXT_RENEWAL)

    buying.preview_purchase(admin, "core", 1)

    assert account.happened()[-1] == "pool.exhausted"


def test_r23b_nothing_is_scheduled_into_a_term_that_is_over(hands: Hands) -> None:
    account = an_account(core=2)
    hands.move(days=45)

    removal = giving_back.schedule_removal(account.billing_admin, "core", 1)

    assert removal.effective_at == datetime(2026, 5, 2, 9, tzinfo=UTC)


def test_r23_seats_assigned_in_between_are_never_taken_by_the_renewal(hands: Hands) -> None:
    account = an_account(core=2)
    admin = account.super_admin
    giving_back.schedule_removal(admin, "core", 2)
    priya, noah = account.user(), account.user()
    assigning.assign_seat(admin, priya, "core")
    hands.move_to(NEXT_RENEWAL)

    buying.preview_purchase(admin, "core", 1)

    assert account.numbers("core") == (1, 1, 0)
    assert (account.seats_of(priya), account.seats_of(noah)) == (["core"], ["view_only"])


def test_r24_the_thirty_first_comes_back_after_a_short_month(hands: Hands) -> None:
    hands.move_to(datetime(2027, 1, 31, 12, tzinfo=UTC))
    account = an_account()
    ends = []

    for _ in range(3):
        hands.move(days=31)
        buying.preview_purchase(account.by, "core", 1)
        ends.append(_subscription(account)["term"]["starts_at"][:10])

    assert ends == ["2027-02-28", "2027-03-31", "2027-04-30"]


def test_r24_terms_follow_the_calendar_of_the_account(hands: Hands) -> None:
    hands.move_to(datetime(2026, 3, 1, 8, tzinfo=UTC))
    account = a_free_account(time_zone="Europe/Berlin")
    account.subscribe()

    renews_at = account.pool("core")["renews_at"]

    assert renews_at == "2026-04-01T07:00:00.000Z"


def test_r24_a_year_is_a_year(hands: Hands) -> None:
    hands.move_to(datetime(2028, 2, 29, 12, tzinfo=UTC))
    account = a_free_account()
    account.subscribe(interval=Interval.YEAR)

    assert account.pool("core")["renews_at"] == "2029-02-28T12:00:00.000Z"


def test_r23_a_closed_account_renews_nothing(hands: Hands) -> None:
    account = an_account()
    account.close()
    hands.move(days=100)

    assert _subscription(account)["term"]["number"] == 1


def test_r23b_until_the_renewal_nothing_is_told(hands: Hands) -> None:
    account = an_account(core=3)
    admin = account.billing_admin
    hands.move_to(NEXT_RENEWAL)
    hands.move(microseconds=-1)

    buying.preview_purchase(admin, "core", 1)

    assert account.happened() == []
    assert _subscription(account)["term"]["number"] == 1


def test_r23b_a_term_is_renewed_once_however_many_commands_come(hands: Hands) -> None:
    account = an_account(core=3)
    giving_back.schedule_removal(account.by, "core", 1)
    admin = account.billing_admin
    hands.move_to(NEXT_RENEWAL)
    buying.preview_purchase(admin, "core", 1)
    account.from_here()

    buying.preview_purchase(admin, "core", 1)

    assert account.happened() == []
    assert account.numbers("core") == (2, 0, 0)


def test_r23_a_renewal_without_removals_tells_the_term_only(hands: Hands) -> None:
    account = an_account(core=3)
    admin = account.billing_admin
    hands.move_to(NEXT_RENEWAL)

    buying.preview_purchase(admin, "core", 1)

    (renewed,) = account.events()
    data = renewed["data"]
    assert (renewed["type"], data["reason"]) == ("subscription.renewed", "renewed")
    assert data["actor"]["type"] == "system"
    assert data["previous"]["term"] == {
        "number": 1,
        "starts_at": "2026-03-02T09:00:00.000Z",
        "ends_at": "2026-04-02T09:00:00.000Z",
    }
    assert data["object"]["term"] == {
        "number": 2,
        "starts_at": "2026-04-02T09:00:00.000Z",
        "ends_at": "2026-05-02T09:00:00.000Z",
    }


def test_r23_a_removal_takes_effect_at_its_renewal_however_late_it_is_applied(
    hands: Hands,
) -> None:
    account = an_account(core=5)
    giving_back.schedule_removal(account.by, "core", 2)
    admin = account.billing_admin
    hands.move(days=200)

    buying.preview_purchase(admin, "core", 1)

    told = [(event["type"], event["data"]["effective_at"][:10]) for event in account.events()]
    assert told == [
        ("subscription.renewed", "2026-04-02"),
        ("seat_removal.applied", "2026-04-02"),
        ("subscription.renewed", "2026-05-02"),
        ("subscription.renewed", "2026-06-02"),
        ("subscription.renewed", "2026-07-02"),
        ("subscription.renewed", "2026-08-02"),
        ("subscription.renewed", "2026-09-02"),
    ]


def test_r23_fourteen_missed_terms_are_fourteen_renewals(hands: Hands) -> None:
    account = an_account(core=5)
    giving_back.schedule_removal(account.by, "core", 2)
    admin = account.billing_admin
    hands.move_to(datetime(2027, 5, 2, 9, tzinfo=UTC))

    buying.preview_purchase(admin, "core", 1)

    happened = account.happened()
    assert happened.count("subscription.renewed") == 14
    assert happened.count("seat_removal.applied") == 1
    assert account.pool("core")["renews_at"] == "2027-06-02T09:00:00.000Z"


def test_r23_only_the_removals_of_the_pool_that_renews_are_applied(hands: Hands) -> None:
    account = an_account(core=5)
    hands.move(days=10)
    account.subscribe("sales", seats={"sales": 5})
    giving_back.schedule_removal(account.by, "core", 1)
    giving_back.schedule_removal(account.by, "sales", 2)
    admin = account.billing_admin
    hands.move_to(NEXT_RENEWAL)

    buying.preview_purchase(admin, "core", 1)

    assert account.numbers("core") == (4, 0, 0)
    assert account.numbers("sales") == (5, 0, 2)


def test_r23_until_somebody_renews_all_reads_show_the_state_that_the_log_tells(
    hands: Hands,
) -> None:
    account = an_account(core=5)
    removal = giving_back.schedule_removal(account.by, "core", 2)
    hands.move_to(NEXT_RENEWAL)

    def seen() -> tuple[str, tuple[int, ...], int, int]:
        at_once = snapshot(account.by)
        (pool,) = at_once["pools"]
        assert at_once["sequence"] == len(account.log())
        shown = queries.removal(account.by, removal.id)["status"]
        return shown, account.numbers("core"), pool["purchased"], len(at_once["removals"])

    assert seen() == ("scheduled", (5, 0, 2), 5, 1)
    work_through()
    assert seen() == ("applied", (3, 0, 0), 3, 0)


def test_r23_seats_that_a_renewal_removed_are_not_assigned_any_more(hands: Hands) -> None:
    account = an_account(core=1)
    giving_back.schedule_removal(account.by, "core", 1)
    priya = account.user()
    hands.move_to(NEXT_RENEWAL)

    with pytest.raises(NoSeatAvailable) as refusal:
        assigning.assign_seat(account.by, priya, "core")

    assert refusal.value.facts == {"seat_type": "core", "purchased": 0, "assigned": 0}
    assert account.seats_of(priya) == ["view_only"]


def test_r23_a_refused_command_leaves_the_renewal_to_the_next_one(hands: Hands) -> None:
    account = an_account(core=3)
    removal = giving_back.schedule_removal(account.by, "core", 1)
    hands.move_to(NEXT_RENEWAL)
    with pytest.raises(RemovalNotPending):
        giving_back.cancel_removal(account.by, removal.id)

    buying.preview_purchase(account.by, "core", 1)

    assert account.numbers("core") == (2, 0, 0)
    assert account.happened() == [
        "seat_removal.scheduled",
        "subscription.renewed",
        "seat_removal.applied",
    ]


def test_r23b_a_removal_of_the_new_term_waits_for_the_end_of_the_new_term(hands: Hands) -> None:
    account = an_account(core=5)
    giving_back.schedule_removal(account.by, "core", 1)
    hands.move_to(NEXT_RENEWAL)

    second = giving_back.schedule_removal(account.by, "core", 1)

    assert second.effective_at == datetime(2026, 5, 2, 9, tzinfo=UTC)
    assert (second.current_quantity, second.renewal_quantity) == (4, 3)
    assert account.numbers("core") == (4, 0, 1)


def test_r23_a_renewal_keeps_the_minimum(hands: Hands) -> None:
    account = an_account(core=5)
    account.promise("core", minimum=3)
    giving_back.schedule_removal(account.by, "core", 2)
    hands.move_to(NEXT_RENEWAL)

    buying.preview_purchase(account.by, "core", 1)

    pool = account.pool("core")
    assert (pool["purchased"], pool["minimum"], pool["scheduled_removal"]) == (3, 3, 0)


@pytest.mark.parametrize(
    ("zone", "starts"),
    [
        pytest.param(
            "UTC",
            ["2027-02-28T23:30", "2027-03-31T23:30", "2027-04-30T23:30"],
            id="in UTC it is the 31st",
        ),
        pytest.param(
            "Europe/Berlin",
            ["2027-02-28T23:30", "2027-03-31T22:30", "2027-04-30T22:30"],
            id="in Berlin it is the 1st, and summer comes",
        ),
        pytest.param(
            "America/New_York",
            ["2027-02-28T23:30", "2027-03-31T22:30", "2027-04-30T22:30"],
            id="in New York it is the evening of the 31st",
        ),
    ],
)
def test_r24_every_missed_term_ends_in_the_calendar_of_the_account(
    hands: Hands, zone: str, starts: list[str]
) -> None:
    hands.move_to(datetime(2027, 1, 31, 23, 30, tzinfo=UTC))
    account = a_free_account(time_zone=zone)
    account.subscribe()
    hands.move_to(datetime(2027, 5, 10, tzinfo=UTC))

    buying.preview_purchase(account.by, "core", 1)

    terms = [event["data"]["object"]["term"] for event in account.events()]
    assert [term["starts_at"][:16] for term in terms] == starts
    assert [term["starts_at"] for term in terms[1:]] == [term["ends_at"] for term in terms[:-1]]


def test_r24_a_term_of_two_years_renews_after_two_years(hands: Hands) -> None:
    account = a_free_account()
    account.subscribe(interval=Interval.YEAR, interval_count=2)
    hands.move_to(START.replace(year=2028))

    buying.preview_purchase(account.by, "core", 1)

    assert account.happened() == ["subscription.renewed"]
    assert account.pool("core")["renews_at"] == "2030-03-02T09:00:00.000Z"
