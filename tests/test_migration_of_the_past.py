"""What an older release left behind has the same past as what this one writes (R28, R29)."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from licensing import events
from licensing.db import db, transactional
from licensing.models import Event, Pool, PoolFigures, SeatHolding
from licensing.operations import assigning, buying, cancelling, giving_back
from licensing.queries import invariants
from tests.tampering import drop_guards
from tests.world import AnAccount, Hands, an_account

NEW_INDEXES = ("events_time", "events_actor", "users_last_active", "seats_paid")


@contextmanager
def an_older_release() -> Iterator[None]:
    """The database as it was before; what is done to it inside the block is undone."""
    with db.atomic() as undone:
        drop_guards()
        for name in NEW_INDEXES:
            db.execute_sql(f"DROP INDEX {name}")
        db.execute_sql("ALTER TABLE events DROP COLUMN actor_id")
        db.execute_sql("DROP TABLE pool_ledger")
        db.execute_sql("DROP TABLE seat_holdings")
        yield
        undone.rollback()


def migrate() -> None:
    """Bring the database to this release."""
    import_module("licensing.migrations.0005_past_figures").up(None, db.obj)


def _eventful(hands: Hands) -> AnAccount:
    account = an_account(core=6)
    sales = account.subscribe("sales", seats={"sales": 3})
    priya, noah = account.user(seats=["core"]), account.user()
    account.user(seats=["sales"])
    account.user(status="invited", seats=["core"], email="lapses@example.com")
    giving_back.schedule_removal(account.by, "core", 2)
    giving_back.schedule_removal(account.by, "sales", 1)
    cancelling.cancel(account.by, sales)
    hands.move(days=2)
    assigning.transfer_seat(account.super_admin, account.seat(priya, "core"), noah)
    assigning.change_seat(account.by, account.seat(noah, "core"), "view_only")
    hands.move(days=50)
    buying.purchase_seats(account.by, "core", 2)
    return account


def _past() -> list[Any]:
    tables = (PoolFigures, SeatHolding)
    found = [sorted(map(str, table.select().tuples())) for table in tables]
    return [*found, sorted(Event.select(Event.id, Event.actor_id).tuples())]


def test_r29_the_past_is_filled_from_the_log(hands: Hands) -> None:
    _eventful(hands)
    an_account()
    written = _past()

    with an_older_release():
        migrate()
        filled = _past()
        found = list(invariants.violations())

    assert filled == written
    assert found == []


def test_r29_of_a_log_whose_beginning_is_gone_as_much_as_it_still_tells(hands: Hands) -> None:
    account = _eventful(hands)
    priya = account.user(seats=["core"])
    hands.move(days=500)
    for kept in (15, 0):
        last = max(event["sequence"] for event in account.log())
        transactional(events.forget)(account.id, hands.now, last - kept, 1000)

        with an_older_release():
            migrate()
            found = list(invariants.violations())
            pools = {row.pool_id for row in PoolFigures.select()}
            of_priya = SeatHolding.get(SeatHolding.user_id == priya, SeatHolding.ends_at.is_null())

        assert found == []
        assert pools >= {pool.id for pool in Pool.select().where(Pool.status == "open")}
        assert of_priya.starts_at == hands.now - hands.span(days=500)
