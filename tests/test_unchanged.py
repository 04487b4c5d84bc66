"""What was read is known until anybody commits anything, and not a request longer."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from licensing import db, settings, unchanged
from licensing.models import ApiKey
from licensing.operations.api_keys import create_key, revoke_key
from licensing.queries.actors import actor_of_key
from licensing.rules.permissions import Scope, system
from licensing.settings import Settings
from tests.conftest import POSTGRES_URL
from tests.counting import asked

on_sqlite = pytest.mark.skipif(bool(POSTGRES_URL), reason="PostgreSQL does not tell of changes")
REVOKE = "UPDATE api_keys SET revoked_at = created_at WHERE id = ?"
REVOKE_ELSEWHERE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute(sys.argv[2], sys.argv[3:])
connection.commit()
"""


def _here(key_id: str, _service: Settings) -> None:
    revoke_key(system(), key_id)


def _in_another_thread(key_id: str, _service: Settings) -> None:
    def revoke() -> None:
        with db.connection():
            revoke_key(system(), key_id)
        db.close()

    with ThreadPoolExecutor(1) as one:
        one.submit(revoke).result()


def _in_another_process(key_id: str, service: Settings) -> None:
    file = str(settings.sqlite_file(service.database_url))
    arguments = [sys.executable, "-c", REVOKE_ELSEWHERE, file, REVOKE, key_id]
    subprocess.run(arguments, check=True)  # noqa: S603 what is written above


@pytest.mark.parametrize(
    "revoke",
    [
        _here,
        _in_another_thread,
        pytest.param(_in_another_process, marks=on_sqlite),
    ],
)
def test_a_known_key_is_refused_as_soon_as_it_is_revoked(
    service: Settings, revoke: Callable[[str, Settings], None]
) -> None:
    key, token = create_key(system(), "lost", [Scope.READ])
    assert actor_of_key(token) == actor_of_key(token) is not None

    revoke(key.id, service)

    assert actor_of_key(token) is None


@on_sqlite
def test_a_key_is_looked_up_once_while_nothing_is_written() -> None:
    _, token = create_key(system(), "billing", [Scope.READ])
    with asked() as first:
        actor_of_key(token)

    with asked() as second:
        actor_of_key(token)

    assert any("api_keys" in sql for sql, _ in first.statements)
    assert not any("api_keys" in sql for sql, _ in second.statements)


@on_sqlite
@pytest.mark.parametrize("token", ["sk_0_secret", "sk__", "none"])
def test_who_is_nobody_is_looked_up_each_time(token: str) -> None:
    assert actor_of_key(token) is None

    assert unchanged.known() == {}


@on_sqlite
def test_what_is_read_inside_a_transaction_is_not_kept() -> None:
    """It may be undone, which no count tells."""
    key, token = create_key(system(), "billing", [Scope.READ])
    revoke_key(system(), key.id)

    with db.db.atomic() as undone:
        ApiKey.update(revoked_at=None).where(ApiKey.id == key.id).execute()
        assert actor_of_key(token) is not None
        undone.rollback()

    assert actor_of_key(token) is None


@on_sqlite
def test_what_another_connection_has_read_is_not_known() -> None:
    """Each counts for itself, so that two may have come to the same number."""
    unchanged.known()["one"] = 1

    db.close()
    db.db.connect()

    assert unchanged.known() == {}


@on_sqlite
def test_no_more_is_kept_than_has_room() -> None:
    unchanged.known().update(dict.fromkeys(range(unchanged.MOST_KEPT - 1)))
    assert len(unchanged.known()) == unchanged.MOST_KEPT - 1

    unchanged.known()["one more"] = None

    assert unchanged.known() == {}


@on_sqlite
def test_reading_changes_nothing(service: Settings) -> None:
    """The negative control: who only reads, here or elsewhere, makes nobody forget."""
    unchanged.known()["one"] = 1

    list(ApiKey.select())
    with sqlite3.connect(settings.sqlite_file(service.database_url)) as other:
        other.execute("SELECT count(*) FROM api_keys").fetchone()
    other.close()

    assert unchanged.known() == {"one": 1}


@pytest.mark.skipif(not POSTGRES_URL, reason="SQLite tells of changes")
def test_nothing_is_kept_where_changes_are_not_told() -> None:
    unchanged.known()["one"] = 1

    assert unchanged.known() == {}
