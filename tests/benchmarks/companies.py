"""Databases that are measured: accounts with people, as the operations write them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from flask import Flask
from peewee import chunked

from app import create_app
from licensing import db, migrations
from licensing.callers import Callers, Limits
from licensing.operations import api_keys
from licensing.operations.user_batches import batch_users
from licensing.rules.accounts import UserStatus
from licensing.rules.batches import LARGEST_USER_BATCH, NewUser
from licensing.rules.permissions import Scope, system
from licensing.settings import Settings
from tests.world import AnAccount, an_account

ACCOUNTS = 16
SECRET = "a secret that is only good for measuring"
# Counted as ever, and never reached.
MANY = 10**9
PLENTY = Limits(MANY, MANY, MANY, MANY, MANY, MANY)


@dataclass(frozen=True)
class Companies:
    """
    Accounts to measure with.

    Attributes:
        token: an API key that may do everything.
        people: users without a core seat, each with the account; the accounts take turns.
    """

    token: str
    people: list[tuple[str, str]]


def settings_for(database_url: str) -> Settings:
    """What the service runs with where it is measured."""
    return Settings(
        database_url=database_url,
        secret_key=SECRET,
        webhook_allowed_hosts=frozenset({"127.0.0.1"}),
        callers=Callers(limits=PLENTY),
    )


@contextmanager
def opened(database_url: str) -> Iterator[Flask]:
    """The application, its database behind the handle of this process, its schema up to date."""
    app = create_app(settings_for(database_url))
    with db.connection():
        migrations.apply()
        yield app
        if db.on_sqlite():
            db.db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    db.close_all()


def companies(many: int, accounts: int = ACCOUNTS, seated: int = 100) -> Companies:
    """So many accounts, together with so many people without a seat; each has some who hold one."""
    found = []
    for _ in range(accounts):
        account = an_account(core=many // accounts + seated)
        add_users(account, "held", seated, ("core",))
        free = add_users(account, "free", many // accounts, None)
        found.append([(user, account.id) for user in free])
    _, token = api_keys.create_key(system(), "benchmark", [Scope.ADMIN])
    return Companies(token, list(chain.from_iterable(zip(*found, strict=True))))


def add_users(
    account: AnAccount, prefix: str, many: int, seat_types: tuple[str, ...] | None
) -> list[str]:
    """Add so many users, who hold these seats; returns their ids."""
    added: list[str] = []
    for numbers in chunked(range(many), LARGEST_USER_BATCH):
        lines = [
            NewUser(
                f"{prefix}{number}@example.com",
                f"Person {number}",
                status=UserStatus.ACTIVE,
                seat_types=seat_types,
            )
            for number in numbers
        ]
        added += [
            str(line.user["id"]) for line in batch_users(account.by, lines).lines if line.user
        ]
    return added


def listed(people: list[tuple[str, str]], file: Path) -> Path:
    """The users and their accounts as a file, one a line."""
    lines = [f"{user} {account}\n" for user, account in people]
    file.write_text("".join(lines), encoding="ascii")
    return file
