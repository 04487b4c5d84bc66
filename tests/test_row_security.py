"""Row-level security: what the role that runs the service on PostgreSQL can do, and cannot."""

import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from peewee import ProgrammingError

from licensing import db, ids, migrations, roles
from licensing.api import fields
from licensing.api.kit import Blueprint, Response, build_api
from licensing.models import TABLES, Account, Event, IdempotencyKey, User
from licensing.operations import api_keys, assigning, giving_back, requesting
from licensing.row_security import EVERY_ACCOUNT, within
from licensing.rules.permissions import SEE_USERS, Actor, Scope, system
from licensing.settings import Settings, StartRefused
from tests import serving
from tests.conftest import POSTGRES_URL, RUNTIME_ROLE
from tests.http import calling
from tests.webhooks import rows
from tests.world import AnAccount, a_free_account, an_account
from webhooks.models import TABLES as WEBHOOK_TABLES
from webhooks.models import Replay, ReplayLane

pytestmark = [
    pytest.mark.skipif(not POSTGRES_URL, reason="SQLite has no roles"),
    pytest.mark.runtime_role,
]

# Whose rows belong to no account, or which are hashes: reviewed, with what binds them instead.
OF_NO_ACCOUNT = {
    "schema_migration": "which migrations were applied; only its owner writes it",
    "webhook_migration": "the same",
    "test_clocks": "those of the account's own, where it is bound to one",
    "webhook_secrets": "those of the account's own endpoints",
    "webhook_notices": "what operators are told; for work that ranges over accounts only",
}
READ_BY_ALL = {"user_search": "hashes and ids; its index could not be used with a condition"}


def _busy_account(name: str) -> AnAccount:
    """An account with something in nearly every table."""
    account = an_account(name=name, external_id=name)
    priya = account.user(f"{name} Priya", seats=["core"])
    noah = account.user()
    assigning.transfer_seat(account.by, account.seat(priya, "core"), noah)
    giving_back.schedule_removal(account.by, "core", 1)
    requesting.ask_for_seat(account.by, "core", None, account.user())
    api_keys.create_key(system(account.id), "theirs", [Scope.READ], account.id)
    endpoint = rows.endpoint(ids.new("whe"), account_id=account.id)
    rows.fill(endpoint.id, account.id, 1)
    replay = Replay.get(Replay.endpoint_id == endpoint.id)
    Replay.update(account_id=account.id).where(Replay.id == replay.id).execute()
    ReplayLane.create(
        replay_id=replay.id, account_id=account.id, from_sequence=1, until_sequence=1, events=1
    )
    IdempotencyKey.create(
        account_id=account.id, caller=priya, idempotency_key="k", fingerprint="f",
        created_at=endpoint.created_at,
    )  # fmt: skip
    account.from_here()
    return account


def _tables_with_an_account() -> list[str]:
    found = db.db.execute_sql(
        "SELECT table_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND column_name = 'account_id' ORDER BY table_name"
    )
    return [name for (name,) in found]


def _accounts_seen(table: str) -> set[str | None]:
    column = "id" if table == "accounts" else "account_id"
    return {id for (id,) in db.db.execute_sql(f"SELECT {column} FROM {table}")}


def _seen_by_nobody(look: Callable[[], Any]) -> Any:
    """What is seen in a thread that was never told whose rows it may touch."""

    def connected() -> Any:
        with db.connection():
            return look()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(connected).result(timeout=60)


def test_every_table_has_policies_so_that_none_is_forgotten() -> None:
    described = db.db.execute_sql(
        "SELECT relname, relrowsecurity, (SELECT string_agg(cmd, ' ') FROM pg_policies "
        "WHERE tablename = relname AND schemaname = current_schema()) FROM pg_class "
        "WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
    ).fetchall()

    unbound = {name for name, enabled, commands in described if not (enabled and commands)}
    unreadable = {name for name, _, commands in described if commands and "SELECT" not in commands}
    without_account = {name for name, *_ in described} - set(_tables_with_an_account())

    assert unbound == {"schema_migration", "webhook_migration"}
    assert unreadable == set()
    assert without_account == {"accounts", *OF_NO_ACCOUNT}


