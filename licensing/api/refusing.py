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
    TransferToSelf,
    UserDeactivated,
    UserNotEligible,
)

GIVING_A_SEAT = (
    NoSeatAvailable,
    SeatTypeNotAvailable,
    UserNotEligible,
    ExclusiveSeat,
    IncludedInHeldSeat,
)
RECEIVING_A_SEAT = (AlreadyAssigned, UserDeactivated, InvitationExpired, InvitationNotPending)
TRANSFERRING = (
    AlreadyAssigned,
    UserDeactivated,
    TransferToSelf,
    SeatTypeNotTransferable,
    InvitationExpired,
)
