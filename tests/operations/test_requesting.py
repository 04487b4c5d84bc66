"""Asking for a seat, and what becomes of what was asked for (R8, R10, R11, R17, R25b, R32)."""

from collections.abc import Callable
from functools import partial

import pytest

from licensing.db import db
from licensing.models import SeatRequest, Subscription
from licensing.operations import (
    assigning,
    batches,
    deactivating,
    giving_back,
    suspending,
)
from licensing.operations.requesting import (
    approve_request,
    ask_for_seat,
    decline_request,
    withdraw_request,
)
from licensing.queries import invariants
from licensing.queries import seat_requests as queries
from licensing.queries.cursors import Window
from licensing.rules.batches import Change, LineAction, Named
from licensing.rules.permissions import Actor, Permission, Scope
from licensing.rules.refusals import (
    AccountClosed,
    AlreadyAssigned,
    ExclusiveSeat,
    IncludedInHeldSeat,
    NoSeatAvailable,
    NotFound,
    PermissionDenied,
    SeatRequestNotOpen,
    SeatTypeNotAvailable,
    SubscriptionSuspended,
    Unacceptable,
    Unknown,
    UserDeactivated,
    UserNotEligible,
)
from tests.faults.racing import RUNNERS, done, race, refused
from tests.world import (
    AnAccount,
    Hands,
    a_free_account,
    a_legacy_account,
    an_account,
    in_which_sales_includes_core,
)


def _asked(account: AnAccount, seat_type: str = "core", **user: object) -> tuple[str, str]:
    """A user who asks for a seat; the ids of both."""
    user_id = account.user(**user)
    request = ask_for_seat(account.by, seat_type, user_id=user_id)
    account.from_here()
    return user_id, request.id


def _status(request_id: str) -> str:
    return str(SeatRequest.get(SeatRequest.id == request_id).status)


def test_r11_a_user_asks_for_himself_whether_or_not_a_seat_is_free() -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    priya = account.viewer
    account.from_here()

    request = ask_for_seat(priya, "core", note="For the fair")

    assert (request.status, request.user_id, request.requested_by_id) == (
        "open",
        priya.id,
        priya.id,
    )
    (event,) = account.events()
    assert event["type"] == "seat_request.created"
    assert event["data"]["object"]["note"] == "For the fair"
    assert account.shown(priya.id)["version"] == 2, "asking is no change of the user"


def test_r32_asking_again_answers_the_same_request() -> None:
    account = an_account()
    priya = account.viewer
    first = ask_for_seat(priya, "core", note="one")
    account.from_here()

    again = ask_for_seat(priya, "core", note="two")
    other = ask_for_seat(account.user_admin, "core", user_id=priya.id)

    assert (again.id, again.note, other.id) == (first.id, "one", first.id)
    assert account.happened() == []


def test_r10_only_who_may_assign_asks_for_others() -> None:
    account = an_account()
    priya, noah = account.viewer, account.user()

    with pytest.raises(PermissionDenied, match="manage_users"):
        ask_for_seat(priya, "core", user_id=noah)
    with pytest.raises(Unacceptable, match="user_id"):
        ask_for_seat(account.key(Scope.SEATS), "core")
    with pytest.raises(PermissionDenied, match="seats"):
        ask_for_seat(account.key(Scope.READ), "core", user_id=noah)

    assert ask_for_seat(account.key(Scope.SEATS), "core", user_id=noah).user_id == noah
    assert ask_for_seat(account.user_admin, "core", user_id=priya.id).status == "open"
    with pytest.raises(NotFound):
        ask_for_seat(account.user_admin, "core", user_id=an_account().user())


