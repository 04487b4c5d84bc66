"""Subscribing to a product (R2, R4, R24, R31)."""

from datetime import UTC, datetime

import pytest

from licensing.models import Pool, Subscription
from licensing.operations import buying
from licensing.operations.subscriptions import (
    Order,
    checkout,
    preview_checkout,
    shown,
    update_subscription,
)
from licensing.queries import pools as queries
from licensing.rules.permissions import Permission, Scope
from licensing.rules.pools import LARGEST_POOL
from licensing.rules.refusals import (
    AlreadySubscribed,
    BelowMinimum,
    ExternalIdTaken,
    NotFound,
    NotSold,
    PermissionDenied,
    PoolTooLarge,
    PreconditionFailed,
    SeatTypeNotAvailable,
    Unacceptable,
    Unknown,
)
from licensing.rules.terms import Interval
from tests.world import (
    NEXT_RENEWAL,
    START,
    AnAccount,
    Hands,
    a_free_account,
    a_legacy_account,
    an_account,
    in_days,
)


def _order(**changes: object) -> Order:
    order = {
        "product": "marketing",
        "tier": "professional",
        "interval": Interval.MONTH,
        "interval_count": 1,
        "seats": {"core": 3},
    }
    return Order(**order | changes)  # type: ignore[arg-type]


def _buyer(account: AnAccount, name: str = "Amara") -> tuple[str, object]:
    permissions = frozenset({Permission.MODIFY_BILLING})
    user_id = account.user(name, permissions=permissions)
    return user_id, account.actor(*permissions, user_id=user_id)


def test_r4_the_first_subscription_ends_the_free_seats_of_everybody() -> None:
    account = a_free_account()
    amara, buyer = _buyer(account)
    priya = account.user("Priya")

    checkout(buyer, _order())

    assert (account.seats_of(amara), account.seats_of(priya)) == (["core"], ["view_only"])
    assert account.numbers("core") == (3, 1, 0)
    assert account.happened() == [
        "subscription.started",
        "seats.purchased",
        "seat.unassigned",
        "seat.unassigned",
        "seat.assigned",
        "seat.assigned",
    ]
    reasons = {event["data"]["reason"] for event in account.events()[2:6]}
    assert reasons == {"upgraded_from_free"}


def test_r4_when_a_service_checks_out_nobody_gets_a_paid_seat() -> None:
    account = a_free_account()
    priya = account.user("Priya")

    checkout(account.key(Scope.BILLING), _order())

    assert account.seats_of(priya) == ["view_only"]
    assert account.numbers("core") == (3, 0, 0)


def test_r4_a_deactivated_user_of_the_free_tools_is_left_the_viewing_seat() -> None:
    account = a_free_account()
    priya = account.user("Priya")
    account.deactivate(priya)

    checkout(account.key(Scope.BILLING), _order())

    assert account.seats_of(priya) == ["view_only"]


def test_r4_a_later_checkout_adds_its_seats_to_the_pool_that_exists() -> None:
    account = an_account(core=10)
    first = account.pool("core")["subscription_id"]

    checkout(account.billing_admin, _order(product="content", seats={"core": 5}))

    assert account.numbers("core") == (15, 0, 0)
    assert account.pool("core")["subscription_id"] == first


def test_r4_a_later_checkout_leaves_the_holders_their_seats() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user()

    checkout(account.billing_admin, _order(product="sales", seats={"sales": 2}))

    assert (account.seats_of(priya), account.seats_of(noah)) == (["core"], ["view_only"])


def test_r4_at_least_the_included_minimum_is_bought() -> None:
    account = a_free_account()
    _, buyer = _buyer(account)

    with pytest.raises(BelowMinimum) as refusal:
        checkout(buyer, _order(seats={}))

    assert refusal.value.facts == {"seat_type": "core", "quantity": 0, "minimum": 1}
    assert account.happened() == []


def test_r4_seats_that_the_account_has_already_count_towards_the_minimum() -> None:
    account = an_account(core=1)

    checkout(account.billing_admin, _order(product="content", seats={}))

    assert account.numbers("core") == (1, 0, 0)


def test_r24_the_first_term_begins_now_and_ends_an_interval_later() -> None:
    account = a_free_account()

    subscription, _ = checkout(account.billing_admin, _order())

    assert (subscription.term_number, subscription.anchor) == (1, START)
    assert (subscription.term_starts_at, subscription.term_ends_at) == (START, NEXT_RENEWAL)


