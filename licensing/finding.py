"""
The index through which users are found by parts of their name and e-mail (R27).

It keeps every piece of one to three characters of the search text, hashed together with the
account, so that a search costs what its account holds and not what others do. On SQLite it is a
table of FTS5, on PostgreSQL one with a GIN index over arrays. pg_trgm would need an administrator
to install it, and neither it nor the trigrams of FTS5 lead with the account or help with one or two
characters. Whoever writes users keeps it.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from peewee import chunked

from licensing.db import db, on_sqlite
from licensing.rules.searching import grams, grams_of_word

USERS_PER_STATEMENT = 500
# Where they are first, and then who: to read that of a thousand, in vain where they are too many,
# took most of the time. In one statement, since a user who is renamed has another place.
FIND_A_FEW = """
WITH found AS MATERIALIZED (
    SELECT rowid AS place FROM user_search WHERE user_search MATCH ? LIMIT ?
)
SELECT user_id FROM user_search
WHERE rowid IN (SELECT place FROM found WHERE (SELECT count(*) FROM found) <= ?)
UNION ALL SELECT NULL WHERE (SELECT count(*) FROM found) > ?
"""


def keep(account_id: str, texts: Sequence[tuple[str, str]]) -> None:
    """Have new users found: each the id and the search text."""
    for chunk in chunked(texts, USERS_PER_STATEMENT):
        rows = [_row(account_id, user_id, text) for user_id, text in chunk]
        marks = "(?, ?)" if on_sqlite() else "(%s, %s, %s)"
        columns = "user_id, grams" if on_sqlite() else "account_id, user_id, grams"
        places = ", ".join([marks] * len(rows))
        sql = f"INSERT INTO user_search ({columns}) VALUES {places}"  # noqa: S608 all of it is here
        db.execute_sql(sql, [value for row in rows for value in row])


def _row(account_id: str, user_id: str, text: str) -> tuple[Any, ...]:
    pieces = [_piece(account_id, gram) for gram in sorted(grams(text))]
    if on_sqlite():
        return (user_id, _words([_piece(account_id, user_id), *pieces], " "))
    return (account_id, user_id, pieces)


def keep_anew(account_id: str, user_id: str, text: str) -> None:
    """Have a user found by another text than before."""
    forget(account_id, user_id)
    keep(account_id, [(user_id, text)])


def forget(account_id: str, user_id: str) -> None:
    """Have a user found no more."""
    if on_sqlite():
        sql = (
            "DELETE FROM user_search WHERE rowid IN "
            "(SELECT rowid FROM user_search WHERE user_search MATCH ? AND user_id = ?)"
        )
        db.execute_sql(sql, (_words([_piece(account_id, user_id)]), user_id))
    else:
        sql = "DELETE FROM user_search WHERE account_id = %s AND user_id = %s"
        db.execute_sql(sql, (account_id, user_id))


def candidates(account_id: str, words: Iterable[str], most: int) -> list[str] | None:
    """
    The ids of all users of the account whose text may have all words; None for more than `most`.

    None that has them is missing. Some may not have them: the pieces of a word can stand elsewhere
    in a text, and two pieces can have one hash.
    """
    pieces = [
        _piece(account_id, gram)
        for gram in {gram for word in words for gram in grams_of_word(word)}
    ]
    return _in_fts5(pieces, most) if on_sqlite() else _in_gin(pieces, most)


def _in_fts5(pieces: list[int], most: int) -> list[str] | None:
    rows = db.execute_sql(FIND_A_FEW, (_words(pieces), most + 1, most, most)).fetchall()
    return None if rows == [(None,)] else [row[0] for row in rows]


def _in_gin(pieces: list[int], most: int) -> list[str] | None:
    # The account is in each piece; named here, it would lead the database to all its users.
    sql = "SELECT user_id FROM user_search WHERE grams @> %s::bigint[] LIMIT %s"
    rows = db.execute_sql(sql, (pieces, most + 1)).fetchall()
    return None if len(rows) > most else [row[0] for row in rows]


def is_kept(account_id: str, user_id: str, text: str) -> bool:
    """Whether the index has the user once, under every piece of the text."""
    pieces = [_piece(account_id, gram) for gram in grams(text)]
    if on_sqlite():
        sql = "SELECT user_id FROM user_search WHERE user_search MATCH ?"
        rows = db.execute_sql(sql, (_words([_piece(account_id, user_id), *pieces]),))
    else:
        sql = (
            "SELECT user_id FROM user_search "
            "WHERE account_id = %s AND user_id = %s AND grams @> %s::bigint[]"
        )
        rows = db.execute_sql(sql, (account_id, user_id, pieces))
    return [row[0] for row in rows] == [user_id]


def how_many_are_kept() -> int:
    """How many users the index has, of all accounts."""
    return int(db.execute_sql("SELECT count(*) FROM user_search").fetchone()[0])


def _piece(account_id: str, text: str) -> int:
    digest = blake2b(f"{account_id}/{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _words(pieces: list[int], between: str = " AND ") -> str:
    """The pieces as FTS5 has them: words of hexadecimal digits."""
    return between.join(f"{piece % 2**64:016x}" for piece in pieces)
