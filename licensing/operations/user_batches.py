"""
Many new users in one transaction, with a number of statements that hardly grows with them (R16).

What the lines lead to is worked out in memory, from what is read for all of them at once, by the
very rules of the single command; then it is written at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import chunked

from licensing import events, finding, resources, rows
from licensing.db import transactional
from licensing.events import EventType, Reason
from licensing.models import Account, Pool, User
from licensing.operations import (
    administering,
    assigning,
    gathering,
    giving_way,
    holding,
    users,
    warning,
    welcoming,
)
from licensing.operations.batches import Batch, listed
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Holder, Standing
from licensing.rules import seats
from licensing.rules.accounts import email_key
from licensing.rules.batches import LARGEST_USER_BATCH, LineOutcome, NewUser, OnError
from licensing.rules.catalogue import SeatType
from licensing.rules.permissions import CHANGE_SEATS, CHANGE_USERS, Actor, require
from licensing.rules.pools import crossed, unassigned
from licensing.rules.refusals import (
    BatchRefused,
    EmailRepeated,
    EmailTaken,
    ExternalIdTaken,
    Refusal,
    Unacceptable,
)

ROWS_PER_STATEMENT = 500


@dataclass(frozen=True)
class Answered:
    """What became of a line: with its user, or why it was refused."""

    number: int
    outcome: LineOutcome
    user: resources.Resource | None = None
    refusal: Refusal | None = None


@dataclass
class Newcomer:
    """A line that is good: the user to be, and the types of seats to give, each with why."""

    number: int
    line: NewUser
    holder: Holder
    given: list[tuple[SeatType, Reason]] = field(default_factory=list)


@transactional
def batch_users(
    actor: Actor,
    lines: Sequence[NewUser],
    dry_run: bool = False,
    on_error: OnError = OnError.ABORT,
) -> Batch[Answered]:
    """
    Invite or add users, all of them or, if `on_error` says so, the good lines.

    Each line does what `users.create_user` does, and is refused as that is; a line that repeats the
    address of another one with `EmailRepeated`. Seats that are named come before default ones.
    With `dry_run` nothing is done, and every line answered.

    Refuses with `BatchRefused`, which lists the lines that were refused, with `Unacceptable` when
    there are too many or none, and with `PermissionDenied`, which seats need more of.
    """
    require(actor, CHANGE_USERS)
    if any(line.seat_types for line in lines):
        require(actor, CHANGE_SEATS)
    if not 1 <= len(lines) <= LARGEST_USER_BATCH:
        raise Unacceptable("lines", f"must have between 1 and {LARGEST_USER_BATCH} items")
    standing = brought_up_to_date(actor)
    draft = _Draft(standing, actor, _locked_pools(standing, lines))
    newcomers, refused = draft.judged(lines)
    whole = not (refused and on_error == OnError.ABORT)
    if not (whole or dry_run):
        raise BatchRefused(len(refused), listed(refused))
    if not dry_run:
        _write(standing, actor, draft.before, newcomers)
    outcome = LineOutcome.CHANGED if whole else LineOutcome.NOT_APPLIED
    answered = [
        Answered(one.number, outcome, None if dry_run else one.holder.resource())
        for one in newcomers
    ]
    answered += [Answered(n, LineOutcome.REFUSED, None, why) for n, why in refused.items()]
    return Batch(not dry_run, dry_run, sorted(answered, key=lambda line: line.number))


def _locked_pools(standing: Standing, lines: Iterable[NewUser]) -> list[Pool]:
    named = {name for line in lines for name in line.seat_types or ()}
    default = standing.account.default_seat_type
    return holding.locked_pools(standing, named | ({default} if default else set()))


class _Draft:
    """
    The account as it would be with the new users; nothing of it is written.

    Attributes:
        before: the pools as they are.
        pools: the pools as they would be, by type.
    """

    def __init__(self, standing: Standing, actor: Actor, pools: list[Pool]) -> None:
        self.standing, self.actor, self.before = standing, actor, pools
        self.pools = {pool.seat_type: gathering.copied(pool) for pool in pools}
        self.line_of_email: dict[str, int] = {}
        self.external_ids: set[str] = set()

    def judged(self, lines: Sequence[NewUser]) -> tuple[list[Newcomer], dict[int, Refusal]]:
        """The good lines as users to be, and the others with why they are refused."""
        taken_emails = _taken(self.standing, User.email_key, [email_key(e.email) for e in lines])
        taken_ids = _taken(
            self.standing, User.external_id, [e.external_id for e in lines if e.external_id]
        )
        newcomers: list[Newcomer] = []
        refused: dict[int, Refusal] = {}
        for number, line in enumerate(lines, 1):
            counts = {name: (p.assigned, p.scheduled_removal) for name, p in self.pools.items()}
            try:
                self._refuse_taken(line, taken_emails, taken_ids)
                newcomers.append(self._newcomer(number, line))
            except Refusal as refusal:
                refused[number] = refusal
                for name, (assigned, scheduled) in counts.items():
                    pool = self.pools[name]
                    pool.assigned, pool.scheduled_removal = assigned, scheduled
        for newcomer in newcomers:
            self._give_unnamed(newcomer)
        return newcomers, refused

    def _refuse_taken(
        self, line: NewUser, taken_emails: dict[str, str], taken_ids: dict[str, str]
    ) -> None:
        key, external_id = email_key(line.email), line.external_id
        if key in taken_emails:
            raise EmailTaken(line.email, taken_emails[key])
        if key in self.line_of_email:
            raise EmailRepeated(line.email, self.line_of_email[key])
        if external_id in taken_ids or external_id in self.external_ids:
            raise ExternalIdTaken("user", str(external_id), taken_ids.get(str(external_id)))

    def _newcomer(self, number: int, line: NewUser) -> Newcomer:
        administering.refuse_grant(self.actor, frozenset(), frozenset(line.permissions))
        user = users.new_user(
            self.standing,
            email=line.email,
            name=line.name,
            status=line.status,
            permissions=sorted(set(line.permissions)),
            partner_eligible=line.partner_eligible,
            external_id=line.external_id,
            metadata={},
        )
        newcomer = Newcomer(number, line, Holder(user, [], self.standing.now))
        for name in dict.fromkeys(line.seat_types or ()):
            self._give_named(newcomer, self.standing.catalogue.seat_type(name))
        self.line_of_email[email_key(line.email)] = number
        self.external_ids |= {line.external_id} if line.external_id else set()
        return newcomer

    def _give_named(self, newcomer: Newcomer, wanted: SeatType) -> None:
        standing, holder = self.standing, newcomer.holder
        assigning.refuse_receiver(standing, holder, wanted)
        seats.refuse_unavailable(standing.catalogue, standing.situation, wanted)
        held = [seat_type.name for seat_type, _ in newcomer.given]
        replaced = seats.replaced_by(standing.catalogue, holder.user.id, held, wanted)
        if wanted.paid:
            holding.claim_in(standing, self.pools, wanted)
        for name in replaced:
            if name in self.pools:
                self.pools[name].assigned -= 1
        newcomer.given = [one for one in newcomer.given if one[0].name not in replaced]
        newcomer.given.append((wanted, Reason.REQUESTED))

    def _give_unnamed(self, newcomer: Newcomer) -> None:
        """The default seat while one is free; then the one of R8, if the user has none."""
        standing, user = self.standing, newcomer.holder.user
        if newcomer.line.seat_types is None:
            wanted = welcoming.default_seat(standing, user, self.pools)
            if wanted is not None:
                if wanted.paid:
                    holding.claim_in(standing, self.pools, wanted)
                newcomer.given.append((wanted, Reason.DEFAULT_SEAT))
        name = seats.fallback(standing.catalogue, standing.situation, user.status)
        if name is not None and not newcomer.given:
            newcomer.given.append((standing.catalogue.seat_type(name), Reason.FALLBACK))


def _taken(standing: Standing, field: Any, wanted: list[str]) -> dict[str, str]:
    """Who in the account has one of these addresses, or external ids, already."""
    of_account = User.account_id == standing.account.id
    return {
        getattr(user, field.name): user.id
        for chunk in chunked(wanted, ROWS_PER_STATEMENT)
        for user in User.select(User.id, field).where(of_account, field.in_(chunk))
    }


def _write(standing: Standing, actor: Actor, before: list[Pool], newcomers: list[Newcomer]) -> None:
    last: dict[str, str] = {}
    with gathering.together(standing.account.id, before):
        for newcomer in newcomers:
            holder = newcomer.holder
            created = events.record(actor, EventType.USER_CREATED, holder.resource())
            for seat_type, reason in newcomer.given:
                pool = holding.claim_seat(standing, seat_type)[0] if seat_type.paid else None
                cause = None if reason is Reason.REQUESTED else created
                event = _given(standing, actor, holder, seat_type, pool, reason, cause)
                if pool is not None:
                    last[pool.seat_type] = event
        everybody = [newcomer.holder.user for newcomer in newcomers]
        rows.insert(everybody)
        finding.keep(standing.account.id, [(user.id, user.search_text) for user in everybody])
        for was in before:
            if was.seat_type in last:
                _tell_count(standing, actor, was, last[was.seat_type])
    _count_super_admins(standing, newcomers)


def _given(
    standing: Standing,
    actor: Actor,
    holder: Holder,
    seat_type: SeatType,
    pool: Pool | None,
    reason: Reason,
    cause: str | None,
) -> str:
    seat = holding.new_seat(standing, actor, holder, seat_type, pool)
    holder.user.holds_exclusive = seat_type.exclusive
    holder.user.version += 1
    holder.seats.append(seat)
    gathering.insert_seat(seat)
    holder.user.holding = holding.held_by(holder)
    numbers = standing.numbers_or_none(pool)
    seen = resources.seat(seat)
    return events.record(
        actor, EventType.SEAT_ASSIGNED, seen, pool=numbers, reason=reason, cause=cause
    )


def _tell_count(standing: Standing, actor: Actor, was: Pool, cause: str) -> None:
    """Tell what follows from what a pool has come to (R22, R32)."""
    pool = gathering.pool(was.account_id, was.id)
    needed = was.scheduled_removal - pool.scheduled_removal
    if needed:
        giving_way.give_way(standing, actor, pool, needed, cause)
    line = crossed(unassigned(was), unassigned(pool), pool.low_mark)
    warning.tell_line(standing, actor, pool, line, cause)


def _count_super_admins(standing: Standing, newcomers: list[Newcomer]) -> None:
    more = sum(administering.is_active_super_admin(one.holder.user) for one in newcomers)
    if more:
        Account.update(super_admins=Account.super_admins + more).where(
            Account.id == standing.account.id
        ).execute()
