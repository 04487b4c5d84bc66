"""
The chain over an account's log: each event's digest is taken over its row and the digest before it.

So nobody can change, move, add or leave out an event without the digests of all later ones being
written anew, which shows against any digest that was kept elsewhere.
"""

import hashlib

# What the first event of an account follows.
BEGINNING = "0" * 64


def digest(previous: str, columns: tuple[str, ...]) -> str:
    """
    The digest of an event, in hexadecimal.

    Args:
        previous: that of the event before it, `BEGINNING` for the first.
        columns: account_id, sequence in decimal, id, type, occurred_at as SQLite keeps it
            (2026-03-02 09:00:00.000000+00:00), actor_id and body; the body has no line break.
    """
    text = "\n".join((previous, *columns))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
