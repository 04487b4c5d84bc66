"""
What a batch of seat changes would lead to, worked out in memory before anything is written (R16).

All lines give up what they give up before any of them takes something, so that the order of the
lines only says who comes first where there is too little for all. What is refused is refused by the
very functions of the single commands.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from licensing import rows
from licensing.models import Pool, Seat
from licensing.operations import assigning, gathering, giving_back, holding
from licensing.operations.standing import Holder, Standing
from licensing.rules import seats
from licensing.rules.accounts import UserStatus
from licensing.rules.batches import Change, LineAction, in_turn, round_trips
from licensing.rules.catalogue import SeatType
from licensing.rules.pools import can_give_back
from licensing.rules.refusals import (
    NotFound,
    Refusal,
    TransferToSelf,
    UserDeactivated,
)

# Stands for the id of a seat that the batch itself gives.
NEW = "new"
Place = tuple[str, str]


# Each is itself alone: to compare what they say took a twentieth of a batch.
@dataclass(eq=False)
class Line:
    """
    A line of a batch whose users were found.

    Attributes:
        number: which one it is, counted from 1.
        change: as it was sent.
        user_id, to_user_id: who has the seat until now, and who has it afterwards.
        action: what the line does.
        seat_type, to_seat_type: the type of the seat that it is about, and the one afterwards.
    """

    number: int
    change: Change
    user_id: str
    to_user_id: str

    def __post_init__(self) -> None:
        self.action = self.change.action
        self.seat_type = self.change.seat_type
        self.to_seat_type = self.change.to_seat_type or self.seat_type

    @property
    def giver(self) -> Place | None:
        """The user and type of the seat that becomes another's or another one."""
        moves = self.action in (LineAction.TRANSFER, LineAction.CHANGE)
        return (self.user_id, self.seat_type) if moves else None

    @property
    def taker(self) -> Place:
        """The user and type of the seat that is held afterwards."""
        return self.to_user_id, self.to_seat_type


@dataclass
class Plan:
    """
    What is to be done for a batch.

    Attributes:
        together: the lines that are good as a whole, in the order in which they can be done once
            all of them have given up what they give up.
        afterwards: those that are good one after the other, once the others are done.
        unchanged: the lines by which nothing changes (R32).
        refused: the lines that cannot be done, with why.
        replaced: the seats that end because a line gives another one for them (R8).
    """

    together: list[Line]
    afterwards: list[Line]
    unchanged: set[Line]
    refused: dict[Line, Refusal]
    replaced: dict[Line, list[Seat]]


def planned(standing: Standing, pools: list[Pool], lines: list[Line]) -> Plan:
    """
    Which of the lines can be done, and how; `standing` has the users and `pools` the locked pools.

    Who comes first gets a seat. Where fewer lines are refused if those come first that give
    another seat for it, they do: an exchange does not fail because a newcomer wants a seat, too.
    """
    plan = _plan(standing, pools, lines)
    if plan.refused:
        giving_first = sorted(lines, key=lambda line: line.action == LineAction.ASSIGN)
        other = _plan(standing, pools, giving_first)
        plan = min(plan, other, key=lambda found: len(found.refused))
    return plan


def _plan(standing: Standing, pools: list[Pool], lines: list[Line]) -> Plan:
    refused: dict[Line, Refusal] = {}
    idle: set[Line] = set()
    while True:
        draft = Draft(standing, pools)
        live = [line for line in lines if line not in refused and line not in idle]
        refused_now = draft.refusals(live)
        refused |= refused_now
        idle_now = set() if refused_now else draft.round_trips(live)
        idle |= idle_now
        # The others may have counted on those, and are looked at again without them.
        if not (refused_now or idle_now):
            break
    together = list(draft.done)
    draft.done.clear()
    while found := [line for line in list(refused) if draft.is_good(line)]:
        for line in found:
            del refused[line]
    return Plan(together, draft.done, draft.unchanged | idle, refused, draft.replaced)


