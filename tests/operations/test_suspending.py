"""A subscription that is not paid for: nothing moves in, terms go on (R25b)."""

from collections.abc import Callable
from typing import Any

import pytest

from licensing.operations import (
    assigning,
    buying,
    cancelling,
    giving_back,
    suspending,
    tiers,
)
from licensing.operations.foreseeing import shown
from licensing.queries import entitlements
from licensing.queries import pools as queries
from licensing.rules.permissions import Scope
from licensing.rules.refusals import PermissionDenied, SubscriptionSuspended
from licensing.scheduler import work_through
from tests.world import NEXT_RENEWAL, AnAccount, Hands, an_account, in_which


def _suspended(core: int = 5) -> tuple[AnAccount, str, str]:
    """An account whose only subscription is suspended, a holder of a core seat, a viewer."""
    account = an_account(core=core)
    account.subscribe("sales", seats={"sales": 2})
    holder, viewer = account.user(seats=["core"]), account.user()
    suspending.suspend(account.by, account.pool("core")["subscription_id"], "unpaid")
    account.from_here()
    return account, holder, viewer


REFUSED: dict[str, Callable[[AnAccount, str, str], Any]] = {
    "assign": lambda a, holder, viewer: assigning.assign_seat(a.by, viewer, "core"),
    "transfer": lambda a, holder, viewer: assigning.transfer_seat(
        a.by, a.seat(holder, "core"), viewer
    ),
    "change into": lambda a, holder, viewer: assigning.change_seat(
        a.by, a.seat(viewer, "view_only"), "core"
    ),
    "buy": lambda a, holder, viewer: buying.purchase_seats(a.by, "core", 1),
    "preview a purchase": lambda a, holder, viewer: buying.preview_purchase(a.by, "core", 1),
    "check out more of them": lambda a, holder, viewer: a.subscribe("content", seats={"core": 1}),
    "move up": lambda a, holder, viewer: tiers.change_tier(
        a.by, a.pool("core")["subscription_id"], "enterprise"
    ),
}


@pytest.mark.parametrize("ask", REFUSED.values(), ids=REFUSED.keys())
def test_r25b_nothing_is_bought_or_assigned_meanwhile(
    ask: Callable[[AnAccount, str, str], Any],
) -> None:
    account, holder, viewer = _suspended()

    with pytest.raises(SubscriptionSuspended):
        ask(account, holder, viewer)

    assert account.events() == []
    assert account.numbers("core") == (5, 1, 0)


def test_r25b_of_a_full_pool_it_is_not_said_that_more_can_be_bought() -> None:
    account, _, viewer = _suspended(core=1)

    with pytest.raises(SubscriptionSuspended):
        assigning.assign_seat(account.by, viewer, "core")


def test_r25b_seats_are_taken_back_and_given_back_as_ever(hands: Hands) -> None:
    account, holder, _ = _suspended()

    giving_back.schedule_removal(account.by, "core", 2)
    assigning.take_back(account.by, account.seat(holder, "core"))
    hands.move_to(NEXT_RENEWAL)
    work_through()

    assert account.numbers("core") == (3, 0, 0)
    assert account.seats_of(holder) == ["view_only"]
    core = account.pool("core")
    assert queries.subscription(account.by, core["subscription_id"])["term"]["number"] == 2


def test_r25b_another_subscription_is_not_touched() -> None:
    account, _, viewer = _suspended()

    buying.purchase_seats(account.by, "sales", 1)
    assigning.assign_seat(account.by, viewer, "sales")

    assert account.numbers("sales") == (3, 1, 0)


def test_r25b_what_could_be_edited_can_only_be_viewed() -> None:
    account, holder, _ = _suspended()

    def level(feature: str) -> Any:
        return entitlements.entitlement(account.by, holder, feature)["level"]

    assert (level("email_campaigns"), level("deals")) == ("view", "edit")
    suspending.reactivate(account.by, account.pool("core")["subscription_id"])
    assert level("email_campaigns") == "edit"


def test_r25b_the_catalogue_may_leave_nothing_and_then_says_why() -> None:
    with in_which('suspended = "view"', 'suspended = "none"'):
        account, holder, _ = _suspended()

        answer = entitlements.entitlement(account.by, holder, "email_campaigns")

    assert (answer["level"], answer["reason"]) == ("none", "suspended")


def test_r25b_every_holder_is_told_what_changed() -> None:
    account = an_account()
    holder = account.user(seats=["core"])
    subscription_id = account.pool("core")["subscription_id"]

    suspending.suspend(account.key(Scope.BILLING), subscription_id, "unpaid")

    suspended, changed = account.events()
    assert suspended["data"]["object"]["suspension_reason"] == "unpaid"
    assert changed["type"] == "user.entitlements_changed"
    assert changed["data"]["object"]["user_id"] == holder
    assert changed["data"]["cause"] == suspended["id"]
    assert changed["data"]["previous"]["features"]["email_campaigns"] == "edit"


def test_r25b_a_preview_names_who_could_do_less_and_changes_nothing() -> None:
    account = an_account()
    holder, _ = account.user(seats=["core"]), account.user()
    subscription_id = account.pool("core")["subscription_id"]

    foreseen = shown(suspending.preview_suspension(account.by, subscription_id))

    assert [line["user_id"] for line in foreseen["users"]] == [holder]
    assert foreseen["users"][0]["seat_types_after"] == ["core"]
    assert account.events() == []
    suspending.suspend(account.by, subscription_id)
    back = shown(suspending.preview_reactivation(account.by, subscription_id))
    assert [line["user_id"] for line in back["users"]] == [holder]


def test_r32_suspending_and_reactivating_again_tells_nothing() -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]

    for _ in range(2):
        suspending.suspend(account.by, subscription_id)
    for _ in range(2):
        suspending.reactivate(account.by, subscription_id)

    assert account.happened() == ["subscription.suspended", "subscription.reactivated"]


def test_r25b_a_suspended_subscription_ends_like_any_other(hands: Hands) -> None:
    account, holder, _ = _suspended()
    subscription_id = account.pool("core")["subscription_id"]
    cancelling.cancel(account.by, subscription_id)
    hands.move_to(NEXT_RENEWAL)

    work_through()

    ended = queries.subscription(account.by, subscription_id)
    assert (ended["status"], ended["suspended_at"]) == ("ended", None)
    assert account.pool("core")["subscription_id"] == account.pool("sales")["subscription_id"]
    assert account.seats_of(holder) == ["core"]


def test_r25b_only_the_billing_system_suspends() -> None:
    account = an_account()
    subscription_id = account.pool("core")["subscription_id"]
    asks = (
        suspending.suspend,
        suspending.reactivate,
        suspending.preview_suspension,
        suspending.preview_reactivation,
    )

    for ask in asks:
        with pytest.raises(PermissionDenied):
            ask(account.super_admin, subscription_id)
