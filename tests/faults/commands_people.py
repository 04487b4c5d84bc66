"""The commands about users and seats that Hypothesis may send, one method each (F1)."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults.machine import CALLERS, WHICH, SideBySide
from tests.faults.model import PAID, Refused
from tests.faults.model_people import SEATS, USERS

SEAT_TYPES = st.sampled_from([*PAID * 3, "view_only", "partner", "free"])
PERMISSIONS = st.sampled_from(
    [frozenset(some) for some in ([], ["manage_users"], ["modify_billing"], ["super_admin"])]
    + [frozenset(["manage_users", "modify_billing"])]
)
STATUSES = st.sampled_from(["active", "deactivated", "deactivated", "invited"])
MOST_PEOPLE = 8


class PeopleCommands(SideBySide):
    """Users and their seats."""

    # --- users ---

    @rule(
        by=CALLERS,
        status=st.sampled_from(["active", "invited"]),
        permissions=PERMISSIONS,
        eligible=st.booleans(),
        seat_types=st.lists(SEAT_TYPES, max_size=2, unique=True),
        taken=st.sampled_from([False, False, False, True]),
    )
    def create_user(
        self,
        by: Any,
        status: str,
        permissions: frozenset[str],
        eligible: bool,
        seat_types: list[str],
        taken: bool,
    ) -> None:
        people = list(self.model.people.values())
        if len(people) >= MOST_PEOPLE:
            return
        caller = self.caller(by)
        self.keys += 1
        email = people[0].email if taken and people else f"user{self.keys}@example.com"
        body = {
            "email": email,
            "name": "Priya",
            "status": status,
            "permissions": sorted(permissions),
            "partner_eligible": eligible,
            "seat_types": seat_types,
        }
        both = self.both(
            caller,
            "POST",
            "users",
            body,
            lambda: self.model.create_user(
                caller, email, status, permissions, eligible, seat_types
            ),
            ok=201,
            need=USERS,
            keyed=True,
        )
        if both:
            self.check_person(both[1], both[0])

    @rule(by=CALLERS, who=WHICH)
    def accept(self, by: Any, who: int) -> None:
        caller, user = self.caller(by), self.user(who)
        path = f"users/{self.ids[user]}/acceptance"
        both = self.both(
            caller, "POST", path, None, lambda: self.model.accept(caller, user), ok=200
        )
        if both:
            self.check_person(both[1], both[0])

    def update(self, by: Any, who: int, fresh: bool, body: dict[str, Any], **change: Any) -> None:
        caller, user = self.caller(by), self.user(who)
        path = f"users/{self.ids[user]}"
        both = self.both(
            caller,
            "PATCH",
            path,
            body,
            lambda: self.model.update_user(caller, user, fresh=fresh, **change),
            ok=200,
            if_match=None if fresh else f'"v{self.version(path) + 1}"',
        )
        if both:
            self.check_person(both[1], both[0])

    @rule(by=CALLERS, who=WHICH, permissions=PERMISSIONS, stale=st.sampled_from([0, 0, 0, 1]))
    def set_permissions(self, by: Any, who: int, permissions: frozenset[str], stale: int) -> None:
        body = {"permissions": sorted(permissions)}
        self.update(by, who, not stale, body, permissions=permissions)

    @rule(by=CALLERS, who=WHICH, eligible=st.booleans())
    def set_eligibility(self, by: Any, who: int, eligible: bool) -> None:
        self.update(by, who, True, {"partner_eligible": eligible}, eligible=eligible)

    @rule(by=CALLERS, who=WHICH, status=STATUSES)
    def set_status(self, by: Any, who: int, status: str) -> None:
        self.update(by, who, True, {"status": status}, status=status)

    @rule(
        by=CALLERS,
        who=WHICH,
        status=st.sampled_from(["deactivated", "deactivated", "deactivated", "active"]),
        to=st.none() | WHICH,
        both=st.sampled_from([False, False, False, True]),
    )
    def part(self, by: Any, who: int, status: str, to: int | None, both: bool) -> None:
        """Deactivate somebody whose seats are taken back or go to somebody else (R13)."""
        receiver = None if to is None else self.user(to)
        take_back = receiver is None or both
        body = {"status": status} | ({"seats": "take_back"} if take_back else {})
        body |= {"transfer_to": self.ids[receiver]} if receiver else {}
        change = {"status": status, "take_back": take_back, "transfer_to": receiver}
        self.update(by, who, True, body, **change)

    @rule(by=CALLERS, who=WHICH, take=st.booleans(), to=st.none() | WHICH)
    def delete_user(self, by: Any, who: int, take: bool, to: int | None) -> None:
        caller, user = self.caller(by), self.user(who)
        receiver = None if to is None else self.user(to)
        query = (["take_seats=true"] if take else []) + (
            [f"transfer_to={self.ids[receiver]}"] if receiver else []
        )
        self.both(
            caller,
            "DELETE",
            f"users/{self.ids[user]}?{'&'.join(query)}",
            None,
            lambda: self.model.delete_user(caller, user, take, receiver),
            ok=204,
        )

    # --- seats ---

    @rule(by=CALLERS, who=WHICH, seat_type=SEAT_TYPES)
    def assign(self, by: Any, who: int, seat_type: str) -> None:
        caller, user = self.caller(by), self.user(who)
        both = self.both(
            caller,
            "POST",
            "seats",
            {"user_id": self.ids[user], "seat_type": seat_type},
            lambda: self.model.assign(caller, user, seat_type),
            ok=201,
            need=SEATS,
            keyed=True,
        )
        if both:
            body, seat = both
            self.know(seat.id, body["id"])
            told = (body["user_id"], body["seat_type"], body["version"])
            assert told == (self.ids[user], seat_type, seat.version)

    @rule(by=CALLERS, who=WHICH, seat_type=SEAT_TYPES)
    def assign_in_a_batch(self, by: Any, who: int, seat_type: str) -> None:
        """R16, R33: a line is judged as the single command; whole or not at all."""
        caller, user = self.caller(by), self.user(who)

        def done() -> Any:
            try:
                return self.model.assign(caller, user, seat_type)
            except Refused as refused:
                if refused.status in (401, 403):
                    raise
                raise Refused("batch_refused") from refused

        line = {"action": "assign", "user_id": self.ids[user], "seat_type": seat_type}
        both = self.both(
            caller,
            "POST",
            "seat-batches",
            {"changes": [line]},
            done,
            ok=200,
            need=SEATS,
            keyed=True,
        )
        if both:
            (told,), seat = both[0]["lines"], both[1]
            self.know(seat.id, told["seat"]["id"])
            assert (told["seat"]["user_id"], told["seat"]["version"]) == (
                self.ids[user],
                seat.version,
            )

    @precondition(lambda self: any(self.model.holders()))
    @rule(by=CALLERS, which=WHICH, seat_type=SEAT_TYPES, seen=st.sampled_from(["no", "yes", "old"]))
    def change(self, by: Any, which: int, seat_type: str, seen: str) -> None:
        caller, seat = self.caller(by), self.seat(which)
        versions = {p.seats[name].id: p.seats[name].version for p, name in self.model.holders()}
        version = versions.get(seat, 1) + (seen == "old")
        known = None if seen == "no" else version
        both = self.both(
            caller,
            "PATCH",
            f"seats/{self.ids[seat]}",
            {"seat_type": seat_type},
            lambda: self.model.change(caller, seat, seat_type, known),
            ok=200,
            if_match=None if known is None else f'"v{known}"',
        )
        if both:
            assert both[0]["seat_type"] == seat_type

    @precondition(lambda self: any(self.model.holders()))
    @rule(by=CALLERS, which=WHICH)
    def take_back(self, by: Any, which: int) -> None:
        caller, seat = self.caller(by), self.seat(which)
        path = f"seats/{self.ids[seat]}"
        self.both(caller, "DELETE", path, None, lambda: self.model.take_back(caller, seat), ok=204)

    @precondition(lambda self: any(self.model.holders()))
    @rule(by=CALLERS, which=WHICH)
    def give_back(self, by: Any, which: int) -> None:
        caller, seat = self.caller(by), self.seat(which)
        path = f"seats/{self.ids[seat]}?give_back=true"
        both = self.both(
            caller, "DELETE", path, None, lambda: self.model.give_back(caller, seat), ok=200
        )
        if both:
            self.check_removal(both[1], both[0])

    @precondition(lambda self: any(self.model.holders()))
    @rule(by=CALLERS, which=WHICH, to=WHICH)
    def transfer(self, by: Any, which: int, to: int) -> None:
        caller, seat, receiver = self.caller(by), self.seat(which), self.user(to)
        both = self.both(
            caller,
            "POST",
            "transfers",
            {"seat_id": self.ids[seat], "to_user_id": self.ids[receiver]},
            lambda: self.model.transfer(caller, seat, receiver),
            ok=201,
            need=SEATS,
            keyed=True,
        )
        if both:
            told = (both[0]["seat_id"], both[0]["seat_type"], both[0]["to_user_id"])
            assert told == (self.ids[seat], both[1], self.ids[receiver])
