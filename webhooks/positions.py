"""Setting the cursors of lanes: where an endpoint begins, and where it begins again."""

from collections.abc import Iterable
from datetime import datetime

from peewee import Case, fn

from licensing import events
from licensing.db import transaction
from licensing.models import Account, Event
from webhooks import lanes, logs
from webhooks.models import Endpoint, Lane
from webhooks.rules import LaneState
from webhooks.waking import wake


def accounts_of(account_id: str | None) -> list[str]:
    """The accounts whose events an endpoint is told that is one account's, or that of all."""
    if account_id is not None:
        return [account_id]
    return [row.id for row in Account.select(Account.id).order_by(Account.id)]


def hold(account_ids: Iterable[str]) -> None:
    """
    Let nothing be deleted of the logs that are to be sent (again), before anything else is locked.

    A command that is alone on its account has locked that first, too, and lanes and endpoints at
    its end: in another order each of the two would wait for the other one.
    """
    for account_id in account_ids:
        events.hold(account_id)


def rewind(
    endpoint: Endpoint, account_id: str, after: int, pace: int | None = None
) -> tuple[int, int]:
    """
    Set the cursor of a lane so that everything after a sequence is sent (again).

    A sender who has the lane leased loses it: what he brings back changes nothing. The log is to be
    held already (`hold`).

    Args:
        endpoint, account_id: the lane.
        after: the sequence after which to begin.
        pace: how many milliseconds to leave between two events that are sent again.

    Returns the sequence up to which is sent again, and how many events that are: 0 and 0 where
    there is nothing to send.
    """
    types = lanes.asked_for(endpoint, account_id)
    head = logs.last(account_id, endpoint.id, types)
    if head <= after:
        return 0, 0
    previous = logs.last_before(account_id, endpoint.id, types, after)
    pacing = {"pace": pace, "pace_until": head}
    columns = lanes.new_lane(account_id, endpoint.id, after, head) | {"previous": previous}
    Lane.insert(**columns | pacing).on_conflict(
        conflict_target=[Lane.account_id, Lane.endpoint_id],
        update={
            Lane.cursor: after,
            Lane.previous: previous,
            # Something may have been told since the log was looked at.
            Lane.head: Case(None, ((Lane.head > head, Lane.head),), head),
            Lane.state: LaneState.READY,
            Lane.due_at: 0,
            Lane.token: Lane.token + 1,
            Lane.refusals: 0,
            Lane.refused_since: None,
            Lane.pace: pace,
            Lane.pace_until: head,
        },
    ).execute()
    transaction().afterwards["dispatcher"] = wake
    return head, logs.count(account_id, endpoint.id, types, after, head)


def sequence_before(account_id: str, instant: datetime) -> int:
    """The last sequence of what happened before an instant, 0 where nothing did."""
    found = Event.select(fn.MAX(Event.sequence)).where(
        Event.account_id == account_id, Event.occurred_at < instant
    )
    return found.scalar() or 0
