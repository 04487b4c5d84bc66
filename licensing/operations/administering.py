"""Who administers an account: granting permissions, and keeping one super admin (R10)."""

from licensing.models import Account, User
from licensing.operations.standing import Holder, Standing
from licensing.rules.accounts import UserStatus
from licensing.rules.permissions import Actor, ActorType, Permission
from licensing.rules.refusals import LastSuperAdmin, PermissionDenied


def refuse_grant(actor: Actor, before: frozenset[str], after: frozenset[str]) -> None:
    """
    Refuse a user who gives or takes a permission that he does not have himself (R10).

    Otherwise whoever may edit users could make himself super admin. Raises `PermissionDenied`.
    """
    if actor.type is not ActorType.USER or Permission.SUPER_ADMIN in actor.permissions:
        return
    for permission in sorted(before ^ after):
        if permission not in actor.permissions:
            raise PermissionDenied("permission", permission)


def refuse_over_super_admin(actor: Actor, holder: Holder) -> None:
    """
    Refuse a user who is no super admin to end, or to take over the address of, one who is (R10).

    Otherwise whoever may edit users could make himself super admin that way. Raises
    `PermissionDenied`.
    """
    if Permission.SUPER_ADMIN in holder.user.permissions:
        refuse_grant(actor, frozenset({Permission.SUPER_ADMIN}), frozenset())


def is_active_super_admin(user: User) -> bool:
    """Whether the user is one of those of whom an account always keeps one."""
    return user.status == UserStatus.ACTIVE and Permission.SUPER_ADMIN in user.permissions


def count_super_admin(standing: Standing, holder: Holder, was_one: bool) -> None:
    """
    Count the account's active super admins after a change of the user.

    The row count decides, so two that step down at once cannot both succeed. Raises
    `LastSuperAdmin` where none would be left.
    """
    is_one = is_active_super_admin(holder.user)
    if is_one == was_one:
        return
    step = 1 if is_one else -1
    counted = (
        Account.update(super_admins=Account.super_admins + step)
        .where(Account.id == standing.account.id, Account.super_admins + step >= 1)
        .execute()
    )
    if not counted:
        raise LastSuperAdmin(holder.user.id)
