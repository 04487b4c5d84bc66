"""
The commands of the model about users and seats, and who may give them (R7, R8, R10 to R15).

The text of the rules does not say which refusal comes first where several would do; the order here
is *open*, and that of the service.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from tests.faults.model import (
    INVITATION,
    PAID,
    Account,
    Person,
    Refused,
    Removal,
    Seat,
    Subscription,
)


@dataclass(frozen=True)
class Caller:
    """A user, by the model's id, or a service with scopes (R10)."""

    user: str | None = None
    scopes: tuple[str, ...] = ()


# R10: what a user has to hold, and what a key has to carry.
USERS, SEATS = ("manage_users", "users"), ("manage_users", "seats")
BILLING, CONTRACT = ("modify_billing", "billing"), (None, "billing")

Need = tuple[str | None, str]


def command(need: Need) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A command: all of it happens, what came due (R23b) included, or nothing."""

    def as_command(do: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(do)
        def run(self: "People", by: Caller, *args: Any, **more: Any) -> Any:
            self.permit(by, need)
            before = self.kept()
            try:
                self.bring_up_to_date()
                return do(self, by, *args, **more)
            except Refused:
                self.restore(before)
                raise

        run.need = need  # type: ignore[attr-defined]
        return run

    return as_command


class People(Account):
    """Who may do what, users and their seats."""

    # --- who may (R10) ---

    def permit(self, by: Caller, need: Need) -> None:
        permission, scope = need
        if by.user is None:
            if not {scope, "admin"} & set(by.scopes):
                raise Refused("permission_denied", 403)
            return
        person = self.people.get(by.user)
        if person is None or person.status != "active":
            raise Refused("unauthenticated", 401)
        if permission is None or not {permission, "super_admin"} & person.permissions:
            raise Refused("permission_denied", 403)

    def permit_grant(self, by: Caller, changed: frozenset[str]) -> None:
        """Nobody gives or takes what he does not have himself."""
        held = changed if by.user is None else self.people[by.user].permissions
        if "super_admin" not in held and changed - held:
            raise Refused("permission_denied", 403)

    def permit_over(self, by: Caller, person: Person) -> None:
        """Nobody but a super admin ends one."""
        if "super_admin" in person.permissions:
            self.permit_grant(by, frozenset({"super_admin"}))

    def refuse_without_super_admin(self, person: Person, was_one: bool) -> None:
        if was_one and not any(map(is_super_admin, self.people.values())):
            raise Refused("last_super_admin")

    def rehearse(self, name: str, by: Caller, *args: Any) -> None:
        """What a preview does: it refuses as the command, and does only what was due."""
        before = self.kept()
        getattr(self, name)(by, *args)
        self.restore(before)
        self.bring_up_to_date()

    # --- finding ---

    def person(self, id: str) -> Person:
        if id not in self.people:
            raise Refused("not_found", 404)
        return self.people[id]

    def held(self, seat_id: str) -> tuple[Person, str]:
        """Who holds the seat, and its type; R13: not out of the hands of the deactivated."""
        for person, seat_type in self.holders():
            if person.seats[seat_type].id == seat_id:
                if person.status == "deactivated":
                    raise Refused("user_deactivated")
                return person, seat_type
        raise Refused("not_found", 404)

    def subscription(self, id: str) -> Subscription:
        if id not in self.subscriptions:
            raise Refused("not_found", 404)
        if self.subscriptions[id].status == "ended":
            raise Refused("subscription_ended")
        return self.subscriptions[id]

    # --- seats ---

    @command(SEATS)
    def assign(self, by: Caller, user: str, seat_type: str) -> Seat:
        return self.assign_to(self.person(user), seat_type)

    def assign_to(self, person: Person, seat_type: str) -> Seat:
        self.refuse_inactive(person)
        if seat_type not in person.seats:  # R32
            self.refuse_receiver(person, seat_type)
            if not self.available(seat_type):
                raise Refused("seat_type_not_available")
            self.give(person, seat_type)
        return person.seats[seat_type]

    def refuse_inactive(self, person: Person) -> None:
        """R13: an invited user can be given a seat, while the invitation stands."""
        if person.status == "deactivated":
            raise Refused("user_deactivated")
        if person.status == "invited" and person.invitation == "expired":
            raise Refused("invitation_expired")

    def refuse_receiver(self, person: Person, seat_type: str) -> None:
        self.refuse_inactive(person)
        if seat_type in person.seats:
            raise Refused("already_assigned")
        if seat_type == "partner" and not person.eligible:
            raise Refused("user_not_eligible")

    @command(SEATS)
    def change(self, by: Caller, seat_id: str, wanted: str, seen: int | None) -> str:
        person, former = self.held(seat_id)
        seat = person.seats[former]
        if seen not in (None, seat.version):
            raise Refused("precondition_failed", 412)
        if wanted == former:
            return wanted
        self.refuse_receiver(person, wanted)
        if not self.available(wanted):
            raise Refused("seat_type_not_available")
        replaced = self.replaced(person, wanted, instead_of=former)
        if wanted in PAID:
            self.claim(wanted)
        for name in (former, *replaced):
            del person.seats[name]
        person.seats[wanted] = Seat(seat.id, seat.version + 1)
        return wanted

    @command(SEATS)
    def take_back(self, by: Caller, seat_id: str) -> datetime | None:
        return self.taken(seat_id)

    def taken(self, seat_id: str) -> datetime | None:
        """R12: the seat stays in its pool; until when it is paid for."""
        person, seat_type = self.held(seat_id)
        if person.status == "active" and seat_type == self.fallback:
            raise Refused("seat_required")
        del person.seats[seat_type]
        self.fall_back(person)
        pool = self.pool_of(seat_type) if seat_type in PAID else None
        return self.subscriptions[pool.follows].ends_at if pool else None

    @command(SEATS)
    def give_back(self, by: Caller, seat_id: str) -> Removal:
        self.permit(by, BILLING)
        _, seat_type = self.held(seat_id)
        self.taken(seat_id)
        return self.leaving(seat_type, 1)

    @command(SEATS)
    def transfer(self, by: Caller, seat_id: str, to: str) -> str:
        giver, seat_type = self.held(seat_id)
        self.move(giver, seat_type, self.person(to))
        self.fall_back(giver)
        return seat_type

    def move(self, giver: Person, seat_type: str, receiver: Person) -> None:
        if giver is receiver:
            raise Refused("transfer_to_self")
        if seat_type not in PAID:
            raise Refused("seat_type_not_transferable")
        self.refuse_receiver(receiver, seat_type)
        pool = self.pool_of(seat_type)
        if pool is not None:
            self.refuse_suspended(pool)
        for name in self.replaced(receiver, seat_type):
            del receiver.seats[name]
        seat = giver.seats.pop(seat_type)
        receiver.seats[seat_type] = Seat(seat.id, seat.version + 1)

    # --- users ---

    @command(USERS)
    def create_user(
        self,
        by: Caller,
        email: str,
        status: str,
        permissions: frozenset[str],
        eligible: bool,
        seat_types: list[str],
    ) -> Person:
        if seat_types:
            self.permit(by, SEATS)
        self.permit_grant(by, permissions)
        if any(person.email == email for person in self.people.values()):
            raise Refused("email_taken")
        person = Person(self.new("usr"), email, status, permissions, eligible)
        if status == "invited":
            person.invitation, person.invited_until = "pending", self.now + INVITATION
        self.people[person.id] = person
        for seat_type in seat_types:
            self.assign_to(person, seat_type)
        self.fall_back(person)
        return person

    @command(USERS)
    def accept(self, by: Caller, user: str) -> Person:
        person = self.person(user)
        if (person.status, person.invitation) == ("active", "accepted"):
            return person
        if person.invitation == "expired":
            raise Refused("invitation_expired")
        if person.invitation != "pending":
            raise Refused("invitation_not_pending")
        person.status, person.invitation, person.invited_until = "active", "accepted", None
        self.fall_back(person)
        return person

    @command(USERS)
    def update_user(
        self,
        by: Caller,
        user: str,
        fresh: bool = True,
        permissions: frozenset[str] | None = None,
        eligible: bool | None = None,
        status: str | None = None,
        take_back: bool = False,
        transfer_to: str | None = None,
    ) -> Person:
        person = self.person(user)
        if not fresh:
            raise Refused("precondition_failed", 412)
        was_one = is_super_admin(person)
        if permissions is not None:
            self.permit_grant(by, permissions ^ person.permissions)
            person.permissions = permissions
            self.refuse_without_super_admin(person, was_one)
        if eligible is not None:
            person.eligible = eligible
            if not eligible and person.seats.pop("partner", None):  # R7
                self.fall_back(person)
        self.set_status(by, person, status, take_back, transfer_to)
        return person

    def set_status(
        self, by: Caller, person: Person, status: str | None, take_back: bool, to: str | None
    ) -> None:
        parting = take_back or to is not None
        if (parting and status != "deactivated") or (take_back and to is not None):
            raise Refused("validation_failed", 422)
        if parting and person.paid and person.status == "deactivated":
            raise Refused("user_deactivated")
        if status not in (None, person.status):
            self.permit_over(by, person)
        if status == "invited":
            self.invite_again(person)
        elif status == "active" and person.status != "active":
            if person.status == "invited" or person.invitation == "revoked":
                raise Refused("invitation_not_pending")
            person.status = "active"
            self.fall_back(person)
        elif status == "deactivated" and person.status != "deactivated":
            self.deactivate(by, person, parting, to)

    def invite_again(self, person: Person) -> None:
        if person.invitation == "pending":
            return
        if person.invitation not in ("expired", "revoked"):
            raise Refused("invitation_not_pending")
        person.status, person.invitation = "invited", "pending"
        person.invited_until = self.now + INVITATION

    def deactivate(self, by: Caller, person: Person, parting: bool, to: str | None) -> None:
        was_one = is_super_admin(person)
        if parting:
            self.permit(by, SEATS)
            self.part(person, to)
        if person.status == "invited":
            person.invitation, person.invited_until = "revoked", None
            person.seats.clear()
        person.status = "deactivated"
        self.refuse_without_super_admin(person, was_one)

    def part(self, person: Person, to: str | None) -> None:
        """R13, R14: the paid seats go to somebody else, or back to their pools."""
        receiver = self.person(to) if to is not None else None
        if receiver is person:
            raise Refused("transfer_to_self")
        if receiver is not None:
            self.refuse_inactive(receiver)
        for seat_type in person.paid:
            if receiver is not None:
                self.move(person, seat_type, receiver)
            else:
                del person.seats[seat_type]

    @command(USERS)
    def delete_user(self, by: Caller, user: str, take_seats: bool, to: str | None) -> None:
        if take_seats or to is not None:
            self.permit(by, SEATS)
        if take_seats and to is not None:
            raise Refused("validation_failed", 422)
        person = self.person(user)
        self.permit_over(by, person)
        if person.paid and not take_seats and to is None:
            raise Refused("user_holds_paid_seats")
        if person.paid and person.status == "deactivated":
            raise Refused("user_deactivated")
        self.part(person, to)
        del self.people[user]
        self.refuse_without_super_admin(person, is_super_admin(person))


def is_super_admin(person: Person) -> bool:
    return person.status == "active" and "super_admin" in person.permissions
