"""Moving cursors by hand: replay what was sent, recover what was parked, skip what will not go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from licensing import clock, ids
from licensing.db import transaction, transactional
from licensing.models import Account
from licensing.rules.permissions import Actor
from licensing.rules.refusals import NotFound
from webhooks import lanes, logs, parking, positions
from webhooks.access import locked_endpoint, seen_endpoint
from webhooks.models import Endpoint, Lane, Parked, Replay, ReplayLane
from webhooks.refusals import NothingToSkip, StartNotPossible, TooManyToSkip
from webhooks.rules import SECOND
from webhooks.waking import wake

MOST_SKIPPED = 10_000


@dataclass(frozen=True)
class Part:
    """The part of one account's log that is sent again."""

    account_id: str
    from_sequence: int
    until_sequence: int
    events: int


@transactional
def replay(
    actor: Actor,
    endpoint_id: str,
    account_id: str | None = None,
    from_sequence: int | None = None,
    from_time: datetime | None = None,
    rate: int | None = None,
) -> Replay:
    """
    Send a part of the log again, in order, before what is told from now on.

    The cursors are moved back; what was still to be sent is sent after it.

    Args:
        account_id: the one account; None for all that the endpoint is told of.
        from_sequence: the first sequence to send again, of one account.
        from_time: instead, the instant of the first event to send again.
        rate: how many events a second at the most, None for as many as the endpoint takes.

    Refuses with `StartNotPossible`, `NotFound` and `PermissionDenied`.
    """
    positions.hold(_accounts(seen_endpoint(actor, endpoint_id), account_id))
    endpoint = locked_endpoint(actor, endpoint_id)
    made: Replay = Replay.create(
        id=ids.new("rpl"),
        endpoint_id=endpoint.id,
        account_id=account_id,
        from_sequence=from_sequence,
        from_time=from_time,
        rate=rate,
        requested_by=actor.id,
        created_at=clock.now(),
    )
    pace = None if rate is None else SECOND // rate
    for log, after in _starts(endpoint, account_id, from_sequence, from_time):
        until, events = positions.rewind(endpoint, log, after, pace)
        if events:
            ReplayLane.create(
                replay_id=made.id,
                account_id=log,
                from_sequence=after + 1,
                until_sequence=until,
                events=events,
            )
    return made


@transactional
def rehearse_replay(
    actor: Actor,
    endpoint_id: str,
    account_id: str | None = None,
    from_sequence: int | None = None,
    from_time: datetime | None = None,
) -> list[Part]:
    """What `replay` would send again; nothing is sent. Refuses as `replay`."""
    endpoint = locked_endpoint(actor, endpoint_id)
    found = []
    for log, after in _starts(endpoint, account_id, from_sequence, from_time):
        types = lanes.asked_for(endpoint, log)
        until = logs.last(log, endpoint.id, types)
        events = logs.count(log, endpoint.id, types, after, until)
        if events:
            found.append(Part(log, after + 1, until, events))
    return found


def _starts(
    endpoint: Endpoint,
    account_id: str | None,
    from_sequence: int | None,
    from_time: datetime | None,
) -> list[tuple[str, int]]:
    """Each log with the sequence after which to begin: never beyond what was sent so far."""
    if from_sequence is not None and (account_id or endpoint.account_id) is None:
        raise StartNotPossible("from_sequence", "a sequence is one of one account; name it")
    found = []
    for log in _accounts(endpoint, account_id):
        if from_time is not None:
            after = positions.sequence_before(log, from_time)
        else:
            after = (from_sequence or 1) - 1
        lane = lanes.locked(log, endpoint.id)
        found.append((log, after if lane is None else min(after, lane.cursor)))
    return found


def _accounts(endpoint: Endpoint, account_id: str | None) -> list[str]:
    if account_id is None:
        return positions.accounts_of(endpoint.account_id)
    beyond = endpoint.account_id not in (None, account_id)
    if beyond or Account.get_or_none(Account.id == account_id) is None:
        raise NotFound("account", account_id)
    return [account_id]


@transactional
def recover(actor: Actor, endpoint_id: str, account_id: str | None = None) -> int:
    """
    Have all parked events sent again, in the order of their logs; returns how many there are.

    What is taken now is parked no longer. Refuses with `NotFound` and `PermissionDenied`.
    """
    endpoint = locked_endpoint(actor, endpoint_id)
    parked = Parked.endpoint_id == endpoint.id
    if account_id is not None:
        parked &= Parked.account_id == account_id
    transaction().afterwards["dispatcher"] = wake
    counted: int = Parked.update(due_at=0).where(parked).execute()
    return counted


@transactional
def skip(
    actor: Actor, endpoint_id: str, account_id: str, through_sequence: int, reason: str
) -> list[Parked]:
    """
    Pass over what a lane has yet to send up to a sequence; what is passed over is parked.

    Refuses with `NothingToSkip`, `TooManyToSkip`, `NotFound` and `PermissionDenied`.
    """
    endpoint = locked_endpoint(actor, endpoint_id)
    lane = lanes.locked(account_id, endpoint.id)
    if lane is None:
        raise NotFound("account", account_id)
    types = lanes.asked_for(endpoint, account_id)
    through = min(through_sequence, lane.head)
    events = logs.count(account_id, endpoint.id, types, lane.cursor, through)
    if events == 0:
        raise NothingToSkip(through_sequence)
    if events > MOST_SKIPPED:
        raise TooManyToSkip(events, MOST_SKIPPED)
    return _passed_over(actor, endpoint, lane, types, through, reason)


def _passed_over(
    actor: Actor, endpoint: Endpoint, lane: Lane, types: Sequence[str], through: int, reason: str
) -> list[Parked]:
    cursor, previous = lane.cursor, lane.previous
    skipped: list[Parked] = []
    while entry := logs.next_entry(lane.account_id, endpoint.id, types, cursor, through):
        if previous is None:
            previous = logs.last_before(lane.account_id, endpoint.id, types, entry.sequence - 1)
        parked = parking.park(
            lane, entry.sequence, entry.id, entry.type, previous, "skipped", actor.id, reason
        )
        skipped.append(parked)
        cursor = previous = entry.sequence
    position: dict[str, Any] = {"cursor": cursor, "previous": previous}
    if lane.head <= cursor:
        position["state"] = "idle"
    lanes.move(lane, **position)
    return skipped
