"""
What a batch changes in pools, seats and users, written at its end, many rows at once (R16).

Single commands and batches change rows through the same functions. While a batch gathers, what it
changes is changed in memory alone, where the rest of it looks: it has locked all of it before. To
write it line by line took half of the time of a batch.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

from licensing import clock, rows
from licensing.compiled import Statement, compiled, in_parts
from licensing.db import Busy, transaction
from licensing.models import Pool, Seat, User


class CountedPool(SimpleNamespace):
    """
    A pool that is counted in, in memory alone: what its row has, as plain attributes.

    To look at a row of Peewee's takes five times as long, and a batch looks at its pools forty
    times for each line.
    """


@dataclass
class Gathered:
    """
    What is to be written.

    Attributes:
        account_id: whose all of it is.
        pools: the pools as they are counted in, by type of seat; all that may be counted in.
        versions: which version of each was locked.
        seats: those that are new, or other than before, by id.
        old_seats: the ids of those that are gone, or other than before.
        users: those that are other than before, each with how often and in which columns.
    """

    account_id: str
    pools: dict[str, Any]
    versions: dict[str, int]
    seats: dict[str, Seat] = field(default_factory=dict)
    old_seats: dict[str, None] = field(default_factory=dict)
    users: dict[str, tuple[User, int, frozenset[str]]] = field(default_factory=dict)


@contextmanager
def together(account_id: str, pools: Iterable[Pool]) -> Iterator[None]:
    """
    Gather inside the block what its commands change in an account, and write it when it ends.

    `pools` are all that may be counted in, locked; they stay as they are. All that is told happens
    at one instant, as it does by a test clock: nobody sees any of it before the commit. Raises
    `Busy` where a pool was not locked after all.
    """
    here = transaction()
    here.instant = here.instant or clock.now()
    drafts = {pool.seat_type: copied(pool) for pool in pools}
    versions = {seat_type: pool.version for seat_type, pool in drafts.items()}
    gathered = here.gathered = Gathered(account_id, drafts, versions)
    try:
        yield
    finally:
        here.gathered = None
    _write_pools(gathered)
    _write_users(gathered)
    _write_seats(gathered)


def copied(pool: Pool) -> Any:
    """A pool that can be counted in without the other one noticing."""
    return CountedPool(**pool.__data__)


def counted_pools() -> dict[str, Any] | None:
    """The pools to count in, by type of seat, where a batch gathers; None where none does."""
    gathered: Gathered | None = transaction().gathered
    return None if gathered is None else gathered.pools


def pool(account_id: str, pool_id: str) -> Any:
    """A pool as the command has counted in it so far."""
    for counted in (counted_pools() or {}).values():
        if counted.id == pool_id:
            return counted
    return Pool.get(Pool.account_id == account_id, Pool.id == pool_id)


def insert_seat(seat: Seat) -> None:
    """Write a new seat."""
    gathered: Gathered | None = transaction().gathered
    if gathered is None:
        rows.insert([seat])
    else:
        gathered.seats[seat.id] = seat


def change_seat(seat: Seat, columns: Iterable[str]) -> None:
    """Write these columns of a seat."""
    gathered: Gathered | None = transaction().gathered
    if gathered is None:
        seat.save(only=tuple(columns))
        return
    if seat.id not in gathered.seats:
        gathered.old_seats[seat.id] = None
    gathered.seats[seat.id] = seat


def delete_seat(seat: Seat) -> None:
    """Delete a seat."""
    gathered: Gathered | None = transaction().gathered
    if gathered is None:
        _delete_seats.run(seat.account_id, (seat.id,))
    elif gathered.seats.pop(seat.id, None) is None:
        gathered.old_seats[seat.id] = None


def change_user(user: User, columns: Iterable[str]) -> None:
    """Write these columns of a user, whose version is one more than before."""
    gathered: Gathered | None = transaction().gathered
    if gathered is None:
        names = tuple(columns)
        values = [getattr(user, name) for name in names]
        _changing(names).run(user.account_id, (user.id,), 1, *values)
        return
    _, times, before = gathered.users.get(user.id, (user, 0, frozenset()))
    gathered.users[user.id] = user, times + 1, before.union(columns)


@compiled
def _delete_seats(account_id: Any, ids: Any) -> Any:
    return Seat.delete().where(Seat.account_id == account_id, Seat.id.in_(ids))


@cache
def _changing(names: tuple[str, ...]) -> Statement:
    """
    The change of these columns of users whose versions rise alike.

    There are few sets of columns that change together.
    """

    def change(account_id: Any, ids: Any, times: Any, *values: Any) -> Any:
        changes = dict(zip(names, values, strict=True))
        changed = User.update(version=User.version + times, **changes)
        return changed.where(User.account_id == account_id, User.id.in_(ids))

    return compiled(change)


@compiled
def _count(account_id: Any, id: Any, seen: Any, version: Any, assigned: Any, leaving: Any) -> Any:
    counted = Pool.update(version=version, assigned=assigned, scheduled_removal=leaving)
    return counted.where(Pool.account_id == account_id, Pool.id == id, Pool.version == seen)


def _write_pools(gathered: Gathered) -> None:
    for seat_type, counted in gathered.pools.items():
        seen = gathered.versions[seat_type]
        if counted.version == seen:
            continue
        numbers = (counted.version, counted.assigned, counted.scheduled_removal)
        if not _count.run(gathered.account_id, counted.id, seen, *numbers).rowcount:
            raise Busy(f"another command has counted in the pool {counted.id} meanwhile")


def _write_users(gathered: Gathered) -> None:
    alike: defaultdict[tuple[Any, ...], list[str]] = defaultdict(list)
    for user, times, names in gathered.users.values():
        columns = tuple(sorted(names))
        values = tuple([getattr(user, name) for name in columns])
        alike[times, columns, values].append(user.id)
    for (times, columns, values), ids in alike.items():
        for part in in_parts(ids):
            _changing(columns).run(gathered.account_id, tuple(part), times, *values)


def _write_seats(gathered: Gathered) -> None:
    """What is other than before is written anew: so no order meets a unique index in between."""
    for part in in_parts(list(gathered.old_seats)):
        _delete_seats.run(gathered.account_id, tuple(part))
    rows.insert(list(gathered.seats.values()))
