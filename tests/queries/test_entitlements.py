"""What a user may do (R5 to R7, R9), as the accounts of the default catalogue see it."""

import pytest

from licensing.queries.entitlements import entitlement, entitlements
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import NotFound, PermissionDenied
from tests.world import AnAccount, a_free_account, a_legacy_account, an_account


def _level(account: AnAccount, user_id: str, feature: str) -> tuple[str, str | None]:
    answer = entitlement(account.by, user_id, feature)
    return answer["level"], answer["reason"]


def test_r5_a_core_seat_opens_what_the_account_subscribes_to() -> None:
    account = an_account()
    priya = account.user(seats=["core"])

    assert _level(account, priya, "email_campaigns") == ("edit", None)
    assert _level(account, priya, "attribution") == ("none", "tier")
    assert _level(account, priya, "deals") == ("none", "not_subscribed")


def test_r5_advanced_features_take_the_seat_of_their_product() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    priya, noah = account.user(seats=["core"]), account.user(seats=["sales"])

    assert _level(account, priya, "forecasting") == ("none", "seat_type")
    assert _level(account, noah, "forecasting") == ("edit", None)
    assert _level(account, noah, "email_campaigns") == ("edit", None)


def test_r6_the_viewing_seat_reads_and_some_features_are_closed_to_it() -> None:
    account = an_account()
    priya = account.user()

    assert _level(account, priya, "contacts") == ("view", None)
    assert _level(account, priya, "forms") == ("none", "seat_type")
    assert _level(account, priya, "social_posts") == ("none", "seat_type")


def test_r7_a_partner_has_everything_in_the_account() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    dana = account.user(partner_eligible=True, seats=["partner"])

    assert _level(account, dana, "forecasting") == ("edit", None)
    assert _level(account, dana, "tickets") == ("none", "not_subscribed")


def test_r4_the_free_tools_are_the_features_of_the_free_tier() -> None:
    account = a_free_account()
    priya = account.user()

    assert _level(account, priya, "deals") == ("edit", None)
    assert _level(account, priya, "quotes") == ("none", "not_subscribed")


def test_r2_a_legacy_user_without_a_seat_has_nothing() -> None:
    account = a_legacy_account()
    otto, birgit = account.user(), account.user(seats=["sales"])

    assert _level(account, otto, "deals") == ("none", "no_seat")
    assert _level(account, birgit, "forecasting") == ("edit", None)


def test_r9_who_is_not_active_may_do_nothing() -> None:
    account = an_account()
    priya = account.user(seats=["core"])
    felix = account.user(status="invited", seats=["core"])
    account.deactivate(priya)

    assert _level(account, priya, "contacts") == ("none", "deactivated")
    assert _level(account, felix, "contacts") == ("none", "not_accepted")


def test_r9_all_features_answer_as_each_does() -> None:
    account = an_account()
    priya = account.user(seats=["core"])

    together = entitlements(account.by, priya)

    assert together["seat_types"] == ["core"]
    for feature, level in together["features"].items():
        assert (level, together["reasons"].get(feature)) == _level(account, priya, feature)


def test_r10_a_user_asks_about_himself_an_administrator_about_everybody() -> None:
    account = an_account()
    priya, noah = account.actor(), account.actor()

    entitlements(priya, priya.id)
    entitlements(account.actor(Permission.MANAGE_USERS), priya.id)
    entitlements(account.key(Scope.READ), priya.id)
    with pytest.raises(PermissionDenied, match="manage_users"):
        entitlements(noah, priya.id)


def test_an_unknown_user_or_feature_is_not_found() -> None:
    account, other = an_account(), an_account()
    stranger = other.user()

    with pytest.raises(NotFound):
        entitlements(account.by, stranger)
    with pytest.raises(NotFound):
        entitlement(account.by, account.user(), "levitation")
