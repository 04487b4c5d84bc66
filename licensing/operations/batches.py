"""Many seat changes in one transaction, judged by what they lead to together (R16)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from licensing import resources
from licensing.db import transactional
from licensing.events import Reason
from licensing.models import Pool, Seat, User
from licensing.operations import assigning, drafting, gathering, giving_back, holding, warning
from licensing.operations.drafting import Line, Plan
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Holder, Standing, lock_holders
from licensing.rules.accounts import email_key
from licensing.rules.batches import (
    LARGEST_BATCH,
    Change,
    LineAction,
    LineOutcome,
    Named,
    OnError,
    is_a_batch,
)
from licensing.rules.catalogue import SeatType
from licensing.rules.permissions import CHANGE_BILLING, CHANGE_SEATS, Actor, require
from licensing.rules.pools import unassigned
from licensing.rules.refusals import BatchRefused, NotFound, Refusal, Unacceptable


@dataclass(frozen=True)
class Answered:
    """What became of a line: with its seat, or why it was refused."""

    number: int
    outcome: LineOutcome
    seat: resources.Resource | None = None
    refusal: Refusal | None = None


class HasOutcome(Protocol):
    """An answered line of a batch."""

    @property
    def outcome(self) -> LineOutcome:
        """What became of it."""


L = TypeVar("L", bound=HasOutcome)


@dataclass(frozen=True)
class Batch(Generic[L]):
    """What became of a batch; `applied` says whether anything of it was meant to be done."""

    applied: bool
    dry_run: bool
    lines: list[L]

    def count(self, outcome: LineOutcome) -> int:
        """How many lines came out so."""
        return sum(line.outcome == outcome for line in self.lines)


@transactional
def batch_seats(
    actor: Actor,
    changes: Sequence[Change],
    dry_run: bool = False,
    on_error: OnError = OnError.ABORT,
) -> Batch[Answered]:
    """
    Assign, take back, transfer and change seats, all of them or, if `on_error` says so, the good.

    The lines are judged by their net effect: what one gives up another one gets, wherever it
    stands, so that seats can be exchanged in a full pool, no removal gives way that need not (R22),
    and nobody is given a viewing seat in between (R8). A line that changes nothing tells nothing
    (R32). With `dry_run` nothing is done, and every line answered.

    Refuses with `BatchRefused`, which lists the lines that were refused, each as the single command
    would be; with `Unacceptable` when there are too many or none, and with `PermissionDenied`,
    which giving back needs more of.
    """
    require(actor, CHANGE_SEATS)
    if any(change.give_back for change in changes):
        require(actor, CHANGE_BILLING)
    if not is_a_batch(len(changes)):
        raise Unacceptable("changes", f"must have between 1 and {LARGEST_BATCH} items")
    standing = brought_up_to_date(actor)
    lines, unknown = _found(standing, changes)
    pools = holding.locked_pools(standing, _seat_types(standing, lines))
    plan = drafting.planned(standing, pools, lines)
    refused = unknown | {line.number: why for line, why in plan.refused.items()}
    whole = not (refused and on_error == OnError.ABORT)
    if not (whole or dry_run):
        raise BatchRefused(len(refused), listed(refused))
    if not dry_run:
        _Doing(standing, actor, plan, pools).do()
    outcome = LineOutcome.CHANGED if whole else LineOutcome.NOT_APPLIED
    answered = [Answered(number, LineOutcome.REFUSED, None, why) for number, why in refused.items()]
    answered += [
        _good(standing, plan, line, outcome, is_done=not dry_run)
        for line in lines
        if line.number not in refused
    ]
    return Batch(not dry_run, dry_run, sorted(answered, key=lambda line: line.number))


def listed(refused: dict[int, Refusal]) -> list[dict[str, object]]:
    """The refused lines of a batch, each with the code and sentence of its refusal."""
    return [
        {"line": number, "code": why.code, "detail": str(why)}
        for number, why in sorted(refused.items())
    ]


def _found(standing: Standing, changes: Sequence[Change]) -> tuple[list[Line], dict[int, Refusal]]:
    """The lines with their users, locked; those that name somebody who is not in the account."""
    named = {who for change in changes for who in (change.user, change.to_user) if who}
    by_email = _by_email(standing, named)
    ids = {who: by_email.get(email_key(who.email)) if who.email else who.user_id for who in named}
    lock_holders(standing, {id for id in ids.values() if id is not None})
    lines: list[Line] = []
    unknown: dict[int, Refusal] = {}
    for number, change in enumerate(changes, 1):
        users = [_locked(standing, ids, who) for who in (change.user, change.to_user) if who]
        missing = next((who for who in users if isinstance(who, NotFound)), None)
        if missing is not None:
            unknown[number] = missing
        else:
            lines.append(Line(number, change, str(users[0]), str(users[-1])))
    return lines, unknown


def _by_email(standing: Standing, named: set[Named]) -> dict[str, str]:
    keys = sorted({email_key(who.email) for who in named if who.email})
    found = User.select(User.id, User.email_key).where(
        User.account_id == standing.account.id, User.email_key.in_(keys)
    )
    return {user.email_key: user.id for user in found} if keys else {}


def _locked(standing: Standing, ids: dict[Named, str | None], who: Named) -> str | NotFound:
    """The id of a locked user; the address may have become another one's before the lock."""
    holder = standing.holders.get(ids[who] or "")
    if holder is None or (who.email and holder.user.email_key != email_key(who.email)):
        return NotFound("user", who.email or who.user_id or "")
    return str(holder.user.id)


