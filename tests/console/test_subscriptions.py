"""The screen of subscriptions: terms, tiers, and what changing them does (R24, R25)."""

from licensing.operations import suspending
from licensing.rules.permissions import Permission
from tests.console.stage import Opening
from tests.world import a_free_account, an_account


def test_r25_a_tier_is_changed_after_a_look_at_who_loses_what(opening: Opening) -> None:
    account = an_account(core=3)
    account.user("Priya", seats=["core"])
    amara = opening.super_admin(account)
    amara.go("Subscriptions")
    card = amara.card("Marketing subscription")
    amara.sees("2 Mar 2026 to 2 Apr 2026", card)
    amara.sees("31 days of the term left", card)

    amara.press("Change the tier of Marketing")
    amara.dialog.get_by_role("radio", name="Starter").check()
    amara.sees("2 Apr 2026", amara.dialog)
    amara.sees("loses Social posts and Campaign automation", amara.dialog)
    amara.confirm("Change tier")
    amara.hears("Marketing moves to Starter on 2 Apr 2026.")
    amara.sees("Moves to Starter on 2 Apr 2026.", card)

    amara.press("Change the tier of Marketing")
    amara.dialog.get_by_role("radio", name="Enterprise").check()
    amara.confirm("Change tier")
    amara.hears("Marketing is Enterprise now.")
    amara.sees("Marketing Enterprise", card)


def test_r25_a_subscription_is_cancelled_and_resumed(opening: Opening) -> None:
    account = an_account(core=3)
    account.user("Priya", seats=["core"])
    amara = opening.super_admin(account)
    amara.go("Subscriptions")

    amara.press("Cancel Marketing")
    amara.sees("Priya", amara.dialog)
    amara.sees("Core → Free", amara.dialog)
    amara.confirm("Cancel subscription")
    amara.hears("Marketing ends on 2 Apr 2026.")
    amara.press("Resume Marketing")
    amara.confirm("Resume subscription")

    amara.hears("Marketing goes on.")
    amara.sees("on 2 Apr 2026, monthly", amara.card("Marketing subscription"))
    assert account.happened()[-2:] == [
        "subscription.cancellation_scheduled",
        "subscription.resumed",
    ]


def test_r25b_a_suspended_subscription_says_so_and_why(opening: Opening) -> None:
    account = an_account(core=3)
    subscription_id = account.subscribe("sales", seats={"sales": 2})
    suspending.suspend(account.by, subscription_id, "The invoice is overdue")
    viewer = opening.somebody(account, Permission.MANAGE_USERS)
    viewer.go("Subscriptions")

    viewer.sees("Suspended since 2 Mar 2026: The invoice is overdue.")
    change = viewer.page.get_by_role("button", name="Change the tier of Marketing")

    assert change.get_attribute("title") == "this needs the permission to modify billing"


def test_an_account_on_the_free_tools_is_told_where_subscriptions_come_from(
    opening: Opening,
) -> None:
    amara = opening.super_admin(a_free_account())
    amara.go("Subscriptions")

    amara.sees("No subscription yet")
