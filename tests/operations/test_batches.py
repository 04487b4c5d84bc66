"""Many seat changes at once, judged by what they lead to together (R16)."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from licensing.operations import giving_back, suspending, users
from licensing.operations.batches import Batch, batch_seats
from licensing.queries import invariants
from licensing.rules.batches import Change, LineAction, LineOutcome, Named, OnError
from licensing.rules.permissions import Permission
from licensing.rules.refusals import AccountClosed, BatchRefused, PermissionDenied, Unacceptable
from tests.queries.test_budgets import statements
from tests.world import (
    NEXT_RENEWAL,
    AnAccount,
    Hands,
    a_legacy_account,
    an_account,
    in_which_sales_includes_core,
)

NOISE = ("user.entitlements_changed",)
WITHOUT_FALLBACKS = (*NOISE, "pool.exhausted", "pool.replenished")


def named(user: str) -> Named:
    return Named(email=user) if "@" in user else Named(user_id=user)


def assign(user: str, seat_type: str = "core") -> Change:
    return Change(LineAction.ASSIGN, named(user), seat_type)


def unassign(user: str, seat_type: str = "core", give_back: bool = False) -> Change:
    return Change(LineAction.UNASSIGN, named(user), seat_type, give_back=give_back)


def transfer(user: str, to_user: str, seat_type: str = "core") -> Change:
    return Change(LineAction.TRANSFER, named(user), seat_type, to_user=named(to_user))


def change(user: str, seat_type: str, to_seat_type: str) -> Change:
    return Change(LineAction.CHANGE, named(user), seat_type, to_seat_type=to_seat_type)


def outcomes(batch: Batch) -> list[str]:
    return [str(line.outcome) for line in batch.lines]


def codes(batch: Batch) -> list[str | None]:
    return [line.refusal.code if line.refusal else None for line in batch.lines]


def refused_lines(account: AnAccount, *lines: Change) -> dict[int, str]:
    """The codes of the lines for which a batch is refused as a whole, with nothing done."""
    admin = account.super_admin
    pools, events = account.pools(), len(account.log())
    with pytest.raises(BatchRefused) as refusal:
        batch_seats(admin, lines)
    assert (account.pools(), len(account.log())) == (pools, events)
    assert refusal.value.refused == len(refusal.value.lines)
    return {line["line"]: line["code"] for line in refusal.value.lines}  # type: ignore[misc]


def crowd(account: AnAccount, people: int, *seat_types: str, status: str = "active") -> list[str]:
    """So many users at once, each with these seats."""
    made = [
        users.create_user(
            account.by,
            f"{'-'.join(seat_types)}{n}@example.com",
            "One",
            (),
            False,
            status,
            seat_types,
        )
        for n in range(people)
    ]
    return [str(holder.user.id) for holder in made]


def two_full_pools(seats: int = 1) -> AnAccount:
    """An account with as many core and sales seats, whose holders are still to come."""
    account = an_account(core=seats)
    account.subscribe("sales", seats={"sales": seats})
    return account


# --- each action ----------------------------------------------------------------------------------


def test_r16_every_action_is_done_in_one_transaction() -> None:
    account = an_account(core=3)
    account.subscribe("sales", seats={"sales": 1})
    new, leaver = account.user(), account.user(seats=["core"])
    giver, receiver = account.user(seats=["core"]), account.user()
    other = account.user(seats=["core"])
    seat_ids = account.seat(giver, "core"), account.seat(other, "core")

    batch = batch_seats(
        account.user_admin,
        [
            assign(new),
            unassign(leaver),
            transfer(giver, receiver),
            change(other, "core", "sales"),
        ],
    )

    assert outcomes(batch) == ["changed"] * 4
    held = [account.seats_of(user) for user in (new, leaver, giver, receiver, other)]
    assert held == [["core"], ["view_only"], ["view_only"], ["core"], ["sales"]]
    assert (account.seat(receiver, "core"), account.seat(other, "sales")) == seat_ids
    assert account.pools() == {"core": (3, 2, 0), "sales": (1, 1, 0)}


def test_r16_the_answer_shows_the_seat_of_each_line() -> None:
    account = an_account()
    priya, noah = account.user(), account.user(seats=["core"])

    batch = batch_seats(account.user_admin, [assign(priya), unassign(noah)])

    first, second = batch.lines
    assert (first.number, second.number) == (1, 2)
    assert first.seat is not None
    assert first.seat["id"] == account.seat(priya, "core")
    assert second.seat is None
    assert (batch.applied, batch.dry_run, batch.count(LineOutcome.CHANGED)) == (True, False, 2)


def test_r16_each_change_is_told_as_the_single_command_tells_it() -> None:
    account = an_account(core=3)
    account.subscribe("sales", seats={"sales": 1})
    new, leaver = account.user(), account.user(seats=["core"])
    giver, receiver = account.user(seats=["core"]), account.user()
    other = account.user(seats=["core"])
    admin = account.user_admin
    account.from_here()

    batch_seats(
        admin,
        [assign(new), unassign(leaver), transfer(giver, receiver), change(other, "core", "sales")],
    )

    told = [e for e in account.events() if e["data"]["reason"] == "requested"]
    assert Counter(e["type"] for e in told if e["type"].startswith("seat.")) == {
        "seat.assigned": 1,
        "seat.unassigned": 1,
        "seat.transferred": 1,
        "seat.changed": 1,
    }
    changed = next(e["data"] for e in told if e["type"] == "seat.changed")
    assert changed["previous"]["seat_type"] == "core"
    assert (changed["pool"]["seat_type"], changed["previous_pool"]["seat_type"]) == (
        "sales",
        "core",
    )
    fallbacks = [e for e in account.events() if e["data"]["reason"] == "fallback"]
    assert {e["data"]["object"]["user_id"] for e in fallbacks} == {leaver, giver}
    assert {e["data"]["cause"] for e in fallbacks} <= {e["id"] for e in told}


def test_r16_a_user_can_be_named_by_address_whatever_its_case() -> None:
    account = an_account()
    priya = account.user(email="Priya@Example.com", seats=["core"])
    noah = account.user(email="noah@example.com")

    batch_seats(account.user_admin, [transfer("PRIYA@example.COM", "Noah@example.com")])

    assert (account.seats_of(priya), account.seats_of(noah)) == (["view_only"], ["core"])


def test_r16_taking_back_can_give_back_as_well() -> None:
    account = an_account(core=5)
    holders = [account.user(seats=["core"]) for _ in range(3)]

    batch = batch_seats(
        account.super_admin,
        [unassign(user, give_back=number < 2) for number, user in enumerate(holders)],
    )

    assert outcomes(batch) == ["changed"] * 3
    assert account.numbers("core") == (5, 0, 2)
    assert account.happened().count("seat_removal.scheduled") == 2


# --- by the net effect ----------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, -1], ids=["taken first", "given first"])
def test_r16_a_seat_goes_from_one_to_another_in_a_full_pool(order: int) -> None:
    account = an_account(core=1)
    priya, noah = account.user(seats=["core"]), account.user()
    admin = account.user_admin
    account.from_here()

    batch = batch_seats(admin, [unassign(priya), assign(noah)][::order])

    assert outcomes(batch) == ["changed", "changed"]
    assert (account.seats_of(priya), account.seats_of(noah)) == (["view_only"], ["core"])
    assert account.numbers("core") == (1, 1, 0)
    lines = [e for e in account.happened() if e.startswith("pool.")]
    assert lines == [], "the pool was full and still is"


def test_r16_two_users_swap_types_between_two_full_pools() -> None:
    account = two_full_pools()
    priya, noah = account.user(seats=["core"]), account.user(seats=["sales"])
    ids = account.seat(priya, "core"), account.seat(noah, "sales")

    admin = account.user_admin
    account.from_here()
    batch = batch_seats(admin, [change(priya, "core", "sales"), change(noah, "sales", "core")])

    assert outcomes(batch) == ["changed", "changed"]
    assert (account.seat(priya, "sales"), account.seat(noah, "core")) == ids
    assert account.pools() == {"core": (1, 1, 0), "sales": (1, 1, 0)}
    assert account.happened() == ["seat.changed", "seat.changed"]


def test_r16_two_users_swap_types_by_four_lines() -> None:
    account = two_full_pools()
    priya, noah = account.user(seats=["core"]), account.user(seats=["sales"])

    batch_seats(
        account.user_admin,
        [
            assign(priya, "sales"),
            assign(noah, "core"),
            unassign(noah, "sales"),
            unassign(priya, "core"),
        ],
    )

    assert (account.seats_of(priya), account.seats_of(noah)) == (["sales"], ["core"])
    assert "view_only" not in str([e["data"]["object"] for e in account.events()])


@pytest.mark.parametrize("order", [1, -1], ids=["from the start", "from the end"])
def test_r16_a_chain_of_transfers(order: int) -> None:
    account = an_account(core=3)
    first, *others = (account.user(seats=["core"]) for _ in range(3))
    last = account.user()
    chain = [first, *others, last]
    ids = [account.seat(user, "core") for user in chain[:-1]]

    batch = batch_seats(
        account.user_admin,
        [transfer(a, b) for a, b in pairwise(chain)][::order],
    )

    assert outcomes(batch) == ["changed"] * 3
    assert [account.seat(user, "core") for user in chain[1:]] == ids
    assert account.seats_of(first) == ["view_only"]
    assert account.numbers("core") == (3, 3, 0)


def test_r16_a_seat_that_a_line_brings_can_be_passed_on() -> None:
    account = an_account(core=1)
    priya, noah, victor = account.user(seats=["core"]), account.user(), account.user()

    batch = batch_seats(account.user_admin, [transfer(noah, victor), transfer(priya, noah)])

    assert outcomes(batch) == ["changed", "changed"]
    assert account.seats_of(victor) == ["core"]
    assert account.seats_of(noah) == account.seats_of(priya) == ["view_only"]


def test_r16_a_circle_of_transfers_changes_nothing() -> None:
    account = an_account(core=3)
    one, two, three = (account.user(seats=["core"]) for _ in range(3))
    admin = account.user_admin
    account.from_here()

    batch = batch_seats(admin, [transfer(one, two), transfer(two, three), transfer(three, one)])

    assert outcomes(batch) == ["unchanged"] * 3
    assert account.happened() == []


def test_r16_seats_of_two_types_are_transferred_crosswise() -> None:
    account = two_full_pools()
    priya, noah = account.user(seats=["core"]), account.user(seats=["sales"])
    lines = [transfer(priya, noah), transfer(noah, priya, "sales")]

    with in_which_sales_includes_core():
        batch = batch_seats(account.user_admin, lines)

    assert outcomes(batch) == ["changed", "changed"]
    assert (account.seats_of(priya), account.seats_of(noah)) == (["sales"], ["core"])


@pytest.mark.parametrize("order", [1, -1])
def test_r8_a_seat_that_a_richer_one_includes_is_free_for_the_others(order: int) -> None:
    account = two_full_pools()
    priya, noah = account.user(seats=["core"]), account.user()
    lines = [assign(priya, "sales"), assign(noah, "core")][::order]

    with in_which_sales_includes_core():
        batch = batch_seats(account.user_admin, lines)

    assert outcomes(batch) == ["changed", "changed"]
    assert (account.seats_of(priya), account.seats_of(noah)) == (["sales"], ["core"])
    assert account.pools() == {"core": (1, 1, 0), "sales": (1, 1, 0)}


def test_r8_an_exclusive_seat_comes_when_the_others_have_gone() -> None:
    account = an_account(core=1)
    dana = account.user("Dana", partner_eligible=True, seats=["core"])
    noah = account.user()

    batch = batch_seats(account.user_admin, [assign(dana, "partner"), transfer(dana, noah)])

    assert outcomes(batch) == ["changed", "changed"]
    assert (account.seats_of(dana), account.seats_of(noah)) == (["partner"], ["core"])


def test_r16_a_seat_can_be_taken_back_and_given_again() -> None:
    account = an_account(core=1)
    priya = account.user(seats=["core"])

    batch = batch_seats(account.user_admin, [assign(priya), unassign(priya)])

    assert outcomes(batch) == ["changed", "changed"]
    assert account.seats_of(priya) == ["core"]


def test_r8_who_loses_one_seat_and_gains_another_gets_no_viewing_seat_in_between() -> None:
    account = two_full_pools()
    priya, noah = account.user(seats=["core"]), account.user(seats=["sales"])
    admin = account.user_admin
    account.from_here()

    batch_seats(admin, [unassign(priya), assign(priya, "sales"), unassign(noah, "sales")])

    assert (account.seats_of(priya), account.seats_of(noah)) == (["sales"], ["view_only"])
    fallbacks = [e for e in account.events() if e["data"]["reason"] == "fallback"]
    assert [e["data"]["object"]["user_id"] for e in fallbacks] == [noah]


def test_r8_who_ends_with_nothing_is_left_the_viewing_seat_once() -> None:
    account = two_full_pools()
    priya = account.user(seats=["core", "sales"])
    admin = account.user_admin
    account.from_here()

    batch_seats(admin, [unassign(priya, "core"), unassign(priya, "sales")])

    assert account.seats_of(priya) == ["view_only"]
    assert account.happened(but=WITHOUT_FALLBACKS) == ["seat.unassigned"] * 2 + ["seat.assigned"]


def test_r1_in_a_legacy_account_nobody_is_left_a_viewing_seat() -> None:
    account = a_legacy_account(sales=1)
    priya, noah = account.user(seats=["sales"]), account.user()

    batch_seats(account.user_admin, [assign(noah, "sales"), unassign(priya, "sales")])

    assert (account.seats_of(priya), account.seats_of(noah)) == ([], ["sales"])


# --- removals -------------------------------------------------------------------------------------


def test_r22_a_swap_shrinks_no_removal() -> None:
    account = two_full_pools(seats=3)
    priya, noah = account.user(seats=["core"]), account.user(seats=["sales"])
    for seat_type in ("core", "sales"):
        giving_back.schedule_removal(account.super_admin, seat_type, 2)
    admin = account.user_admin
    account.from_here()

    batch_seats(admin, [change(priya, "core", "sales"), change(noah, "sales", "core")])

    assert account.pools() == {"core": (3, 1, 2), "sales": (3, 1, 2)}
    assert account.happened() == ["seat.changed"] * 2


def test_r22_seats_that_the_batch_releases_are_used_before_those_that_are_to_leave() -> None:
    account = an_account(core=3)
    priya, noah = account.user(seats=["core"]), account.user()
    giving_back.schedule_removal(account.super_admin, "core", 2)

    batch_seats(account.user_admin, [assign(noah), unassign(priya)])

    assert account.numbers("core") == (3, 1, 2)
    assert "seat_removal.reduced" not in account.happened()


def test_r22_only_what_is_needed_beyond_that_makes_a_removal_give_way() -> None:
    account = an_account(core=4)
    priya, new = account.user(seats=["core"]), [account.user() for _ in range(3)]
    giving_back.schedule_removal(account.super_admin, "core", 3)
    admin = account.user_admin
    account.from_here()

    batch_seats(admin, [*map(assign, new), unassign(priya)])

    assert account.numbers("core") == (4, 3, 1)
    reduced = [e for e in account.events() if e["type"] == "seat_removal.reduced"]
    given = {e["id"] for e in account.events() if e["type"] == "seat.assigned"}
    assert len(reduced) == 2
    assert {e["data"]["cause"] for e in reduced} <= given


def test_r22_what_is_given_back_gives_way_to_who_needs_it() -> None:
    account = an_account(core=2)
    one, two, new = account.user(seats=["core"]), account.user(seats=["core"]), account.user()

    batch = batch_seats(
        account.super_admin,
        [assign(new), unassign(one, give_back=True), unassign(two, give_back=True)],
    )

    assert outcomes(batch) == ["changed"] * 3
    assert account.numbers("core") == (2, 1, 1)


def test_r19_giving_back_stops_at_the_minimum() -> None:
    account = an_account(core=3)
    one, two = account.user(seats=["core"]), account.user(seats=["core"])
    account.promise("core", minimum=2)

    assert refused_lines(account, unassign(one, give_back=True), unassign(two, give_back=True)) == {
        2: "below_minimum"
    }


def test_r23_terms_that_are_over_are_renewed_first(hands: Hands) -> None:
    account = an_account(core=3)
    new = [account.user() for _ in range(2)]
    giving_back.schedule_removal(account.super_admin, "core", 2)
    admin = account.user_admin
    hands.move_to(NEXT_RENEWAL)

    batch = batch_seats(admin, [*map(assign, new)], on_error=OnError.CONTINUE)

    assert codes(batch) == [None, "no_seat_available"]
    assert account.numbers("core") == (1, 1, 0)
    assert account.happened().count("subscription.renewed") == 1


# --- what is refused ------------------------------------------------------------------------------


def test_r16_one_bad_line_and_nothing_is_done() -> None:
    account = an_account(core=1)
    one, two = account.user(), account.user()

    assert refused_lines(account, assign(one), assign(two)) == {2: "no_seat_available"}
    assert account.seats_of(one) == ["view_only"]


def test_r16_the_refusal_says_why_for_each_line() -> None:
    account = an_account(core=1)
    one, two = account.user(), account.user()

    with pytest.raises(BatchRefused) as refusal:
        batch_seats(account.user_admin, [assign(one), assign(two), assign("usr_none")])

    assert refusal.value.facts == {
        "refused": 2,
        "lines": [
            {
                "line": 2,
                "code": "no_seat_available",
                "detail": "No core seat is free: 1 of 1 are assigned; more can be bought.",
            },
            {"line": 3, "code": "not_found", "detail": "There is no user usr_none here."},
        ],
    }


def test_r16_where_the_good_lines_are_wanted_they_are_done() -> None:
    account = an_account(core=1)
    one, two = account.user(), account.user()

    batch = batch_seats(account.user_admin, [assign(one), assign(two)], on_error=OnError.CONTINUE)

    assert outcomes(batch) == ["changed", "refused"]
    assert codes(batch) == [None, "no_seat_available"]
    assert (account.seats_of(one), account.seats_of(two)) == (["core"], ["view_only"])


def test_r16_a_line_that_counts_on_a_refused_one_is_refused_as_well() -> None:
    account = an_account(core=1)
    priya, noah = account.user(seats=["core"]), account.user()
    account.deactivate(priya)

    batch = batch_seats(
        account.user_admin, [assign(noah), unassign(priya)], on_error=OnError.CONTINUE
    )

    assert codes(batch) == ["no_seat_available", "user_deactivated"]
    assert account.seats_of(noah) == ["view_only"]


def test_r16_a_newcomer_does_not_break_an_exchange() -> None:
    account = two_full_pools()
    priya, noah = account.user(seats=["core"]), account.user(seats=["sales"])
    new = account.user()

    batch = batch_seats(
        account.user_admin,
        [assign(new), change(priya, "core", "sales"), change(noah, "sales", "core")],
        on_error=OnError.CONTINUE,
    )

    assert codes(batch) == ["no_seat_available", None, None]
    assert (account.seats_of(priya), account.seats_of(noah)) == (["sales"], ["core"])


BAD_LINES: dict[str, tuple[Callable[[dict[str, str]], Change], str]] = {
    "an unknown user": (lambda s: assign("usr_none"), "not_found"),
    "an unknown address": (lambda s: assign("x@example.com"), "not_found"),
    "another tenant's user": (lambda s: assign(s["stranger"]), "not_found"),
    "to another tenant": (lambda s: transfer(s["holder"], s["stranger"]), "not_found"),
    "unknown type": (lambda s: assign(s["user"], "gold"), "validation_failed"),
    "to unknown type": (lambda s: change(s["holder"], "core", "gold"), "validation_failed"),
    "not sold": (lambda s: assign(s["user"], "service"), "seat_type_not_available"),
    "to what is not sold": (
        lambda s: change(s["holder"], "core", "service"),
        "seat_type_not_available",
    ),
    "ineligible": (lambda s: assign(s["user"], "partner"), "user_not_eligible"),
    "cannot stand beside": (lambda s: assign(s["holder"], "view_only"), "exclusive_seat"),
    "given to who is off": (lambda s: assign(s["off"]), "user_deactivated"),
    "taken from who is off": (lambda s: unassign(s["off"]), "user_deactivated"),
    "changed there": (lambda s: change(s["off"], "core", "sales"), "user_deactivated"),
    "moved from there": (lambda s: transfer(s["off"], s["user"]), "user_deactivated"),
    "moved there": (lambda s: transfer(s["holder"], s["off"]), "user_deactivated"),
    "taken from who has none": (lambda s: unassign(s["user"]), "not_found"),
    "moved from who has none": (lambda s: transfer(s["user"], s["holder"]), "not_found"),
    "changed, but not held": (lambda s: change(s["user"], "core", "sales"), "not_found"),
    "the last one": (lambda s: unassign(s["user"], "view_only"), "seat_required"),
    "to oneself": (lambda s: transfer(s["holder"], s["holder"]), "transfer_to_self"),
    "to a holder": (lambda s: transfer(s["holder"], s["other"]), "already_assigned"),
    "to what is held": (lambda s: change(s["both"], "core", "sales"), "already_assigned"),
    "exclusive": (
        lambda s: transfer(s["user"], s["other"], "view_only"),
        "seat_type_not_transferable",
    ),
    "a full pool": (lambda s: assign(s["user"], "sales"), "no_seat_available"),
    "to a full pool": (lambda s: change(s["holder"], "core", "sales"), "no_seat_available"),
    "too late": (lambda s: assign(s["late"]), "invitation_expired"),
    "moved too late": (lambda s: transfer(s["holder"], s["late"]), "invitation_expired"),
    "a free one given back": (
        lambda s: unassign(s["partner"], "partner", give_back=True),
        "not_enough_unassigned_seats",
    ),
}


def test_r16_a_line_is_refused_as_the_single_command_would_be(hands: Hands) -> None:
    account, stranger = an_account(core=5), an_account()
    account.subscribe("sales", seats={"sales": 1})
    scene = {
        "late": account.user(status="invited"),
        "user": account.user(),
        "holder": account.user(seats=["core"]),
        "other": account.user(seats=["core"]),
        "both": account.user(seats=["core", "sales"]),
        "off": account.user(seats=["core"]),
        "partner": account.user(partner_eligible=True, seats=["partner"]),
        "stranger": stranger.user(seats=["core"]),
    }
    account.deactivate(scene["off"])
    hands.move(days=20)
    good = account.user()

    refused = {
        name: refused_lines(account, assign(good), line(scene))
        for name, (line, _) in BAD_LINES.items()
    }

    assert refused == {name: {2: code} for name, (_, code) in BAD_LINES.items()}


def test_r25b_nothing_is_assigned_while_the_subscription_is_suspended() -> None:
    account = an_account(core=3)
    priya, noah = account.user(seats=["core"]), account.user()
    subscription = account.pool("core")["subscription_id"]
    suspending.suspend(account.by, subscription, "unpaid")
    account.from_here()

    assert refused_lines(account, assign(noah), transfer(priya, noah)) == {
        1: "subscription_suspended",
        2: "subscription_suspended",
    }
    assert outcomes(batch_seats(account.user_admin, [unassign(priya)])) == ["changed"]


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        pytest.param(
            lambda a, b, c: [unassign(a), unassign(a)], {2: "not_found"}, id="taken twice"
        ),
        pytest.param(
            lambda a, b, c: [unassign(a), transfer(a, b)], {2: "not_found"}, id="taken, then moved"
        ),
        pytest.param(
            lambda a, b, c: [transfer(a, b), transfer(a, c)], {2: "not_found"}, id="moved twice"
        ),
        pytest.param(
            lambda a, b, c: [change(a, "core", "view_only"), unassign(a)],
            {2: "not_found"},
            id="changed, then taken",
        ),
    ],
)
def test_r16_of_two_lines_that_contradict_each_other_the_later_is_refused(
    lines: Any, refused: dict[int, str]
) -> None:
    account = an_account()
    holder, one, two = account.user(seats=["core"]), account.user(), account.user()

    assert refused_lines(account, *lines(holder, one, two)) == refused


@pytest.mark.parametrize("order", [1, -1])
def test_r16_a_seat_that_is_assigned_and_transferred_is_given_once(order: int) -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user()

    batch = batch_seats(account.user_admin, [assign(noah), transfer(priya, noah)][::order])

    assert outcomes(batch)[::order] == ["unchanged", "changed"]
    assert (account.seats_of(priya), account.seats_of(noah)) == (["view_only"], ["core"])
    assert account.numbers("core") == (10, 1, 0)


@pytest.mark.parametrize("many", [0, 501])
def test_r16_a_batch_has_1_to_500_lines(many: int) -> None:
    account = an_account()
    priya, admin = account.user(), account.user_admin

    with pytest.raises(Unacceptable, match="between 1 and 500"):
        batch_seats(admin, [assign(priya)] * many)


def test_r10_a_batch_takes_the_permission_to_manage_users() -> None:
    account = an_account()
    priya = account.user()

    with pytest.raises(PermissionDenied, match="manage_users"):
        batch_seats(account.billing_admin, [assign(priya)])


def test_r12_giving_back_takes_the_permission_to_modify_billing_too() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user()

    with pytest.raises(PermissionDenied, match="modify_billing"):
        batch_seats(account.user_admin, [assign(noah), unassign(priya, give_back=True)])

    both = account.actor(Permission.MANAGE_USERS, Permission.MODIFY_BILLING)
    batch_seats(both, [assign(noah), unassign(priya, give_back=True)])
    assert account.numbers("core") == (10, 1, 1)


def test_nothing_is_changed_in_a_closed_account() -> None:
    account = an_account()
    priya, admin = account.user(), account.user_admin
    account.close()

    with pytest.raises(AccountClosed):
        batch_seats(admin, [assign(priya)])


# --- what changes nothing -------------------------------------------------------------------------


def test_r32_what_changes_nothing_tells_nothing() -> None:
    account = an_account()
    priya, noah = account.user(seats=["core"]), account.user()
    admin = account.user_admin
    account.from_here()

    batch = batch_seats(
        admin, [assign(priya), change(priya, "core", "core"), assign(noah, "view_only")]
    )

    assert outcomes(batch) == ["unchanged"] * 3
    assert [line.seat and line.seat["id"] for line in batch.lines] == [
        account.seat(priya, "core"),
        account.seat(priya, "core"),
        account.seat(noah, "view_only"),
    ]
    assert (account.events(), batch.count(LineOutcome.UNCHANGED)) == ([], 3)


def test_r32_the_same_line_twice_gives_one_seat() -> None:
    account = an_account()
    priya = account.user()

    batch = batch_seats(account.user_admin, [assign(priya), assign(priya)])

    assert outcomes(batch) == ["changed", "unchanged"]
    assert batch.lines[0].seat == batch.lines[1].seat
    assert account.numbers("core") == (10, 1, 0)


def test_r32_a_line_of_a_pool_that_is_crossed_is_told_once() -> None:
    account = an_account(core=3)
    account.promise("core", low_mark=2)
    new = [account.user() for _ in range(3)]
    admin = account.user_admin
    account.from_here()

    batch_seats(admin, [*map(assign, new)])

    assert [e for e in account.happened() if e.startswith("pool.")] == ["pool.exhausted"]
    crossed = next(e for e in account.events() if e["type"] == "pool.exhausted")
    causes = {e["id"] for e in account.events() if e["type"] == "seat.assigned"}
    assert crossed["data"]["cause"] in causes


def test_r9_what_a_user_may_do_is_told_once_for_the_whole_batch() -> None:
    account = two_full_pools()
    priya = account.user(seats=["core"])
    admin = account.user_admin
    account.from_here()

    batch_seats(admin, [unassign(priya, "core"), assign(priya, "sales")])

    told = [e for e in account.events() if e["type"] == "user.entitlements_changed"]
    assert [e["data"]["object"]["user_id"] for e in told] == [priya]
    assert told[0]["data"]["object"]["seat_types"] == ["sales"]


# --- a dry run ------------------------------------------------------------------------------------


def test_r16_a_dry_run_answers_and_does_nothing() -> None:
    account = an_account(core=1)
    priya, noah = account.user(seats=["core"]), account.user()
    admin = account.user_admin
    account.from_here()

    batch = batch_seats(admin, [unassign(priya), assign(noah)], dry_run=True)

    assert outcomes(batch) == ["changed", "changed"]
    assert (batch.applied, batch.dry_run) == (False, True)
    assert [line.seat for line in batch.lines] == [None, None]
    assert (account.seats_of(priya), account.events()) == (["core"], [])


@pytest.mark.parametrize(
    ("on_error", "good"), [(OnError.ABORT, "not_applied"), (OnError.CONTINUE, "changed")]
)
def test_r16_a_dry_run_says_what_would_become_of_each_line(on_error: OnError, good: str) -> None:
    account = an_account(core=1)
    one, two, view = account.user(), account.user(), account.user()
    lines = [assign(one), assign(two), assign(view, "view_only")]

    batch = batch_seats(account.user_admin, lines, dry_run=True, on_error=on_error)

    assert outcomes(batch) == [good, "refused", "unchanged"]
    assert batch.lines[2].seat is not None
    assert account.seats_of(one) == ["view_only"]


def test_r16_a_dry_run_foresees_what_the_batch_does() -> None:
    account = two_full_pools(seats=2)
    priya, noah = account.user(seats=["core"]), account.user(seats=["sales"])
    new = account.user()
    lines = [
        change(priya, "core", "sales"),
        change(noah, "sales", "core"),
        assign(new),
        assign(new, "sales"),
        transfer(priya, noah),
    ]
    admin = account.user_admin

    foreseen = batch_seats(admin, lines, dry_run=True, on_error=OnError.CONTINUE)
    done = batch_seats(admin, lines, on_error=OnError.CONTINUE)

    assert (outcomes(foreseen), codes(foreseen)) == (outcomes(done), codes(done))


# --- many -----------------------------------------------------------------------------------------


def test_r16_500_lines_with_one_bad_one() -> None:
    account = an_account(core=250)
    holders, new = crowd(account, 250, "core"), crowd(account, 249, status="invited")
    lines = [*map(assign, new), *map(unassign, holders), assign("usr_none")]

    assert refused_lines(account, *lines) == {500: "not_found"}
    batch = batch_seats(account.user_admin, lines, on_error=OnError.CONTINUE)

    assert (batch.count(LineOutcome.CHANGED), batch.count(LineOutcome.REFUSED)) == (499, 1)
    assert account.numbers("core") == (250, 249, 0)


def any_line(chance: Random, people: list[str]) -> Change:
    """A line about few users, so that many lines meet."""
    user, other = chance.choice(people), chance.choice(people)
    held, wanted = (chance.choice(["core", "core", "sales", "partner"]) for _ in range(2))
    return chance.choice(
        [
            assign(user, wanted),
            unassign(user, held, give_back=chance.random() < 0.3),
            transfer(user, other, held),
            transfer(user, other, held),
            change(user, held, wanted),
        ]
    )


@pytest.mark.parametrize("includes", [True, False], ids=["sales includes core", "side by side"])
@pytest.mark.parametrize("seed", range(12))
def test_r16_whatever_the_lines_the_data_stays_sound_and_the_dry_run_is_right(
    seed: int, includes: bool
) -> None:
    chance = Random(seed)  # noqa: S311 not a secret
    with in_which_sales_includes_core() if includes else nullcontext():
        account = two_full_pools(seats=chance.randint(2, 4))
        kinds = chance.sample([["core"], ["core"], ["sales"], ["sales"], ["partner"], [], []], 7)
        people = [account.user(seats=held, partner_eligible=True) for held in kinds]
        for _ in range(10):
            lines = [any_line(chance, people) for _ in range(chance.randint(2, 14))]

            foreseen = batch_seats(account.by, lines, dry_run=True, on_error=OnError.CONTINUE)
            done = batch_seats(account.by, lines, on_error=OnError.CONTINUE)

            assert (outcomes(foreseen), codes(foreseen)) == (outcomes(done), codes(done))
            if includes:
                assert not any(len(account.seats_of(user)) > 1 for user in people), lines
        assert list(invariants.violations()) == []


def test_r16_a_line_costs_a_bounded_number_of_statements() -> None:
    def cost(lines: int) -> int:
        account = an_account(core=lines)
        giving_back.schedule_removal(account.super_admin, "core", lines)
        people = crowd(account, lines)
        with statements() as seen:
            batch_seats(account.by, [assign(user) for user in people])
        return len(seen)

    few, many = cost(4), cost(24)

    assert many - few <= 20 * 9, "the claim, the user twice, the two seats and the removal"


def test_r16_a_batch_is_planned_without_a_statement_for_each_line() -> None:
    account = an_account(core=50)
    people = crowd(account, 40)
    admin = account.user_admin

    with statements() as seen:
        batch_seats(admin, [assign(user) for user in people], dry_run=True)

    assert len(seen) <= 8, [sql for sql, _ in seen]
