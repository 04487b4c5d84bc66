"""The end of one term and the start of the next (R23, R23b, R24)."""

from datetime import UTC, datetime

from licensing.operations import assigning, buying, giving_back
from licensing.queries import pools as queries
from licensing.rules.terms import Interval
from tests.world import NEXT_RENEWAL, AnAccount, Hands, a_free_account, an_account


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
