"""Many new users at once, and the seats that new users get (R8, R10, R11, R13, R16, R22, R31)."""

from functools import partial
from typing import Any

import pytest

from licensing.models import Pool, User
from licensing.operations import accounts, giving_back, suspending, users
from licensing.operations.user_batches import batch_users
from licensing.rules.accounts import UserStatus
from licensing.rules.batches import LARGEST_USER_BATCH, LineOutcome, NewUser, OnError
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import (
    AccountClosed,
    BatchRefused,
    PermissionDenied,
    Unacceptable,
    Unknown,
)
from tests.faults.racing import done, race, refused
from tests.queries.test_budgets import statements
from tests.world import (
    AnAccount,
    a_free_account,
    a_legacy_account,
    an_account,
    in_which_sales_includes_core,
)

ACTIVE = UserStatus.ACTIVE


def a_line(name: str, *seat_types: str, **more: Any) -> NewUser:
    """A line of a batch; without seat types it leaves them to the account."""
    more = {"email": f"{name.lower()}@example.com", "status": ACTIVE} | more
    return NewUser(name=name, seat_types=seat_types or None, **more)


def default(account: AnAccount, seat_type: str | None) -> None:
    """Set the account's default seat type."""
    accounts.update_account(account.by, {"default_seat_type": seat_type})
    account.from_here()


def outcomes(account: AnAccount, lines: list[NewUser], **options: Any) -> list[str]:
    """What becomes of each line: the code of its refusal, or its outcome."""
    batch = batch_users(account.by, lines, **options)
    return [line.refusal.code if line.refusal else str(line.outcome) for line in batch.lines]


def test_r16_users_are_added_with_their_seats_and_told_in_order() -> None:
    account = an_account(core=2)
    lines = [
        a_line("Priya", "core", permissions=(Permission.SUPER_ADMIN,), external_id="crm-1"),
        a_line("Noah"),
        a_line("Felix", "core", status=UserStatus.INVITED),
        a_line("Aoife", status=UserStatus.INVITED),
    ]

    batch = batch_users(account.super_admin, lines)

    assert [line.outcome for line in batch.lines] == [LineOutcome.CHANGED] * 4
    shown = [line.user for line in batch.lines if line.user]
    assert shown == [account.shown(user["id"]) for user in shown]
    assert [[seat["seat_type"] for seat in user["seats"]] for user in shown] == [
        ["core"],
        ["view_only"],
        ["core"],
        [],
    ]
    assert account.numbers("core") == (2, 2, 0)
    assert account.happened() == [
        "user.created",
        "seat.assigned",
        "user.created",
        "seat.assigned",
        "user.created",
        "seat.assigned",
        "user.created",
        "pool.exhausted",
    ]
    last = account.events()[-1]
    assert (last["type"], last["data"]["pool"]["unassigned"]) == ("pool.exhausted", 0)


@pytest.mark.parametrize("default_seat", [None, "core", "view_only", "partner", "sales"])
def test_r33_a_batch_leads_to_what_single_commands_lead_to(default_seat: str | None) -> None:
    lines = [
        a_line("A", "core"),
        a_line("B", "view_only", "core"),
        a_line("C", "view_only"),
        a_line("D", "partner", partner_eligible=True),
        a_line("E", "sales", "core", external_id="x"),
        a_line("F", status=UserStatus.INVITED),
        a_line("G", partner_eligible=True),
        a_line("H", permissions=(Permission.SUPER_ADMIN, Permission.MANAGE_USERS)),
        a_line("I"),
    ]
    together, apart = (an_account(core=4) for _ in range(2))
    for account in (together, apart):
        account.subscribe("sales", seats={"core": 1, "sales": 1})
        account.promise("core", low_mark=1)
        giving_back.schedule_removal(account.by, "core", 2)
        default(account, default_seat)

    batch_users(together.by, lines)
    # Seats that are named come first; one after the other, the order says who comes first.
    for line in sorted(lines, key=lambda line: line.seat_types is None):
        users.create_user(apart.by, **vars(line))

    def seen(account: AnAccount) -> dict[str, Any]:
        rows = User.select().where(User.account_id == account.id)
        return {
            row.email: (row.status, row.permissions, account.seats_of(row.id), row.external_id)
            for row in rows
        }

    assert seen(together) == seen(apart)
    assert together.pools() == apart.pools()
    warnings = ("pool.low", "pool.exhausted", "seat_removal.reduced", "seat_removal.cancelled")
    assert {kind for kind in together.happened() if kind in warnings} == {
        kind for kind in apart.happened() if kind in warnings
    }


