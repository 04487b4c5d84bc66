"""
Who passes the filters of the seats table (R27).

Each filter says it of a user, as a condition, and where it can, finds its users through an index.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from peewee import SQL, NodeList, Value, fn

from licensing import finding
from licensing.db import on_sqlite
from licensing.models import Seat, User
from licensing.queries.cursors import value_of
from licensing.rules.accounts import Invitation, UserStatus
from licensing.rules.searching import words
from licensing.rules.seats import Holding

# Reading and sorting so many users takes as long as a long walk does.
FEW = 1000


@dataclass(frozen=True)
class Filters:
    """
    Which users.

    Attributes:
        search: words that all have to be in the name or the e-mail address.
        seat_type: who holds a seat of this type.
        holding: what kind of seats they hold.
        status: where they stand.
        invitation: where their invitation stands at this instant.
        inactive_since: who was not active at this instant or later.
    """

    search: str | None = None
    seat_type: str | None = None
    holding: Holding | None = None
    status: UserStatus | None = None
    invitation: Invitation | None = None
    inactive_since: datetime | None = None


@dataclass(frozen=True)
class Passing:
    """Who passes the filters in an account at an instant: as conditions, and found by each."""

    account_id: str
    filters: Filters
    now: datetime

    def users(self, columns: Iterable[Any], *among: Any) -> Any:
        """These columns of those who pass, among whom the conditions `among` hold of."""
        of_account = User.account_id == self.account_id
        return User.select(*columns).where(of_account, *among, *self._conditions())

    def few(self) -> list[str] | None:
        """Users among whom are all who pass, where some filter leaves few; None where none does."""
        for find in self._finders():
            ids = find()
            if ids is not None:
                return ids
        return None

    def _conditions(self) -> Iterator[Any]:
        wanted = self.filters
        for word in words(wanted.search or ""):
            yield _position(User.search_text, word) > 0
        if wanted.seat_type is not None:
            yield fn.EXISTS(_seats_of_user(Seat.id).where(Seat.seat_type == wanted.seat_type))
        for field, values in self._chosen():
            yield _walked(field).in_(values)
        yield from self._invited()
        if wanted.inactive_since is not None:
            yield _inactive(wanted.inactive_since)

    def _invited(self) -> Iterator[Any]:
        """R13: a pending invitation is expired by its date, whether or not anything has run."""
        over = User.invitation_expires_at <= self.now
        if self.filters.invitation == Invitation.PENDING:
            yield ~over
        if self.filters.invitation == Invitation.EXPIRED:
            yield (_walked(User.invitation) == Invitation.EXPIRED) | over

    def _chosen(self) -> Iterator[tuple[Any, Sequence[str]]]:
        """Columns that have to have one of some values."""
        if self.filters.status is not None:
            yield User.status, [self.filters.status]
        if self.filters.holding is not None:
            kinds = [Holding.PAID, Holding.UNPAID]
            any_of_them = self.filters.holding == Holding.ANY
            yield User.holding, kinds if any_of_them else [self.filters.holding]
        if self.filters.invitation is not None:
            expired = self.filters.invitation == Invitation.EXPIRED
            also = [Invitation.PENDING] if expired else []
            yield User.invitation, [self.filters.invitation, *also]

    def _finders(self) -> Iterator[Callable[[], list[str] | None]]:
        """Ways to find all users who pass one filter; they find None for more than `FEW`."""
        wanted, most = self.filters, FEW + 1
        sought = words(wanted.search or "")
        if sought:
            yield lambda: finding.candidates(self.account_id, sought, FEW)
        if wanted.seat_type is not None:
            of_type = (Seat.account_id == self.account_id) & (Seat.seat_type == wanted.seat_type)
            # In the order of its index, which SQLite might not take otherwise.
            holders = Seat.select(Seat.user_id).where(of_type).order_by(Seat.id)
            yield lambda: _ids(holders.limit(most))
        of_account = User.select(User.id).where(User.account_id == self.account_id).limit(most)
        for field, values in self._chosen():
            yield partial(_ids, of_account.where(field.in_(values)))
        if wanted.inactive_since is not None:
            since = wanted.inactive_since
            before = of_account.where(active_at() < _as_kept(since), _inactive(since))
            # Who was never active comes last: what counts for those has to be looked up.
            yield lambda: _ids(before.order_by(active_at().desc()))


def active_at() -> Any:
    """When a user was last active; never is before all else."""
    never = SQL("''" if on_sqlite() else "'-infinity'::timestamptz")
    return fn.COALESCE(User.last_active_at, never)


def activity_of(row: User) -> str:
    """The same of a row, as the database takes it."""
    if row.last_active_at is None:
        return "" if on_sqlite() else "-infinity"
    return str(_last_active_at(row))


_last_active_at = value_of(User.last_active_at)


def as_it_is(term: Any) -> Any:
    """A term of an order that an index is to be walked by."""
    return term


def computed(term: Any) -> Any:
    """The same value, by which no index is sorted: the rows are found first, and then sorted."""
    return fn.COALESCE(term, term)


def _ids(query: Any) -> list[str] | None:
    ids = [row[0] for row in query.tuples()]
    return ids if len(ids) <= FEW else None


def _seats_of_user(column: Any) -> Any:
    """The seats of the user that the query is at."""
    same = (Seat.account_id == User.account_id) & (Seat.user_id == User.id)
    return Seat.select(column).where(same)


def _inactive(since: datetime) -> Any:
    """R27, as `accounts.inactive_from` says it."""
    first_seat = _seats_of_user(fn.MIN(Seat.assigned_at))
    return fn.COALESCE(User.last_active_at, first_seat, User.created_at) < _as_kept(since)


def _position(text: Any, word: str) -> Any:
    """Where the word is in the text, 0 for nowhere; nothing in it is a wildcard."""
    return (fn.INSTR if on_sqlite() else fn.STRPOS)(text, word)


def _walked(field: Any) -> Any:
    """The field where SQLite has to keep to the order, instead of sorting what an index finds."""
    return NodeList((SQL("+"), field)) if on_sqlite() else field


def _as_kept(instant: datetime) -> Any:
    return Value(User.created_at.db_value(instant), converter=False)
