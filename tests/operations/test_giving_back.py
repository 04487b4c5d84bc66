"""Giving seats back at the next renewal (R19 to R22), as a billing administrator sees it."""

import pytest

from licensing.models import Removal
from licensing.operations import assigning, buying
from licensing.operations.giving_back import cancel_removal, schedule_removal
from licensing.queries import pools as queries
from licensing.queries.cursors import Window
from licensing.rules.refusals import (
    BelowMinimum,
    NotEnoughUnassignedSeats,
    NotFound,
    PermissionDenied,
    RemovalNotPending,
    Unacceptable,
    Unknown,
)
from tests.world import NEXT_RENEWAL, Hands, an_account


def test_r20_the_seats_stay_until_the_next_renewal() -> None:
    account = an_account(core=10)

    removal = schedule_removal(account.billing_admin, "core", 3)

    assert removal.effective_at == NEXT_RENEWAL
    assert (removal.current_quantity, removal.renewal_quantity) == (10, 7)
    assert account.numbers("core") == (10, 0, 3)
    assert account.happened() == ["seat_removal.scheduled"]


def test_r19_more_than_is_unassigned_is_refused_with_both_numbers() -> None:
    account = an_account(core=5)
    for _ in range(2):
        account.user(seats=["core"])
    admin = account.billing_admin
    schedule_removal(admin, "core", 1)
    account.from_here()

    with pytest.raises(NotEnoughUnassignedSeats) as refusal:
        schedule_removal(admin, "core", 3)

    assert refusal.value.facts == {
        "seat_type": "core",
        "requested": 3,
        "unassigned": 3,
        "scheduled_removal": 1,
    }
    assert account.happened() == []


def test_r19_of_a_type_without_a_pool_there_is_nothing_to_give_back() -> None:
    account = an_account()

    with pytest.raises(NotEnoughUnassignedSeats) as refusal:
        schedule_removal(account.billing_admin, "sales", 1)

    assert refusal.value.facts == {
        "seat_type": "sales",
        "requested": 1,
        "unassigned": 0,
        "scheduled_removal": 0,
    }


def test_r19_a_pool_never_goes_below_its_minimum() -> None:
    account = an_account(core=10)
    account.promise("core", minimum=8)
    admin = account.billing_admin

    with pytest.raises(BelowMinimum) as refusal:
        schedule_removal(admin, "core", 3)
    schedule_removal(admin, "core", 2)

    assert refusal.value.facts == {"seat_type": "core", "quantity": 7, "minimum": 8}
    assert account.numbers("core") == (10, 0, 2)


def test_r21_a_second_removal_adds_up_with_the_first() -> None:
    account = an_account(core=10)
    admin = account.billing_admin

    schedule_removal(admin, "core", 2)
    second = schedule_removal(admin, "core", 3)

    assert second.renewal_quantity == 5
    assert account.pool("core")["quantity_at_renewal"] == 5


def test_r19_where_every_seat_is_spare_the_minimum_is_what_is_in_the_way() -> None:
    account = an_account(core=5)
    account.promise("core", minimum=5)

    with pytest.raises(BelowMinimum):
        schedule_removal(account.billing_admin, "core", 5)


def test_r19_r21_each_change_is_a_new_version_of_the_pool() -> None:
    account = an_account(core=10)
    before = account.pool("core")["version"]

    removal = schedule_removal(account.billing_admin, "core", 4)
    scheduled = account.pool("core")["version"]
    reduced = cancel_removal(account.billing_admin, removal.id, 1)

    assert (scheduled, account.pool("core")["version"]) == (before + 1, before + 2)
    assert (removal.version, reduced.version) == (1, 2)


def test_r21_a_removal_can_be_cancelled_as_a_whole() -> None:
    account = an_account(core=10)
    removal = schedule_removal(account.billing_admin, "core", 4)

    cancelled = cancel_removal(account.billing_admin, removal.id)

    assert (cancelled.status, cancelled.quantity, cancelled.requested_quantity) == (
        "cancelled",
        0,
        4,
    )
    assert account.numbers("core") == (10, 0, 0)
    assert account.happened() == ["seat_removal.cancelled"]


def test_r21_or_in_part() -> None:
    account = an_account(core=10)
    removal = schedule_removal(account.billing_admin, "core", 4)

    reduced = cancel_removal(account.billing_admin, removal.id, 3)

    assert (reduced.status, reduced.quantity) == ("scheduled", 1)
    assert account.numbers("core") == (10, 0, 1)
    assert account.happened() == ["seat_removal.reduced"]


def test_r21_not_more_than_it_has() -> None:
    account = an_account(core=10)
    admin = account.billing_admin
    removal = schedule_removal(admin, "core", 2)
    account.from_here()

    with pytest.raises(Unacceptable, match="more than the 2") as refusal:
        cancel_removal(admin, removal.id, 3)

    assert refusal.value.field == "quantity"
    assert account.happened() == []


