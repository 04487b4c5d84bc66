"""
Lanes: one endpoint and one log, and how far along it the endpoint has been told.

The head of a lane moves in the transaction of the event itself. Its cursor moves when the endpoint
has taken the event, and the lane comes to rest where the two meet. Every change of a leased lane is
guarded by its token, so that a dispatcher that lost the lease changes nothing (promise 7).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from peewee import SQL, Case, Tuple, ValuesList

from licensing.compiled import compiled, in_parts
from licensing.db import db, for_update, on_sqlite, seconds_since_1970, transaction
from webhooks.event_types import operator_types_of, types_of
from webhooks.logs import OPERATOR
from webhooks.models import Endpoint, Lane
from webhooks.rules import SECOND, LaneState
from webhooks.waking import wake

LEASE = 8_000
LANES_PER_STATEMENT = 32
# Held by every transaction that appends events, and alone by one that makes or changes an endpoint.
ADVISORY_LOCK = 7_307_283_018


def database_now() -> int:
    """The database's clock, in milliseconds."""
    return round(seconds_since_1970() * SECOND)


def heads_move(log: str, appended: Sequence[tuple[int, str]]) -> None:
    """
    Move the heads of the lanes for which something was appended; called in that transaction.

    A lane that rested is ready now, and begins right before the event, whatever it did not ask for
    in between. The dispatcher is woken after the commit.
    """
    if not on_sqlite():
        db.execute_sql("SELECT pg_advisory_xact_lock_shared(%s)", (ADVISORY_LOCK,))
    rows = []
    for endpoint in _listening_to_operators.rows() if log == OPERATOR else _listening.rows(log):
        wanted = asked_for(endpoint, log)
        matched = [sequence for sequence, kind in appended if kind in wanted]
        if matched:
            rows.append(new_lane(log, endpoint.id, matched[0] - 1, matched[-1]))
    if rows:
        _upsert.run(tuple(tuple(row.values()) for row in rows))
        transaction().afterwards["dispatcher"] = wake


def hold_back_events() -> None:
    """
    Let no event be appended until the commit, so that each falls before or after it.

    Without this an event that is committed after an endpoint was made could be told to nobody,
    because its transaction had looked for endpoints before.
    """
    if not on_sqlite():
        db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))


def asked_for(endpoint: Any, log: str) -> Sequence[str]:
    """The types of events that an endpoint is told of a log."""
    filters = endpoint.event_types
    return operator_types_of(filters) if log == OPERATOR else types_of(filters)


@compiled
def _listening(log: Any) -> Any:
    whose = (Endpoint.account_id == log) | Endpoint.account_id.is_null()
    return Endpoint.select(Endpoint.id, Endpoint.event_types).where(whose).order_by(Endpoint.id)


@compiled
def _listening_to_operators() -> Any:
    whose = Endpoint.account_id.is_null()
    return Endpoint.select(Endpoint.id, Endpoint.event_types).where(whose).order_by(Endpoint.id)


def new_lane(log: str, endpoint_id: str, cursor: int, head: int) -> dict[str, Any]:
    """The columns of a lane that has something to send."""
    return {
        "account_id": log,
        "endpoint_id": endpoint_id,
        "cursor": cursor,
        "head": head,
        "state": LaneState.READY,
        "due_at": 0,
        "lease_until": 0,
        "token": 0,
        "refusals": 0,
        "pace_until": 0,
    }


@compiled
def _upsert(rows: Any) -> Any:
    rested = Lane.state == LaneState.IDLE
    lanes = Lane.insert_many(rows, fields=list(new_lane("", "", 0, 0))).on_conflict(
        conflict_target=[Lane.account_id, Lane.endpoint_id],
        update={
            Lane.head: SQL("excluded.head"),
            Lane.cursor: Case(None, ((rested, SQL("excluded.cursor")),), Lane.cursor),
            Lane.due_at: Case(None, ((rested, 0),), Lane.due_at),
            Lane.state: Case(None, ((rested, LaneState.READY),), Lane.state),
        },
    )
    return lanes.as_rowcount()


@compiled
def _due(endpoint_id: Any, now: Any, most: Any) -> Any:
    ready = (Lane.endpoint_id == endpoint_id) & (Lane.state == LaneState.READY)
    due = Lane.select(Lane.account_id).where(ready, Lane.due_at <= now)
    longest_first = due.order_by(Lane.due_at, Lane.account_id).limit(most)
    return for_update(longest_first, "FOR UPDATE SKIP LOCKED")


@compiled
def _lease(endpoint_id: Any, logs: Any, until: Any) -> Any:
    leased = Lane.update(state=LaneState.LEASED, token=Lane.token + 1, lease_until=until)
    return leased.where(Lane.endpoint_id == endpoint_id, Lane.account_id.in_(logs)).returning(Lane)


def claim(endpoint_id: str, most: int, now: int) -> list[Lane]:
    """Lease at most so many due lanes of an endpoint, those that have waited longest first."""
    logs = tuple(row.account_id for row in _due.rows(endpoint_id, now, most))
    if not logs:
        return []
    leased = _lease.models(endpoint_id, logs, now + LEASE)
    return sorted(leased, key=lambda lane: logs.index(lane.account_id))


def renew(lane: Lane, now: int) -> bool:
    """Lease a lane for longer. False where the lease was lost."""
    ours = (lane.account_id, lane.endpoint_id, lane.token)
    return bool(_renew.rows(*ours, now + LEASE))


@compiled
def _renew(account_id: Any, endpoint_id: Any, token: Any, until: Any) -> Any:
    ours = _is_leased(account_id, endpoint_id, token)
    return Lane.update(lease_until=until).where(*ours).returning(Lane.token)


