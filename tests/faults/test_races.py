"""Many at once: no seat too many, no effect twice (R4, R8, R10 to R19, R23, R31)."""

import threading
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from licensing import clock, idempotency, ids
from licensing.idempotency import Answer
from licensing.models import Pool, Seat
from licensing.operations import accounts, assigning, buying, giving_back, subscriptions, users
from licensing.operations.subscriptions import Order
from licensing.queries import invariants
from licensing.rules.permissions import Actor, Scope, system
from licensing.rules.refusals import (
    AlreadySubscribed,
    EmailTaken,
    ExternalIdTaken,
    LastSuperAdmin,
    NoSeatAvailable,
    NotEnoughUnassignedSeats,
    NotFound,
)
from licensing.rules.terms import Interval
from tests.faults.harness import Database, Harness, a_seed
from tests.faults.racing import RUNNERS, done, race, refused
from tests.world import NEXT_RENEWAL, AnAccount, Hands, a_free_account, an_account

ROUNDS = 5
ROUNDS_BETWEEN_LOOKS = 10


@pytest.mark.parametrize("left", [0, 1, 3, RUNNERS - 1])
def test_r11_many_at_once_get_exactly_the_seats_that_are_left(left: int) -> None:
    account = an_account(core=left + 1)
    account.user(seats=["core"])
    admin = account.user_admin
    newcomers = [account.user() for _ in range(RUNNERS)]

    results = race([partial(assigning.assign_seat, admin, user, "core") for user in newcomers])

    assert (done(results), refused(results, NoSeatAvailable)) == (left, RUNNERS - left)
    assert account.numbers("core") == (left + 1, left + 1, 0)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r8_one_user_gets_one_seat_of_a_type(_: int) -> None:
    account = an_account()
    admin, priya = account.user_admin, account.user()

    results = race([partial(assigning.assign_seat, admin, priya, "core")] * RUNNERS)

    assert {seat.id for seat in results} == {account.seat(priya, "core")}
    assert account.happened().count("seat.assigned") == 1
    assert account.numbers("core") == (10, 1, 0)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r19_a_seat_is_either_assigned_or_given_back(_: int) -> None:
    account = an_account(core=8)
    admin = account.super_admin
    newcomers = [account.user() for _ in range(RUNNERS // 2)]
    assign = [partial(assigning.assign_seat, admin, user, "core") for user in newcomers]
    give_back = [partial(giving_back.schedule_removal, admin, "core", 1)] * (RUNNERS // 2)

    results = race(assign + give_back)

    purchased, assigned, scheduled = account.numbers("core")
    assert (purchased, assigned) == (8, 8)
    assert scheduled == 0
    assert refused(results, NotEnoughUnassignedSeats) + done(results) == RUNNERS


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r15_one_seat_goes_to_one_of_many(_: int) -> None:
    account = an_account(core=1)
    admin = account.user_admin
    priya = account.user(seats=["core"])
    seat_id = account.seat(priya, "core")
    others = [account.user() for _ in range(RUNNERS)]

    race([partial(assigning.transfer_seat, admin, seat_id, other) for other in others])

    holders = [user for user in [priya, *others] if account.seats_of(user) == ["core"]]
    assert len(holders) == 1
    assert account.numbers("core") == (1, 1, 0)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r12_a_seat_is_taken_back_once(_: int) -> None:
    account = an_account(core=1)
    admin = account.user_admin
    seat_id = account.seat(account.user(seats=["core"]), "core")

    results = race([partial(assigning.take_back, admin, seat_id)] * RUNNERS)

    assert (done(results), refused(results, NotFound)) == (1, RUNNERS - 1)
    assert account.numbers("core") == (1, 0, 0)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r10_two_super_admins_cannot_both_step_down(_: int) -> None:
    account = an_account()
    first, second = account.super_admin, account.super_admin

    results = race(
        [
            partial(users.update_user, first, second.id, {"permissions": []}),
            partial(users.update_user, second, first.id, {"permissions": []}),
        ]
    )

    assert (done(results), refused(results, LastSuperAdmin)) == (1, 1)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r17_what_many_buy_at_once_adds_up(_: int) -> None:
    account = an_account(core=1)
    admin = account.billing_admin

    results = race([partial(buying.purchase_seats, admin, "core", n) for n in range(1, 17)])

    assert account.numbers("core") == (1 + sum(range(1, 17)), 0, 0)
    spans = sorted((bought.purchased_before, bought.purchased_after) for bought in results)
    assert all(a[1] == b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r17_the_first_seats_of_a_type_open_one_pool(_: int) -> None:
    account = an_account()
    account.subscribe("service", seats={})
    admin = account.billing_admin

    race([partial(buying.purchase_seats, admin, "service", 1)] * 4)

    assert account.numbers("service") == (4, 0, 0)


def _order(product: str) -> Order:
    return Order(product, "starter", Interval.MONTH, 1, {"core": 2})


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r4_a_product_is_checked_out_once(_: int) -> None:
    account = a_free_account()
    admin, priya = account.billing_admin, account.user()

    results = race([partial(subscriptions.checkout, admin, _order("marketing"))] * 4)

    assert (done(results), refused(results, AlreadySubscribed)) == (1, 3)
    assert account.seats_of(priya) == ["view_only"]
    assert account.numbers("core") == (2, 1, 0)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r4_two_products_at_once_end_the_free_seats_once(_: int) -> None:
    account = a_free_account()
    admin, priya = account.billing_admin, account.user()

    results = race(
        [partial(subscriptions.checkout, admin, _order(p)) for p in ("marketing", "content")]
    )

    assert done(results) == 2
    assert account.seats_of(priya) == ["view_only"]
    assert account.numbers("core") == (4, 1, 0)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r4_a_user_who_comes_during_the_checkout_holds_the_right_seat(_: int) -> None:
    account = a_free_account()
    admin = account.by
    newcomer = partial(users.create_user, admin, name="Newcomer", status="active")
    comers = [partial(newcomer, email=f"user{n}@example.com") for n in range(4)]

    results = race([partial(subscriptions.checkout, admin, _order("marketing")), *comers])

    held = {tuple(account.seats_of(holder.user.id)) for holder in results[1:]}
    assert held == {("view_only",)}


@pytest.mark.parametrize("_", range(ROUNDS))
def test_an_address_is_taken_once(_: int) -> None:
    account = an_account()
    admin = account.user_admin
    call = partial(users.create_user, admin, "priya@example.com", "Priya", status="active")

    results = race([call] * 4)

    assert (done(results), refused(results, EmailTaken)) == (1, 3)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r8_changes_in_opposite_directions_all_succeed(_: int) -> None:
    account = an_account(core=8)
    account.subscribe("sales", seats={"sales": 8})
    admin = account.user_admin
    there = [account.seat(account.user(seats=["core"]), "core") for _ in range(4)]
    back = [account.seat(account.user(seats=["sales"]), "sales") for _ in range(4)]

    results = race(
        [partial(assigning.change_seat, admin, seat_id, "sales") for seat_id in there]
        + [partial(assigning.change_seat, admin, seat_id, "core") for seat_id in back]
    )

    assert done(results) == 8
    assert (account.numbers("core"), account.numbers("sales")) == ((8, 4, 0), (8, 4, 0))


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r23_many_commands_renew_each_term_once(_: int, hands: Hands) -> None:
    account = an_account(core=5)
    giving_back.schedule_removal(account.billing_admin, "core", 2)
    admin = account.billing_admin
    hands.move_to(NEXT_RENEWAL)
    hands.move(days=65)

    race([partial(buying.purchase_seats, admin, "core", 1)] * RUNNERS)

    happened = account.happened()
    assert happened.count("subscription.renewed") == 3
    assert happened.count("seat_removal.applied") == 1
    assert account.numbers("core") == (3 + RUNNERS, 0, 0)


def run_keys(_seed: int, size: int) -> Mapping[str, int]:
    """So many idempotency keys, each used by sixteen at once: one effect, one answer."""
    account = an_account(core=1)
    service = account.key(Scope.BILLING)

    def buy() -> Answer:
        bought = buying.purchase_seats(service, "core", 5)
        return Answer(201, {"Content-Type": "application/json"}, str(bought.id).encode())

    for number in range(size):
        results = race([partial(idempotency.once, service, f"{number}", "same", buy)] * RUNNERS)
        assert len({answer.body for answer, _ in results}) == 1
        assert sum(replayed for _, replayed in results) == RUNNERS - 1
    assert account.numbers("core") == (1 + 5 * size, 0, 0)
    return {"rounds": size}


def test_r18_one_key_has_one_effect_however_often_it_comes_at_once() -> None:
    run_keys(a_seed(), ROUNDS)


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("_", range(ROUNDS))
def test_r11_changes_between_full_pools_end_in_seats_or_refusals(_: int, left: int) -> None:
    account = an_account(core=4 + left)
    account.subscribe("sales", seats={"sales": 4 + left})
    admin = account.user_admin
    there = [account.seat(account.user(seats=["core"]), "core") for _ in range(4)]
    back = [account.seat(account.user(seats=["sales"]), "sales") for _ in range(4)]

    results = race(
        [partial(assigning.change_seat, admin, seat_id, "sales") for seat_id in there]
        + [partial(assigning.change_seat, admin, seat_id, "core") for seat_id in back]
    )

    assert done(results) + refused(results, NoSeatAvailable) == 8
    assert (done(results) > 0) == (left > 0)
    assert account.numbers("core")[1] + account.numbers("sales")[1] == 8


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r31_an_external_id_is_taken_once_in_an_account(_: int) -> None:
    account = an_account()
    admin = account.user_admin
    users_of_theirs = [account.user() for _ in range(RUNNERS)]
    change = {"external_id": "crm-7"}

    results = race([partial(users.update_user, admin, user, change) for user in users_of_theirs])

    assert (done(results), refused(results, ExternalIdTaken)) == (1, RUNNERS - 1)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r31_an_external_id_of_an_account_is_taken_once(_: int) -> None:
    create = partial(accounts.create_account, system(), "Acme", external_id="crm-7")

    results = race([create] * 4)

    assert (done(results), refused(results, ExternalIdTaken)) == (1, 3)


def run(seed: int, size: int) -> Mapping[str, int]:
    """So many races of sixteen commands of all kinds, for the seats of a pool of 4 to 50."""
    for number in range(size):
        _a_round(f"{seed}/{number}", looks=number % ROUNDS_BETWEEN_LOOKS == 0)
    return {"rounds": size}


def _a_round(seed: str, looks: bool) -> None:
    chance = Random(seed)  # noqa: S311 not a secret
    account = an_account(core=chance.randint(4, 50))
    admin = account.super_admin
    holders = [account.user(seats=["core"]) for _ in range(4)]
    others = [account.user() for _ in range(8)]
    seats = [account.seat(user, "core") for user in holders]
    commands = [_any_command(chance, admin, seats, holders, others) for _ in range(RUNNERS)]

    results = race(commands)

    purchased, assigned, scheduled = account.numbers("core")
    assert 0 <= assigned <= purchased - scheduled, f"seed {seed}: {results}"
    if looks:
        assert list(invariants.violations()) == [], f"seed {seed}: {results}"


HARNESSES = (
    Harness("F2", "races for seats", run, 500, Database.BOTH, plan=200),
    Harness("F20", "races with one key", run_keys, 500, Database.BOTH, plan=500),
)


def test_r11_whatever_comes_at_once_the_data_stays_sound() -> None:
    run(a_seed(), 20)


def _any_command(
    chance: Random, admin: Actor, seats: list[str], holders: list[str], others: list[str]
) -> partial[Any]:
    seat, holder, other = chance.choice(seats), chance.choice(holders), chance.choice(others)
    return chance.choice(
        [
            partial(assigning.assign_seat, admin, other, "core"),
            partial(assigning.assign_seat, admin, other, "core"),
            partial(assigning.take_back, admin, seat),
            partial(assigning.take_back_and_give_back, admin, seat),
            partial(assigning.transfer_seat, admin, seat, other),
            partial(giving_back.schedule_removal, admin, "core", chance.randint(1, 4)),
            partial(buying.purchase_seats, admin, "core", chance.randint(1, 4)),
            partial(users.update_user, admin, holder, {"status": "deactivated"}),
        ]
    )


def test_r11_the_harness_catches_who_reads_before_he_writes() -> None:
    """The negative control: look for a free seat, then take it, as one would do it naively."""
    account = an_account(core=3)
    everybody_has_read = threading.Barrier(RUNNERS)
    newcomers = [account.user(status="invited") for _ in range(RUNNERS)]

    try:
        results = race([partial(_naive, account, user, everybody_has_read) for user in newcomers])
        found = list(invariants.violations())
    finally:
        Seat.delete().where(Seat.account_id == account.id, Seat.user_id.in_(newcomers)).execute()
        Pool.update(assigned=0).where(Pool.account_id == account.id).execute()

    assert results == [True] * RUNNERS, "each of them got one of three seats"
    assert any("counts 1 assigned seats, 16 are held" in text for text in found), found


def _naive(account: AnAccount, user_id: str, everybody_has_read: threading.Barrier) -> bool:
    pool = Pool.get(Pool.account_id == account.id, Pool.seat_type == "core")
    free = pool.assigned < pool.purchased
    everybody_has_read.wait(timeout=30)
    if free:
        Seat.create(
            account_id=account.id,
            id=ids.new("seat"),
            user_id=user_id,
            seat_type="core",
            pool_id=pool.id,
            exclusive=False,
            assigned_at=clock.now(),
            assigned_by_type="system",
            assigned_by_id="test",
            version=1,
            created_at=clock.now(),
        )
        taken = Pool.update(assigned=pool.assigned + 1)
        taken.where(Pool.account_id == account.id, Pool.id == pool.id).execute()
    return bool(free)