def test_r21_not_twice() -> None:
    account = an_account(core=10)
    admin = account.billing_admin
    removal = schedule_removal(admin, "core", 2)
    cancel_removal(admin, removal.id)
    account.from_here()

    with pytest.raises(RemovalNotPending) as refusal:
        cancel_removal(admin, removal.id)

    assert refusal.value.removal_status == "cancelled"
    assert account.happened() == []


def test_r21_not_after_it_took_effect(hands: Hands) -> None:
    account = an_account(core=10)
    admin = account.billing_admin
    removal = schedule_removal(admin, "core", 2)
    hands.move_to(NEXT_RENEWAL)

    with pytest.raises(RemovalNotPending) as refusal:
        cancel_removal(admin, removal.id)

    assert refusal.value.removal_status == "applied"


def test_r19_seats_that_were_cancelled_can_be_given_back_again() -> None:
    account = an_account(core=1)
    admin = account.billing_admin
    first = schedule_removal(admin, "core", 1)
    cancel_removal(admin, first.id)

    second = schedule_removal(admin, "core", 1)

    assert second.id != first.id
    assert account.numbers("core") == (1, 0, 1)


def test_r20_a_scheduled_removal_shows_the_quantities_as_they_stand() -> None:
    account = an_account(core=10)
    admin = account.billing_admin
    first = schedule_removal(admin, "core", 2)
    schedule_removal(admin, "core", 3)

    shown = queries.removal(account.by, first.id)

    assert (shown["current_quantity"], shown["renewal_quantity"]) == (10, 5)


def test_r20_removals_can_be_listed_by_status() -> None:
    account = an_account(core=10)
    admin = account.billing_admin
    cancel_removal(admin, schedule_removal(admin, "core", 1).id)
    scheduled = schedule_removal(admin, "core", 2)

    listed = queries.removals(account.by, Window(), status="scheduled").items

    assert [removal["id"] for removal in listed] == [scheduled.id]


def test_r10_giving_back_takes_the_permission_to_modify_billing() -> None:
    account = an_account(core=10)
    removal = schedule_removal(account.billing_admin, "core", 1)
    admin = account.user_admin

    with pytest.raises(PermissionDenied, match="modify_billing"):
        schedule_removal(admin, "core", 1)
    with pytest.raises(PermissionDenied, match="modify_billing"):
        cancel_removal(admin, removal.id)

    assert account.happened() == []


def test_the_removal_of_another_account_does_not_exist() -> None:
    account, stranger = an_account(), an_account()
    removal = schedule_removal(account.billing_admin, "core", 1)

    with pytest.raises(NotFound) as refusal:
        cancel_removal(stranger.billing_admin, removal.id)

    assert refusal.value.facts == {"kind": "removal", "id": removal.id}


def test_an_unknown_type_cannot_be_given_back() -> None:
    account = an_account()

    with pytest.raises(Unknown):
        schedule_removal(account.billing_admin, "gold", 1)


def test_r19_nothing_is_left_of_a_refused_removal() -> None:
    account = an_account(core=2)
    account.user(seats=["core"])
    before = account.pool("core")

    with pytest.raises(NotEnoughUnassignedSeats):
        schedule_removal(account.by, "core", 2)

    assert account.pool("core") == before
    assert Removal.select().count() == 0
    assert account.happened() == []


def test_r19_every_unassigned_seat_can_be_given_back() -> None:
    account = an_account(core=5)
    account.user(seats=["core"])

    schedule_removal(account.billing_admin, "core", 4)

    assert account.numbers("core") == (5, 1, 4)
    assert account.pool("core")["quantity_at_renewal"] == 1


def test_r19_the_seat_of_a_deactivated_user_counts_as_assigned() -> None:
    account = an_account(core=2)
    account.deactivate(account.user(seats=["core"]))

    with pytest.raises(NotEnoughUnassignedSeats) as refusal:
        schedule_removal(account.by, "core", 2)

    assert (refusal.value.unassigned, refusal.value.scheduled_removal) == (1, 0)
    assert account.happened() == []


def test_r19_the_minimum_counts_what_is_scheduled_already() -> None:
    account = an_account(core=10)
    account.promise("core", minimum=6)
    schedule_removal(account.by, "core", 3)
    account.from_here()

    with pytest.raises(BelowMinimum) as refusal:
        schedule_removal(account.by, "core", 2)

    assert refusal.value.facts == {"seat_type": "core", "quantity": 5, "minimum": 6}
    assert account.numbers("core") == (10, 0, 3)
    assert account.happened() == []