@pytest.mark.parametrize(
    "table",
    [
        *("accounts", "user_search"),
        *(m._meta.table_name for m in (*TABLES, *WEBHOOK_TABLES) if hasattr(m, "account_id")),
    ],
)
def test_a_forgotten_condition_shows_the_rows_of_the_account_alone(table: str, owner: Any) -> None:
    own, other = _busy_account("own"), _busy_account("other")
    column = "id" if table == "accounts" else "account_id"

    with within(own.id):
        seen = _accounts_seen(table)
    seen_by_nobody = _seen_by_nobody(partial(_accounts_seen, table))
    seen_by_the_service = _accounts_seen(table)
    seen_by_the_owner = {id for (id,) in owner.execute(f"SELECT {column} FROM {table}")}

    expected = {own.id} if table not in READ_BY_ALL else {own.id, other.id}
    assert (seen, seen_by_nobody) == (expected, expected if table in READ_BY_ALL else set())
    # The control: the very same query shows the others to who may see them.
    assert seen_by_the_service == seen_by_the_owner >= {own.id, other.id}


@pytest.mark.parametrize("table", sorted(OF_NO_ACCOUNT))
def test_what_belongs_to_no_account_is_as_reviewed(table: str) -> None:
    account = _busy_account("own")
    _busy_account("other")
    everything = db.db.execute_sql(f"SELECT count(*) FROM {table}").fetchone()[0]

    with within(account.id):
        seen = db.db.execute_sql(f"SELECT count(*) FROM {table}").fetchone()[0]

    assert seen == {"webhook_secrets": 1}.get(table, 0 if "migration" not in table else everything)


def test_an_answer_without_an_account_is_nobodys() -> None:
    """Keys of who belongs to no account are kept under "", which no setting may be taken for."""
    account = a_free_account()
    IdempotencyKey.create(
        account_id="", caller="key_1", idempotency_key="k", fingerprint="f",
        created_at=Account.get_by_id(account.id).created_at,
    )  # fmt: skip

    with within(account.id):
        assert IdempotencyKey.select().count() == 0
    assert _seen_by_nobody(IdempotencyKey.select().count) == 0
    assert IdempotencyKey.select().count() == 1


def test_nothing_can_be_written_for_another_account() -> None:
    own, other = a_free_account(), a_free_account()
    theirs = User.get(User.id == other.user())
    mine = own.user()

    with within(own.id):
        with pytest.raises(ProgrammingError, match="row-level security"), db.db.atomic():
            User.create(**theirs.__data__ | {"id": ids.new("usr"), "email_key": "x"})
        with pytest.raises(ProgrammingError, match="row-level security"), db.db.atomic():
            User.update(account_id=other.id).where(User.id == mine).execute()
        renamed = User.update(name=User.name).execute()
        removed = User.delete().where(User.id == theirs.id).execute()

    assert (renamed, removed) == (1, 0)
    assert User.select().count() == 2


def _setting() -> str:
    named = "SELECT current_setting('seatkeeper.account', true)"
    return str(db.db.connection().execute(named).fetchone()[0] or "")


def test_the_account_is_named_for_one_transaction_and_never_left_on_a_connection() -> None:
    account = a_free_account()
    connections = set()

    for who in (account.id, EVERY_ACCOUNT, account.id):
        with within(who):
            with db.db.atomic():
                Account.select().count()
                with _unnamed():
                    during = _setting()
            Account.select().count()
        with _unnamed():
            after = _setting()
        connections.add(id(db.db.connection()))
        assert (during, after) == (who, "")
        db.close()
        db.db.connect()
        with _unnamed():
            assert _setting() == ""
            assert Account.select().count() == 0

    assert len(connections) == 1  # the pool gave the same one back each time


@contextmanager
def _unnamed() -> Iterator[None]:
    """Ask the connection as it is: nothing is named for what is asked inside the block."""
    import psycopg

    connection = db.db.connection()
    before, connection.cursor_factory = connection.cursor_factory, psycopg.Cursor
    try:
        yield
    finally:
        connection.cursor_factory = before