def test_r24_an_import_is_in_the_term_that_runs_now() -> None:
    account = a_free_account()

    subscription, _ = checkout(account.billing_admin, _order(starts_at=in_days(-100)))

    assert subscription.term_number == 4
    assert subscription.term_starts_at <= START < subscription.term_ends_at


def test_r24_nothing_starts_in_the_future() -> None:
    account = a_free_account()

    with pytest.raises(Unacceptable, match="future"):
        checkout(account.billing_admin, _order(starts_at=in_days(1)))


def test_r4_a_preview_says_what_the_checkout_then_does() -> None:
    account = a_free_account()
    _, buyer = _buyer(account)

    preview = shown(preview_checkout(buyer, _order()))

    assert preview["ends_free_tools"] is True
    assert preview["term"]["ends_at"] == "2026-04-02T09:00:00.000Z"
    (line,) = preview["purchases"]
    assert (line["pool_id"], line["purchased_after"]) == (None, 3)
    assert line["amount_now"] == line["amount_at_renewal"] == {"amount": 15_000, "currency": "USD"}
    assert account.happened() == []
    assert Subscription.select().where(Subscription.account_id == account.id).count() == 0


def test_a_product_is_subscribed_to_once() -> None:
    account = an_account()
    admin = account.billing_admin

    with pytest.raises(AlreadySubscribed) as refusal:
        checkout(admin, _order(tier="starter"))

    assert refusal.value.subscription_id == account.pool("core")["subscription_id"]
    assert account.happened() == []


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param({"tier": "free"}, NotSold, id="a tier that is not sold"),
        pytest.param({"tier": "gold"}, Unknown, id="an unknown tier"),
        pytest.param({"product": "toasters"}, Unknown, id="an unknown product"),
        pytest.param({"seats": {"gold": 1}}, Unknown, id="an unknown seat type"),
        pytest.param({"seats": {"sales": 1}}, SeatTypeNotAvailable, id="a type of another product"),
        pytest.param({"seats": {"view_only": 1}}, Unacceptable, id="a type that is free"),
    ],
)
def test_what_is_not_sold_cannot_be_checked_out(
    change: dict[str, object], refusal: type[Exception]
) -> None:
    account = a_free_account()
    admin = account.billing_admin

    with pytest.raises(refusal):
        checkout(admin, _order(**change))
    with pytest.raises(refusal):
        preview_checkout(admin, _order(**change))

    assert account.happened() == []


def test_r2_a_legacy_account_buys_legacy_types_only() -> None:
    account = a_legacy_account()
    admin = account.billing_admin

    with pytest.raises(SeatTypeNotAvailable, match="legacy"):
        checkout(admin, _order(product="content", seats={"core": 1}))
    checkout(admin, _order(product="service", seats={"service": 2}))

    assert account.numbers("service") == (2, 0, 0)


def test_r2_nothing_that_a_legacy_account_cannot_have_is_included() -> None:
    account = a_legacy_account()

    checkout(account.billing_admin, _order(product="content", seats={}))

    assert account.happened() == ["subscription.started"]


def test_r31_an_external_id_is_unique_among_the_subscriptions_of_an_account() -> None:
    account = an_account()
    checkout(account.by, _order(product="sales", seats={}, external_id="sub-1"))
    admin = account.billing_admin

    with pytest.raises(ExternalIdTaken):
        checkout(admin, _order(product="service", seats={}, external_id="sub-1"))

    assert account.happened() == []


def test_r10_checking_out_takes_the_permission_to_modify_billing() -> None:
    account = a_free_account()
    admin = account.user_admin

    with pytest.raises(PermissionDenied, match="modify_billing"):
        checkout(admin, _order())
    with pytest.raises(PermissionDenied, match="modify_billing"):
        preview_checkout(admin, _order())

    assert account.happened() == []


def test_r31_metadata_can_be_set_and_is_told() -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]

    update_subscription(account.billing_admin, subscription_id, {"metadata": {"po": "4711"}}, 1)

    assert queries.subscription(account.by, subscription_id)["metadata"] == {"po": "4711"}
    assert account.happened() == ["subscription.updated"]
    assert account.events()[0]["data"]["previous"] == {"metadata": {}}