def test_r19_seats_bought_above_the_minimum_can_be_given_back() -> None:
    account = an_account(core=5)
    account.promise("core", minimum=5)
    buying.purchase_seats(account.by, "core", 2)
    account.from_here()

    schedule_removal(account.billing_admin, "core", 2)

    assert account.numbers("core") == (7, 0, 2)
    assert account.happened() == ["seat_removal.scheduled"]


def test_r20_the_event_tells_both_quantities_and_when() -> None:
    account = an_account(core=10)

    removal = schedule_removal(account.billing_admin, "core", 3)

    (event,) = account.events()
    data = event["data"]
    assert data["object"]["id"] == removal.id
    assert (data["object"]["current_quantity"], data["object"]["renewal_quantity"]) == (10, 7)
    assert data["effective_at"] == data["object"]["effective_at"] == "2026-04-02T09:00:00.000Z"
    assert (data["pool"]["purchased"], data["pool"]["quantity_at_renewal"]) == (10, 7)


def test_r21_cancelling_one_of_two_leaves_the_other() -> None:
    account = an_account(core=10)
    first = schedule_removal(account.by, "core", 2)
    second = schedule_removal(account.by, "core", 3)
    account.from_here()

    cancel_removal(account.billing_admin, first.id)

    assert account.numbers("core") == (10, 0, 3)
    assert queries.removal(account.by, second.id)["status"] == "scheduled"
    assert account.happened() == ["seat_removal.cancelled"]


def test_r21_cancelling_all_of_it_part_by_part_ends_it() -> None:
    account = an_account(core=10)
    removal = schedule_removal(account.by, "core", 3)
    cancel_removal(account.by, removal.id, 1)
    account.from_here()

    ended = cancel_removal(account.billing_admin, removal.id, 2)

    assert (ended.status, ended.quantity, ended.requested_quantity) == ("cancelled", 0, 3)
    assert account.events()[0]["data"]["previous"] == {"quantity": 2, "status": "scheduled"}
    assert account.numbers("core") == (10, 0, 0)


def test_r21_what_was_requested_is_the_reason_of_a_cancellation() -> None:
    account = an_account(core=10)
    admin = account.billing_admin
    removal = schedule_removal(admin, "core", 3)
    account.from_here()

    cancel_removal(admin, removal.id)

    (event,) = account.events()
    assert (event["data"]["reason"], event["data"]["cause"]) == ("requested", None)
    assert event["data"]["actor"] == {"type": "user", "id": admin.id}


def test_r22_the_newest_of_several_removals_gives_way_first() -> None:
    account = an_account(core=5)
    older = schedule_removal(account.by, "core", 2)
    newer = schedule_removal(account.by, "core", 2)
    users = [account.user() for _ in range(4)]
    account.from_here()

    seats = [assigning.assign_seat(account.by, user_id, "core") for user_id in users]

    told = [event for event in account.events() if event["type"].startswith("seat_removal")]
    assert [
        (e["type"], e["data"]["object"]["id"], e["data"]["object"]["quantity"]) for e in told
    ] == [
        ("seat_removal.reduced", newer.id, 1),
        ("seat_removal.cancelled", newer.id, 0),
        ("seat_removal.reduced", older.id, 1),
    ]
    causes = {e["id"]: e for e in account.events() if e["type"] == "seat.assigned"}
    caused_by = [causes[e["data"]["cause"]]["data"]["object"]["id"] for e in told]
    assert caused_by == [seat.id for seat in seats[1:]]
    assert account.numbers("core") == (5, 4, 1)


def test_r22_a_seat_that_is_not_scheduled_is_used_up_first() -> None:
    account = an_account(core=5)
    removal = schedule_removal(account.by, "core", 4)
    priya = account.user()

    assigning.assign_seat(account.user_admin, priya, "core")

    assert queries.removal(account.by, removal.id)["quantity"] == 4
    assert account.happened() == ["seat.assigned", "seat.unassigned"]


def test_r22_a_transfer_leaves_the_removals_as_they_are() -> None:
    account = an_account(core=2)
    priya, noah = account.user(seats=["core"]), account.user()
    schedule_removal(account.by, "core", 1)

    assigning.transfer_seat(account.user_admin, account.seat(priya, "core"), noah)

    assert account.numbers("core") == (2, 1, 1)
    assert not [name for name in account.happened() if name == "seat_removal.reduced"]


def test_r21_a_removal_that_gave_way_can_no_longer_be_cancelled() -> None:
    account = an_account(core=1)
    removal = schedule_removal(account.by, "core", 1)
    account.user(seats=["core"])

    with pytest.raises(RemovalNotPending) as refusal:
        cancel_removal(account.by, removal.id)

    assert refusal.value.facts == {"removal_id": removal.id, "removal_status": "cancelled"}
    assert account.happened() == []