def test_r16_each_line_is_refused_as_it_would_be_alone_and_in_a_batch_none_is_added() -> None:
    account, legacy = an_account(core=1), a_legacy_account()
    account.user(email="taken@example.com", external_id="crm-1")
    lines = [
        a_line("Good", "core"),
        a_line("Taken", email="TAKEN@example.com"),
        a_line("Again", email="good@EXAMPLE.com"),
        a_line("Known", external_id="crm-1"),
        a_line("New", external_id="crm-2"),
        a_line("Twice", external_id="crm-2"),
        a_line("Late", "core"),
        a_line("Odd", "golden"),
        a_line("Unsold", "sales"),
        a_line("Foreign", "partner"),
        a_line("Both", "core", "view_only"),
    ]
    codes = [
        "changed",
        "email_taken",
        "email_repeated",
        "external_id_taken",
        "changed",
        "external_id_taken",
        "no_seat_available",
        "validation_failed",
        "seat_type_not_available",
        "user_not_eligible",
        "no_seat_available",
    ]
    account.from_here()

    with pytest.raises(BatchRefused) as refusal:
        batch_users(account.by, lines)
    assert account.events() == []
    rehearsed = batch_users(account.by, lines, dry_run=True)
    assert account.events() == []
    answered = outcomes(account, lines, on_error=OnError.CONTINUE)

    assert answered == codes
    listed = {line["line"]: line["code"] for line in refusal.value.lines}
    assert listed == {n: code for n, code in enumerate(codes, 1) if code != "changed"}
    assert rehearsed.lines[0].outcome == LineOutcome.NOT_APPLIED
    assert [line.user for line in rehearsed.lines] == [None] * len(lines)
    assert account.numbers("core") == (1, 1, 0)
    assert outcomes(legacy, [a_line("Old", "core")], on_error=OnError.CONTINUE) == [
        "seat_type_not_available"
    ]


def test_r16_a_refused_line_leaves_its_seats_and_its_address_to_the_others() -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={"core": 1})
    account.user(seats=["core"])
    lines = [a_line("Priya", "core", "sales"), a_line("Priya", "core")]

    answered = outcomes(account, lines, on_error=OnError.CONTINUE)

    assert answered == ["no_seat_available", "changed"]
    assert account.numbers("core") == (2, 2, 0)


def test_r8_a_richer_seat_returns_the_one_that_it_includes() -> None:
    with in_which_sales_includes_core():
        account = an_account(core=1)
        account.subscribe("sales", seats={"sales": 1, "core": 1})

        batch = batch_users(account.by, [a_line("Priya", "core", "sales"), a_line("Noah", "core")])

        assert [[s["seat_type"] for s in (line.user or {})["seats"]] for line in batch.lines] == [
            ["sales"],
            ["core"],
        ]
        assert (account.numbers("core")[1], account.numbers("sales")[1]) == (1, 1)


def test_r10_seats_need_a_permission_more_and_nobody_grants_what_he_has_not() -> None:
    account = an_account()
    service = account.key(Scope.USERS)
    granting = [a_line("Priya", permissions=(Permission.MODIFY_BILLING,)), a_line("Noah")]

    with pytest.raises(PermissionDenied, match="seats"):
        batch_users(service, [a_line("Priya", "core")])
    for actor in (account.viewer, account.billing_admin, account.key(Scope.SEATS)):
        with pytest.raises(PermissionDenied):
            batch_users(actor, [a_line("Priya")])
    answered = batch_users(account.user_admin, granting, on_error=OnError.CONTINUE)

    assert [line.outcome for line in answered.lines] == [LineOutcome.REFUSED, LineOutcome.CHANGED]
    assert batch_users(service, [a_line("Lena")]).count(LineOutcome.CHANGED) == 1


def test_r16_a_batch_has_one_to_a_thousand_lines_in_an_open_account() -> None:
    account = an_account()
    for lines in ([], [a_line("P")] * (LARGEST_USER_BATCH + 1)):
        with pytest.raises(Unacceptable, match="lines"):
            batch_users(account.by, lines)
    account.close()
    with pytest.raises(AccountClosed):
        batch_users(account.by, [a_line("P")])


