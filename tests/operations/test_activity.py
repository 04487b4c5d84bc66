"""When users were last active, told one by one and many at once (R10, R27, R32)."""

import pytest

from licensing.operations import users
from licensing.operations.activity import record_activities, record_activity
from licensing.rules.batches import LARGEST_ACTIVITY, Named
from licensing.rules.permissions import Scope
from licensing.rules.refusals import AccountClosed, NotFound, PermissionDenied, Unacceptable
from tests.queries.test_budgets import statements
from tests.world import an_account, in_days


def test_r27_activity_is_noted_and_an_older_date_changes_nothing() -> None:
    account = an_account()
    priya = account.user("Priya")
    service = account.key(Scope.USERS)

    record_activity(service, priya, in_days(-2))
    record_activity(service, priya, in_days(-5))

    assert account.shown(priya)["last_active_at"] == "2026-02-28T09:00:00.000Z"
    assert account.happened() == []


def test_r10_users_do_not_report_their_own_activity() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(PermissionDenied, match="scope users"):
        record_activity(admin, admin.id)


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


def test_r27_each_line_is_judged_by_itself() -> None:
    account, other = an_account(), an_account()
    priya, noah = account.user(), account.user(email="Noah@example.com")
    service = account.key(Scope.USERS)
    record_activity(service, noah, in_days(-3))
    lines = [
        (Named(priya), in_days(-2)),
        (Named(priya), in_days(-5)),
        (Named(email="noah@EXAMPLE.com"), in_days(-4)),
        (Named(noah), None),
        (Named("usr_none"), None),
        (Named(other.user()), None),
        (Named(email="nobody@example.com"), None),
        (Named(priya), in_days(1)),
    ]

    answer = record_activities(service, lines)

    assert [line.refusal.code if line.refusal else str(line.outcome) for line in answer.lines] == [
        "changed",
        "unchanged",
        "unchanged",
        "changed",
        "not_found",
        "not_found",
        "not_found",
        "validation_failed",
    ]
    assert account.shown(priya)["last_active_at"] == "2026-02-28T09:00:00.000Z"
    assert account.shown(noah)["last_active_at"] == "2026-03-02T09:00:00.000Z"
    assert (account.events(), other.events()) == ([], [])


def test_r27_nobodys_change_is_refused_because_somebody_was_active() -> None:
    account = an_account()
    priya = account.user()
    version = account.shown(priya)["version"]

    record_activity(account.key(Scope.USERS), priya)
    record_activities(account.key(Scope.USERS), [(Named(priya), None)])

    assert account.shown(priya)["version"] == version
    users.update_user(account.by, priya, {"name": "P"}, if_match=version)


def test_r27_a_thousand_activities_take_a_few_statements() -> None:
    account = an_account()
    people = [account.user() for _ in range(3)]
    lines = [(Named(people[n % 3]), in_days(-n)) for n in range(LARGEST_ACTIVITY - 1)]
    lines.append((Named(email="nobody@example.com"), None))

    with statements() as seen:
        record_activities(account.by, lines)

    assert len(seen) <= 8, seen
    assert account.shown(people[2])["last_active_at"] == "2026-02-28T09:00:00.000Z"


def test_r10_activities_need_the_scope_and_one_to_a_thousand_lines() -> None:
    account = an_account()
    service, line = account.key(Scope.USERS), (Named(account.user()), None)

    for actor in (account.super_admin, account.key(Scope.READ)):
        with pytest.raises(PermissionDenied):
            record_activities(actor, [line])
    for lines in ([], [line] * (LARGEST_ACTIVITY + 1)):
        with pytest.raises(Unacceptable):
            record_activities(service, lines)
    account.close()
    with pytest.raises(AccountClosed):
        record_activities(service, [line])