def test_r8_what_could_never_be_approved_is_refused_at_once() -> None:
    account = an_account()
    holder, gone = account.user(seats=["core"]), account.user()
    account.deactivate(gone)
    legacy, free = a_legacy_account(), a_free_account()
    by, admin = account.by, account.user_admin

    refusals: list[tuple[type[Exception], Actor, str, str]] = [
        (AlreadyAssigned, by, "core", holder),
        (UserDeactivated, by, "core", gone),
        (ExclusiveSeat, admin, "view_only", holder),
        (UserNotEligible, by, "partner", account.user()),
        (SeatTypeNotAvailable, by, "sales", account.user()),
        (SeatTypeNotAvailable, legacy.by, "core", legacy.user()),
        (SeatTypeNotAvailable, free.by, "core", free.user()),
        (Unknown, by, "golden", holder),
        (NotFound, by, "core", "usr_none"),
    ]
    for kind, actor, seat_type, user_id in refusals:
        with pytest.raises(kind):
            ask_for_seat(actor, seat_type, user_id=user_id)

    with in_which_sales_includes_core():
        account.subscribe("sales", seats={"sales": 1})
        richer = account.user(seats=["sales"])
        with pytest.raises(IncludedInHeldSeat):
            ask_for_seat(by, "core", user_id=richer)
    account.from_here()


def test_r25b_nothing_is_asked_for_while_the_subscription_is_suspended() -> None:
    account = an_account()
    account.subscribe("sales", seats={"core": 1})
    _, request_id = _asked(account, "sales")
    for subscription in {account.pool("core")["subscription_id"], _seller(account, "sales")}:
        suspending.suspend(account.by, subscription)

    for seat_type in ("core", "sales"):
        with pytest.raises(SubscriptionSuspended):
            ask_for_seat(account.by, seat_type, user_id=account.user())
    with pytest.raises((NoSeatAvailable, SubscriptionSuspended)):
        approve_request(account.by, request_id)
    with pytest.raises(SubscriptionSuspended):
        approve_request(account.by, request_id, buy=True)

    assert _status(request_id) == "open"


def _seller(account: AnAccount, product: str) -> str:
    found = Subscription.get(Subscription.account_id == account.id, Subscription.product == product)
    return str(found.id)


def test_r11_approving_assigns_in_the_same_step() -> None:
    account = an_account(core=3)
    priya, request_id = _asked(account)
    giving_back.schedule_removal(account.by, "core", 3)
    admin = account.user_admin
    account.from_here()

    request = approve_request(admin, request_id)

    assert (request.status, request.decided_by_id) == ("approved", admin.id)
    assert request.seat_id == account.seat(priya, "core")
    assert account.happened() == [
        "seat.assigned",
        "seat.unassigned",
        "seat_request.approved",
        "seat_removal.reduced",
    ]
    told = {event["type"]: event for event in account.events()}
    assert told["seat_request.approved"]["data"]["cause"] == told["seat.assigned"]["id"]
    assert told["seat_request.approved"]["data"]["previous"] == {"status": "open"}


def test_r11_without_a_free_seat_approving_is_refused_and_the_request_stays_open() -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    _, request_id = _asked(account)

    with pytest.raises(NoSeatAvailable):
        approve_request(account.user_admin, request_id)

    assert (_status(request_id), account.numbers("core")) == ("open", (1, 1, 0))


def test_r17_approving_buys_a_seat_only_if_none_is_free_and_tells_no_line() -> None:
    account = an_account(core=1)
    account.promise("core", low_mark=2)
    account.user(seats=["core"])
    priya, request_id = _asked(account)
    admin = account.actor(Permission.MANAGE_USERS, Permission.MODIFY_BILLING)
    account.from_here()

    bought = approve_request(admin, request_id, buy=True)

    assert (bought.status, bought.seat_id) == ("approved", account.seat(priya, "core"))
    assert bought.purchase_id == account.events()[0]["data"]["object"]["id"]
    assert account.numbers("core") == (2, 2, 0)
    assert account.happened() == [
        "seats.purchased",
        "seat.assigned",
        "seat.unassigned",
        "seat_request.approved",
    ]
    giver = account.user(seats=[])
    assigning.take_back(account.by, account.seat(priya, "core"))
    again = ask_for_seat(account.by, "core", user_id=giver)
    free = approve_request(admin, again.id, buy=True)
    assert (free.purchase_id, account.numbers("core")) == (None, (2, 2, 0))


def test_r17_approving_can_open_the_pool_and_a_free_type_is_never_bought() -> None:
    account = an_account(core=1)
    account.subscribe("sales", seats={"core": 1})
    _, paid = _asked(account, "sales")
    _, free = _asked(account, "partner", partner_eligible=True)

    opened = approve_request(account.by, paid, buy=True)
    given = approve_request(account.by, free, buy=True)

    assert account.numbers("sales") == (1, 1, 0)
    assert (opened.purchase_id is None, given.purchase_id) == (False, None)
    assert account.happened().count("pool.exhausted") == 1


