"""Refusals that several operations share, for their documentation."""

from licensing.rules.refusals import (
    AlreadyAssigned,
    ExclusiveSeat,
    IncludedInHeldSeat,
    InvitationExpired,
    InvitationNotPending,
    NoSeatAvailable,
    SeatTypeNotAvailable,
    SeatTypeNotTransferable,
    SubscriptionSuspended,
    TransferToSelf,
    UserDeactivated,
    UserNotEligible,
)

GIVING_A_SEAT = (
    NoSeatAvailable,
    SeatTypeNotAvailable,
    SubscriptionSuspended,
    UserNotEligible,
    ExclusiveSeat,
    IncludedInHeldSeat,
)
INVITED_OR_DEACTIVATED = (UserDeactivated, InvitationExpired, InvitationNotPending)
RECEIVING_A_SEAT = (AlreadyAssigned, *INVITED_OR_DEACTIVATED)
TRANSFERRING = (
    AlreadyAssigned,
    UserDeactivated,
    TransferToSelf,
    SeatTypeNotTransferable,
    SubscriptionSuspended,
    InvitationExpired,
)
