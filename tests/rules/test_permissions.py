"""Who may do what (R10)."""

import pytest

from licensing.rules.permissions import (
    ANYBODY,
    CHANGE_ACCOUNT,
    CHANGE_SEATS,
    CREATE_ACCOUNTS,
    SEE,
    SEE_ENTITLEMENTS,
    Actor,
    ActorType,
    Need,
    Permission,
    Scope,
    require,
    system,
)
from licensing.rules.refusals import NotFound, PermissionDenied


def _user(*permissions: Permission) -> Actor:
    return Actor(ActorType.USER, "usr_1", "acc_1", permissions=frozenset(permissions))


def _key(*scopes: Scope) -> Actor:
    return Actor(ActorType.API_KEY, "key_1", scopes=frozenset(scopes))


@pytest.mark.parametrize(
    ("actor", "need"),
    [
        pytest.param(_user(), SEE, id="any user sees"),
        pytest.param(_user(), ANYBODY, id="any user sees what anybody sees"),
        pytest.param(_key(), ANYBODY, id="any key sees what anybody sees"),
        pytest.param(_user(Permission.MANAGE_USERS), CHANGE_SEATS, id="the permission"),
        pytest.param(_user(Permission.SUPER_ADMIN), CHANGE_SEATS, id="super admins may all"),
        pytest.param(_user(), SEE_ENTITLEMENTS, id="oneself"),
        pytest.param(_key(Scope.SEATS), CHANGE_SEATS, id="the scope"),
        pytest.param(_key(Scope.ADMIN), CHANGE_SEATS, id="admin contains the others"),
        pytest.param(system("acc_1"), CHANGE_ACCOUNT, id="the service itself"),
    ],
)
def test_r10_who_has_what_is_needed_may(actor: Actor, need: Need) -> None:
    require(actor, need, about="usr_1")


@pytest.mark.parametrize(
    ("actor", "need", "kind", "missing"),
    [
        pytest.param(_user(), CHANGE_SEATS, "permission", "manage_users", id="no permission"),
        pytest.param(
            _user(Permission.MODIFY_BILLING),
            CHANGE_SEATS,
            "permission",
            "manage_users",
            id="another",
        ),
        pytest.param(
            _user(Permission.SUPER_ADMIN), CREATE_ACCOUNTS, "scope", "accounts", id="not for users"
        ),
        pytest.param(_key(Scope.READ), CHANGE_SEATS, "scope", "seats", id="another scope"),
        pytest.param(_key(), SEE, "scope", "read", id="no scope"),
    ],
)
def test_r10_a_refusal_names_what_is_missing(
    actor: Actor, need: Need, kind: str, missing: str
) -> None:
    with pytest.raises(PermissionDenied) as refusal:
        require(actor, need)

    assert refusal.value.facts == {"kind": kind, "missing": missing}


def test_r10_a_user_asks_about_himself_only() -> None:
    with pytest.raises(PermissionDenied):
        require(_user(), SEE_ENTITLEMENTS, about="usr_2")


def test_an_actor_enters_his_own_account_only() -> None:
    assert _user().within("acc_1").account == "acc_1"
    assert _key().within("acc_2").account == "acc_2"
    with pytest.raises(NotFound):
        _user().within("acc_2")
    with pytest.raises(NotFound):
        _ = _key().account