def test_a_subscription_that_has_changed_since_it_was_read_is_left_alone() -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    admin = account.billing_admin

    with pytest.raises(PreconditionFailed):
        update_subscription(admin, subscription_id, {"external_id": "x"}, 9)

    assert account.happened() == []


def test_the_subscription_of_another_account_does_not_exist() -> None:
    account, stranger = an_account(), an_account()
    subscription_id = account.pool("core")["subscription_id"]

    with pytest.raises(NotFound):
        update_subscription(stranger.billing_admin, subscription_id, {}, 1)


def test_r4_the_consequences_of_a_checkout_name_its_start_as_their_cause() -> None:
    account = a_free_account()
    _, buyer = _buyer(account)

    checkout(buyer, _order())

    started, *others = account.events()
    assert started["type"] == "subscription.started"
    assert {event["data"]["cause"] for event in others} == {started["id"]}


def test_r4_an_invited_holder_of_a_free_seat_is_left_the_viewing_one_too() -> None:
    account = a_free_account()
    active, invited = account.user(), account.user(status="invited", seats=["free"])

    checkout(account.key(Scope.BILLING), _order())

    assert (account.seats_of(active), account.seats_of(invited)) == (["view_only"], ["view_only"])
    assert account.numbers("core") == (3, 0, 0)
    assert account.happened() == [
        "subscription.started",
        "seats.purchased",
        *["seat.unassigned"] * 2,
        *["seat.assigned"] * 2,
    ]


def test_r4_who_checks_out_without_any_seat_bought_is_left_the_viewing_one() -> None:
    account = a_free_account()
    amara, buyer = _buyer(account)

    checkout(buyer, _order(product="sales", seats={}))

    assert account.seats_of(amara) == ["view_only"]
    assert Pool.select().count() == 0


def test_r4_the_buyer_of_a_full_pool_takes_its_last_seat() -> None:
    account = a_free_account()
    amara, buyer = _buyer(account)

    checkout(buyer, _order(seats={"core": 1}))

    assert account.seats_of(amara) == ["core"]
    assert account.numbers("core") == (1, 1, 0)
    assert account.happened()[-1] == "pool.exhausted"


def test_r4_a_later_checkout_buys_to_the_end_of_the_pools_own_term(hands: Hands) -> None:
    account = an_account(core=10)
    hands.move(days=31 / 2)

    checkout(account.billing_admin, _order(product="content", seats={"core": 2}))

    (bought,) = [event for event in account.events() if event["type"] == "seats.purchased"]
    share = bought["data"]["object"]["term_share"]
    assert (share["numerator"], share["denominator"]) == (1, 2)
    assert account.pool("core")["renews_at"] == "2026-04-02T09:00:00.000Z"


def test_r4_a_later_checkout_opens_pools_for_what_the_account_has_not() -> None:
    account = an_account(core=10)

    subscription, opened = checkout(
        account.billing_admin, _order(product="sales", seats={"sales": 2, "core": 1})
    )

    assert [pool.seat_type for pool in opened] == ["sales"]
    assert account.pool("sales")["subscription_id"] == subscription.id
    assert (account.numbers("core"), account.numbers("sales")) == ((11, 0, 0), (2, 0, 0))


def test_r4_a_refused_checkout_starts_and_ends_nothing() -> None:
    account = a_free_account()
    amara, buyer = _buyer(account)

    with pytest.raises(BelowMinimum):
        checkout(buyer, _order(seats={}))

    assert account.seats_of(amara) == ["free"]
    assert (Subscription.select().count(), Pool.select().count()) == (0, 0)
    assert account.happened() == []


def test_r17_a_checkout_does_not_fill_a_pool_beyond_its_bound() -> None:
    account = a_free_account()
    account.subscribe(seats={"core": 100_000})
    for _ in range(9):
        buying.purchase_seats(account.by, "core", 100_000)
    account.from_here()

    with pytest.raises(PoolTooLarge) as refusal:
        checkout(account.billing_admin, _order(product="content", seats={"core": 1}))

    assert refusal.value.facts == {
        "seat_type": "core",
        "quantity": LARGEST_POOL + 1,
        "maximum": LARGEST_POOL,
    }
    assert account.happened() == []


def test_r4_a_preview_of_a_later_checkout_names_the_pool_that_exists() -> None:
    account = an_account(core=10)
    before = account.pool("core")

    preview = shown(preview_checkout(account.by, _order(product="content", seats={"core": 5})))

    (line,) = preview["purchases"]
    assert (line["pool_id"], line["purchased_before"], line["purchased_after"]) == (
        before["id"],
        10,
        15,
    )
    assert preview["ends_free_tools"] is False
    assert account.pool("core") == before
    assert account.happened() == []


