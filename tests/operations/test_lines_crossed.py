"""The lines that a pool crosses are told once, at every door where seats come and go (R28, R32)."""

from collections.abc import Callable

import pytest

from licensing.operations import (
    assigning,
    batches,
    buying,
    deactivating,
    giving_back,
    requesting,
    user_batches,
    users,
)
from licensing.rules.batches import Change, LineAction, Named, NewUser
from licensing.scheduler import work_through
from tests.world import NEXT_RENEWAL, AnAccount, Hands, an_account

WARNINGS = ("pool.low", "pool.exhausted", "pool.replenished")
LOW, EXHAUSTED, REPLENISHED = ([warning] for warning in WARNINGS)
NOTHING: list[str] = []


def _changes(action: LineAction, *user_ids: str) -> list[Change]:
    return [Change(action, Named(user_id), "core") for user_id in user_ids]


def _batch(account: AnAccount, action: LineAction, *user_ids: str) -> None:
    batches.batch_seats(account.by, _changes(action, *user_ids))


def _assign_three(account: AnAccount, hands: Hands) -> None:
    _batch(account, LineAction.ASSIGN, *(account.user() for _ in range(3)))


def _exchange(account: AnAccount, hands: Hands) -> None:
    holder, newcomer = account.people["holder"], account.user()
    changes = _changes(LineAction.ASSIGN, newcomer) + _changes(LineAction.UNASSIGN, holder)
    batches.batch_seats(account.by, changes)


def _add_users(account: AnAccount, hands: Hands) -> None:
    lines = [NewUser(f"n{n}@example.com", "N", seat_types=("core",)) for n in range(3)]
    user_batches.batch_users(account.by, lines)


def _approve(account: AnAccount, hands: Hands) -> None:
    request = requesting.ask_for_seat(account.by, "core", user_id=account.user())
    requesting.approve_request(account.by, request.id)


def _fill_and_buy_for_a_request(account: AnAccount, hands: Hands) -> None:
    _assign_three(account, hands)
    account.from_here()
    request = requesting.ask_for_seat(account.by, "core", user_id=account.user())
    requesting.approve_request(account.by, request.id, buy=True)


def _leave_at_the_renewal(account: AnAccount, hands: Hands) -> None:
    giving_back.schedule_removal(account.by, "core", 2)
    hands.move_to(NEXT_RENEWAL)
    work_through()


def _give_back_only(account: AnAccount, hands: Hands) -> None:
    giving_back.schedule_removal(account.by, "core", 3)


def _transfer(account: AnAccount, hands: Hands) -> None:
    seat_id = account.seat(account.people["holder"], "core")
    assigning.transfer_seat(account.by, seat_id, account.user())


def _change(account: AnAccount, hands: Hands) -> None:
    account.subscribe("sales", seats={"core": 1, "sales": 1})
    account.promise("core", low_mark=4)
    assigning.change_seat(account.by, account.seat(account.people["holder"], "core"), "sales")


def _expire(account: AnAccount, hands: Hands) -> None:
    account.user(status="invited", seats=["core"])
    account.promise("core", low_mark=2)
    hands.move(days=15)
    work_through()


DOORS: list[tuple[str, list[str], Callable[[AnAccount, Hands], object]]] = [
    ("assigned", LOW, lambda a, h: assigning.assign_seat(a.by, a.user(), "core")),
    (
        "assigned with a new user",
        LOW,
        lambda a, h: users.create_user(a.by, "n@example.com", "N", seat_types=["core"]),
    ),
    ("assigned by an approval", LOW, _approve),
    ("all assigned in a batch", EXHAUSTED, _assign_three),
    ("exchanged in a batch", NOTHING, _exchange),
    ("all assigned with new users", EXHAUSTED, _add_users),
    ("bought for a request", NOTHING, _fill_and_buy_for_a_request),
    ("bought", NOTHING, lambda a, h: buying.purchase_seats(a.by, "core", 1)),
    ("left at the renewal", LOW, _leave_at_the_renewal),
    ("to leave at the renewal", NOTHING, _give_back_only),
    ("transferred", NOTHING, _transfer),
    ("changed to another type", EXHAUSTED + REPLENISHED, _change),
    ("the mark is raised", LOW, lambda a, h: _mark(a, 3)),
    ("the mark is lowered", NOTHING, lambda a, h: _mark(a, 1)),
    ("freed by an invitation that is over", REPLENISHED, _expire),
]


def _mark(account: AnAccount, low_mark: int) -> None:
    before = account.mark
    account.promise("core", low_mark=low_mark)
    account.mark = before


@pytest.mark.parametrize(("told", "door"), [d[1:] for d in DOORS], ids=[d[0] for d in DOORS])
def test_r32_a_line_is_told_once_when_it_is_crossed(
    hands: Hands, told: list[str], door: Callable[[AnAccount, Hands], object]
) -> None:
    account = an_account(core=4)
    account.people["holder"] = account.user(seats=["core"])
    account.promise("core", low_mark=2)
    account.from_here()

    door(account, hands)

    # One is held, three are not; at two the pool is low.
    assert [kind for kind in account.happened() if kind in WARNINGS] == told


def test_r32_what_comes_back_is_told_once_too() -> None:
    account = an_account(core=2)
    account.promise("core", low_mark=1)
    people = [account.user(seats=["core"]) for _ in range(2)]
    account.from_here()

    def told(door: Callable[[], object]) -> list[str]:
        account.from_here()
        door()
        return [kind for kind in account.happened() if kind in WARNINGS]

    back = [
        lambda: assigning.take_back(account.by, account.seat(people[0], "core")),
        lambda: deactivating.delete_user(account.by, people[1], take_seats=True),
        lambda: buying.purchase_seats(account.by, "core", 1),
        lambda: account.promise("core", low_mark=None),
    ]

    assert [told(door) for door in back] == [NOTHING, REPLENISHED, NOTHING, NOTHING]


def test_r32_below_a_line_nothing_more_is_told_until_the_next_one() -> None:
    account = an_account(core=4)
    account.promise("core", low_mark=3)
    people = [account.user() for _ in range(4)]

    for user_id in people:
        assigning.assign_seat(account.by, user_id, "core")

    told = [kind for kind in account.happened() if kind in WARNINGS]
    assert told == ["pool.low", "pool.exhausted"]
