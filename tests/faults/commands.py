"""The commands that Hypothesis may send, but those about people: one method each (F1)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from licensing import scheduler
from tests.faults import model_sight as sight
from tests.faults.commands_people import PeopleCommands
from tests.faults.machine import CALLERS, ELSEWHERE, KEEP_FOR, WHICH
from tests.faults.model import PAID, PAID_TIERS, Person, Pool, Refused, Subscription
from tests.faults.model_people import BILLING

PAID_TYPES = st.sampled_from(PAID)
PRODUCTS = st.sampled_from(["marketing", "sales", "service"])
TIERS = st.sampled_from([*PAID_TIERS * 3, "free"])
FEW = st.integers(1, 4)
# 31 January is followed by a month that is too short (R24).
ANCHORS = st.sampled_from(
    [None, None, None, datetime(2026, 1, 31, 9, tzinfo=UTC), datetime(2025, 12, 2, 9, tzinfo=UTC)]
)
CHANGES = st.sampled_from(
    [
        ("change_tier", "POST", "tier"),
        ("change_tier", "POST", "tier"),
        ("cancel", "POST", "cancellation"),
        ("resume", "DELETE", "cancellation"),
        ("suspend", "POST", "suspension"),
        ("reactivate", "DELETE", "suspension"),
    ]
)


class Commands(PeopleCommands):
    """And those of billing, the clock, and what asks and repeats."""

    @initialize(start=st.sampled_from(["two", "two", "two", "one", "one", "none"]))
    def begin(self, start: str) -> None:
        """A few users, of whom one administers; mostly with a subscription already, or two."""
        self.create_user("admin", "active", frozenset({"super_admin"}), False, [], False)
        self.create_user("admin", "active", frozenset({"manage_users"}), False, [], False)
        self.create_user("admin", "invited", frozenset(), True, [], False)
        if start != "none":
            self.checkout(0, "marketing", "professional", 1, {"core": 4}, None)
        if start == "two":
            self.checkout("admin", "sales", "professional", 1, {"sales": 3}, None)
            self.create_user("admin", "active", frozenset(), False, ["sales"], False)
        if start != "none":
            self.create_user("admin", "active", frozenset(), False, ["core"], False)

    # --- quantities ---

    @rule(by=CALLERS, seat_type=PAID_TYPES, quantity=FEW)
    def purchase(self, by: Any, seat_type: str, quantity: int) -> None:
        caller = self.caller(by)
        both = self.both(
            caller,
            "POST",
            "purchases",
            {"seat_type": seat_type, "quantity": quantity},
            lambda: self.model.purchase(caller, seat_type, quantity),
            ok=201,
            need=BILLING,
            keyed=True,
        )
        if both:
            assert (both[0]["purchased_before"], both[0]["purchased_after"]) == both[1]

    @rule(by=CALLERS, seat_type=PAID_TYPES, quantity=FEW)
    def schedule_removal(self, by: Any, seat_type: str, quantity: int) -> None:
        caller = self.caller(by)
        both = self.both(
            caller,
            "POST",
            "removals",
            {"seat_type": seat_type, "quantity": quantity},
            lambda: self.model.remove(caller, seat_type, quantity),
            ok=201,
            need=BILLING,
            keyed=True,
        )
        if both:
            self.check_removal(both[1], both[0])

    @precondition(lambda self: self.model.removals)
    @rule(by=CALLERS, which=WHICH, part=st.none() | st.integers(1, 3))
    def cancel_removal(self, by: Any, which: int, part: int | None) -> None:
        caller, removal = self.caller(by), self.removal(which)
        both = self.both(
            caller,
            "POST",
            f"removals/{self.ids[removal]}/cancellation",
            None if part is None else {"quantity": part},
            lambda: self.model.cancel_removal(caller, removal, part),
            ok=200,
            need=BILLING,
            keyed=True,
        )
        if both:
            self.check_removal(both[1], both[0])

    @precondition(lambda self: self.model.pools)
    @rule(
        by=CALLERS,
        which=WHICH,
        changes=st.fixed_dictionaries(
            {}, optional={"minimum": st.integers(0, 5), "low_mark": st.none() | FEW}
        ),
        fresh=st.sampled_from([True, True, True, True, False, None]),
    )
    def set_pool(self, by: Any, which: int, changes: dict[str, Any], fresh: bool | None) -> None:
        caller, pool = self.caller(by), self.pool(which)
        path = f"pools/{self.ids[pool]}"
        version = None if fresh is None else self.version(path) + (not fresh)
        both = self.both(
            caller,
            "PATCH",
            path,
            changes,
            lambda: self.model.set_pool(caller, pool, fresh, changes),
            ok=200,
            if_match=None if version is None else f'"v{version}"',
        )
        if both:
            self.check_pool(both[1], both[0])

    # --- subscriptions ---

    @rule(
        by=CALLERS,
        product=PRODUCTS,
        tier=TIERS,
        months=st.sampled_from([1, 1, 3, 12]),
        seats=st.dictionaries(PAID_TYPES, FEW, max_size=2),
        starts_at=ANCHORS,
    )
    def checkout(
        self,
        by: Any,
        product: str,
        tier: str,
        months: int,
        seats: dict[str, int],
        starts_at: datetime | None,
    ) -> None:
        caller = self.caller(by)
        years, rest = divmod(months, 12)
        body = {
            "product": product,
            "tier": tier,
            "interval": "month" if rest else "year",
            "interval_count": months if rest else years,
            "seats": [{"seat_type": name, "quantity": number} for name, number in seats.items()],
        }
        if starts_at is not None:
            body["starts_at"] = sight.text(starts_at)
        both = self.both(
            caller,
            "POST",
            "subscriptions",
            body,
            lambda: self.model.checkout(caller, product, tier, months, seats, starts_at),
            ok=201,
            need=BILLING,
            keyed=True,
        )
        if both:
            self.check_subscription(both[1], both[0])

    def alter(
        self, by: Any, which: int, method: str, what: str, command: str, *args: Any, body: Any
    ) -> None:
        caller, one = self.caller(by), self.subscription(which)
        do = getattr(self.model, command)
        both = self.both(
            caller,
            method,
            f"subscriptions/{self.ids[one]}/{what}",
            body,
            lambda: do(caller, one, *args),
            ok=200,
            need=do.need,
            keyed=method == "POST",
        )
        if both:
            self.check_subscription(both[1], both[0])

    @precondition(lambda self: self.model.subscriptions)
    @rule(by=CALLERS, which=WHICH, tier=TIERS)
    def change_tier(self, by: Any, which: int, tier: str) -> None:
        self.alter(by, which, "POST", "tier", "change_tier", tier, body={"tier": tier})

    @precondition(lambda self: self.model.subscriptions)
    @rule(by=CALLERS, which=WHICH)
    def cancel(self, by: Any, which: int) -> None:
        self.alter(by, which, "POST", "cancellation", "cancel", body=None)

    @precondition(lambda self: self.model.subscriptions)
    @rule(by=CALLERS, which=WHICH)
    def resume(self, by: Any, which: int) -> None:
        self.alter(by, which, "DELETE", "cancellation", "resume", body=None)

    @precondition(lambda self: self.model.subscriptions)
    @rule(by=CALLERS, which=WHICH)
    def suspend(self, by: Any, which: int) -> None:
        self.alter(by, which, "POST", "suspension", "suspend", body=None)

    @precondition(lambda self: self.model.subscriptions)
    @rule(by=CALLERS, which=WHICH)
    def reactivate(self, by: Any, which: int) -> None:
        self.alter(by, which, "DELETE", "suspension", "reactivate", body=None)

    # --- previews ---

    @rule(by=CALLERS, seat_type=PAID_TYPES, quantity=FEW)
    def preview_purchase(self, by: Any, seat_type: str, quantity: int) -> None:
        caller = self.caller(by)
        body = {"seat_type": seat_type, "quantity": quantity}
        self.both(
            caller,
            "POST",
            "purchases/preview",
            body,
            lambda: self.model.rehearse("purchase", caller, seat_type, quantity),
            ok=200,
        )

    @precondition(lambda self: self.model.subscriptions)
    @rule(by=CALLERS, which=WHICH, change=CHANGES, tier=TIERS)
    def preview_change(self, by: Any, which: int, change: tuple[str, str, str], tier: str) -> None:
        caller, one = self.caller(by), self.subscription(which)
        name, method, what = change
        args, body = ((tier,), {"tier": tier}) if name == "change_tier" else ((), None)
        self.both(
            caller,
            method,
            f"subscriptions/{self.ids[one]}/{what}/preview",
            body,
            lambda: self.model.rehearse(name, caller, one, *args),
            ok=200,
        )

    # --- towards what is rare by chance ---

    @precondition(lambda self: self.open_pools())
    @rule(which=WHICH, who=WHICH, but=st.integers(0, 1), leave=st.booleans())
    def assign_from_a_pool(self, which: int, who: int, but: int, leave: bool) -> None:
        """To somebody who holds no such seat; of the last ones, or of those that leave (R22)."""
        pools = self.open_pools()
        pool = pools[which % len(pools)]
        spare = self.model.spare(pool) - but
        if leave and spare > 0:
            self.schedule_removal("admin", pool.seat_type, spare)
        people = list(self.model.people.values())
        ready = [one for one in people if one.status != "deactivated" and not self.lapsed(one)]
        without = [one for one in ready if pool.seat_type not in one.seats]
        if without:
            receiver = without[who % len(without)]
            self.assign("admin", people.index(receiver), pool.seat_type)

    def open_pools(self) -> list[Pool]:
        return [pool for pool in self.model.pools.values() if pool.status == "open"]

    def lapsed(self, person: Person) -> bool:
        return person.invitation == "expired" or self.model.is_over(person)

    @precondition(lambda self: any(person.paid for person in self.model.people.values()))
    @rule(which=WHICH, to=WHICH)
    def transfer_a_paid_seat(self, which: int, to: int) -> None:
        held = [(person, name) for person, name in self.model.holders()]
        paid = [index for index, (_, name) in enumerate(held) if name in PAID]
        index = paid[which % len(paid)]
        people = list(self.model.people.values())
        ready = [i for i, one in enumerate(people) if one.status != "deactivated"]
        without = [i for i in ready if held[index][1] not in people[i].seats]
        if without and index < ELSEWHERE:
            self.transfer("admin", index, without[to % len(without)])

    @precondition(lambda self: self.model.live)
    @rule(which=WHICH, tier=st.sampled_from(["starter", "starter", "professional"]))
    def wait_after_a_change_of_tier(self, which: int, tier: str) -> None:
        """What was scheduled takes effect at the renewal, by whatever comes next (R23b)."""
        one = self.model.live[which % len(self.model.live)]
        self.change_tier("admin", self.position(one), tier)
        self.wait_until(max(one.ends_at, self.model.now))

    @precondition(lambda self: self.model.live)
    @rule(which=WHICH)
    def wait_after_a_cancellation(self, which: int) -> None:
        one = self.model.live[which % len(self.model.live)]
        self.cancel("admin", self.position(one))
        self.wait_until(max(one.ends_at, self.model.now))

    def position(self, one: Subscription) -> int:
        """The number by which a command chooses this subscription."""
        return list(reversed(self.model.subscriptions.values())).index(one) % ELSEWHERE

    # --- repeating ---

    @precondition(lambda self: self.sent)
    @rule(which=WHICH, other=st.sampled_from([False, False, True]))
    def repeat(self, which: int, other: bool) -> None:
        """R18: the same answer and no second effect; another request under the key is refused."""
        sent = self.sent[-1 - which % len(self.sent)]
        if sent.at + KEEP_FOR < self.model.now:
            return
        request = dict(sent.request)
        if other:
            if not isinstance(request["body"], dict) or "quantity" not in request["body"]:
                return
            request["body"] = request["body"] | {"quantity": 99}
        answer = self.send(sent.by, **request)
        refused = self.refusal(sent.by, sent.need)
        if other and refused is None:
            refused = Refused("idempotency_key_reused", 422)
        if refused is not None:
            told = (answer.status_code, answer.json["code"])
            assert told == (refused.status, refused.code), answer.json
            return
        assert answer.status_code == sent.answer.status_code
        assert answer.data == sent.answer.data
        assert answer.headers["Idempotency-Replayed"] == "true"

    # --- time ---

    def wait_until(self, instant: datetime) -> None:
        self.stage.hands.move_to(instant)
        self.model.now = instant
        self.commands += 1

    @rule(hours=st.sampled_from([1, 24, 24 * 8, 24 * 15]))
    def wait(self, hours: int) -> None:
        self.wait_until(self.model.now + timedelta(hours=hours))

    @precondition(lambda self: self.model.live)
    @rule(terms=st.sampled_from([0, 0, 0, 1, 3]), late=st.sampled_from([0, 0, -1]))
    def wait_for_a_renewal(self, terms: int, late: int) -> None:
        """To the instant of the next renewal or a later one, or a millisecond before it."""
        next_one = min(one.ends_at for one in self.model.live)
        instant = next_one + timedelta(days=31 * terms, milliseconds=late)
        self.wait_until(max(instant, self.model.now))

    @precondition(lambda self: any(p.invited_until for p in self.model.people.values()))
    @rule(late=st.sampled_from([0, -1]))
    def wait_for_an_expiry(self, late: int) -> None:
        ends = [p.invited_until for p in self.model.people.values() if p.invited_until]
        self.wait_until(max(min(ends) + timedelta(milliseconds=late), self.model.now))

    @rule()
    def work_through(self) -> None:
        """What the scheduler does is what the next command would have done."""
        scheduler.work_through()
        self.model.bring_up_to_date()
        self.commands += 1

    # --- seeing ---

    @rule(who=WHICH)
    def ask_entitlements(self, who: int) -> None:
        people = list(self.model.people.values())
        if not people:
            return
        person = people[who % len(people)]
        body = self.get(f"users/{self.ids[person.id]}/entitlements")
        self.commands += 1
        told = {
            name: (body["features"][name], body["reasons"].get(name)) for name in sight.FEATURES
        }
        expected = {name: sight.entitlement(self.model, person, name) for name in sight.FEATURES}
        assert told == expected
