"""Who may do what (R10): permissions of users, scopes of keys, what each operation needs."""

from dataclasses import dataclass, replace
from enum import StrEnum

from licensing.rules.refusals import NotFound, PermissionDenied


class Permission(StrEnum):
    """What a user may do in an account (R10)."""

    SUPER_ADMIN = "super_admin"
    MANAGE_USERS = "manage_users"
    MODIFY_BILLING = "modify_billing"


class Scope(StrEnum):
    """What an API key may do (R10); ``admin`` contains the others."""

    ACCOUNTS = "accounts"
    USERS = "users"
    SEATS = "seats"
    BILLING = "billing"
    WEBHOOKS = "webhooks"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True)
class Need:
    """
    What an operation needs: a permission if a user asks, one of some scopes if an API key asks.

    ``any_user`` opens it to every user of the account, ``own`` to the user it is about. Where none
    of the three is given, no user may call it. ``anonymous`` opens it to callers without
    credentials.
    """

    scopes: tuple[Scope, ...] = ()
    permission: Permission | None = None
    any_user: bool = False
    own: bool = False
    any_key: bool = False
    anonymous: bool = False


NOBODY_IN_PARTICULAR = Need(anonymous=True)
ANYBODY = Need(any_user=True, any_key=True)

CREATE_ACCOUNTS = Need((Scope.ACCOUNTS,))
LIST_ACCOUNTS = Need((Scope.ACCOUNTS,))
SEE_ACCOUNT = Need((Scope.ACCOUNTS,), any_user=True)
CHANGE_ACCOUNT = Need((Scope.ACCOUNTS,), Permission.SUPER_ADMIN)
SEE_USERS = Need((Scope.USERS,), any_user=True)
CHANGE_USERS = Need((Scope.USERS,), Permission.MANAGE_USERS)
REPORT_ACTIVITY = Need((Scope.USERS,))
SEE_ENTITLEMENTS = Need((Scope.READ,), Permission.MANAGE_USERS, own=True)
SEE = Need((Scope.READ,), any_user=True)
CHANGE_SEATS = Need((Scope.SEATS,), Permission.MANAGE_USERS)
SEE_SEAT_REQUESTS = Need((Scope.READ,), any_user=True)
ASK_FOR_SEATS = Need((Scope.SEATS,), any_user=True)
CHANGE_BILLING = Need((Scope.BILLING,), Permission.MODIFY_BILLING)
SET_CONTRACT = Need((Scope.BILLING,))
READ_LOG = Need((Scope.READ,), Permission.SUPER_ADMIN)
SEE_USAGE = Need((Scope.READ,), Permission.MODIFY_BILLING)
RECONCILE = Need((Scope.BILLING,))
MANAGE_KEYS = Need((Scope.ADMIN,))
MANAGE_WEBHOOKS = Need((Scope.WEBHOOKS,))
MANAGE_TEST_CLOCKS = Need((Scope.ADMIN,))
MINT_SESSIONS = Need((Scope.ACCOUNTS,))


class ActorType(StrEnum):
    """What kind of caller did it."""

    USER = "user"
    API_KEY = "api_key"
    SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """
    Who asks: a user (session token), a service (API key), or the service itself.

    ``account_id`` is the account the actor acts in; None for a key that is bound to no account and
    has not entered one (see `within`). ``request_id`` and ``traceparent`` name the request, for
    whoever follows up what it did.
    """

    type: ActorType
    id: str
    account_id: str | None = None
    permissions: frozenset[Permission] = frozenset()
    scopes: frozenset[Scope] = frozenset()
    request_id: str | None = None
    traceparent: str | None = None

    @property
    def account(self) -> str:
        """The account the actor acts in. Raises `NotFound` where there is none."""
        if self.account_id is None:
            raise NotFound("account", "")
        return self.account_id

    def within(self, account_id: str) -> "Actor":
        """
        The same actor, acting in `account_id`.

        Raises `NotFound` when the actor belongs to another account: the other tenant does not
        exist.
        """
        self.refuse_another(account_id)
        return self if self.account_id == account_id else replace(self, account_id=account_id)

    def asking(
        self, account_id: str | None, request_id: str | None, traceparent: str | None
    ) -> "Actor":
        """The same actor with a request in hand, and the account that it is about."""
        # Not `replace`, which takes three times as long; each request comes through here.
        return Actor(
            self.type,
            self.id,
            account_id,
            self.permissions,
            self.scopes,
            request_id,
            traceparent,
        )

    def refuse_another(self, account_id: str) -> None:
        """Raise `NotFound` when the actor belongs to another account than this one."""
        if self.account_id not in (None, account_id):
            raise NotFound("account", account_id)


def system(
    account_id: str | None = None, request_id: str | None = None, traceparent: str | None = None
) -> Actor:
    """The service acting by itself (renewals, expiries): it may do everything."""
    return Actor(
        ActorType.SYSTEM,
        "seatkeeper",
        account_id,
        frozenset({Permission.SUPER_ADMIN}),
        frozenset({Scope.ADMIN}),
        request_id,
        traceparent,
    )


def require(actor: Actor, need: Need, about: str | None = None) -> None:
    """
    Refuse unless `actor` has what `need` asks for (R10).

    `about` is the id of the user whom the operation is about, for needs that a user fulfils for
    himself. Raises `PermissionDenied`, which names the missing permission or scope.
    """
    if actor.type is ActorType.USER:
        _require_of_user(actor, need, about)
    elif not (need.any_key or actor.scopes & {*need.scopes, Scope.ADMIN}):
        raise PermissionDenied("scope", need.scopes[0])


def may(actor: Actor, need: Need, about: str | None = None) -> bool:
    """Whether `actor` has what `need` asks for, as `require`."""
    try:
        require(actor, need, about)
    except PermissionDenied:
        return False
    return True


def _require_of_user(actor: Actor, need: Need, about: str | None) -> None:
    if need.any_user or (need.own and about == actor.id):
        return
    if need.permission is None:
        raise PermissionDenied("scope", need.scopes[0])
    if not actor.permissions & {need.permission, Permission.SUPER_ADMIN}:
        raise PermissionDenied("permission", need.permission)
