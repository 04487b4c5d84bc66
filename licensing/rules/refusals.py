"""
Every way the rule-book says no.

    Refusal
    ├── NotPermitted            who asks may not (R10)
    │   └── PermissionDenied
    ├── NotFound                it does not exist, or not for who asks
    ├── PreconditionFailed      it has changed since it was read
    ├── Conflict                it may be asked, but not as things stand
    │   ├── about seats         NoSeatAvailable, AlreadyAssigned, SeatTypeNotAvailable,
    │   │                       ExclusiveSeat, IncludedInHeldSeat, SeatRequired, UserNotEligible,
    │   │                       TransferToSelf, SeatTypeNotTransferable, BatchRefused,
    │   │                       SeatRequestNotOpen
    │   ├── about users         UserDeactivated, UserNotActive, UserHoldsPaidSeats, LastSuperAdmin,
    │   │                       EmailTaken, EmailRepeated, InvitationNotPending,
    │   │                       InvitationExpired
    │   ├── about quantities    NotEnoughUnassignedSeats, BelowMinimum, PoolTooLarge,
    │   │                       RemovalNotPending
    │   └── about accounts      AccountClosed, AlreadySubscribed, NotSold, SubscriptionSuspended,
    │                           SubscriptionCancelling, SubscriptionEnded, ExternalIdTaken,
    │                           KeyNotLive, ClockAdvancing, AdvanceTooFar
    └── Invalid                 no state of the account could make it right
        ├── Unknown
        └── Unacceptable

A refusal is a class with a stable ``code``, a sentence (the first paragraph of its docstring, with
the facts filled in) and an advice (the second paragraph). It knows nothing of HTTP.
"""

import inspect
from dataclasses import dataclass, fields
from typing import Any, ClassVar


class Refusal(Exception):
    """Something was refused."""

    code: ClassVar[str]

    @property
    def facts(self) -> dict[str, Any]:
        """The numbers and names behind the refusal, by field name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def paragraphs(cls) -> list[str]:
        """The docstring's paragraphs, each on one line: the sentence, then the advice."""
        text = inspect.cleandoc(cls.__doc__ or "")
        return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]

    def __str__(self) -> str:
        told = {
            name: ", ".join(map(str, fact)) if isinstance(fact, list) else fact
            for name, fact in self.facts.items()
        }
        return self.paragraphs()[0].format(**told)


class NotPermitted(Refusal):
    """Who asks may not do this."""


class Conflict(Refusal):
    """It cannot be done as things stand."""


class Invalid(Refusal):
    """The request can never be right; `field` names the member that is wrong."""

    field: str

    @property
    def pointer(self) -> str:
        """JSON pointer (RFC 6901) to the member of the request that is wrong."""
        return "/" + self.field


@dataclass(eq=False)
class PermissionDenied(NotPermitted):
    """This needs the {kind} {missing}.

    Ask an administrator of the account for the permission, or use a key that carries the scope.
    """

    code = "permission_denied"
    kind: str
    missing: str


@dataclass(eq=False)
class NotFound(Refusal):
    """There is no {kind} {id} here.

    Check the identifier; what belongs to another account does not exist for you.
    """

    code = "not_found"
    kind: str
    id: str


@dataclass(eq=False)
class PreconditionFailed(Refusal):
    """The {kind} has changed since it was read; its version is {version} now.

    Read it again, decide again, and send the new ETag in If-Match.
    """

    code = "precondition_failed"
    kind: str
    version: int


# --- about seats ---------------------------------------------------------------------------------


@dataclass(eq=False)
class NoSeatAvailable(Conflict):
    """No {seat_type} seat is free: {assigned} of {purchased} are assigned; more can be bought.

    Buy seats with purchaseSeats, or take one back from somebody who no longer needs it.
    """

    code = "no_seat_available"
    seat_type: str
    purchased: int
    assigned: int


@dataclass(eq=False)
class AlreadyAssigned(Conflict):
    """User {user_id} holds a {seat_type} seat already ({seat_id}).

    A user holds at most one seat of a type; nothing needs to be done.
    """

    code = "already_assigned"
    user_id: str
    seat_type: str
    seat_id: str


@dataclass(eq=False)
class SeatTypeNotAvailable(Conflict):
    """Seats of type {seat_type} are not available to this account: {because}.

    Subscribe to a product and tier that sell the seat type; getCatalogue lists them.
    """

    code = "seat_type_not_available"
    seat_type: str
    because: str