def hold(keys: Sequence[tuple[str, str]]) -> None:
    """
    Lock lanes, by endpoint and log, in the order in which events move their heads.

    One statement that changes several locks them in no order: of two, each could wait for a lane
    that the other one has.
    """
    if len(keys) > 1 and not on_sqlite():
        _hold.run(tuple(keys))


@compiled
def _hold(keys: Any) -> Any:
    asked_for = Tuple(Lane.endpoint_id, Lane.account_id).in_(keys)
    lanes = Lane.select(Lane.token).where(asked_for).order_by(Lane.endpoint_id, Lane.account_id)
    return for_update(lanes, "FOR NO KEY UPDATE")


@compiled
def _lapsed(now: Any) -> Any:
    lapsed = Lane.select().where(Lane.state == LaneState.LEASED, Lane.lease_until < now)
    return for_update(lapsed, "FOR UPDATE SKIP LOCKED")


def lapse(now: int) -> None:
    """Make lanes ready whose sender has not been heard of."""
    for lane in _lapsed.models(now):
        Lane.update(state=LaneState.READY, due_at=now).where(*_is_ours(lane)).execute()


def fix_previous(lane: Lane) -> None:
    """Fix what a leased lane says was sent before its next event, so that no attempt differs."""
    _changed(lane, previous=lane.previous)


class Step(NamedTuple):
    """
    How far a leased lane goes on.

    Attributes:
        through: the sequence of the last event that it is done with.
        due_at: until when it waits where something is left; None for one that stays leased.
    """

    lane: Lane
    through: int
    due_at: int | None = None


@compiled
def _advance(steps: Any) -> Any:
    names = ("log", "endpoint", "lease", "through", "due", "becomes")
    step = ValuesList(steps).cte("step", columns=names)
    moved = Lane.update(
        cursor=step.c.through,
        previous=step.c.through,
        refusals=0,
        refused_since=None,
        due_at=step.c.due,
        state=Case(None, ((Lane.head <= step.c.through, LaneState.IDLE),), step.c.becomes),
    )
    ours = _is_leased(step.c.log, step.c.endpoint, step.c.lease)
    return moved.from_(step).where(*ours).returning(Lane).with_cte(step)


def advance_all(steps: Sequence[Step]) -> dict[tuple[str, str], Lane]:
    """
    Move the cursors of leased lanes past events, in as few statements as there may be.

    A lane rests where nothing is left. Returns the lanes as they are then, by endpoint and log; one
    whose lease was lost is not among them.
    """
    moved: list[Lane] = []
    # A statement for each lane would cost 15 microseconds more for each delivery on SQLite, and on
    # PostgreSQL a round trip for each.
    for part in in_parts([_columns(step) for step in steps], LANES_PER_STATEMENT):
        moved += _advance.models(tuple(part))
    return {(lane.endpoint_id, lane.account_id): lane for lane in moved}


def _columns(step: Step) -> tuple[Any, ...]:
    lane, then = step.lane, LaneState.LEASED if step.due_at is None else LaneState.READY
    return lane.account_id, lane.endpoint_id, lane.token, step.through, step.due_at or 0, then


def advance(lane: Lane, sequence: int, due_at: int | None = None) -> Lane | None:
    """The same for one lane; returns it as it is then, None where the lease was lost."""
    moved = advance_all([Step(lane, sequence, due_at)])
    return moved.get((lane.endpoint_id, lane.account_id))


def rest(lane: Lane) -> None:
    """Let a leased lane rest that was ready for events that are no longer asked for."""
    # Not at the head that was seen: it may have moved on to something that is.
    seen = Lane.head == lane.head
    _changed(
        lane,
        cursor=Case(None, ((seen, lane.head),), Lane.cursor),
        state=Case(None, ((seen, LaneState.IDLE),), LaneState.READY),
    )


def wait(lane: Lane, due_at: int, **more: object) -> Lane | None:
    """Let a leased lane wait until `due_at`; None where the lease was lost."""
    return _changed(lane, state=LaneState.READY, due_at=due_at, **more)


def block(lane: Lane) -> Lane | None:
    """Let a leased lane stand still until somebody decides; None where the lease was lost."""
    return _changed(lane, state=LaneState.BLOCKED)


def _changed(lane: Lane, **changes: object) -> Lane | None:
    rows = Lane.update(**changes).where(*_is_ours(lane)).returning(Lane).execute()
    return next(iter(rows), None)


def _is_ours(lane: Lane) -> tuple[Any, ...]:
    return _is_leased(lane.account_id, lane.endpoint_id, lane.token)


def _is_leased(account_id: Any, endpoint_id: Any, token: Any) -> tuple[Any, ...]:
    return (
        Lane.account_id == account_id,
        Lane.endpoint_id == endpoint_id,
        Lane.token == token,
        Lane.state == LaneState.LEASED,
    )


def locked(log: str, endpoint_id: str) -> Lane | None:
    """The lane, locked until the commit, for whoever is to move it; None where there is none."""
    query = Lane.select().where(Lane.account_id == log, Lane.endpoint_id == endpoint_id)
    found: Lane | None = for_update(query).get_or_none()
    return found


def move(lane: Lane, **changes: object) -> None:
    """
    Change a locked lane from outside; it is ready at once unless `changes` say otherwise.

    A sender who has it leased loses it: what he brings back changes nothing.
    """
    columns: dict[str, object] = {
        "state": LaneState.READY,
        "due_at": 0,
        "token": lane.token + 1,
        "refusals": 0,
        "refused_since": None,
    }
    Lane.update(**columns | changes).where(
        Lane.account_id == lane.account_id, Lane.endpoint_id == lane.endpoint_id
    ).execute()
    transaction().afterwards["dispatcher"] = wake
