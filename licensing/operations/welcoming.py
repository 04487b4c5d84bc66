"""The seat that a new user gets where none is named: the account's default, else that of R8."""

from collections.abc import Mapping

from licensing.events import Reason
from licensing.models import Pool, User
from licensing.operations import holding
from licensing.operations.standing import Holder, Standing
from licensing.rules import seats
from licensing.rules.catalogue import SeatType
from licensing.rules.permissions import Actor
from licensing.rules.pools import spare


def default_seat(standing: Standing, user: User, pools: Mapping[str, Pool]) -> SeatType | None:
    """
    The account's default seat type, if the user can have one just now; `pools` are locked, by type.

    Only a seat that no removal has claimed is free for it: nothing is bought, nor kept from being
    given back, for somebody who did not ask.
    """
    wanted = seats.default(
        standing.catalogue,
        standing.situation,
        standing.account.default_seat_type,
        user.partner_eligible,
    )
    if wanted is None or not wanted.paid:
        return wanted
    pool = pools.get(wanted.name)
    is_free = pool is not None and spare(pool) >= 1
    stands = pool is not None and standing.subscription_of(pool).suspended_at is None
    return wanted if is_free and stands else None


def welcome(standing: Standing, actor: Actor, holder: Holder, cause: str) -> None:
    """Give a new user the default seat while one is free; never refuses."""
    name = standing.account.default_seat_type
    if name is None:
        return
    pools = {pool.seat_type: pool for pool in holding.locked_pools(standing, [name])}
    wanted = default_seat(standing, holder.user, pools)
    if wanted is not None:
        holding.give(standing, actor, holder, wanted, reason=Reason.DEFAULT_SEAT, cause=cause)