@dataclass(eq=False)
class ExclusiveSeat(Conflict):
    """A {seat_type} seat cannot stand beside the other seats that user {user_id} holds ({held}).

    Take the other seats back first, then assign the exclusive one.
    """

    code = "exclusive_seat"
    seat_type: str
    user_id: str
    held: list[str]


@dataclass(eq=False)
class IncludedInHeldSeat(Conflict):
    """The {held} seat that user {user_id} holds includes {seat_type} already.

    Nothing needs to be assigned; to move to the poorer type, change the seat instead.
    """

    code = "included_in_held_seat"
    seat_type: str
    user_id: str
    held: str


@dataclass(eq=False)
class SeatRequired(Conflict):
    """Every active user of this account holds a seat, and {seat_type} is the last one that user
    {user_id} could have.

    Assign another seat type, which replaces it, or deactivate or delete the user.
    """

    code = "seat_required"
    seat_type: str
    user_id: str


@dataclass(eq=False)
class UserNotEligible(Conflict):
    """User {user_id} is not eligible for a {seat_type} seat.

    Mark the user as eligible (partner_eligible) before assigning the seat.
    """

    code = "user_not_eligible"
    user_id: str
    seat_type: str


@dataclass(eq=False)
class TransferToSelf(Conflict):
    """User {user_id} holds the seat already; a seat is transferred to somebody else.

    Name another user as the receiver.
    """

    code = "transfer_to_self"
    user_id: str


@dataclass(eq=False)
class SeatTypeNotTransferable(Conflict):
    """Seats of type {seat_type} cannot be transferred.

    Assign a seat of that type to the other user directly; it is free of charge.
    """

    code = "seat_type_not_transferable"
    seat_type: str


@dataclass(eq=False)
class BatchRefused(Conflict):
    """{refused} of the lines of the batch cannot be done, so none was done.

    Correct the lines that are listed or leave them out, or send on_error=continue to have the
    others done.
    """

    code = "batch_refused"
    refused: int
    lines: list[dict[str, object]]


@dataclass(eq=False)
class SeatRequestNotOpen(Conflict):
    """Seat request {request_id} is {request_status} already.

    A request is decided once; the user can ask again.
    """

    code = "seat_request_not_open"
    request_id: str
    request_status: str


# --- about users ---------------------------------------------------------------------------------


@dataclass(eq=False)
class UserDeactivated(Conflict):
    """User {user_id} is deactivated; seats can be neither given to nor taken from a deactivated
    user.

    Reactivate the user, change the seats, and deactivate the user again.
    """

    code = "user_deactivated"
    user_id: str


@dataclass(eq=False)
class UserNotActive(Conflict):
    """User {user_id} is {user_status}, not active.

    An invited user has to accept the invitation first, a deactivated one has to be reactivated.
    """

    code = "user_not_active"
    user_id: str
    user_status: str


@dataclass(eq=False)
class UserHoldsPaidSeats(Conflict):
    """User {user_id} holds paid seats and cannot be deleted before they are taken back or
    transferred.

    Repeat the request with take_seats=true or transfer_to=<user id> to do both in one step.
    """

    code = "user_holds_paid_seats"
    user_id: str
    seats: list[dict[str, str]]


@dataclass(eq=False)
class LastSuperAdmin(Conflict):
    """User {user_id} is the last active super admin of the account.

    Make another active user a super admin first.
    """

    code = "last_super_admin"
    user_id: str


@dataclass(eq=False)
class EmailTaken(Conflict):
    """A user with the address {email} is in this account already ({user_id}).

    Addresses are unique in an account, without regard to case; use the user that exists.
    """

    code = "email_taken"
    email: str
    user_id: str


@dataclass(eq=False)
class EmailRepeated(Conflict):
    """Line {first_line} adds a user with the address {email} already.

    Addresses are unique in an account, without regard to case; leave one of the lines out.
    """

    code = "email_repeated"
    email: str
    first_line: int


@dataclass(eq=False)
class InvitationNotPending(Conflict):
    """User {user_id} has no invitation to accept: it is {invitation}.

    Invite the user again by setting the status to invited.
    """

    code = "invitation_not_pending"
    user_id: str
    invitation: str


@dataclass(eq=False)
class InvitationExpired(Conflict):
    """The invitation of user {user_id} expired at {expired_at}.

    Invite the user again by setting the status to invited.
    """

    code = "invitation_expired"
    user_id: str
    expired_at: str


