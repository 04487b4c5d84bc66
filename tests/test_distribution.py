"""
What the schema and the commands guarantee to whoever spreads the data by account.

Citus, CockroachDB and YugabyteDB were not run; docs/scaling.md says what that leaves open.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import quote

import pytest

from licensing import db, idempotency, metrics, scheduler
from licensing.db import transactional
from licensing.idempotency import Answer
from licensing.models import Account, Term, User
from licensing.operations import assigning, buying
from licensing.row_security import EVERY_ACCOUNT
from licensing.rules.refusals import NoSeatAvailable
from licensing.settings import Settings
from tests.conftest import POSTGRES_URL
from tests.crossing import watched
from tests.faults.racing import RUNNERS, done, race, refused
from tests.world import Hands, a_free_account, an_account

on_postgresql = pytest.mark.skipif(not POSTGRES_URL, reason="asks PostgreSQL's catalogue")

# What does not begin with the account, reviewed: small tables that every machine can have a copy of
# (reference tables), and what the product promises to be unique among all accounts.
KEYS_WITHOUT_ACCOUNT = {
    "accounts_pkey": "the account itself",
    "accounts_external_id": "unique among all accounts (R31)",
    "api_keys_pkey": "who asks is found before his account is known",
    "test_clocks_pkey": "a clock is shared by accounts",
    "webhook_endpoints_pkey": "an endpoint may be for all accounts",
    "webhook_secrets_pkey": "an endpoint's",
    "webhook_replays_pkey": "a replay may be for all accounts",
    "webhook_replay_lanes_pkey": "the parts of a replay",
    "webhook_notices_pkey": "the operators' log, which is no account's",
    "webhook_notices_id": "the same",
    "schema_migration_pkey": "of the migrations",
    "schema_migration_name": "of the migrations",
    "webhook_migration_pkey": "of the migrations",
    "webhook_migration_name": "of the migrations",
}
REFERENCES_WITHOUT_ACCOUNT = {
    ("accounts", "test_clocks"),
    ("subscriptions", "test_clocks"),
    ("webhook_attempts", "webhook_endpoints"),
    ("webhook_lanes", "webhook_endpoints"),
    ("webhook_parked", "webhook_endpoints"),
    ("webhook_replay_lanes", "webhook_replays"),
    ("webhook_replays", "webhook_endpoints"),
    ("webhook_secrets", "webhook_endpoints"),
}


@on_postgresql
def test_every_key_and_unique_index_begins_with_the_account() -> None:
    first_columns = db.db.execute_sql(
        "SELECT i.relname, a.attname FROM pg_index JOIN pg_class i ON i.oid = indexrelid "
        "JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = indkey[0] "
        "WHERE indisunique AND i.relnamespace = current_schema()::regnamespace"
    ).fetchall()

    assert len(first_columns) > 40
    others = {index for index, column in first_columns if column != "account_id"}
    assert others == set(KEYS_WITHOUT_ACCOUNT)


@on_postgresql
def test_every_reference_stays_within_its_account() -> None:
    references = db.db.execute_sql(
        "SELECT conrelid::regclass::text, confrelid::regclass::text, a.attname, f.attname "
        "FROM pg_constraint "
        "JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1] "
        "JOIN pg_attribute f ON f.attrelid = confrelid AND f.attnum = confkey[1] "
        "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    ).fetchall()
    within = {("account_id", "account_id"), ("account_id", "id")}

    assert len(references) > 15
    across = {
        (table, other)
        for table, other, *columns in references
        if tuple(columns) not in within or (columns[1] == "id" and other != "accounts")
    }
    assert across == REFERENCES_WITHOUT_ACCOUNT


@on_postgresql
def test_no_table_draws_its_ids_from_a_sequence() -> None:
    sequences = db.db.execute_sql(
        "SELECT relname FROM pg_class WHERE relkind = 'S' "
        "AND relnamespace = current_schema()::regnamespace"
    ).fetchall()

    assert {name for (name,) in sequences} == {
        "schema_migration_id_seq",
        "webhook_migration_id_seq",
    }


def test_a_command_that_crosses_accounts_is_seen() -> None:
    """The control of what tests/operations asks of every command."""
    own, other = a_free_account(), a_free_account()

    @transactional
    def swap_names() -> None:
        for account in (own, other):
            Account.update(name="Acme").where(Account.id == account.id).execute()

    with watched() as seen:
        swap_names()
        Account.update(name="Acme").execute()
        _rename_everybody()

    assert seen.crossing == [{own.id, other.id}]
    assert len(seen.unnamed) == 1


@transactional
def _rename_everybody() -> None:
    User.update(name=User.name).execute()


SEATS = 5
SERIALIZABLE = "-c default_transaction_isolation=serializable -c lock_timeout=5000"


@pytest.fixture
def serializable(service: Settings) -> Iterator[None]:
    """The database as CockroachDB is by default: any transaction may fail, to be repeated."""
    db.close()
    options = quote(SERIALIZABLE, safe="")
    db.open_database(replace(service, database_url=f"{service.database_url}?options={options}"))
    with db.connection(EVERY_ACCOUNT):
        yield
        db.close()
    db.open_database(service)
    db.db.connect()


def _collided() -> float:
    """How often commands have collided with others, as operators see it."""
    (counted,) = metrics.commands.collect()
    return sum(one.value for one in counted.samples if one.labels.get("outcome") == "collided")


@on_postgresql
@pytest.mark.usefixtures("serializable")
def test_r11_serializable_commands_are_repeated_until_each_is_done() -> None:
    account, before = an_account(core=SEATS), _collided()
    admin, people = account.user_admin, [account.user() for _ in range(RUNNERS // 2)]

    results = race([partial(assigning.assign_seat, admin, user, "core") for user in people])

    assert (done(results), refused(results, NoSeatAvailable)) == (SEATS, RUNNERS // 2 - SEATS)
    assert account.numbers("core") == (SEATS, SEATS, 0)
    assert _collided() > before  # else nothing had to be repeated


@on_postgresql
@pytest.mark.usefixtures("serializable")
def test_r18_a_serializable_command_has_its_effect_once() -> None:
    account = an_account()
    admin = account.billing_admin

    def buy() -> Answer:
        bought = buying.purchase_seats(admin, "core", 1)
        return Answer(201, {}, bought.id.encode())

    answers = race([partial(idempotency.once, admin, "k", "f", buy)] * RUNNERS)

    assert len({answer.body for answer, _ in answers}) == 1
    assert sum(not replayed for _, replayed in answers) == 1
    assert account.numbers("core") == (11, 0, 0)


@on_postgresql
@pytest.mark.usefixtures("serializable")
def test_r23_serializable_schedulers_renew_each_term_once(hands: Hands) -> None:
    accounts = [an_account() for _ in range(6)]
    hands.move(days=95)  # three terms of each

    race([scheduler.work_through] * 4)
    scheduler.work_through()

    terms = Counter(row.account_id for row in Term.select())
    assert terms == {account.id: 4 for account in accounts}
