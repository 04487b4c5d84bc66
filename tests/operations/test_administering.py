"""Who gives permissions, and the super admins that an account keeps (R10)."""

from typing import Any

import pytest

from licensing.operations.deactivating import delete_user
from licensing.operations.users import (
    accept_invitation,
    create_user,
    update_user,
)
from licensing.rules.permissions import Permission, Scope
from licensing.rules.refusals import (
    LastSuperAdmin,
    PermissionDenied,
)
from tests.world import (
    AnAccount,
    an_account,
)


def _promotes_himself(account: AnAccount, permission: str) -> Any:
    admin = account.user_admin
    return update_user(admin, admin.id, {"permissions": ["manage_users", permission]})


def _promotes_another(account: AnAccount, permission: str) -> Any:
    return update_user(account.user_admin, account.user(), {"permissions": [permission]})


def _makes_another(account: AnAccount, permission: str) -> Any:
    permissions = frozenset({Permission(permission)})
    return create_user(account.user_admin, "a@example.com", "A", permissions=permissions)


def _demotes_another(account: AnAccount, permission: str) -> Any:
    holder = account.user(permissions=frozenset({Permission(permission)}))
    return update_user(account.user_admin, holder, {"permissions": []})


def test_r10_nobody_grants_what_he_does_not_have() -> None:
    account = an_account()
    admin = account.user_admin
    everything = frozenset({Permission.SUPER_ADMIN})

    with pytest.raises(PermissionDenied, match="super_admin"):
        create_user(admin, "felix@example.com", "Felix", permissions=everything)
    with pytest.raises(PermissionDenied, match="super_admin"):
        update_user(admin, admin.id, {"permissions": list(everything)})

    assert account.happened() == []


def test_r10_the_last_super_admin_keeps_the_permission() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(LastSuperAdmin):
        update_user(admin, admin.id, {"permissions": []})

    assert account.happened() == []


def test_r10_one_of_two_super_admins_can_step_down() -> None:
    account = an_account()
    first, second = account.super_admin, account.super_admin

    update_user(first, second.id, {"permissions": ["manage_users"]})

    assert account.shown(second.id)["permissions"] == ["manage_users"]


@pytest.mark.parametrize("permission", ["super_admin", "modify_billing"])
@pytest.mark.parametrize(
    "escalates",
    [
        pytest.param(_promotes_himself, id="by promoting himself"),
        pytest.param(_promotes_another, id="by promoting another"),
        pytest.param(_makes_another, id="by making another"),
        pytest.param(_demotes_another, id="by demoting another"),
    ],
)
def test_r10_nobody_gives_or_takes_what_he_does_not_have(escalates: Any, permission: str) -> None:
    account = an_account()

    with pytest.raises(PermissionDenied) as refusal:
        escalates(account, permission)

    assert refusal.value.facts == {"kind": "permission", "missing": permission}
    assert account.happened() == []


def test_r10_what_he_has_himself_he_grants() -> None:
    account = an_account()
    priya = account.user("Priya")

    update_user(account.user_admin, priya, {"permissions": ["manage_users"]})

    assert account.shown(priya)["permissions"] == ["manage_users"]
    assert account.happened() == ["user.updated"]
    assert account.events()[0]["data"]["previous"] == {"permissions": []}


def test_r10_a_change_of_something_else_leaves_the_permissions_of_a_super_admin_alone() -> None:
    account = an_account()
    amara = account.user("Amara", permissions=frozenset({Permission.SUPER_ADMIN}))

    update_user(account.user_admin, amara, {"name": "Amara O.", "permissions": ["super_admin"]})

    assert account.shown(amara)["permissions"] == ["super_admin"]
    assert account.events()[0]["data"]["previous"] == {"name": "Amara"}


def test_r10_a_service_that_manages_users_makes_the_first_super_admin() -> None:
    account = an_account()
    everything = frozenset({Permission.SUPER_ADMIN})

    holder = create_user(
        account.key(Scope.USERS), "a@example.com", "A", status="active", permissions=everything
    )

    assert holder.user.permissions == ["super_admin"]
    assert account.happened() == ["user.created", "seat.assigned"]


def test_r10_a_super_admin_who_has_not_accepted_does_not_count_as_one() -> None:
    account = an_account()
    admin = account.super_admin
    account.user("Felix", status="invited", permissions=frozenset({Permission.SUPER_ADMIN}))

    with pytest.raises(LastSuperAdmin) as refusal:
        update_user(admin, admin.id, {"permissions": ["manage_users"]})

    assert refusal.value.facts == {"user_id": admin.id}
    assert account.shown(admin.id)["permissions"] == ["super_admin"]
    assert account.happened() == []


def test_r10_once_he_has_accepted_the_first_one_can_step_down() -> None:
    account = an_account()
    admin = account.super_admin
    felix = account.user("Felix", status="invited", permissions=frozenset({Permission.SUPER_ADMIN}))
    accept_invitation(account.by, felix)

    update_user(admin, admin.id, {"permissions": []})

    assert account.shown(admin.id)["permissions"] == []


def test_r10_in_one_change_nobody_steps_down_from_the_last_and_changes_his_name() -> None:
    account = an_account()
    admin = account.super_admin
    before = account.shown(admin.id)

    with pytest.raises(LastSuperAdmin):
        update_user(admin, admin.id, {"name": "Somebody", "permissions": []})

    assert account.shown(admin.id) == before
    assert account.happened() == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"email": "mine@example.com"}, id="taking over the address"),
        pytest.param({"status": "deactivated"}, id="deactivating"),
    ],
)
def test_r10_who_edits_users_does_not_get_at_a_super_admin(change: dict[str, str]) -> None:
    account = an_account()
    first, _ = account.super_admin, account.super_admin
    admin = account.user_admin

    with pytest.raises(PermissionDenied, match="super_admin"):
        update_user(admin, first.id, change)
    with pytest.raises(PermissionDenied, match="super_admin"):
        delete_user(admin, first.id)
    update_user(admin, first.id, {"name": "Amara O."})

    assert account.happened() == ["user.updated"]
