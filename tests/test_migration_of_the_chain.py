"""The log of an older release gets the chain that this one would have written (F27)."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import pytest

from licensing import events
from licensing.db import db, on_sqlite, transactional
from licensing.models import Account, Event
from licensing.queries import invariants
from tests.tampering import GUARDS, drop_guards
from tests.world import AnAccount, Hands, an_account

MIGRATION = import_module("licensing.migrations.0008_chained_events")


@contextmanager
def an_older_release() -> Iterator[None]:
    """The database as it was before; what is done to it inside the block is undone."""
    with db.atomic() as undone:
        drop_guards()
        if not on_sqlite():
            db.execute_sql("DROP TRIGGER events_are_never_emptied ON events")
            for function in ("change", "delete"):
                db.execute_sql(f"DROP FUNCTION refuse_to_{function}_events()")
        db.execute_sql("ALTER TABLE events DROP COLUMN digest")
        db.execute_sql("ALTER TABLE accounts DROP COLUMN purged_digest")
        yield
        undone.rollback()


def _digests() -> list[tuple[str, int, str]]:
    rows = Event.select(Event.account_id, Event.sequence, Event.digest)
    return [*rows.order_by(Event.account_id, Event.sequence).tuples()]


def _account() -> AnAccount:
    account = an_account()
    for _ in range(5):
        account.user("Zoë Straße", seats=["core"])
    return account


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_f27_the_chain_over_what_was_there_is_the_same(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MIGRATION, "ROWS_PER_STEP", rows)
    for _ in range(3):
        _account()
    written = _digests()

    with an_older_release():
        MIGRATION.up(None, db.obj)
        filled, found = _digests(), list(invariants.violations())

    assert filled == written
    assert found == []


def test_f27_the_chain_of_a_log_whose_beginning_is_gone_begins_with_what_is_left(
    hands: Hands,
) -> None:
    account = _account()
    hands.move(days=500)
    transactional(events.forget)(account.id, hands.now, 4, 1000)

    with an_older_release():
        MIGRATION.up(None, db.obj)
        found = list(invariants.violations())
        begins = Account.get_by_id(account.id).purged_digest
        guards = {name: _is_guarded(name) for name in GUARDS}

    assert found == []
    assert begins == "0" * 64
    # PostgreSQL can say that of a column.
    assert guards == dict.fromkeys(GUARDS, True) | {"events_have_a_digest": on_sqlite()}


def _is_guarded(name: str) -> bool:
    table, column = ("sqlite_master", "name") if on_sqlite() else ("pg_trigger", "tgname")
    sql = f"SELECT 1 FROM {table} WHERE {column} = {db.param}"
    return db.execute_sql(sql, (name,)).fetchone() is not None
