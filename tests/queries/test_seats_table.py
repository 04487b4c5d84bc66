"""Who is found in the seats table, in which order, on which page (R27)."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from licensing import clock
from licensing.models import Seat, User
from licensing.operations import activity, deactivating, test_clocks, users
from licensing.queries import passing
from licensing.queries.cursors import InvalidCursor, Window
from licensing.queries.seats_table import Sort, seats_table
from licensing.rules.accounts import Invitation, inactive_from
from licensing.rules.permissions import Scope, system
from licensing.rules.refusals import NotFound, PermissionDenied
from licensing.rules.searching import folded, name_key
from tests.world import START, AnAccount, Hands, an_account, in_days

PEOPLE = (
    "Élodie Straße", "Elodie STRASSE", "Işık Yılmaz", "ışıl", "İpek", "IAN", "O'Brien", "O’Brien",
    "Zoë", "Zoe\u0308", "50% off", "a_b", "a*b", 'Say "hi"', "back\\slash", "Łukasz Øster",
    "日本 太郎", "ﬁona", "ＷＩＤＥ", "한국", "x", "Anna Ann", "Ann-Marie", "Soft\u00adhyphen",
)  # fmt: skip
LETTERS = "aAeéÉiIıİsSßẞnN%_*'’\"\\-. @oøOxqz日한e\u0301lł"
ALL = Window(limit=1000)


@contextmanager
def few_are(many: int) -> Iterator[None]:
    """A world in which it is worth looking at so many users alone; with 0 each order is walked."""
    before, passing.FEW = passing.FEW, many
    try:
        yield
    finally:
        passing.FEW = before


@pytest.fixture(params=[-1, 1000], ids=["walked", "looked up"])
def either_way(request: pytest.FixtureRequest) -> Iterator[None]:
    with few_are(request.param):
        yield


def ids_of(account: AnAccount, sort: str = "name", limit: int = 1000, **filters: Any) -> list[str]:
    """The ids of the users in the table, page by page."""
    return [row["user_id"] for row in rows_of(account, sort, limit, **filters)]


def rows_of(account: AnAccount, sort: str, limit: int, **filters: Any) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        found = seats_table(account.by, Window(limit, cursor), Sort(sort), **filters)
        yield from found.items
        cursor = found.next_cursor
        if cursor is None:
            return


def a_crowd() -> AnAccount:
    account = an_account()
    for number, name in enumerate(PEOPLE):
        account.user(name, email=f"{folded(name[:3]).encode().hex()}.{number}@example.com")
    other = an_account()
    for name in PEOPLE:
        other.user(name)
    return account


def test_r27_a_search_finds_what_plain_python_finds() -> None:
    account = a_crowd()
    texts = {row.id: f"{folded(row.name)}\n{folded(row.email)}" for row in _users(account)}

    @trying(max_examples=150, deadline=None, database=None)
    @example("%", -1).via("a wildcard of LIKE")
    @example("_", 1000).via("another")
    @example("*", 1000).via("a wildcard of FTS5")
    @example('"', 1000).via("a quotation mark of FTS5")
    @example("a OR b", 1000).via("an operator of FTS5")
    @example("\u0301", -1).via("nothing but an accent")
    @example("日", 1000).via("one character")
    @example("ann ann-", 1000).via("a word in another")
    @example("example.com", 3).via("more than few")
    @given(st.text(LETTERS, min_size=1, max_size=6), st.sampled_from([-1, 3, 1000]))
    def finds_the_same(search: str, few: int) -> None:
        wanted = folded(search).split()
        expected = {id for id, text in texts.items() if all(word in text for word in wanted)}
        with few_are(few):
            assert set(ids_of(account, search=search)) == expected

    finds_the_same()


# What is typed, and whom it finds.
TYPED: dict[str, set[str]] = {
    "elodie": {"Élodie Straße", "Elodie STRASSE"},  # without accents
    "ÉLO": {"Élodie Straße", "Elodie STRASSE"},  # prefix, other case
    "trass": {"Élodie Straße", "Elodie STRASSE"},  # inside, ß as ss
    "straße": {"Élodie Straße", "Elodie STRASSE"},  # ss by ß
    "isik": {"Işık Yılmaz"},  # dotless i
    "IPEK": {"İpek"},  # dotted I
    "zoë": {"Zoë", "Zoe\u0308"},  # composed or not
    "o'b": {"O'Brien", "O’Brien"},  # either apostrophe
    "0%": {"50% off"},  # a percent sign
    "a_b": {"a_b"},  # an underscore
    "\\": {"back\\slash"},  # a backslash
    "y straße élodie": set(),  # all words
    "strasse  elo": {"Élodie Straße", "Elodie STRASSE"},  # in any order
    "wide": {"ＷＩＤＥ"},  # full width
    "fiona": {"ﬁona"},  # a ligature
    "太": {"日本 太郎"},  # one character
    "softhyphen": {"Soft\u00adhyphen"},  # what nobody sees
    "oster": {"Łukasz Øster"},  # a stroke
    "n a": {"Anna Ann", "Ann-Marie", "IAN", "ﬁona"},  # short words
}


def test_r27_names_are_found_as_people_type_them() -> None:
    account = an_account()
    for number, name in enumerate(PEOPLE):
        account.user(name, email=f"{number}@0.io")

    for few in (-1, 1000):
        with few_are(few):
            found = {text: _names(account, search=text) for text in TYPED}
            assert found == TYPED


def _names(account: AnAccount, **filters: Any) -> set[str]:
    return {row["name"] for row in rows_of(account, "name", 50, **filters)}


def test_r27_who_is_renamed_or_deleted_is_found_as_he_is_now(either_way: None) -> None:
    account = an_account()
    priya = account.user("Priya Raghavan", email="priya@example.com")

    users.update_user(account.by, priya, {"name": "Ada"})
    assert ids_of(account, search="raghavan") == []
    assert ids_of(account, search="ada priya@") == [priya]
    users.update_user(account.by, priya, {"email": "countess@example.com"})
    assert ids_of(account, search="priya") == []
    assert ids_of(account, search="ada countess") == [priya]
    users.update_user(account.by, priya, {"partner_eligible": True})
    assert ids_of(account, search="ada countess") == [priya]
    deactivating.delete_user(account.by, priya)
    assert ids_of(account, search="ada") == []


# --- filters -------------------------------------------------------------------------------------


def a_company(hands: Hands) -> AnAccount:
    """Users of every kind: with and without seats, active now, long ago or never."""
    account = an_account(core=20)
    account.subscribe("sales", seats={"sales": 10})
    kinds: list[dict[str, Any]] = [
        {},
        {"seats": ["core"]},
        {"seats": ["core"]},
        {"seats": ["core", "sales"]},
        {"seats": ["sales"], "status": "invited"},
        {"status": "invited"},
        {"status": "invited", "seats": ["core"]},
        {"seats": ["partner"], "partner_eligible": True},
    ]
    for number, kind in enumerate(kinds * 3):
        hands.move(days=1)
        user = account.user(f"{'äbcde'[number % 5]} {'same' if number % 3 else number}", **kind)
        if kind.get("status") != "invited" and number % 4:
            activity.record_activity(account.by, user, clock.now())
        if number % 7 == 3:
            account.deactivate(user)
        if number % 8 == 5 and number > 8:
            users.update_user(account.by, user, {"status": "deactivated"})
    return account


CHOICES: dict[str, list[Any]] = {
    "search": [None, "a", "same", "example 1"],
    "seat_type": [None, "core", "sales", "view_only", "nothing"],
    "holding": [None, "any", "paid", "unpaid", "none"],
    "status": [None, "active", "invited", "deactivated"],
    "invitation": [None, *Invitation],
    "inactive_since": [None, START + timedelta(days=10), START + timedelta(days=18)],
}


def _users(account: AnAccount) -> list[User]:
    return list(User.select().where(User.account_id == account.id))


Facts = tuple[User, dict[str, Any], list[datetime]]


def _facts(account: AnAccount) -> list[Facts]:
    """Each user, as another query shows it, and the days on which the seats were assigned."""
    held = list(Seat.select().where(Seat.account_id == account.id))
    return [
        (row, account.shown(row.id), [s.assigned_at for s in held if s.user_id == row.id])
        for row in _users(account)
    ]


def _expected(facts: list[Facts], sort: str, filters: dict[str, Any]) -> list[str]:
    """The same by plain Python, from what the other queries show."""
    rows = [row for row, shown, days in facts if _passes(row, shown, days, filters)]
    keys: dict[str, Callable[[User], Any]] = {
        "name": lambda row: name_key(row.name),
        "email": lambda row: row.email.casefold(),
        "last_active_at": lambda row: (
            row.last_active_at or datetime.min.replace(tzinfo=START.tzinfo)
        ),
        "created_at": lambda row: row.created_at,
    }
    key = keys[sort.removeprefix("-")]
    rows.sort(key=lambda row: (key(row), row.id), reverse=sort.startswith("-"))
    return [row.id for row in rows]


def _passes(
    row: User, shown: dict[str, Any], days: list[datetime], filters: dict[str, Any]
) -> bool:
    held = [seat["seat_type"] for seat in shown["seats"]]
    paid = bool({"core", "sales"} & set(held))
    kind = {"any": bool(held), "paid": paid, "unpaid": bool(held) and not paid, "none": not held}
    text = f"{folded(row.name)}\n{folded(row.email)}"
    since = filters["inactive_since"]
    return (
        all(word in text for word in folded(filters["search"] or "").split())
        and filters["seat_type"] in (None, *held)
        and (filters["holding"] is None or kind[filters["holding"]])
        and filters["status"] in (None, shown["status"])
        and filters["invitation"] in (None, shown["invitation"])
        and (since is None or inactive_from(row.last_active_at, days, row.created_at) < since)
    )


def test_r27_filters_and_orders_together_give_what_plain_python_gives(hands: Hands) -> None:
    account = a_company(hands)
    facts = _facts(account)
    drawn = random.Random(27)  # noqa: S311 no secret
    alone = [
        {n: v if n == name else None for n in CHOICES} for name in CHOICES for v in CHOICES[name]
    ]
    mixed = [
        {n: drawn.choice([None, drawn.choice(c)]) for n, c in CHOICES.items()} for _ in range(60)
    ]

    for number, filters in enumerate([*alone, *mixed]):
        sort = drawn.choice(list(Sort))
        expected = _expected(facts, sort, filters)
        with few_are(drawn.choice([-1, 1000])):
            found = ids_of(account, sort, drawn.choice([1, 3, 1000]), **filters)
            total = seats_table(
                account.by, Window(1, include_total=True), Sort(sort), **filters
            ).total
        assert found == expected, (number, sort, filters)
        assert total == len(expected)


def test_r27_who_was_never_active_counts_from_the_day_of_the_first_seat(
    hands: Hands, either_way: None
) -> None:
    account = an_account()
    invited = account.user("Invited", status="invited")
    hands.move(days=10)
    users.update_user(account.by, invited, {"name": "Without a seat"})
    holder = account.user("Holder", seats=["core"])
    active = account.user("Active", seats=["core"])
    hands.move(days=10)
    activity.record_activity(account.by, active)

    def inactive(days: int) -> set[str]:
        return set(ids_of(account, inactive_since=START + timedelta(days=days, minutes=1)))

    assert inactive(0) == {invited}
    assert inactive(9) == {invited}
    assert inactive(10) == {invited, holder}
    assert inactive(20) == {invited, holder, active}
    assert ids_of(account, inactive_since=clock.now() - timedelta(days=20)) == []


def test_r27_an_invitation_is_expired_by_its_date_whether_or_not_a_job_has_run(
    hands: Hands, either_way: None
) -> None:
    clock_id = test_clocks.create_clock(system(), "Clock", clock.now()).id
    live, tested = an_account(), an_account(test_clock_id=clock_id)
    here, there = live.user(status="invited"), tested.user(status="invited")

    hands.move(days=15)

    (row,) = rows_of(live, "name", 10)
    assert row["invitation"] == "expired"
    assert ids_of(live, invitation="expired") == [here]
    assert ids_of(live, invitation="pending") == []
    assert ids_of(tested, invitation="pending") == [there]


# --- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", ["name", "-email", "last_active_at", "-created_at"])
def test_r27_pages_stay_right_while_rows_change(sort: str, hands: Hands, either_way: None) -> None:
    account = an_account()
    for number in range(8):
        hands.move(days=1)
        user = account.user(f"{'äbcde'[number % 5]} same")
        if number % 3:
            activity.record_activity(account.by, user)
    before = ids_of(account, sort, search="same")
    seen: list[str] = []
    new: set[str] = set()
    page = seats_table(account.by, Window(3), Sort(sort), search="same")

    while page.next_cursor is not None:
        seen += [row["user_id"] for row in page.items]
        # The one that the cursor stands on goes, and some come at both ends.
        deactivating.delete_user(account.by, seen[-1])
        if len(seen) < 9:
            new |= {account.user("a same first"), account.user("z same last")}
        window = Window(3, page.next_cursor)
        page = seats_table(account.by, window, Sort(sort), search="same")
    seen += [row["user_id"] for row in page.items]

    assert len(seen) == len(set(seen))
    assert [id for id in seen if id in before] == before
    assert set(seen) - set(before) <= new


def test_r27_equal_ones_keep_their_order_and_none_is_lost_between_pages(either_way: None) -> None:
    account = an_account()
    same = [account.user("Same Name", email=f"same{n}@example.com") for n in range(7)]

    for sort in ("name", "last_active_at", "created_at"):
        for limit in (1, 2, 3, 7, 8):
            assert ids_of(account, sort, limit) == same, sort
            assert ids_of(account, f"-{sort}", limit) == same[::-1], sort


def test_r27_a_cursor_is_good_for_its_filters_and_order_only(either_way: None) -> None:
    account, other = an_account(), an_account()
    for stage in (account, other):
        for _ in range(3):
            stage.user(seats=["core"])
    cursor = seats_table(account.by, Window(1), status="active").next_cursor

    assert seats_table(account.by, Window(1, cursor), status="active").items
    for sort, filters in (
        (Sort.NAME, {}),
        (Sort.NAME, {"status": "invited"}),
        (Sort.NAME, {"status": "active", "search": "user"}),
        (Sort.EMAIL, {"status": "active"}),
        (Sort.NAME_BACKWARDS, {"status": "active"}),
    ):
        with pytest.raises(InvalidCursor):
            seats_table(account.by, Window(1, cursor), sort, **filters)
    with pytest.raises(InvalidCursor):
        seats_table(other.by, Window(1, cursor), status="active")
    with pytest.raises(InvalidCursor):
        seats_table(account.by, Window(1, "forged"), status="active")


def test_r27_the_longest_names_and_addresses_are_sorted_and_paged() -> None:
    account = an_account()
    longest = [
        account.user(name, email=f"{letter * 60}@{letter * 180}.io")
        for name, letter in (("ﷺ" * 200, "ΐ"), ("ﷺ" * 199, "𐐀"), ("ΰ" * 200, "ﬃ"))
    ]

    assert set(ids_of(account, "name", 1)) == set(ids_of(account, "email", 1)) == set(longest)
    cursors = [
        seats_table(account.by, Window(1), Sort(s)).next_cursor or "" for s in ("name", "email")
    ]
    assert max(map(len, cursors)) < 4000
    assert ids_of(account, search="ΐ" * 60) == longest[:1]


# --- who may, and what else is there -------------------------------------------------------------


def test_r27_a_row_shows_the_seats_held_with_their_days(hands: Hands) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"], external_id="crm-1", email="p@example.com")

    (row,) = seats_table(account.by, Window()).items

    seat = {
        "id": account.seat(priya, "core"),
        "seat_type": "core",
        "pool_id": account.pool("core")["id"],
        "assigned_at": clock.to_text(clock.now()),
    }
    assert row == {
        "user_id": priya,
        "name": "Priya",
        "email": "p@example.com",
        "status": "active",
        "invitation": None,
        "invitation_expires_at": None,
        "last_active_at": None,
        "permissions": [],
        "partner_eligible": False,
        "seats": [seat],
        "external_id": "crm-1",
        "created_at": clock.to_text(clock.now()),
    }


def test_r27_any_user_of_the_account_and_a_key_that_reads_may_look() -> None:
    account, stranger = an_account(), an_account()
    account.user("Priya")

    assert seats_table(account.viewer, Window()).items
    assert seats_table(account.key(Scope.READ), Window()).items
    with pytest.raises(PermissionDenied, match="read"):
        seats_table(account.key(Scope.USERS), Window())
    assert [row["name"] for row in seats_table(stranger.by, Window()).items] == []
    with pytest.raises(NotFound):
        seats_table(system("acc_none"), Window())


def test_r27_every_order_is_a_total_one(hands: Hands) -> None:
    account = a_company(hands)

    for sort in Sort:
        found = list(rows_of(account, sort, 5))
        assert len(found) == 24
        backwards = f"-{sort}" if not sort.startswith("-") else sort[1:]
        assert [r["user_id"] for r in found] == ids_of(account, backwards)[::-1]
    dates = [row["created_at"] for row in rows_of(account, "created_at", 5)]
    assert all(one <= other for one, other in pairwise(dates))
    assert in_days(0) == clock.now()
