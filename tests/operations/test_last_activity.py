"""When users were last active (R10, R27)."""

import pytest

from licensing.operations.users import record_activity
from licensing.rules.permissions import Scope
from licensing.rules.refusals import (
    AccountClosed,
    NotFound,
    PermissionDenied,
    Unacceptable,
)
from tests.world import (
    an_account,
    in_days,
)


def test_r27_activity_is_noted_and_an_older_date_changes_nothing() -> None:
    account = an_account()
    priya = account.user("Priya")
    service = account.key(Scope.USERS)

    record_activity(service, priya, in_days(-2))
    record_activity(service, priya, in_days(-5))

    assert account.shown(priya)["last_active_at"] == "2026-02-28T09:00:00.000Z"
    assert account.happened() == []


def test_r27_nobody_is_active_in_the_future() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(Unacceptable, match="future"):
        record_activity(account.key(Scope.USERS), priya, in_days(1))


def test_r10_users_do_not_report_their_own_activity() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(PermissionDenied, match="scope users"):
        record_activity(admin, admin.id)


def test_activity_of_an_unknown_user_is_refused() -> None:
    account = an_account()

    with pytest.raises(NotFound):
        record_activity(account.key(Scope.USERS), "usr_unknown")


def test_r27_a_newer_activity_replaces_an_older_one() -> None:
    account = an_account()
    priya = account.user("Priya")
    service = account.key(Scope.USERS)
    record_activity(service, priya, in_days(-5))

    record_activity(service, priya)

    assert account.shown(priya)["last_active_at"] == "2026-03-02T09:00:00.000Z"
    assert account.happened(but=()) == []


def test_r32_the_same_activity_again_changes_nothing() -> None:
    account = an_account()
    priya = account.user("Priya")
    service = account.key(Scope.USERS)
    record_activity(service, priya, in_days(-1))
    before = account.shown(priya)

    record_activity(service, priya, in_days(-1))

    assert account.shown(priya) == before


def test_r27_activity_in_the_future_is_refused_by_name() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(Unacceptable) as refusal:
        record_activity(account.key(Scope.USERS), priya, in_days(0.001))

    assert refusal.value.facts == {"field": "at", "because": "lies in the future"}
    assert account.shown(priya)["last_active_at"] is None


@pytest.mark.parametrize("known", [True, False], ids=["known elsewhere", "known nowhere"])
def test_r10_activity_of_who_is_not_in_the_account_is_refused(known: bool) -> None:
    account, stranger = an_account(), an_account()
    priya = account.user("Priya") if known else "usr_unknown"

    with pytest.raises(NotFound) as refusal:
        record_activity(stranger.key(Scope.USERS), priya)

    assert refusal.value.facts == {"kind": "user", "id": priya}


def test_r10_activity_is_reported_with_the_scope_for_users() -> None:
    account = an_account()
    priya = account.user("Priya")

    with pytest.raises(PermissionDenied) as refusal:
        record_activity(account.key(Scope.SEATS), priya)

    assert refusal.value.facts == {"kind": "scope", "missing": "users"}
    assert account.shown(priya)["last_active_at"] is None


def test_r27_a_closed_account_notes_no_activity() -> None:
    account = an_account()
    priya = account.user()
    service = account.key(Scope.USERS)
    account.close()

    with pytest.raises(AccountClosed):
        record_activity(service, priya)