def test_r10_buying_needs_modify_billing_too() -> None:
    account = an_account(core=1)
    account.user(seats=["core"])
    user_id, request_id = _asked(account)

    with pytest.raises(PermissionDenied, match="modify_billing"):
        approve_request(account.user_admin, request_id, buy=True)
    for actor in (account.billing_admin, account.viewer, account.key(Scope.BILLING)):
        with pytest.raises(PermissionDenied):
            approve_request(actor, request_id, buy=True)

    assert (_status(request_id), account.seats_of(user_id)) == ("open", ["view_only"])


def test_r32_a_decision_is_made_once() -> None:
    account = an_account()
    decisions: dict[str, Callable[[str], SeatRequest]] = {
        "approved": partial(approve_request, account.by),
        "declined": partial(decline_request, account.by, note="No"),
        "withdrawn": partial(withdraw_request, account.by),
    }

    for status, decide in decisions.items():
        _, request_id = _asked(account)
        first = decide(request_id)
        told = account.events()
        again = decide(request_id)
        assert (first.status, again.version, account.events()) == (status, first.version, told)
        for other in decisions.keys() - {status}:
            with pytest.raises(SeatRequestNotOpen, match=status):
                decisions[other](request_id)
        assert account.happened()[-1] == f"seat_request.{status}"
    assert SeatRequest.get(SeatRequest.status == "declined").decision_note == "No"


def test_r10_a_user_withdraws_and_sees_his_own_request_only() -> None:
    account, other = an_account(), an_account()
    _, request_id = _asked(account)
    priya = account.viewer
    own = ask_for_seat(priya, "core")
    account.from_here()

    for actor in (priya, other.by):
        with pytest.raises(NotFound):
            withdraw_request(actor, request_id)
        with pytest.raises(NotFound):
            queries.seat_request(actor, request_id)
    for decide in (approve_request, decline_request):
        with pytest.raises(PermissionDenied):
            decide(priya, own.id)
        with pytest.raises(NotFound):
            decide(other.by, own.id)

    assert [item["id"] for item in queries.seat_requests(priya, Window()).items] == [own.id]
    with pytest.raises(PermissionDenied):
        queries.seat_requests(priya, Window(), user_id=account.super_admin.id)
    everybody = queries.seat_requests(account.user_admin, Window(), status="open").items
    assert [item["id"] for item in everybody] == [request_id, own.id]
    assert withdraw_request(priya, own.id).decided_by_id == priya.id
    assert queries.seat_request(priya, own.id)["status"] == "withdrawn"


def _batch_of(account: AnAccount, user_id: str) -> None:
    change = Change(LineAction.ASSIGN, Named(user_id), "core")
    batches.batch_seats(account.by, [change])


def _by_transfer(account: AnAccount, user_id: str) -> None:
    giver = account.user(seats=["core"])
    assigning.transfer_seat(account.by, account.seat(giver, "core"), user_id)


def _by_change(account: AnAccount, user_id: str) -> None:
    seat_id = account.seat(user_id, "view_only")
    assigning.change_seat(account.by, seat_id, "core")


@pytest.mark.parametrize(
    "give",
    [
        pytest.param(lambda a, u: assigning.assign_seat(a.by, u, "core"), id="assigned"),
        pytest.param(_batch_of, id="in a batch"),
        pytest.param(_by_transfer, id="transferred"),
        pytest.param(_by_change, id="changed"),
    ],
)
def test_r11_who_gets_the_seat_another_way_asks_no_longer(
    give: Callable[[AnAccount, str], object],
) -> None:
    account = an_account()
    user_id, request_id = _asked(account)

    give(account, user_id)

    request = SeatRequest.get(SeatRequest.id == request_id)
    assert (request.status, request.seat_id) == ("approved", account.seat(user_id, "core"))
    approved = next(e for e in account.events() if e["type"] == "seat_request.approved")
    cause = next(e for e in account.events() if e["id"] == approved["data"]["cause"])
    assert cause["data"]["object"]["id"] == request.seat_id