def _seat_types(standing: Standing, lines: list[Line]) -> set[str]:
    named = {name for line in lines for name in (line.seat_type, line.to_seat_type)}
    users = {id for line in lines for id in (line.user_id, line.to_user_id)}
    return named.union(*(standing.holders[id].seat_types for id in users))


def _good(
    standing: Standing, plan: Plan, line: Line, outcome: LineOutcome, is_done: bool
) -> Answered:
    """What a line that was not refused is answered; what is not done yet has no seat."""
    unchanged = line in plan.unchanged
    seat = None
    if line.action != LineAction.UNASSIGN and (is_done or unchanged):
        seat = standing.holders[line.to_user_id].seat_of(line.to_seat_type)
    shown = None if seat is None else resources.seat(seat)
    return Answered(line.number, LineOutcome.UNCHANGED if unchanged else outcome, shown)


@dataclass
class _Doing:
    """
    A plan being carried out.

    Attributes:
        before: the pools as they were.
        returned: the seats of a line that went back to their pools before another one was given.
        left: the last event by which each user was left without a seat, as it may be.
    """

    standing: Standing
    actor: Actor
    plan: Plan
    before: list[Pool]
    returned: dict[Line, list[Seat]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def do(self) -> None:
        """All that is given up goes back before anything is taken; then all that follows."""
        standing, actor = self.standing, self.actor
        with (
            gathering.together(standing.account.id, self.before),
            warning.counting_together(standing, actor, self.before),
        ):
            self._give_up(self.plan.together)
            for line in self.plan.together:
                self._take(line)
            for line in self.plan.afterwards:
                self._give_up([line])
                self._take(line)
            for user_id, cause in self.left.items():
                holding.give_fallback(standing, actor, self._holder(user_id), cause)

    def _holder(self, user_id: str) -> Holder:
        return self.standing.holders[user_id]

    def _give_up(self, lines: list[Line]) -> None:
        for line in sorted(lines, key=lambda line: line.number):
            if line.action == LineAction.UNASSIGN:
                self._take_back(line)
            elif line.action == LineAction.CHANGE and line not in self.plan.unchanged:
                seat = self._seat(line)
                if seat.pool_id is not None:
                    holding.return_seat(self.standing, seat.pool_id)
            self._let_go(line)

    def _seat(self, line: Line) -> Seat:
        (seat,) = (s for s in self._holder(line.user_id).seats if s.seat_type == line.seat_type)
        return seat

    def _take_back(self, line: Line) -> None:
        holder = self._holder(line.user_id)
        seat = self._seat(line)
        self.left[line.user_id] = holding.end(self.standing, self.actor, holder, seat)
        if line.change.give_back:
            giving_back.schedule(self.standing, self.actor, seat.seat_type, 1)

    def _let_go(self, line: Line) -> None:
        """The paid seats that another one replaces go back now, and are told with that one."""
        holder = self._holder(line.to_user_id)
        replaced = {id(seat) for seat in self.plan.replaced.get(line, []) if seat.pool_id}
        self.returned[line] = [seat for seat in holder.seats if id(seat) in replaced]
        for seat in self.returned[line]:
            holding.let_go(self.standing, holder, seat)

    def _take(self, line: Line) -> None:
        if line in self.plan.unchanged or line.action == LineAction.UNASSIGN:
            return
        receiver = self._holder(line.to_user_id)
        wanted = self.standing.catalogue.seat_type(line.to_seat_type)
        replaced = [seat.seat_type for seat in self.plan.replaced[line]]
        if line.action == LineAction.ASSIGN:
            _, event = holding.hand_out(self.standing, self.actor, receiver, wanted, replaced)
        elif line.action == LineAction.CHANGE:
            event = self._change(line, receiver, wanted, replaced)
        else:
            seat, giver = self._seat(line), self._holder(line.user_id)
            _, event = assigning.hand_on(self.standing, self.actor, giver, seat, receiver, replaced)
            self.left[line.user_id] = event
        for seat in self.returned[line]:
            pool = gathering.pool(seat.account_id, str(seat.pool_id))
            holding.record_end(self.standing, self.actor, seat, pool, Reason.REPLACED, event)

    def _change(self, line: Line, holder: Holder, wanted: SeatType, replaced: list[str]) -> str:
        standing, actor, seat = self.standing, self.actor, self._seat(line)
        new_pool, from_removal = (
            holding.claim_seat(standing, wanted) if wanted.paid else (None, False)
        )
        old_pool = gathering.pool(seat.account_id, seat.pool_id) if seat.pool_id else None
        changed = assigning.make_another(standing, actor, holder, seat, wanted, new_pool, old_pool)
        for old in [held for held in holder.seats if held.seat_type in replaced]:
            holding.end(standing, actor, holder, old, reason=Reason.REPLACED, cause=changed)
        if new_pool is not None:
            holding.settle_claim(standing, actor, new_pool, from_removal, changed)
        if old_pool is not None:
            warning.warn(standing, actor, old_pool, unassigned(old_pool) - 1, changed)
        return changed