def test_r4_a_preview_takes_no_free_seat_away() -> None:
    account = a_free_account()
    amara, buyer = _buyer(account)

    preview_checkout(buyer, _order())

    assert account.seats_of(amara) == ["free"]
    assert Pool.select().count() == 0
    assert account.happened() == []


@pytest.mark.parametrize(
    ("starts_at", "number", "starts", "ends"),
    [
        pytest.param(
            datetime(2026, 2, 2, 9, tzinfo=UTC),
            2,
            "2026-03-02T09:00:00.000Z",
            "2026-04-02T09:00:00.000Z",
            id="a term that ends at this very instant is over",
        ),
        pytest.param(
            datetime(2026, 2, 2, 9, 0, 1, tzinfo=UTC),
            1,
            "2026-02-02T09:00:01.000Z",
            "2026-03-02T09:00:01.000Z",
            id="a term that ends in a second runs",
        ),
        pytest.param(
            datetime(2025, 12, 31, 9, tzinfo=UTC),
            3,
            "2026-02-28T09:00:00.000Z",
            "2026-03-31T09:00:00.000Z",
            id="an anchor on the 31st",
        ),
        pytest.param(
            START, 1, "2026-03-02T09:00:00.000Z", "2026-04-02T09:00:00.000Z", id="an anchor now"
        ),
    ],
)
def test_r24_an_import_runs_in_the_term_of_its_anchor(
    starts_at: datetime, number: int, starts: str, ends: str
) -> None:
    account = a_free_account()

    checkout(account.by, _order(starts_at=starts_at))

    started = account.events()[0]["data"]
    assert started["object"]["term"] == {"number": number, "starts_at": starts, "ends_at": ends}
    assert started["effective_at"] == starts
    assert account.pool("core")["renews_at"] == ends


def test_r17_an_import_pays_for_what_is_left_of_its_running_term() -> None:
    account = a_free_account(currency="USD")
    order = _order(starts_at=datetime(2026, 2, 16, 9, tzinfo=UTC), seats={"core": 2})

    preview = shown(preview_checkout(account.by, order))

    (line,) = preview["purchases"]
    assert (line["term_share"]["numerator"], line["term_share"]["denominator"]) == (1, 2)
    assert (line["amount_now"]["amount"], line["amount_at_renewal"]["amount"]) == (5_000, 10_000)


def test_r24_a_refused_start_in_the_future_names_the_member_and_starts_nothing() -> None:
    account = a_free_account()

    with pytest.raises(Unacceptable) as refusal:
        checkout(account.by, _order(starts_at=in_days(0.001)))

    assert refusal.value.pointer == "/starts_at"
    assert Subscription.select().count() == 0
    assert account.happened() == []


def test_r31_a_preview_refuses_a_taken_external_id_as_the_checkout_does() -> None:
    account = an_account()
    checkout(account.by, _order(product="sales", seats={}, external_id="sub-1"))
    account.from_here()

    with pytest.raises(ExternalIdTaken):
        preview_checkout(account.by, _order(product="service", seats={}, external_id="sub-1"))

    assert account.happened() == []


def test_r32_a_change_of_a_subscription_to_what_is_tells_nothing() -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    before = queries.subscription(account.by, subscription_id)
    patch = {"external_id": None, "metadata": {"po": None}}

    update_subscription(account.by, subscription_id, patch, before["version"])

    assert queries.subscription(account.by, subscription_id) == before
    assert account.happened() == []


def test_r23b_a_subscription_that_was_read_after_its_renewal_can_be_changed(hands: Hands) -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    hands.move_to(NEXT_RENEWAL)
    version = queries.subscription(account.by, subscription_id)["version"]

    update_subscription(account.by, subscription_id, {"external_id": "sub-1"}, version)

    assert account.happened() == ["subscription.renewed", "subscription.updated"]


def test_r2_a_legacy_checkout_gives_nobody_a_seat() -> None:
    account = a_legacy_account(sales=5)
    amara, buyer = _buyer(account)

    checkout(buyer, _order(product="service", seats={"service": 2}))

    assert account.seats_of(amara) == []
    assert account.happened() == ["subscription.started", "seats.purchased"]