def test_what_a_single_statement_was_sent_for_is_named_again_in_a_transaction() -> None:
    """Begun while no account is in force; the one that comes is that of the statement before."""
    account = a_free_account()

    def look() -> set[str | None]:
        with within(account.id):
            Account.select().count()
        with db.db.atomic(), within(account.id):
            return _accounts_seen("accounts")

    assert _seen_by_nobody(look) == {account.id}


def test_a_savepoint_that_is_undone_undoes_no_account() -> None:
    own, other = a_free_account(), a_free_account()

    with within(own.id), db.db.atomic():
        with within(EVERY_ACCOUNT), db.db.atomic() as savepoint:
            assert len(_accounts_seen("accounts")) == 2
            savepoint.rollback()
        assert _accounts_seen("accounts") == {own.id}
        with within(EVERY_ACCOUNT), db.db.atomic() as savepoint, within(other.id):
            assert _accounts_seen("accounts") == {other.id}
            savepoint.rollback()
            assert _accounts_seen("accounts") == {other.id}
        assert _accounts_seen("accounts") == {own.id}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE another (id INTEGER)",
        "ALTER TABLE accounts ADD COLUMN another INTEGER",
        "ALTER TABLE accounts DISABLE ROW LEVEL SECURITY",
        "ALTER POLICY accounts_select ON accounts USING (true)",
        "DROP TABLE users CASCADE",
        "TRUNCATE events",
        "CREATE INDEX another ON users (name)",
        "UPDATE events SET body = ''",
        "UPDATE event_subjects SET subject_id = ''",
        "UPDATE webhook_notices SET body = ''",
        "UPDATE purchases SET quantity = 1",
        "DELETE FROM terms",
        "DELETE FROM pool_ledger",
        "DELETE FROM seat_holdings",
        "DELETE FROM schema_migration",
        "SET ROLE postgres",
        "CREATE ROLE another",
    ],
)
def test_the_service_can_change_neither_the_schema_nor_what_was_written(statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"):
        db.db.execute_sql(statement)


def test_an_account_deletes_nothing_of_the_log_and_the_purge_what_is_old() -> None:
    account = an_account()
    account.user()

    with within(account.id):
        by_the_account = Event.delete().execute()
    with db.db.atomic() as undone:
        by_the_purge = db.db.execute_sql("DELETE FROM event_subjects").rowcount
        undone.rollback()

    assert by_the_account == 0
    assert by_the_purge > 0


def _forgetful() -> Flask:
    """A service with one operation that forgets to ask whose the users are."""

    class Counted(Response):
        """How many."""

        users = fields.Integer(min=0, description="How many users there are", example=1)

    def count_users(actor: Actor) -> dict[str, Any]:
        """Count users

        Of any account.
        """
        return {"users": User.select().count()}

    app, blp = Flask("forgetful"), Blueprint("forgetful", __name__)
    api = build_api(app)
    view = blp.needs(SEE_USERS)(blp.gives(200, Counted)(count_users))
    blp.get("/accounts/<account_id>/count")(view)
    api.register_blueprint(blp)
    return app


def test_an_operation_that_forgets_its_account_counts_the_users_of_that_account() -> None:
    own, other = a_free_account(), a_free_account()
    own.user(), other.user(), other.user()
    app = _forgetful()

    answers = [calling(app, account, bound=False).get("count") for account in (own, other)]

    assert [answer.json for answer in answers] == [{"users": 1}, {"users": 2}]


@pytest.mark.owner
def test_to_the_owner_of_the_tables_the_same_operation_counts_all() -> None:
    own, other = a_free_account(), a_free_account()
    own.user(), other.user(), other.user()

    assert calling(_forgetful(), own).get("count").json == {"users": 3}


@pytest.mark.owner
def test_the_owner_pays_nothing(service: Settings) -> None:
    account = a_free_account()

    with within(account.id):
        assert Account.select().count() == 1
        assert _setting() == ""
    a_free_account()
    with within(account.id):
        assert Account.select().count() == 2


def _command(service: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return serving.run(
        *arguments,
        SEATKEEPER_DATABASE_URL=service.database_url,
        SEATKEEPER_SECRET_KEY=service.secret_key,
    )


def test_the_service_looks_whether_the_schema_is_up_to_date_and_changes_nothing(
    service: Settings, owner: Any
) -> None:
    up_to_date = _command(service, "migrate")
    last = "DELETE FROM schema_migration WHERE name LIKE '0007%' RETURNING name, applied"
    (row,) = owner.execute(last).fetchall()
    try:
        behind = _command(service, "migrate")
        served = _command(service, "serve")
    finally:
        owner.execute("INSERT INTO schema_migration (name, applied) VALUES (%s, %s)", row)

    assert (up_to_date.returncode, up_to_date.stdout) == (0, "the schema is up to date\n")
    told = (
        f"seatkeeper: the database lacks {row[0]}, and its user may not change the schema; "
        "run seatkeeper migrate as the user who owns the tables\n"
    )
    assert (behind.returncode, behind.stderr) == (1, told)
    assert (served.returncode, served.stderr) == (1, told)


def test_a_table_that_the_service_may_not_read_is_told_at_the_start(
    service: Settings, owner: Any
) -> None:
    owner.execute("CREATE TABLE made_later (id INTEGER)")
    try:
        with pytest.raises(StartRefused, match=r"may not read made_later; .*--runtime-role"):
            migrations.apply()
    finally:
        owner.execute("DROP TABLE made_later")


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """A file with a password."""
    file = tmp_path / "password"
    file.write_text("another\n")
    return file


@pytest.mark.owner
def test_one_command_makes_the_role_that_runs_the_service(
    service: Settings, owner: Any, password_file: Path
) -> None:
    options = ("--runtime-role", "another_role", "--password-file", str(password_file))
    try:
        made = _command(service, "migrate", *options)
        again = _command(service, "migrate", "--runtime-role", "another_role")
        netloc = re.sub(r"//.*@", "//another_role:another@", service.database_url)
        verified = _command(replace(service, database_url=netloc), "verify")
    finally:
        owner.execute("DROP OWNED BY another_role; DROP ROLE another_role")

    said = "the schema is up to date\n{} another_role, to run the service as\n"
    assert made.stdout == said.format("made"), made.stderr
    assert again.stdout == said.format("set up"), again.stderr
    assert verified.stdout == "all invariants hold\n", verified.stderr


@pytest.mark.owner
def test_a_role_may_have_any_name(owner: Any) -> None:
    name = """It's "the" % {role}; DROP"""
    try:
        made, again = roles.set_up(name, "another"), roles.set_up(name)
    finally:
        quoted = '"' + name.replace('"', '""') + '"'
        owner.execute(f"DROP OWNED BY {quoted}; DROP ROLE {quoted}")

    assert (made, again) == (True, False)


@pytest.mark.owner
def test_a_password_file_that_is_empty_is_refused(service: Settings, tmp_path: Path) -> None:
    file = tmp_path / "empty"
    file.write_text("\nsecond line\n")

    done = _command(service, "migrate", "--runtime-role", "x", "--password-file", str(file))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: {file} has no password in its first line\n"


@pytest.mark.owner
def test_a_role_that_no_policy_would_bind_is_refused(service: Settings, owner: Any) -> None:
    (itself,) = owner.execute("SELECT current_user").fetchone()

    with pytest.raises(StartRefused, match="no policy would bind it"):
        roles.set_up(itself)


@pytest.mark.owner
def test_a_schema_in_which_anybody_makes_tables_is_refused(owner: Any) -> None:
    (schema,) = owner.execute("SELECT current_schema()").fetchone()
    owner.execute(f"GRANT CREATE ON SCHEMA {schema} TO PUBLIC")
    try:
        with pytest.raises(StartRefused, match=f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"):
            roles.set_up(RUNTIME_ROLE)
    finally:
        owner.execute(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC")
