"""What is kept of users for the seats table has to say what other columns and rows say (R27)."""

from collections.abc import Iterator, Sequence

from licensing import finding
from licensing.models import Seat, User
from licensing.rules.searching import name_key, search_text
from licensing.rules.seats import holding_of


def wrong_of_user(user: User, held: Sequence[Seat]) -> Iterator[str]:
    """What is kept wrongly of a user who holds these seats."""
    text = search_text(user.name, user.email)
    if (user.name_key, user.search_text) != (name_key(user.name), text):
        yield f"user {user.id} is sorted and searched by another name or address"
    if not finding.is_kept(user.account_id, user.id, text):
        yield f"user {user.id} is not found by every part of name and address"
    kind = holding_of([seat.pool_id is not None for seat in held])
    if user.holding != kind:
        yield f"user {user.id} is marked as a holder of {user.holding} seats, not {kind}"


def wrong_of_all() -> Iterator[str]:
    """Whether the index has users that do not exist."""
    there, kept = User.select().count(), finding.how_many_are_kept()
    if kept > there:
        yield f"search: {kept} users can be found, {there} exist"
