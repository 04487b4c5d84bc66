"""What a database of an earlier version becomes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from playhouse.migrations import Runner

from licensing import db, finding, migrations
from licensing.models import Seat, User
from licensing.queries.derived import wrong_of_user
from licensing.settings import Settings

FOLDER = Path(migrations.__file__).parent
NOW = "2026-03-02 09:00:00.000000+00:00"
ACCOUNT = {
    "id": "acc_1", "name": "Acme", "pricing_model": "seat_based", "status": "active",
    "currency": "EUR", "time_zone": "UTC", "super_admins": 0, "epoch": 1, "last_sequence": 0,
    "metadata": "{}", "version": 1, "created_at": NOW,
}  # fmt: skip
USER = {
    "account_id": "acc_1", "status": "deactivated", "permissions": "[]", "partner_eligible": False,
    "holds_exclusive": False, "metadata": "{}", "version": 1, "created_at": NOW,
}  # fmt: skip
SEAT = {
    "account_id": "acc_1", "seat_type": "view_only", "exclusive": False, "assigned_at": NOW,
    "assigned_by_type": "system", "assigned_by_id": "test", "version": 1, "created_at": NOW,
}  # fmt: skip


@contextmanager
def a_database_of_its_own(service: Settings, folder: Path) -> Iterator[None]:
    """An empty database behind the handle, until the block ends."""
    if db.on_sqlite():
        db.close()
        db.open_database(replace(service, database_url=f"sqlite:///{folder}/before.db"))
        with db.connection():
            yield
            db.close()
        db.open_database(service)
        db.db.connect()
        return
    db.db.execute_sql("CREATE SCHEMA before")
    db.db.execute_sql("SET search_path TO before")
    yield
    db.db.execute_sql("DROP SCHEMA before CASCADE")
    db.db.execute_sql("RESET search_path")


def migrate_through(last: int, folder: Path) -> None:
    """Bring the database to the migration of this number; `folder` is made for its scripts."""
    folder.mkdir()
    for file in FOLDER.glob("0*.py"):
        if int(file.name[:4]) <= last:
            shutil.copy(file, folder)
    Runner(db.db.obj, str(folder), "schema_migration").up()


def insert(table: str, row: dict[str, Any]) -> None:
    """Insert a row as an earlier version did."""
    marks = ", ".join([db.db.param] * len(row))
    names = ", ".join(row)
    db.db.execute_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


def a_user(number: int, name: str) -> dict[str, Any]:
    email = f"user{number}@example.com"
    return USER | {"id": f"usr_{number:04}", "name": name, "email": email, "email_key": email}


def test_r27_users_from_before_the_seats_table_are_found_sorted_and_marked(
    service: Settings, tmp_path: Path
) -> None:
    with a_database_of_its_own(service, tmp_path):
        migrate_through(3, tmp_path / "before")
        insert("accounts", ACCOUNT)
        for number in range(1_200):
            insert("users", a_user(number, f"Zoë Straße {number}"))
        insert("seats", SEAT | {"id": "seat_1", "user_id": "usr_0007"})

        migrate_through(4, tmp_path / "after")

        users = list(User.select(User.account_id, *_columns()).order_by(User.id))
        held = {"usr_0007": [Seat(pool_id=None)]}
        assert len(users) == finding.how_many_are_kept() == 1_200
        assert [t for u in users[::100] for t in wrong_of_user(u, held.get(u.id, []))] == []
        assert {user.name_key for user in users} == {f"zoe strasse {n}" for n in range(1_200)}
        assert {user.id: user.holding for user in users if user.holding != "none"} == {
            "usr_0007": "unpaid"
        }
        assert finding.candidates("acc_1", ["strasse", "1199"], 9) == ["usr_1199"]


def _columns() -> list[Any]:
    return [User.id, User.name, User.email, User.name_key, User.search_text, User.holding]
