"""Statements that find rows by their keys, for verbs and questions alike."""

from typing import Any

from licensing.compiled import compiled
from licensing.models import Seat, User


@compiled
def user(account_id: Any, id: Any) -> Any:
    """One user of an account."""
    return User.select().where(User.account_id == account_id, User.id == id)


@compiled
def seat(account_id: Any, id: Any) -> Any:
    """One held seat of an account."""
    return Seat.select().where(Seat.account_id == account_id, Seat.id == id)


@compiled
def seats_of(account_id: Any, user_ids: Any) -> Any:
    """The seats that some users hold, in no order: one would lead through the whole account."""
    return Seat.select().where(Seat.account_id == account_id, Seat.user_id.in_(user_ids))
