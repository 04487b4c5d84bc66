"""
Policies of row-level security, as migrations for PostgreSQL make them.

The account in force, and the word for all of them, are those of `licensing.row_security`.
"""

EVERY_ACCOUNT = "*"
# Asked once for each statement, not for each row. A connection that once had a setting says "", not
# null, when it has none; and no row may have that for its account.
ACCOUNT = "(SELECT NULLIF(current_setting('seatkeeper.account', true), ''))"
ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")


def bind(db, table, commands=ALL, whose="account_id = {account}"):
    """
    Bind a table, in a migration for PostgreSQL, to the account in force.

    Args:
        db: the database.
        table: its name.
        commands: what may be done to its rows; nothing else will be granted either.
        whose: a condition under which a row is the account's; `EVERY_ACCOUNT` has all of them.
    """
    db.execute_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for command in commands:
        allow(db, table, command, whose)


def allow(db, table, command, whose):
    """Allow one command on the rows that meet a condition, beside what is allowed already."""
    rows = f"{ACCOUNT} = '{EVERY_ACCOUNT}' OR {whose.format(account=ACCOUNT)}"
    clause = "WITH CHECK" if command == "INSERT" else "USING"
    name = f"{table}_{command.lower()}"
    db.execute_sql(f"CREATE POLICY {name} ON {table} FOR {command} {clause} ({rows})")