class Draft:
    """
    The users and pools of an account as they would be; nothing of it is written.

    Attributes:
        done: the lines that were done, in this order.
        unchanged: the lines, of those, by which nothing changed.
        replaced: the seats that ended for the one that a line gave.
    """

    def __init__(self, standing: Standing, pools: Iterable[Pool]) -> None:
        self.standing = standing
        self.holders = {
            id: Holder(holder.user, list(holder.seats), holder.now)
            for id, holder in standing.holders.items()
        }
        self.pools = {pool.seat_type: gathering.copied(pool) for pool in pools}
        self.done: list[Line] = []
        self.unchanged: set[Line] = set()
        self.replaced: dict[Line, list[Seat]] = {}

    def refusals(self, lines: Iterable[Line]) -> dict[Line, Refusal]:
        """Do the lines at once, first what they give up, then what they take; what is refused."""
        refused: dict[Line, Refusal] = {}
        given_up: dict[Line, Seat | None] = {}
        for line in lines:
            try:
                given_up[line] = self._give_up(line)
            except Refusal as refusal:
                refused[line] = refusal
        for line in self._in_turn(given_up):
            try:
                self._take(line, given_up[line])
                self.done.append(line)
            except Refusal as refusal:
                refused[line] = refusal
        return refused

    def is_good(self, line: Line) -> bool:
        """Do one more line, or leave everything as it was where it is refused."""
        holders = [self.holders[id] for id in {line.user_id, line.to_user_id}]
        held = [list(holder.seats) for holder in holders]
        counts = {name: (p.assigned, p.scheduled_removal) for name, p in self.pools.items()}
        if not self.refusals([line]):
            return True
        for holder, before in zip(holders, held, strict=True):
            holder.seats = before
        for name, (assigned, scheduled) in counts.items():
            self.pools[name].assigned, self.pools[name].scheduled_removal = assigned, scheduled
        return False

    def round_trips(self, lines: Iterable[Line]) -> set[Line]:
        """The lines that only exchange among themselves what their users hold anyway."""
        moving = {line.giver: line for line in lines if self._moves(line)}
        places = round_trips({place: line.taker for place, line in moving.items()})
        return {moving[place] for place in places}

    def _moves(self, line: Line) -> bool:
        return line.giver is not None and line not in self.unchanged

    def _in_turn(self, lines: Iterable[Line]) -> list[Line]:
        """What leaves a user leaves before the like of it comes, or what stands alone."""
        exclusive = {
            name for name, kind in self.standing.catalogue.seat_types.items() if kind.exclusive
        }
        if not any(line.giver for line in lines):
            return list(lines)
        leaving: dict[Line, set[Place]] = {}
        coming: dict[Line, set[Place]] = {}
        for line in lines:
            user_id, seat_type = line.taker
            leaving[line] = {line.giver} if line.giver and self._moves(line) else set()
            alone = seat_type in exclusive
            names = self.standing.catalogue.seat_types if alone else [seat_type]
            takes = line.action != LineAction.UNASSIGN
            coming[line] = {(user_id, name) for name in names if takes}
        return in_turn(leaving, coming)

    def _give_up(self, line: Line) -> Seat | None:
        seat_type = self.standing.catalogue.seat_type(line.seat_type)
        if line.action == LineAction.ASSIGN:
            return None
        holder = self.holders[line.user_id]
        seat = self._held(holder, seat_type)
        if line.action == LineAction.TRANSFER:
            if line.to_user_id == line.user_id:
                raise TransferToSelf(line.user_id)
            seats.refuse_untransferable(seat_type)
        elif line.action == LineAction.CHANGE:
            self._trade_in(line, seat)
        else:
            assigning.refuse_last_seat(self.standing, holder, seat)
            self._return(seat.seat_type, line.change.give_back)
        if line not in self.unchanged:
            self._end(holder, [seat.seat_type])
        return seat

    def _held(self, holder: Holder, seat_type: SeatType) -> Seat:
        seat = holder.seat_of(seat_type.name)
        if seat is None:
            raise NotFound("seat", f"of type {seat_type.name} held by {holder.user.id}")
        if holder.user.status == UserStatus.DEACTIVATED:
            raise UserDeactivated(holder.user.id)
        return seat

    def _trade_in(self, line: Line, seat: Seat) -> None:
        wanted = self.standing.catalogue.seat_type(line.to_seat_type)
        if wanted.name == seat.seat_type:
            self.unchanged.add(line)
        else:
            self._return(seat.seat_type)

    def _return(self, seat_type: str, give_back: bool = False) -> None:
        """Count a seat as unassigned, and as scheduled for removal where it is given back (R19)."""
        pool = self.pools.get(seat_type)
        if pool is not None:
            pool.assigned -= 1
        if give_back:
            if pool is None or not can_give_back(pool, 1):
                raise giving_back.why_not(pool, seat_type, 1)
            pool.scheduled_removal += 1

    def _end(self, holder: Holder, seat_types: list[str]) -> None:
        holder.seats = [seat for seat in holder.seats if seat.seat_type not in seat_types]

    def _take(self, line: Line, seat: Seat | None) -> None:
        if line in self.unchanged or line.action == LineAction.UNASSIGN:
            return
        receiver = self.holders[line.to_user_id]
        wanted = self.standing.catalogue.seat_type(line.to_seat_type)
        if line.action == LineAction.ASSIGN:
            assigning.refuse_inactive(self.standing, receiver)
            if receiver.seat_of(wanted.name) is not None:
                self.unchanged.add(line)
                return
        assigning.refuse_receiver(self.standing, receiver, wanted)
        self.replaced[line] = self._received(line, receiver, wanted)
        id = seat.id if seat else NEW
        receiver.seats.append(rows.made(Seat, id=id, seat_type=wanted.name))

    def _received(self, line: Line, receiver: Holder, wanted: SeatType) -> list[Seat]:
        """Count what a user is given; the seats that end for it."""
        standing = self.standing
        is_counted = line.action != LineAction.TRANSFER
        if is_counted:
            seats.refuse_unavailable(standing.catalogue, standing.situation, wanted)
        else:
            holding.refuse_suspended(standing, self.pools[wanted.name])
        names = seats.replaced_by(standing.catalogue, receiver.user.id, receiver.seat_types, wanted)
        if is_counted and wanted.paid:
            holding.claim_in(self.standing, self.pools, wanted)
        replaced = [held for held in receiver.seats if held.seat_type in names]
        self._end(receiver, names)
        for held in replaced:
            self._return(held.seat_type)
        return replaced
