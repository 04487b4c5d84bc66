"""When users were last active: noted for one user, or for many at once (R27)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import Case, Cast, Value, chunked

from licensing.db import for_update, on_sqlite, transactional
from licensing.models import User
from licensing.operations.batches import Batch
from licensing.operations.standing import standing_of
from licensing.rules.accounts import email_key
from licensing.rules.batches import LARGEST_ACTIVITY, LineOutcome, Named
from licensing.rules.permissions import REPORT_ACTIVITY, Actor, require
from licensing.rules.refusals import NotFound, Refusal, Unacceptable

USERS_PER_STATEMENT = 200


@dataclass(frozen=True)
class Noted:
    """What became of a line: nothing where a later activity was known, or why it was refused."""

    number: int
    outcome: LineOutcome
    refusal: Refusal | None = None


@transactional
def record_activity(actor: Actor, user_id: str, at: datetime | None = None) -> None:
    """
    Note when a user was last active; an older date than the one known changes nothing (R27).

    Activity is no change of the account: it is told by no event, and the user's version stays, so
    that nobody's change is refused because the user was at work. Refuses with `Unacceptable` when
    the date lies in the future, `AccountClosed`, `NotFound` and `PermissionDenied`.
    """
    (noted,) = record_activities(actor, [(Named(user_id), at)]).lines
    if noted.refusal is not None:
        raise noted.refusal


@transactional
def record_activities(actor: Actor, lines: Sequence[tuple[Named, datetime | None]]) -> Batch[Noted]:
    """
    The same for up to 1,000 users at once; one without a date was active now.

    A line that is refused keeps none of the others back. Refuses with `AccountClosed`,
    `PermissionDenied`, and `Unacceptable` where there are too many lines or none.
    """
    require(actor, REPORT_ACTIVITY)
    if not 1 <= len(lines) <= LARGEST_ACTIVITY:
        raise Unacceptable("lines", f"must have between 1 and {LARGEST_ACTIVITY} items")
    standing = standing_of(actor)
    known = _last_active(standing.account.id, [who for who, _ in lines])
    latest: dict[str, datetime] = {}
    noted = []
    for number, (who, at) in enumerate(lines, 1):
        found = known.get(_key(who))
        at = at or standing.now
        if found is None:
            missing = NotFound("user", who.email or who.user_id or "")
            noted.append(Noted(number, LineOutcome.REFUSED, missing))
        elif at > standing.now:
            in_the_future = Unacceptable("at", "lies in the future")
            noted.append(Noted(number, LineOutcome.REFUSED, in_the_future))
        else:
            user_id, before = found
            before = latest.get(user_id, before)
            is_news = before is None or before < at
            if is_news:
                latest[user_id] = at
            outcome = LineOutcome.CHANGED if is_news else LineOutcome.UNCHANGED
            noted.append(Noted(number, outcome))
    _write(standing.account.id, latest)
    return Batch(applied=True, dry_run=False, lines=noted)


def _key(who: Named) -> str:
    return email_key(who.email) if who.email else str(who.user_id)


def _last_active(account_id: str, named: Iterable[Named]) -> dict[str, tuple[str, datetime | None]]:
    """The id and last activity of each user, by what names him; the rows are locked."""
    wanted = list(named)
    found: dict[str, tuple[str, datetime | None]] = {}
    for field, keys in (
        (User.id, {_key(who) for who in wanted if not who.email}),
        (User.email_key, {_key(who) for who in wanted if who.email}),
    ):
        query = User.select(User.id, User.email_key, User.last_active_at).where(
            User.account_id == account_id, field.in_(sorted(keys))
        )
        # In the order of their ids, so that two commands never wait for each other.
        for user in for_update(query.order_by(User.id), "FOR NO KEY UPDATE") if keys else ():
            found[getattr(user, field.name)] = user.id, user.last_active_at
    return found


def _write(account_id: str, latest: dict[str, datetime]) -> None:
    # PostgreSQL takes a parameter inside CASE for text; SQLite keeps instants as text.
    kind = "TEXT" if on_sqlite() else "TIMESTAMPTZ"
    for chunk in chunked(sorted(latest.items()), USERS_PER_STATEMENT):
        instants: Any = Case(
            User.id,
            [
                (id, Cast(Value(at, converter=User.last_active_at.db_value), kind))
                for id, at in chunk
            ],
        )
        User.update(last_active_at=instants).where(
            User.account_id == account_id, User.id.in_([id for id, _ in chunk])
        ).execute()
