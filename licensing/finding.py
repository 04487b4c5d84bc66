"""
The index through which users are found by parts of their name and e-mail (R27).

It keeps every piece of one to three characters of the search text, each behind its account, so that
a search costs what its account holds and not what others do. On PostgreSQL it is a GIN index over
an expression, which needs no extension (pg_trgm would have to be installed by an administrator, and
neither leads with the account nor helps with one or two characters); on SQLite a table of FTS5,
which has to be kept by whoever writes users.
"""

from collections.abc import Iterable

from licensing.db import db, on_sqlite
from licensing.rules.searching import grams, grams_of_word


def keep(account_id: str, user_id: str, text: str) -> None:
    """Have a new user found by the search text."""
    if on_sqlite():
        pieces = [_token(account_id, gram) for gram in (user_id, *grams(text))]
        sql = "INSERT INTO user_search (user_id, grams) VALUES (?, ?)"
        db.execute_sql(sql, (user_id, " ".join(pieces)))


def keep_anew(account_id: str, user_id: str, text: str) -> None:
    """Have a user found by another text than before."""
    forget(account_id, user_id)
    keep(account_id, user_id, text)


def forget(account_id: str, user_id: str) -> None:
    """Have a user found no more."""
    if on_sqlite():
        sql = (
            "DELETE FROM user_search WHERE rowid IN "
            "(SELECT rowid FROM user_search WHERE user_search MATCH ?)"
        )
        db.execute_sql(sql, (_token(account_id, user_id),))


def candidates(account_id: str, words: Iterable[str], most: int) -> list[str]:
    """
    The ids of up to `most` users of the account whose text may have all the words.

    None that has them is missing where there are fewer than `most`; the pieces of a word may stand
    elsewhere in a text that does not have the word.
    """
    pieces = sorted({gram for word in words for gram in grams_of_word(word)})
    if on_sqlite():
        sql = "SELECT user_id FROM user_search WHERE user_search MATCH ? LIMIT ?"
        wanted = " AND ".join(_token(account_id, gram) for gram in pieces)
        rows = db.execute_sql(sql, (wanted, most))
    else:
        sql = (
            "SELECT id FROM users WHERE seatkeeper_grams(account_id, search_text) @> %s::text[] "
            "LIMIT %s"
        )
        rows = db.execute_sql(sql, ([f"{account_id}/{gram}" for gram in pieces], most))
    return [row[0] for row in rows]


def is_kept(account_id: str, user_id: str, text: str) -> bool:
    """Whether the index has the user once, under every piece of the text."""
    if not on_sqlite():
        return True
    pieces = [_token(account_id, gram) for gram in (user_id, *grams(text))]
    sql = "SELECT user_id FROM user_search WHERE user_search MATCH ?"
    return [row[0] for row in db.execute_sql(sql, (" AND ".join(pieces),))] == [user_id]


def kept() -> int:
    """How many users the index has; PostgreSQL keeps it by itself."""
    sql = "SELECT count(*) FROM user_search" if on_sqlite() else "SELECT count(*) FROM users"
    return int(db.execute_sql(sql).fetchone()[0])


def _token(account_id: str, text: str) -> str:
    """A word for FTS5, which has letters and digits only, whatever the text is made of."""
    return f"{account_id}/{text}".encode().hex()
