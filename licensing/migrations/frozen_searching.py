"""
How users were folded and indexed when `0004_users_to_search_and_sort` was written.

A migration means the same for ever: the service may come to do it in another way, and then has to
migrate what this one has made.
"""

import re
import unicodedata
from hashlib import blake2b

LONGEST_KEY = 100
LONGEST_GRAM = 3
ALIKE = str.maketrans(
    {
        "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "þ": "th",
        "æ": "ae", "œ": "oe", "’": "'", "ʼ": "'", "‐": "-", "‑": "-", "–": "-",
    }
)  # fmt: skip
UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def folded(text):
    """The text without case, accents and what nobody sees."""
    bare = _bare(_bare(text).casefold()).translate(ALIKE)
    return " ".join(UNSEEN.sub("", bare).split())


def _bare(text):
    apart = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in apart if not unicodedata.combining(mark))


def name_key(name):
    """What users are sorted by."""
    return folded(name)[:LONGEST_KEY]


def search_text(name, email):
    """What is searched of a user."""
    return f"{folded(name)}\n{folded(email)}"


def keep(db, account_id, user_id, text):
    """Put a user into the index, on either database."""
    pieces = [_piece(account_id, gram) for gram in sorted(_grams(text))]
    if db.param == "?":
        words = [f"{piece % 2**64:016x}" for piece in (_piece(account_id, user_id), *pieces)]
        sql = "INSERT INTO user_search (user_id, grams) VALUES (?, ?)"
        db.execute_sql(sql, (user_id, " ".join(words)))
    else:
        sql = "INSERT INTO user_search (account_id, user_id, grams) VALUES (%s, %s, %s)"
        db.execute_sql(sql, (account_id, user_id, pieces))


def _grams(text):
    return {
        text[start : start + length]
        for length in range(1, LONGEST_GRAM + 1)
        for start in range(len(text) - length + 1)
    }


def _piece(account_id, text):
    digest = blake2b(f"{account_id}/{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
