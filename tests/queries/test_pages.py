"""
How many pages a command changes in an SQLite file: each is written, and synced, before it answers.

Every index that a command goes through costs it one page, however few bytes it changes there; on a
disk that is most of what a command costs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from licensing import settings
from licensing.db import db
from licensing.models import Seat
from licensing.operations import assigning, buying
from licensing.settings import Settings
from tests.conftest import POSTGRES_URL
from tests.world import AnAccount, an_account

pytestmark = pytest.mark.skipif(bool(POSTGRES_URL), reason="pages are those of an SQLite file")
HEADER_OF_LOG, HEADER_OF_PAGE = 32, 24
Command = Callable[[AnAccount, str], Any]
COMMANDS: list[tuple[str, int, Command]] = [
    ("assign", 30, lambda a, user: assigning.assign_seat(a.by, user, "core")),
    (
        "take back",
        32,
        lambda a, _: assigning.take_back(a.by, Seat.get(Seat.seat_type == "core").id),
    ),
    ("purchase", 14, lambda a, _: buying.purchase_seats(a.by, "core", 1)),
]


def _pages_written(service: Settings, command: Command) -> int:
    """How many pages the command changes of an account in which little has happened."""
    account = an_account(core=20)
    account.user(seats=["core"])
    newcomer = account.user()
    db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    command(account, newcomer)

    file = Path(f"{settings.sqlite_file(service.database_url)}-wal")
    (page,) = db.execute_sql("PRAGMA page_size").fetchone()
    return (file.stat().st_size - HEADER_OF_LOG) // (page + HEADER_OF_PAGE)


@pytest.mark.parametrize(
    ("most", "command"), [c[1:] for c in COMMANDS], ids=[c[0] for c in COMMANDS]
)
def test_r11_a_command_changes_few_pages(service: Settings, most: int, command: Command) -> None:
    assert _pages_written(service, command) <= most


def test_r11_another_index_would_be_noticed(service: Settings) -> None:
    """The negative control: what every command that seats somebody would pay for an index."""
    _, most, assign = COMMANDS[0]
    for number in range(5):
        db.execute_sql(f"CREATE INDEX seats_{number} ON seats (account_id, assigned_by_id, id)")

    assert _pages_written(service, assign) > most
