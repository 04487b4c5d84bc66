"""
The service and its model, side by side: every command goes to both, and both have to say the same.

What is sent, by whom and about whom is Hypothesis's choice. Numbers choose among what there is,
something that is gone and something of another account, so that each choice always means something.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from werkzeug.test import TestResponse

from licensing import finding, sessions
from licensing.db import transactional
from licensing.models import TABLES, Account, User
from licensing.operations import api_keys, assigning, giving_back
from licensing.queries import invariants
from licensing.rules.permissions import Scope, system
from tests.faults import model_sight as sight
from tests.faults.model import Catalogue, Person, Pool, Refused, Removal, Subscription
from tests.faults.model_billing import Model
from tests.faults.model_people import Caller, Need
from tests.http import Calling
from tests.world import START, Hands, a_free_account, an_account

# After so many commands all that can be read is compared, and at the end of each example. The
# answer of each command is compared at once.
COMMANDS_BETWEEN_LOOKS = 20

KEYS = {
    "admin": (Scope.ADMIN,),
    "users": (Scope.USERS,),
    "seats": (Scope.SEATS,),
    "billing": (Scope.BILLING,),
    "read": (Scope.READ,),
}
# Who asks: mostly a service that may do everything, otherwise a narrow one, or one of the users.
CALLERS = st.sampled_from(["admin"] * 30 + ["users", "seats", "billing", "read", 0, 0, 0, 1, 2, 3])
# Which one of a kind; the last few numbers stand for what is gone or another's.
WHICH = st.integers(0, 39)
ELSEWHERE = 37
ID = re.compile(r"[a-z]+_[0-9a-f]{32}")
KEEP_FOR = timedelta(days=7)


@dataclass
class Stage:
    """What all examples of a test share: the application, the clock, another tenant."""

    app: Flask
    hands: Hands
    catalogue: Catalogue
    model: type[Model] = Model
    commands: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    keys: dict[str, str] = field(default_factory=dict)
    strangers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, scopes in KEYS.items():
            self.keys[name] = api_keys.create_key(system(), name, list(scopes))[1]
        stranger = an_account()
        user = stranger.user(seats=["core"])
        self.strangers = {
            "usr": user,
            "seat": stranger.seat(user, "core"),
            "pool": stranger.pool("core")["id"],
            "rem": giving_back.schedule_removal(stranger.by, "core", 1).id,
            "sub": stranger.pool("core")["subscription_id"],
        }
        assigning.assign_seat(stranger.by, stranger.user(), "core")


@dataclass
class Sent:
    """A request that succeeded under an idempotency key."""

    by: Caller
    need: Need
    request: dict[str, Any]
    answer: TestResponse
    at: datetime


class SideBySide(RuleBasedStateMachine):
    """An account of the service and its model; the rules are in `commands`."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.stage.hands.move_to(START)
        self.account_id = a_free_account().id
        self.client = FlaskClient(self.stage.app, use_cookies=False)
        self.model = self.stage.model(self.stage.catalogue, START)
        # What the model calls by its own names is known to the service by its ids.
        self.ids = {f"another's {kind}": id for kind, id in self.stage.strangers.items()}
        self.last: dict[str, str] = {}
        self.sent: list[Sent] = []
        self.keys = self.commands = 0

    def teardown(self) -> None:
        """Whatever was done, model and service agree and all invariants hold; then tidy up."""
        try:
            if sys.exception() is None:  # otherwise that is what has to be told
                self.look()
                assert list(invariants.violations()) == []
        finally:
            self.stage.commands += self.commands
            self.stage.seen.update(self.model.followed)
            forget(self.account_id)

    # --- who and what ---

    def caller(self, by: str | int) -> Caller:
        people = list(self.model.people)
        if isinstance(by, int) and people:
            return Caller(user=people[by % len(people)])
        return Caller(scopes=(by if isinstance(by, str) else "admin",))

    def one(self, kind: str, names: list[str], which: int) -> str:
        """One of what there is, of that kind; seldom one that may be gone, or is another's."""
        if names and which < ELSEWHERE:
            self.last[kind] = names[which % len(names)]
            return self.last[kind]
        others = f"another's {kind}"
        return self.last.get(kind, others) if which % 2 else others

    def user(self, which: int) -> str:
        return self.one("usr", list(self.model.people), which)

    def seat(self, which: int) -> str:
        held = [person.seats[name].id for person, name in self.model.holders()]
        chosen = self.one("seat", held, which)
        for person, name in self.model.holders():
            if person.seats[name].id == chosen and chosen not in self.ids:
                self.check_person(person, self.get(f"users/{self.ids[person.id]}"))
        return chosen

    def pool(self, which: int) -> str:
        if any(id not in self.ids for id in self.model.pools):
            self.look_at_pools()
        known = [id for id in self.model.pools if id in self.ids]
        return self.one("pool", known, which)

    def removal(self, which: int) -> str:
        removals = list(self.model.removals.values())
        pending = [removal.id for removal in removals if removal.status == "scheduled"]
        return self.one("rem", pending + [removal.id for removal in removals[-1:]], which)

    def subscription(self, which: int) -> str:
        return self.one(
            "sub", [one.id for one in reversed(self.model.subscriptions.values())], which
        )

    # --- commands ---

    def both(
        self,
        by: Caller,
        method: str,
        path: str,
        body: Any,
        done: Callable[[], Any],
        ok: int,
        need: Need | None = None,
        if_match: str | None = None,
        keyed: bool = False,
    ) -> tuple[Any, Any] | None:
        """
        Send a command to the service and do it in the model; both results, None where both refuse.
        """
        headers = {"If-Match": if_match} if if_match else {}
        if keyed:
            self.keys += 1
            headers["Idempotency-Key"] = f"key-{self.keys}"
        request = {"method": method, "path": path, "body": body, "headers": headers}
        answer = self.send(by, **request)
        try:
            outcome = done()
        except Refused as refused:
            told = (answer.status_code, (answer.json or {}).get("code"))
            expected = (refused.status, refused.code)
            assert told == expected, f"service {told}, model {expected}: {answer.json}"
            self.stage.seen[refused.code] += 1
            return None
        assert answer.status_code == ok, f"service {answer.json}, model {ok} {outcome}"
        self.stage.seen[f"{method} {re.sub(ID, '…', path)}"] += 1
        if keyed and need is not None:
            self.sent.append(Sent(by, need, request, answer, self.model.now))
        return answer.json, outcome

    def refusal(self, by: Caller, need: Need) -> Refused | None:
        """Whether the caller may not, before anything else is asked."""
        try:
            self.model.permit(by, need)
        except Refused as refused:
            return refused
        return None

    def send(self, by: Caller, **request: Any) -> TestResponse:
        if self.commands % COMMANDS_BETWEEN_LOOKS == 0:
            self.look()
        self.commands += 1
        content_type = "application/json"
        if request["method"] == "PATCH":
            content_type = "application/merge-patch+json"
        return self.calling(by).send(**request, content_type=content_type)

    def calling(self, by: Caller) -> Calling:
        if by.user is None:
            token = self.stage.keys[by.scopes[0]]
        else:
            token, _ = sessions.mint(self.account_id, self.ids[by.user], sessions.SHORTEST)
        return Calling(self.client, token, self.account_id)

    def get(self, path: str) -> Any:
        answer = self.calling(Caller(scopes=("admin",))).get(path)
        assert answer.status_code == 200, answer.json
        return answer.json

    def version(self, path: str) -> int:
        answer = self.calling(Caller(scopes=("admin",))).get(path)
        return int(answer.json["version"]) if answer.status_code == 200 else 1

    # --- looking ---

    def look(self) -> None:
        """Compare all that can be read."""
        shown = {user["id"]: user for user in self.get("users?limit=200")["items"]}
        assert set(shown) == {self.ids[id] for id in self.model.people}
        for person in self.model.people.values():
            self.check_person(person, shown[self.ids[person.id]])
        self.look_at_pools()
        subscriptions = self.get("subscriptions?limit=200")["items"]
        for one, body in zip(self.model.subscriptions.values(), subscriptions, strict=True):
            self.check_subscription(one, body)
        removals = self.get("removals?limit=200")["items"]
        for removal, body in zip(self.model.removals.values(), removals, strict=True):
            self.check_removal(removal, body)

    def look_at_pools(self) -> None:
        open_pools = [pool for pool in self.model.pools.values() if pool.status == "open"]
        shown = {pool["seat_type"]: pool for pool in self.get("pools")["items"]}
        assert set(shown) == {pool.seat_type for pool in open_pools}
        for pool in open_pools:
            self.check_pool(pool, shown[pool.seat_type])

    def check_pool(self, pool: Pool, body: dict[str, Any]) -> None:
        self.know(pool.id, body["id"])
        follows = {"subscription_id": self.ids[pool.follows]}
        same(body, sight.of_pool(self.model, pool) | follows)

    def check_person(self, person: Person, body: dict[str, Any]) -> None:
        self.know(person.id, body["id"])
        seats = {seat["seat_type"]: seat["id"] for seat in body["seats"]}
        same(body | {"seats": sorted(seats)}, sight.of_person(self.model, person))
        for seat_type, seat in person.seats.items():
            self.know(seat.id, seats[seat_type])

    def check_subscription(self, one: Subscription, body: dict[str, Any]) -> None:
        self.know(one.id, body["id"])
        shown = body | {
            "suspended": body["suspended_at"] is not None,
            "term": {name: body["term"][name] for name in ("number", "ends_at")},
            "pools": sorted(pool["seat_type"] for pool in body["pools"]),
        }
        same(shown, sight.of_subscription(self.model, one))

    def check_removal(self, removal: Removal, body: dict[str, Any]) -> None:
        self.know(removal.id, body["id"])
        same(body, sight.of_removal(self.model, removal))

    def know(self, name: str, id: str) -> None:
        """What was seen under an id keeps it."""
        assert self.ids.setdefault(name, id) == id, name


def same(shown: dict[str, Any], expected: dict[str, Any]) -> None:
    """The service shows what the model expects."""
    differing = {
        name: {"service": shown[name], "model": value}
        for name, value in expected.items()
        if shown[name] != value
    }
    assert not differing, differing


@transactional
def forget(account_id: str) -> None:
    """Remove an account, so that the next example finds no other one in its way."""
    for user in User.select(User.id).where(User.account_id == account_id):
        finding.forget(account_id, user.id)
    # The database lets go of what counts as purged.
    Account.update(purged_through=Account.last_sequence).where(Account.id == account_id).execute()
    for table in reversed(TABLES):
        if hasattr(table, "account_id"):
            table.delete().where(table.account_id == account_id).execute()
    Account.delete().where(Account.id == account_id).execute()
