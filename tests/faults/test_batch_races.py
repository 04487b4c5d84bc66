"""Batches at the same moment: no seat too many, each of them whole, none waiting for ever (R16)."""

from functools import partial
from random import Random

import pytest

from licensing.operations import assigning, giving_back
from licensing.operations.batches import batch_seats
from licensing.queries import invariants
from licensing.rules.batches import Change, LineAction, Named, OnError
from licensing.rules.refusals import BatchRefused
from tests.faults.racing import RUNNERS, done, race, refused
from tests.world import AnAccount, an_account

ROUNDS = 5


def _assign(user: str, seat_type: str = "core") -> Change:
    return Change(LineAction.ASSIGN, Named(user_id=user), seat_type)


def _unassign(user: str, seat_type: str = "core") -> Change:
    return Change(LineAction.UNASSIGN, Named(user_id=user), seat_type)


def _change(user: str, seat_type: str, to_seat_type: str) -> Change:
    return Change(LineAction.CHANGE, Named(user_id=user), seat_type, to_seat_type=to_seat_type)


def _transfer(user: str, to_user: str) -> Change:
    return Change(LineAction.TRANSFER, Named(user_id=user), "core", to_user=Named(user_id=to_user))


def _two_pools(seats: int) -> AnAccount:
    account = an_account(core=seats)
    account.subscribe("sales", seats={"sales": seats})
    return account


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r11_batches_for_the_last_seats_are_whole_or_refused(_: int) -> None:
    account = an_account(core=7)
    admin = account.user_admin
    pairs = [[account.user(), account.user()] for _ in range(RUNNERS)]

    results = race([partial(batch_seats, admin, [*map(_assign, pair)]) for pair in pairs])

    assert (done(results), refused(results, BatchRefused)) == (3, RUNNERS - 3)
    held = [{*map(tuple, map(account.seats_of, pair))} for pair in pairs]
    assert all(len(of_pair) == 1 for of_pair in held), "both of a batch, or none"
    assert account.numbers("core") == (7, 6, 0)


def test_r11_two_large_batches_at_one_pool_never_give_a_seat_twice() -> None:
    account = an_account(core=60)
    admin = account.user_admin
    crowds = [[account.user() for _ in range(40)] for _ in range(2)]

    results = race([partial(batch_seats, admin, [*map(_assign, crowd)]) for crowd in crowds])

    assert (done(results), refused(results, BatchRefused)) == (1, 1)
    assert account.numbers("core") == (60, 40, 0)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r11_batches_that_go_on_share_exactly_the_seats_that_are_left(_: int) -> None:
    account = an_account(core=7)
    giving_back.schedule_removal(account.by, "core", 5)
    admin = account.user_admin
    lines = [[_assign(account.user()), _assign(account.user())] for _ in range(RUNNERS)]

    race([partial(batch_seats, admin, batch, on_error=OnError.CONTINUE) for batch in lines])

    assert account.numbers("core") == (7, 7, 0)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r16_swaps_in_both_directions_never_wait_for_each_other(_: int) -> None:
    account = _two_pools(seats=8)
    admin = account.user_admin
    there = [account.user(seats=["core"]) for _ in range(8)]
    back = [account.user(seats=["sales"]) for _ in range(8)]
    swaps = [
        [_change(a, "core", "sales"), _change(b, "sales", "core")][:: 1 if n % 2 else -1]
        for n, (a, b) in enumerate(zip(there, back, strict=True))
    ]

    results = race([partial(batch_seats, admin, swap) for swap in swaps])

    assert done(results) == 8
    assert account.pools() == {"core": (8, 8, 0), "sales": (8, 8, 0)}
    assert {account.seats_of(user)[0] for user in there} == {"sales"}


@pytest.mark.parametrize("_", range(ROUNDS))
def test_r16_batches_beside_single_commands_about_the_same_users(_: int) -> None:
    account = an_account(core=4)
    admin = account.user_admin
    people = [account.user(seats=["core"]) for _ in range(4)] + [account.user() for _ in range(4)]
    forth = [_transfer(a, b) for a, b in zip(people[:4], people[4:], strict=True)]
    back = [_transfer(b, a) for a, b in zip(people[:4], people[4:], strict=True)]
    singles = [partial(assigning.assign_seat, admin, user, "core") for user in people]

    results = race([partial(batch_seats, admin, lines) for lines in (forth, back) * 4] + singles)

    assert account.numbers("core") == (4, 4, 0), results
    assert sum(account.seats_of(user) == ["core"] for user in people) == 4


@pytest.mark.parametrize("seed", range(10))
def test_r11_whatever_batches_come_at_once_the_data_stays_sound(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 not a secret
    account = _two_pools(seats=chance.randint(3, 8))
    people = [account.user() for _ in range(6)]
    people += [account.user(seats=[kind]) for kind in ("core", "core", "sales", "sales")]

    def line() -> Change:
        user, other = chance.sample(people, 2)
        kinds = chance.sample(["core", "sales"], 2)
        return chance.choice(
            [
                _assign(user, kinds[0]),
                _assign(user, kinds[0]),
                _unassign(user, kinds[0]),
                _change(user, *kinds),
                _transfer(user, other),
            ]
        )

    batches = [[line() for _ in range(chance.randint(1, 12))] for _ in range(RUNNERS)]
    results = race(
        [partial(batch_seats, account.by, lines, on_error=OnError.CONTINUE) for lines in batches]
    )

    assert done(results) == RUNNERS, f"seed {seed}: {results}"
    assert list(invariants.violations()) == [], f"seed {seed}: {results}"