def test_r8_a_seat_that_includes_the_one_asked_for_answers_the_request() -> None:
    with in_which_sales_includes_core():
        account = an_account()
        account.subscribe("sales", seats={"sales": 1})
        user_id, request_id = _asked(account)

        assigning.assign_seat(account.by, user_id, "sales")

        assert (_status(request_id), account.seats_of(user_id)) == ("approved", ["sales"])


def test_r11_another_seat_leaves_the_request_open() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 1})
    user_id, request_id = _asked(account)

    assigning.assign_seat(account.by, user_id, "sales")

    assert _status(request_id) == "open"


def _expire(account: AnAccount, user_id: str, hands: Hands) -> None:
    hands.move(days=15)
    account.user()


@pytest.mark.parametrize(
    ("status", "leave", "reason"),
    [
        pytest.param(
            "active", lambda a, u, h: a.deactivate(u), "user_deactivated", id="deactivated"
        ),
        pytest.param(
            "active",
            lambda a, u, h: deactivating.delete_user(a.by, u),
            "user_deleted",
            id="deleted",
        ),
        pytest.param("invited", _expire, "invitation_expired", id="invitation over"),
        pytest.param("invited", lambda a, u, h: a.deactivate(u), "user_deactivated", id="revoked"),
        pytest.param("active", lambda a, u, h: a.close(), "account_closed", id="account closed"),
    ],
)
def test_r13_who_leaves_asks_no_longer(
    hands: Hands, status: str, leave: Callable[[AnAccount, str, Hands], None], reason: str
) -> None:
    account = an_account()
    user_id, request_id = _asked(account, status=status)
    mark = account.mark

    leave(account, user_id, hands)

    assert _status(request_id) == "withdrawn"
    told = [e for e in account.log()[mark:] if e["type"] == "seat_request.withdrawn"]
    assert [event["data"]["reason"] for event in told] == [reason]


def test_a_closed_account_takes_no_requests() -> None:
    account = an_account()
    _, request_id = _asked(account)
    user_id = account.user()
    account.close()

    commands: list[Callable[[], object]] = [
        lambda: ask_for_seat(account.by, "core", user_id=user_id),
        lambda: approve_request(account.by, request_id),
        lambda: decline_request(account.by, request_id),
        lambda: withdraw_request(account.by, request_id),
    ]
    for command in commands:
        with pytest.raises(AccountClosed):
            command()


def test_r32_many_who_ask_and_decide_at_once_leave_one_request_and_one_decision() -> None:
    account = an_account(core=1)
    user_id = account.user()
    admin = account.super_admin
    account.from_here()

    asked = race([partial(ask_for_seat, admin, "core", None, user_id)] * RUNNERS)
    (request_id,) = {request.id for request in asked}
    decisions = [
        partial(decide, admin, request_id)
        for decide in (approve_request, decline_request, withdraw_request)
        for _ in range(4)
    ]
    results = race(decisions)

    decided = [e for e in account.happened() if e.startswith("seat_request.")]
    assert len(decided) == 2, decided
    assert done(results) == 4
    assert refused(results, SeatRequestNotOpen) == 8


def test_r11_approvals_at_once_never_give_more_seats_than_there_are() -> None:
    account = an_account(core=2)
    admin = account.super_admin
    requests = [_asked(account)[1] for _ in range(6)]

    results = race([partial(approve_request, admin, request) for request in requests])

    assert (done(results), refused(results, NoSeatAvailable)) == (2, 4)
    assert account.numbers("core") == (2, 2, 0)


def test_r29_what_does_not_hold_of_requests_is_named() -> None:
    """The negative control of what every test here ends with."""
    account = an_account()
    user_id, request_id = _asked(account)
    damages = {
        f"UPDATE users SET open_requests = 2 WHERE id = '{user_id}'": "counts 2 open requests",
        f"UPDATE users SET status = 'deactivated' WHERE id = '{user_id}'": "is deactivated, but",
        f"UPDATE seats SET seat_type = 'core' WHERE user_id = '{user_id}'": "holds the seat",
        "DELETE FROM seat_requests": "but the log tells open",
        f"UPDATE seat_requests SET user_id = 'usr_x' WHERE id = '{request_id}'": "is gone, but",
    }
    for damage, told in damages.items():
        with db.atomic() as undone:
            db.execute_sql(damage)
            found = list(invariants.violations())
            undone.rollback()
        assert any(told in text for text in found), (damage, found)
