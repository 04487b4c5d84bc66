"""Each invariant is broken once, and named: what `verify` says means something (R11, R29)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from licensing import clock, finding, ids, settings
from licensing.db import db, on_sqlite
from licensing.models import Account, Event, Pool, Removal, Seat, Subscription, Term, User
from licensing.operations import giving_back
from licensing.queries.invariants import dropped_from_catalogue, violations
from licensing.rules.catalogue import Catalogue
from licensing.scheduler import work_through
from tests.tampering import drop_guards
from tests.world import START, AnAccount, Hands, a_free_account, an_account


def test_r29_a_sound_account_has_nothing_to_tell() -> None:
    account = an_account()
    account.user(seats=["core"])

    assert list(violations()) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        pytest.param(
            "UPDATE pools SET assigned = assigned + 1",
            "counts 2 assigned seats, 1 are held",
            id="held",
        ),
        pytest.param(
            "UPDATE pools SET scheduled_removal = scheduled_removal + 1",
            "counts 3 seats scheduled for removal, 2 are",
            id="scheduled",
        ),
        pytest.param(
            "UPDATE accounts SET super_admins = 3", "3 super admins are counted", id="admins"
        ),
        pytest.param(
            "UPDATE accounts SET last_sequence = last_sequence + 1", "is missing", id="sequence"
        ),
        pytest.param(
            "UPDATE events SET sequence = 900 WHERE sequence = 1",
            "event 1 is missing, the next one is 2",
            id="a gap",
        ),
        pytest.param("DELETE FROM seats", "is active and holds no seat", id="no seat"),
        pytest.param(
            "UPDATE seats SET seat_type = 'partner' WHERE pool_id IS NULL",
            "but the log tells",
            id="another type than was told",
        ),
        pytest.param(
            "DELETE FROM users WHERE status = 'invited'", "which does not exist", id="gone"
        ),
        pytest.param(
            "UPDATE users SET holds_exclusive = false; UPDATE seats SET exclusive = false",
            "is marked wrongly",
            id="the exclusive mark",
        ),
        pytest.param(
            "UPDATE pools SET minimum = 1", "but the log tells", id="a minimum that was never told"
        ),
    ],
)
def test_r29_what_does_not_hold_is_named(damage: str, told: str) -> None:
    account = an_account()
    account.user(seats=["core"])
    account.user()
    account.user(status="invited")
    giving_back.schedule_removal(account.super_admin, "core", 2)

    with db.atomic() as undone:
        if "events" in damage:
            drop_guards()
            db.execute_sql("DELETE FROM event_subjects")
        for statement in damage.split("; "):
            db.execute_sql(statement)
        found = list(violations())
        undone.rollback()

    assert any(told in text and account.id in text for text in found), found


@contextmanager
def _undone() -> Iterator[None]:
    """Damage is done in here, and undone at the end."""
    with db.atomic() as here:
        yield
        here.rollback()


@contextmanager
def _without(table: str, *constraints: str) -> Iterator[None]:
    """A database that lets wrong rows in, until the damage is undone."""
    if not on_sqlite():
        with _undone():
            for constraint in constraints:
                db.execute_sql(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
            yield
        return
    # SQLite can neither drop a constraint nor change this pragma within a transaction.
    for pragma in ("ignore_check_constraints = 1", "foreign_keys = 0"):
        db.execute_sql(f"PRAGMA {pragma}")
    try:
        with _undone():
            yield
    finally:
        for pragma in ("ignore_check_constraints = 0", "foreign_keys = 1"):
            db.execute_sql(f"PRAGMA {pragma}")


def _of(account: AnAccount) -> list[str]:
    beginning = f"account {account.id}: "
    return [text.removeprefix(beginning) for text in violations() if text.startswith(beginning)]


@contextmanager
def _a_catalogue(**changes: object) -> Iterator[None]:
    before = settings.current()
    catalogue: Catalogue = replace(before.catalogue, **changes)  # type: ignore[arg-type]
    settings.put_in_force(replace(before, catalogue=catalogue))
    try:
        yield
    finally:
        settings.put_in_force(before)


@pytest.mark.parametrize(
    ("column", "value", "constraints"),
    [
        pytest.param(
            "purchased",
            2,
            ("pools_scheduled_are_unassigned",),
            id="R19 more are held and leaving than there are",
        ),
        pytest.param("minimum", 4, ("pools_keep_the_minimum",), id="R19 fewer stay than agreed"),
        pytest.param(
            "purchased",
            0,
            ("pools_never_oversold", "pools_scheduled_are_unassigned"),
            id="R11 more are held than were bought",
        ),
    ],
)
def test_r11_a_pool_that_has_promised_more_than_it_has_is_named(
    column: str, value: int, constraints: tuple[str, ...]
) -> None:
    account = an_account(core=5)
    account.user(seats=["core"])
    giving_back.schedule_removal(account.by, "core", 2)
    pool = account.pool("core")
    constraints = (*constraints, "pools_keep_the_minimum")

    with _without("pools", *dict.fromkeys(constraints)):
        Pool.update({column: value}).where(Pool.id == pool["id"]).execute()
        found = _of(account)

    assert f"pool {pool['id']} has promised more seats than it has" in found


def test_r8_an_exclusive_seat_beside_another_is_named() -> None:
    account = an_account()
    priya = account.user(seats=["core"])
    constraint = "seats_exclusive_ones_stand_alone"

    with _without("seats", constraint):
        Seat.create(
            account_id=account.id,
            id=ids.new("seat"),
            user_id=priya,
            seat_type="view_only",
            exclusive=True,
            assigned_at=clock.now(),
            assigned_by_type="system",
            assigned_by_id="seatkeeper",
            version=1,
            created_at=clock.now(),
        )
        found = _of(account)

    assert f"user {priya} holds an exclusive seat beside another one" in found


def test_r8_who_is_active_without_a_seat_is_named() -> None:
    account = an_account()
    priya = account.user()

    with _undone():
        Seat.delete().where(Seat.user_id == priya).execute()
        found = _of(account)

    assert f"user {priya} is active and holds no seat" in found


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE users SET status = 'deactivated'", id="a deactivated user"),
        pytest.param("UPDATE accounts SET pricing_model = 'legacy'", id="R2 on legacy pricing"),
        pytest.param("UPDATE accounts SET status = 'closed'", id="a closed account"),
    ],
)
def test_r8_not_everybody_has_to_hold_a_seat(change: str) -> None:
    account = an_account()
    account.user()

    with _undone():
        Seat.delete().execute()
        db.execute_sql(change)
        found = _of(account)

    assert not [text for text in found if "holds no seat" in text]


def test_r10_a_super_admin_who_is_not_counted_is_named() -> None:
    account = an_account()
    priya = account.user()

    with _undone():
        User.update(permissions=["super_admin"]).where(User.id == priya).execute()
        found = _of(account)

    assert found == ["0 super admins are counted, 1 are active"]


@pytest.mark.parametrize(
    "lost", [pytest.param(1, id="the first"), pytest.param(None, id="the last")]
)
def test_r30_an_event_that_was_lost_is_named(lost: int | None) -> None:
    account = an_account()
    last = Account.get_by_id(account.id).last_sequence
    of_account = Event.account_id == account.id

    with _without("event_subjects", "event_subjects_account_id_sequence_fkey"):
        drop_guards()
        Event.delete().where(of_account, Event.sequence == (lost or last)).execute()
        found = _of(account)

    rest = "the next one is 2" if lost else f"the log ends with {last}"
    assert found == [f"event {lost or last} is missing, {rest}"]


def test_r29_a_log_that_is_gone_is_named() -> None:
    account = a_free_account()

    with _undone():
        drop_guards()
        db.execute_sql("DELETE FROM event_subjects")
        Event.delete().execute()
        found = _of(account)

    assert found == ["event 1 is missing, the log ends with 1"]


def test_r29_a_seat_that_the_log_does_not_tell_of_is_named() -> None:
    account = an_account(core=5)
    priya = account.user(seats=["core"])
    seat_id = account.seat(priya, "core")

    with _undone():
        Seat.update(id="seat_another").where(Seat.id == seat_id).execute()
        found = _of(account)

    held = (priya, "core", account.pool("core")["id"])
    assert found == [
        f"the log tells of seat {seat_id}, which does not exist",
        "seat seat_another exists, but the log does not tell of it",
        f"seat {seat_id} is None, but its history ends with {held}",
        f"seat seat_another is {held}, but its history ends with None",
    ]


def test_r29_a_user_that_the_log_does_not_tell_of_is_named() -> None:
    account = an_account()
    priya = User.get(User.id == account.user("Priya"))

    with _undone():
        copied = {**priya.__data__, "id": "usr_another", "status": "deactivated"}
        User.create(**copied | {"email": "b@example.com", "email_key": "b@example.com"})
        found = _of(account)

    assert "user usr_another exists, but the log does not tell of it" in found


def test_r27_what_the_seats_table_would_show_wrongly_is_named() -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    of_priya = User.id == priya

    with _undone():
        User.update(name="Ada").where(of_priya).execute()
        renamed = _of(account)
    with _undone():
        User.update(holding="none").where(of_priya).execute()
        marked = _of(account)
    with _undone():
        finding.forget(account.id, priya)
        lost = _of(account)
    with _undone():
        kept = User.get(of_priya).search_text
        Seat.delete().where(Seat.user_id == priya).execute()
        User.delete().where(of_priya).execute()
        left_behind = [text for text in violations() if text.startswith("search")]
        assert finding.is_kept(account.id, priya, kept) == on_sqlite()

    assert f"user {priya} is sorted and searched by another name or address" in renamed
    assert marked == [f"user {priya} is marked as a holder of none seats, not paid"]
    assert lost == [f"user {priya} is not found by every part of name and address"]
    # On PostgreSQL the database takes it along.
    assert left_behind == (["search: 1 users can be found, 0 exist"] if on_sqlite() else [])


def test_r29_a_subscription_that_the_log_does_not_tell_of_is_named() -> None:
    account = an_account()
    subscription = Subscription.get(Subscription.account_id == account.id)

    with _undone():
        copied = {**subscription.__data__, "id": "sub_another", "product": "sales"}
        Subscription.create(**copied)
        found = _of(account)

    assert found == [
        "subscription sub_another is in term 1, which did not begin",
        "subscription sub_another exists, but the log does not tell of it",
    ]


def test_r23_a_term_that_was_left_out_is_named(hands: Hands) -> None:
    account = an_account()
    hands.move(days=100)
    work_through()
    account.from_here()
    subscription_id = account.pool("core")["subscription_id"]

    with _undone():
        Term.delete().where(Term.subscription_id == subscription_id, Term.number == 2).execute()
        found = _of(account)

    assert found == [f"subscription {subscription_id}: term 3 is out of line"]


def test_r24_a_removal_that_leaves_at_another_time_than_its_pool_renews_is_named() -> None:
    account = an_account()
    removal = giving_back.schedule_removal(account.by, "core", 2)

    with _undone():
        Removal.update(effective_at=START).where(Removal.id == removal.id).execute()
        found = _of(account)

    assert found == [f"removal {removal.id} does not leave at the renewal of its pool"]


def test_r25_a_pool_whose_seats_nothing_sells_is_named() -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 2})
    pool = account.pool("sales")

    with _undone():
        Pool.update(subscription_id=account.pool("core")["subscription_id"]).where(
            Pool.id == pool["id"]
        ).execute()
        found = _of(account)

    assert found == [f"pool {pool['id']} follows a subscription that does not sell sales"]


def test_r25_a_subscription_that_changed_without_a_word_is_named() -> None:
    account = an_account()

    with _undone():
        Subscription.update(tier="starter").where(Subscription.account_id == account.id).execute()
        found = _of(account)

    (told,) = found
    assert "'tier': 'starter'" in told
    assert "but the log tells {'tier': 'professional'" in told


def test_r29_seats_that_were_bought_without_a_word_are_named() -> None:
    account = an_account(core=5)

    with _undone():
        Pool.update(purchased=6).execute()
        found = _of(account)

    told, of_the_past = found
    assert told.startswith(f"pool {account.pool('core')['id']} is {{'purchased': 6")
    assert "but the log tells {'purchased': 5" in told
    assert "but its ledger ends with Figures(purchased=5" in of_the_past


def test_r29_only_the_account_that_is_wrong_is_named() -> None:
    sound, wrong = an_account(), an_account()

    with _undone():
        Account.update(super_admins=2).where(Account.id == wrong.id).execute()
        found = list(violations())

    assert found == [f"account {wrong.id}: 2 super admins are counted, 0 are active"]
    assert sound.id not in str(found)


@pytest.mark.parametrize(
    ("part", "name", "told"),
    [
        pytest.param("seat_types", "core", "pool of core", id="the type of a pool"),
        pytest.param("seat_types", "view_only", "seat type view_only", id="the type of a seat"),
        pytest.param("products", "marketing", "product marketing", id="a product"),
        pytest.param("tiers", "professional", "tier professional", id="a tier"),
    ],
)
def test_r5_what_accounts_hold_but_the_catalogue_has_no_more_is_named(
    part: str, name: str, told: str
) -> None:
    an_account().user()
    kept = {**getattr(settings.current().catalogue, part)}
    del kept[name]

    with _a_catalogue(**{part: kept}):
        found, dropped = list(violations()), dropped_from_catalogue()

    assert found == [f"catalogue: it no longer has {told}, which accounts hold"]
    assert dropped == [told]


def test_a_row_that_names_a_row_that_is_not_there_is_told_of_a_sqlite_file_only() -> None:
    an_account()

    with _without("pools", "pools_account_id_subscription_id_fkey"):
        Pool.update(subscription_id="sub_nobody").execute()
        found = [text for text in violations() if text.startswith("database: ")]

    assert len(found) == int(on_sqlite())
    assert all("of pools names a row of subscriptions that" in text for text in found)


def test_a_search_index_that_another_connection_has_changed_is_not_found_broken() -> None:
    account = an_account()

    found = []
    for _ in range(6):
        found += list(violations())
        for _ in range(5):
            account.user()

    assert found == []
