"""The commands of the model about money: quantities and subscriptions (R4, R17 to R25b)."""

from datetime import datetime
from typing import Any

from tests.faults.model import (
    INCLUDED,
    PAID,
    PAID_TIERS,
    TIERS,
    Pool,
    Refused,
    Removal,
    Subscription,
    later,
)
from tests.faults.model_people import BILLING, CONTRACT, Caller, People, command

LARGEST_POOL = 1_000_000


class Model(People):
    """What the service should be."""

    # --- quantities ---

    @command(BILLING)
    def purchase(self, by: Caller, seat_type: str, quantity: int) -> tuple[int, int]:
        self.refuse_unsold(seat_type)
        return self.buy(self.pool_for(seat_type), quantity)

    def refuse_unsold(self, seat_type: str) -> None:
        if seat_type not in PAID:
            raise Refused("validation_failed", 422)
        if not self.available(seat_type):
            raise Refused("seat_type_not_available")

    def buy(self, pool: Pool, quantity: int) -> tuple[int, int]:
        if pool.purchased + quantity > LARGEST_POOL:
            raise Refused("pool_too_large")
        self.refuse_suspended(pool)
        before, pool.purchased = pool.purchased, pool.purchased + quantity
        return before, pool.purchased

    @command(BILLING)
    def remove(self, by: Caller, seat_type: str, quantity: int) -> Removal:
        return self.leaving(seat_type, quantity)

    def leaving(self, seat_type: str, quantity: int) -> Removal:
        """R19, R20."""
        pool = self.pool_of(seat_type)
        if pool is None or self.spare(pool) < quantity:
            raise Refused("not_enough_unassigned_seats")
        if pool.purchased - self.scheduled(pool) - quantity < pool.minimum:
            raise Refused("below_minimum")
        effective_at = self.subscriptions[pool.follows].ends_at
        removal = Removal(self.new("rem"), pool.id, quantity, quantity, effective_at)
        self.removals[removal.id] = removal
        return removal

    @command(BILLING)
    def cancel_removal(self, by: Caller, id: str, part: int | None) -> Removal:
        """R21."""
        removal = self.removals.get(id)
        if removal is None:
            raise Refused("not_found", 404)
        if removal.status != "scheduled":
            raise Refused("removal_not_pending")
        part = removal.quantity if part is None else part
        if part > removal.quantity:
            raise Refused("validation_failed", 422)
        self.reduce(removal, part)
        return removal

    @command(CONTRACT)
    def set_pool(self, by: Caller, id: str, fresh: bool | None, changes: dict[str, Any]) -> Pool:
        """R19; `fresh` says whether the caller has seen the pool as it is, None that he is mute."""
        if fresh is None:
            raise Refused("precondition_required", 428)
        pool = self.pools.get(id)
        if pool is not None and not fresh:
            raise Refused("precondition_failed", 412)
        if pool is None or pool.status != "open":
            raise Refused("not_found", 404)
        if pool.purchased - self.scheduled(pool) < changes.get("minimum", pool.minimum):
            raise Refused("below_minimum")
        pool.minimum = changes.get("minimum", pool.minimum)
        pool.low_mark = changes.get("low_mark", pool.low_mark)
        return pool

    # --- subscriptions ---

    @command(BILLING)
    def checkout(
        self,
        by: Caller,
        product: str,
        tier: str,
        months: int,
        seats: dict[str, int],
        starts_at: datetime | None,
    ) -> Subscription:
        """R4."""
        if tier not in PAID_TIERS:
            raise Refused("not_sold")
        if any(one.product == product for one in self.live):
            raise Refused("already_subscribed")
        ends_free_tools = not self.live
        subscription = self.begun(product, tier, months, starts_at or self.now)
        for seat_type, quantity in seats.items():
            self.refuse_unsold(seat_type)
            pool = self.pool_of(seat_type)
            if pool is None and self.sells(subscription, seat_type):
                pool = self.opened(seat_type, subscription)
            self.buy(pool or self.pool_for(seat_type), quantity)
        for seat_type, least in INCLUDED.get(product, {}).items():
            pool = self.pool_of(seat_type)
            if pool is None or pool.purchased < least:
                raise Refused("below_minimum")
        if ends_free_tools:
            self.end_free_tools(by, seats)
        return subscription

    def begun(self, product: str, tier: str, months: int, anchor: datetime) -> Subscription:
        """R24: the term is the one that we are in, also where the anchor lies in the past."""
        term = 1
        while later(anchor, months * term) <= self.now:
            term += 1
        subscription = Subscription(self.new("sub"), product, tier, months, anchor, term)
        self.subscriptions[subscription.id] = subscription
        return subscription

    def end_free_tools(self, by: Caller, seats: dict[str, int]) -> None:
        """R4: who checks out gets one of the seats, everybody else the viewing one."""
        bought = [seat_type for seat_type in PAID if seat_type in seats]
        for person in self.people.values():
            had_free = person.seats.pop("free", None)
            if bought and person.id == by.user:
                # Also in place of a partner seat, which is exclusive (R8).
                self.give(person, bought[0])
            elif had_free:
                self.give(person, "view_only")

    @command(BILLING)
    def change_tier(self, by: Caller, id: str, tier: str) -> Subscription:
        """R25: up at once, down at the renewal; the tier that it has takes back what is pending."""
        subscription = self.subscription(id)
        if tier not in PAID_TIERS:
            raise Refused("not_sold")
        step = TIERS.index(tier) - TIERS.index(subscription.tier)
        # Open: a suspended subscription cannot move up, a cancelled one cannot move down.
        if step > 0 and subscription.suspended:
            raise Refused("subscription_suspended")
        if step < 0 and subscription.status == "cancelling":
            raise Refused("subscription_cancelling")
        if step > 0:
            self.move_to_tier(subscription, tier, self.now)
        else:
            subscription.pending_tier = tier if step < 0 else None
        return subscription

    @command(BILLING)
    def cancel(self, by: Caller, id: str) -> Subscription:
        subscription = self.subscription(id)
        subscription.status = "cancelling"
        return subscription

    @command(BILLING)
    def resume(self, by: Caller, id: str) -> Subscription:
        subscription = self.subscription(id)
        subscription.status = "active"
        return subscription

    @command(CONTRACT)
    def suspend(self, by: Caller, id: str) -> Subscription:
        """R25b."""
        subscription = self.subscription(id)
        subscription.suspended = True
        return subscription

    @command(CONTRACT)
    def reactivate(self, by: Caller, id: str) -> Subscription:
        subscription = self.subscription(id)
        subscription.suspended = False
        return subscription