# --- about quantities ----------------------------------------------------------------------------


@dataclass(eq=False)
class NotEnoughUnassignedSeats(Conflict):
    """{requested} {seat_type} seats were to be given back; {unassigned} are unassigned,
    {scheduled_removal} of them scheduled already.

    Take seats back from users first, or give back fewer.
    """

    code = "not_enough_unassigned_seats"
    seat_type: str
    requested: int
    unassigned: int
    scheduled_removal: int


@dataclass(eq=False)
class BelowMinimum(Conflict):
    """The {seat_type} pool would have {quantity} seats; at least {minimum} are agreed.

    Choose a quantity that leaves the minimum.
    """

    code = "below_minimum"
    seat_type: str
    quantity: int
    minimum: int


@dataclass(eq=False)
class PoolTooLarge(Conflict):
    """The {seat_type} pool would have {quantity} seats; a pool holds at most {maximum}.

    Buy fewer seats.
    """

    code = "pool_too_large"
    seat_type: str
    quantity: int
    maximum: int


@dataclass(eq=False)
class RemovalNotPending(Conflict):
    """Removal {removal_id} is {removal_status} and can no longer be cancelled.

    Only a scheduled removal can be cancelled, until it takes effect.
    """

    code = "removal_not_pending"
    removal_id: str
    removal_status: str


# --- about accounts ------------------------------------------------------------------------------


@dataclass(eq=False)
class AccountClosed(Conflict):
    """Account {account_id} is closed.

    Nothing can be changed in a closed account.
    """

    code = "account_closed"
    account_id: str


@dataclass(eq=False)
class SubscriptionSuspended(Conflict):
    """The {product} subscription {subscription_id} is suspended: nothing is bought or assigned.

    Seats can be taken back and given back meanwhile; the billing system reactivates it.
    """

    code = "subscription_suspended"
    subscription_id: str
    product: str


@dataclass(eq=False)
class SubscriptionCancelling(Conflict):
    """Subscription {subscription_id} is cancelled and ends on {ends_at}: nothing follows its term.

    Resume it first, then change its tier.
    """

    code = "subscription_cancelling"
    subscription_id: str
    ends_at: str


@dataclass(eq=False)
class SubscriptionEnded(Conflict):
    """Subscription {subscription_id} has ended.

    Check out the product again to start a new one.
    """

    code = "subscription_ended"
    subscription_id: str


@dataclass(eq=False)
class ClockAdvancing(Conflict):
    """Test clock {clock_id} is still advancing to {advancing_to}.

    Read it until its status is `ready`, then go on.
    """

    code = "test_clock_advancing"
    clock_id: str
    advancing_to: str


@dataclass(eq=False)
class AdvanceTooFar(Conflict):
    """Test clock {clock_id} can be advanced to {furthest} at most in one step.

    That is two terms of its shortest subscription; advance it several times to go further.
    """

    code = "advance_too_far"
    clock_id: str
    furthest: str


@dataclass(eq=False)
class AlreadySubscribed(Conflict):
    """The account subscribes to {product} already ({subscription_id}).

    Buy seats or change the tier of the subscription that exists.
    """

    code = "already_subscribed"
    product: str
    subscription_id: str


@dataclass(eq=False)
class NotSold(Conflict):
    """Product {product} is not sold at tier {tier}.

    getCatalogue lists the tiers at which a product is sold.
    """

    code = "not_sold"
    product: str
    tier: str


@dataclass(eq=False)
class ExternalIdTaken(Conflict):
    """The external id {external_id} belongs to another {kind} already.

    External ids are unique in their scope; look the other one up by ?external_id=.
    """

    code = "external_id_taken"
    kind: str
    external_id: str
    id: str | None


@dataclass(eq=False)
class KeyNotLive(Conflict):
    """API key {key_id} is {key_status} and cannot be rotated.

    Create a new key.
    """

    code = "key_not_live"
    key_id: str
    key_status: str


# --- never right ---------------------------------------------------------------------------------


@dataclass(eq=False)
class Unknown(Invalid):
    """There is no {field} named {value}; known are {known}.

    Use one of the names that the catalogue declares.
    """

    code = "validation_failed"
    field: str
    value: str
    known: list[str]


@dataclass(eq=False)
class Unacceptable(Invalid):
    """{field} {because}.

    Correct the member that the pointer names.
    """

    code = "validation_failed"
    field: str
    because: str