def test_r16_a_thousand_lines_take_hardly_more_statements_than_ten() -> None:
    account = an_account(core=1500)
    default(account, "core")
    giving_back.schedule_removal(account.by, "core", 1450)

    def cost(count: int) -> int:
        lines = [a_line(f"U{count}-{n}", *["core"] * (n % 2)) for n in range(count)]
        with statements() as seen:
            batch_users(account.by, lines)
        return len(seen)

    few, many = cost(10), cost(LARGEST_USER_BATCH)

    assert few <= 25, few
    assert many <= few + 30, (few, many)
    # Of the 50 that no removal had claimed ten went first; the others to those who ask by name.
    assert account.numbers("core") == (1500, 510, 990)


def test_r11_two_batches_at_once_give_no_seat_too_many_and_no_address_twice() -> None:
    account = an_account(core=5)
    same = [a_line(f"U{n}", "core") for n in range(5)]
    others = [a_line(f"V{n}", "core") for n in range(5)]

    results = race([partial(batch_users, account.by, lines) for lines in (same, same, others)])

    assert (done(results), refused(results, BatchRefused)) == (1, 2)
    assert account.numbers("core") == (5, 5, 0)


def test_r8_new_users_get_the_default_seat_while_one_is_free() -> None:
    account = an_account(core=3)
    default(account, "core")
    giving_back.schedule_removal(account.by, "core", 1)
    admin = account.key(Scope.USERS)
    account.from_here()

    first = users.create_user(admin, "a@example.com", "A", status="active")
    invited = users.create_user(admin, "b@example.com", "B")
    late = users.create_user(admin, "c@example.com", "C", status="active")
    none = users.create_user(admin, "d@example.com", "D", status="active", seat_types=[])

    held = [holder.seat_types for holder in (first, invited, late, none)]
    assert held == [["core"], ["core"], ["view_only"], ["view_only"]]
    assert account.numbers("core") == (3, 2, 1), "what is given back stays given back"
    assigned = [e for e in account.events() if e["type"] == "seat.assigned"]
    created = account.events()[0]
    assert (assigned[0]["data"]["reason"], assigned[0]["data"]["cause"]) == (
        "default_seat",
        created["id"],
    )


def test_r8_the_default_seat_refuses_nobody() -> None:
    suspended, legacy, free = an_account(), a_legacy_account(), a_free_account()
    for account, seat_type in ((suspended, "core"), (legacy, "core"), (free, "core")):
        default(account, seat_type)
    suspending.suspend(suspended.by, suspended.pool("core")["subscription_id"])
    eligible = an_account()
    default(eligible, "partner")

    assert suspended.seats_of(suspended.user()) == ["view_only"]
    assert legacy.seats_of(legacy.user()) == []
    assert free.seats_of(free.user()) == ["free"]
    assert eligible.seats_of(eligible.user()) == ["view_only"]
    assert eligible.seats_of(eligible.user(partner_eligible=True)) == ["partner"]
    for account in (suspended, legacy, free, eligible):
        batch_users(account.by, [a_line("Priya"), a_line("Noah")])


def test_r8_who_comes_back_gets_no_default_seat() -> None:
    account = an_account()
    priya = account.user()
    account.deactivate(priya)
    default(account, "core")

    users.update_user(account.by, priya, {"status": "active"})

    assert account.seats_of(priya) == ["view_only"]


def test_r32_the_default_seat_type_is_one_of_the_catalogue() -> None:
    account = an_account()
    with pytest.raises(Unknown) as refusal:
        accounts.update_account(account.super_admin, {"default_seat_type": "golden"})
    assert refusal.value.pointer == "/default_seat_type"
    account.from_here()

    accounts.update_account(account.by, {"default_seat_type": "core"})
    accounts.update_account(account.by, {"default_seat_type": "core"})
    accounts.update_account(account.by, {"default_seat_type": None})

    changed = [event["data"]["previous"] for event in account.events()]
    assert changed == [{"default_seat_type": None}, {"default_seat_type": "core"}]
    assert Pool.select().where(Pool.account_id == account.id).count() == 1
