"""From legacy to seat-based pricing, once and for good (R2, R3)."""

import pytest

from licensing.operations import assigning, giving_back, migrating, users
from licensing.queries import pools
from licensing.rules.refusals import AccountClosed, PermissionDenied, SeatTypeNotAvailable
from licensing.scheduler import work_through
from tests.world import (
    BEFORE_SEAT_BASED_PRICING,
    NEXT_RENEWAL,
    Hands,
    a_free_account,
    a_legacy_account,
    an_account,
)


def test_r3_held_seats_and_quantities_stay_and_everybody_else_may_view() -> None:
    account = a_legacy_account(sales=3)
    otto, rosa = account.user(seats=["sales"]), account.user()
    invited = account.user(status="invited")
    seat_id = account.seat(otto, "sales")

    migrated = migrating.migrate_account(account.billing_admin)

    assert migrated.pricing_model == "seat_based"
    assert account.seat(otto, "sales") == seat_id
    assert account.numbers("sales") == (3, 1, 0)
    assert account.seats_of(rosa) == ["view_only"]
    assert account.seats_of(invited) == []
    users.accept_invitation(account.by, invited)
    assert account.seats_of(invited) == ["view_only"]


def test_r3_seats_of_a_legacy_starter_subscription_stay_and_renew(hands: Hands) -> None:
    account = a_free_account(created_at=BEFORE_SEAT_BASED_PRICING)
    account.subscribe("sales", "starter", seats={"sales": 2})
    otto = account.user(seats=["sales"])
    removal = giving_back.schedule_removal(account.by, "sales", 1)

    migrating.migrate_account(account.billing_admin)
    hands.move_to(NEXT_RENEWAL)
    work_through()

    assert account.seats_of(otto) == ["sales"]
    assert account.numbers("sales") == (1, 1, 0)
    assert pools.removal(account.by, removal.id)["status"] == "applied"


def test_r3_the_change_and_what_follows_are_told() -> None:
    account = a_legacy_account()
    rosa = account.user()

    migrating.migrate_account(account.by)

    migrated, given, *_ = account.events()
    assert (migrated["type"], migrated["data"]["previous"]) == (
        "account.migrated",
        {"pricing_model": "legacy"},
    )
    assert (given["type"], given["data"]["object"]["user_id"]) == ("seat.assigned", rosa)
    assert (given["data"]["reason"], given["data"]["cause"]) == ("migrated", migrated["id"])


def test_r2_afterwards_the_types_of_seat_based_pricing_can_be_had() -> None:
    account = a_legacy_account()
    rosa = account.user()
    with pytest.raises(SeatTypeNotAvailable):
        assigning.assign_seat(account.by, rosa, "view_only")

    migrating.migrate_account(account.by)
    account.subscribe("marketing", seats={"core": 1})
    assigning.assign_seat(account.by, rosa, "core")

    assert account.seats_of(rosa) == ["core"]


def test_r3_a_preview_lists_what_each_user_will_hold_and_changes_nothing() -> None:
    account = a_legacy_account()
    otto, rosa = account.user("Otto", seats=["sales"]), account.user("Rosa")

    preview = migrating.shown(migrating.preview_migration(account.by))

    assert account.events() == []
    assert preview["account"]["pricing_model"] == "seat_based"
    held = {u["user_id"]: (u["seat_types"], u["seat_types_after"]) for u in preview["users"]}
    assert held == {otto: (["sales"], ["sales"]), rosa: ([], ["view_only"])}
    migrating.migrate_account(account.by)
    assert {user: account.seats_of(user) for user in held} == {
        user: after for user, (_, after) in held.items()
    }


def test_r32_migrating_what_is_seat_based_changes_nothing() -> None:
    account = an_account()
    account.user()

    assert migrating.migrate_account(account.by).version == 1
    assert account.events() == []


def test_r3_an_account_that_pays_for_nothing_gets_the_seats_of_the_free_tools() -> None:
    account = a_free_account(created_at=BEFORE_SEAT_BASED_PRICING)
    rosa = account.user()

    migrating.migrate_account(account.by)

    assert account.seats_of(rosa) == ["free"]


def test_r3_it_needs_the_billing_permission_and_an_open_account() -> None:
    account = a_legacy_account()
    for ask in (migrating.migrate_account, migrating.preview_migration):
        with pytest.raises(PermissionDenied):
            ask(account.user_admin)
    account.close()
    for ask in (migrating.migrate_account, migrating.preview_migration):
        with pytest.raises(AccountClosed):
            ask(account.by)
