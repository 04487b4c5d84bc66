"""
Row-level security, a second belt on PostgreSQL: whose rows the statements of a thread may touch.

The first belt is that every query names its account. Where one ever forgets to, a role that does
not own the tables sees the rows of the thread's account alone, and none where none was named. The
owner of the tables is not bound, and pays nothing. What a role may do to a table is what the
table's policies say, so that they are the one place to look.
"""

import threading
from contextlib import AbstractContextManager

# For work that ranges over accounts: who asks, what is due, what has to be sent.
EVERY_ACCOUNT = "*"
SETTING = "seatkeeper.account"


class _Here(threading.local):
    account: str | None = None


_here = _Here()


def account_in_force() -> str | None:
    """Whose rows this thread may touch: one account's, `EVERY_ACCOUNT`'s, or nobody's (None)."""
    return _here.account


# A class and no generator, which would take twice as long: each request comes through two of them.
class _Within(AbstractContextManager[None]):
    def __init__(self, account_id: str) -> None:
        self._account_id = account_id

    def __enter__(self) -> None:
        self._before, _here.account = _here.account, self._account_id

    def __exit__(self, *_: object) -> None:
        _here.account = self._before


def within(account_id: str) -> AbstractContextManager[None]:
    """Touch the rows of one account only inside the block, or those of `EVERY_ACCOUNT`."""
    return _Within(account_id)
