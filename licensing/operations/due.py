"""What has come due in an account, done before anything else is decided (R13, R23b)."""

from licensing import events
from licensing.events import EventType, Reason
from licensing.operations import answering, holding, renewing
from licensing.operations.standing import Holder, Standing, lapsed, lock_holders, standing_of
from licensing.rules.accounts import Invitation
from licensing.rules.permissions import Actor, system


def brought_up_to_date(actor: Actor, alone: bool = False) -> Standing:
    """
    The account's standing, with its due terms renewed and its lapsed invitations ended.

    `alone` keeps all other commands on the account waiting until the commit. Raises as
    `standing_of`.
    """
    standing = standing_of(actor, alone)
    by_itself = system(standing.account.id, actor.request_id, actor.traceparent)
    renewing.renew_due(standing, by_itself)
    expire_invitations(standing, by_itself)
    return standing


def expire_invitations(standing: Standing, actor: Actor) -> bool:
    """End the invitations that are over by their date, and the seats with them (R13)."""
    user_ids = lapsed(standing)
    lock_holders(standing, user_ids)
    for user_id in user_ids:
        _expire(standing, actor, standing.holders[user_id])
    return bool(user_ids)


def _expire(standing: Standing, actor: Actor, holder: Holder) -> None:
    if holder.user.invitation != Invitation.PENDING:
        return  # it was accepted before the lock was had
    expired_at = holder.user.invitation_expires_at
    holding.touch(holder, invitation=Invitation.EXPIRED)
    expired = events.record(
        actor,
        EventType.USER_INVITATION_EXPIRED,
        holder.resource(),
        previous={"invitation": Invitation.PENDING},
        effective_at=expired_at,
    )
    answering.withdraw(standing, actor, holder, Reason.INVITATION_EXPIRED, expired)
    for seat in list(holder.seats):
        holding.end(
            standing,
            actor,
            holder,
            seat,
            reason=Reason.INVITATION_EXPIRED,
            cause=expired,
            effective_at=expired_at,
        )
