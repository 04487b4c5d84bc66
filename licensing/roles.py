"""The role that the service runs as on PostgreSQL, beside the one that owns the tables."""

from typing import Any, cast

from licensing.db import db, transactional
from licensing.settings import StartRefused

NEW_ROLE = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
IS_TOO_STRONG = (
    "SELECT rolsuper OR rolbypassrls OR pg_has_role(rolname, relowner, 'MEMBER') "
    "FROM pg_roles, pg_class WHERE rolname = %s AND pg_class.oid = to_regclass('accounts')"
)
# What may be done to each table: what it has policies for; to those without any, nothing but look.
TABLES = (
    "SELECT relname, COALESCE((SELECT string_agg(DISTINCT cmd, ', ') FROM pg_policies "
    "WHERE schemaname = current_schema() AND tablename = relname), 'SELECT') "
    "FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
)
UNREADABLE = (
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
    "AND relkind IN ('r', 'p') AND NOT has_table_privilege(oid, 'SELECT') ORDER BY relname"
)


def owns_the_schema() -> bool:
    """Whether the role that we are may change the schema; so it is where there is none yet."""
    owner = (
        "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('accounts')"
    )
    found = db.execute_sql(owner).fetchone()
    return found is None or bool(found[0])


def unreadable() -> list[str]:
    """The tables that the role that we are may not even read."""
    return [name for (name,) in db.execute_sql(UNREADABLE)]


@transactional
def set_up(role: str, password: str | None = None) -> bool:
    """
    Let a role run the service: work on rows as the policies say, and nothing else.

    Args:
        role: its name. It is made where it is not there; that takes a role that may make others.
        password: what it will log in with; where None, that stays as it is.

    Returns whether it was made. Raises `StartRefused` for a role that is not bound by policies, and
    where anybody may make tables in the schema.
    """
    made = db.execute_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None
    if made:
        _run(f"CREATE ROLE {{}} {NEW_ROLE}", role)
    elif db.execute_sql(IS_TOO_STRONG, (role,)).fetchone()[0]:
        raise StartRefused(
            f"{role} owns the tables or is above them, so that no policy would bind it; "
            "name another role"
        )
    if password is not None:
        # Named, since libpq cannot ask for it by itself inside a transaction that is pipelined.
        way = db.execute_sql("SHOW password_encryption").fetchone()[0]
        secret = (text.encode() for text in (password, role, way))
        hashed = db.connection().pgconn.encrypt_password(*secret)
        _run(f"ALTER ROLE {{}} PASSWORD '{hashed.decode()}'", role)
    _grant(role)
    return made


def _grant(role: str) -> None:
    database, schema = db.execute_sql("SELECT current_database(), current_schema()").fetchone()
    _run("GRANT CONNECT ON DATABASE {} TO {}", database, role)
    _run("GRANT USAGE ON SCHEMA {} TO {}", schema, role)
    for table, commands in db.execute_sql(TABLES).fetchall():
        _run("REVOKE ALL ON {} FROM {}", table, role)
        _run(f"GRANT {commands} ON {{}} TO {{}}", table, role)
    creates = "SELECT has_schema_privilege(%s, current_schema(), 'CREATE')"
    if db.execute_sql(creates, (role,)).fetchone()[0]:
        raise StartRefused(
            f"{role} could make tables in the schema {schema}; "
            f"run: REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role}"
        )


def _run(statement: str, *names: str) -> None:
    """Run a statement about things of these names, whatever characters they are of."""
    from psycopg.sql import SQL, Identifier  # needs psycopg, which SQLite does not

    composed = SQL(cast(Any, statement)).format(*map(Identifier, names))
    db.execute_sql(composed.as_string().replace("%", "%%"))  # a lone one would be a parameter
