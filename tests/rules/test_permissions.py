"""Who may do what (R10)."""

import pytest

from licensing.rules import permissions
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
    may,
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
    with pytest.raises(NotFound) as refusal:
        _user().within("acc_2")
    assert refusal.value.facts == {"kind": "account", "id": "acc_2"}
    with pytest.raises(NotFound) as refusal:
        _ = _key().account
    assert refusal.value.facts == {"kind": "account", "id": ""}


USERS = {
    "a viewer": _user(),
    "a user admin": _user(Permission.MANAGE_USERS),
    "a billing admin": _user(Permission.MODIFY_BILLING),
    "a super admin": _user(Permission.SUPER_ADMIN),
}

# For each need: the users and the scopes of keys that fulfil it, besides super admins (where any
# user with a permission does), keys with `admin`, and the service itself.
MATRIX = {
    "MANAGE_WEBHOOKS": (set(), {Scope.WEBHOOKS}),
    "RECONCILE": (set(), {Scope.BILLING}),
    "ANYBODY": (set(USERS), set(Scope)),
    "CREATE_ACCOUNTS": (set(), {Scope.ACCOUNTS}),
    "LIST_ACCOUNTS": (set(), {Scope.ACCOUNTS}),
    "SEE_ACCOUNT": (set(USERS), {Scope.ACCOUNTS}),
    "CHANGE_ACCOUNT": ({"a super admin"}, {Scope.ACCOUNTS}),
    "SEE_USERS": (set(USERS), {Scope.USERS}),
    "CHANGE_USERS": ({"a user admin", "a super admin"}, {Scope.USERS}),
    "REPORT_ACTIVITY": (set(), {Scope.USERS}),
    "SEE_ENTITLEMENTS": ({"a user admin", "a super admin"}, {Scope.READ}),
    "SEE": (set(USERS), {Scope.READ}),
    "CHANGE_SEATS": ({"a user admin", "a super admin"}, {Scope.SEATS}),
    "SEE_SEAT_REQUESTS": (set(USERS), {Scope.READ}),
    "ASK_FOR_SEATS": (set(USERS), {Scope.SEATS}),
    "CHANGE_BILLING": ({"a billing admin", "a super admin"}, {Scope.BILLING}),
    "SET_CONTRACT": (set(), {Scope.BILLING}),
    "READ_LOG": ({"a super admin"}, {Scope.READ}),
    "SEE_USAGE": ({"a billing admin", "a super admin"}, {Scope.READ}),
    "MANAGE_KEYS": (set(), {Scope.ADMIN}),
    "MANAGE_TEST_CLOCKS": (set(), {Scope.ADMIN}),
    "MINT_SESSIONS": (set(), {Scope.ACCOUNTS}),
}


def _may(actor: Actor, need: Need) -> bool:
    about = "usr_of_somebody_else"
    try:
        require(actor, need, about)
    except PermissionDenied:
        assert may(actor, need, about) is False
        return False
    assert may(actor, need, about) is True
    return True


def test_r10_the_matrix_says_something_of_every_need() -> None:
    needs = {name for name, need in vars(permissions).items() if isinstance(need, Need)}

    assert needs - {"NOBODY_IN_PARTICULAR"} == set(MATRIX)


@pytest.mark.parametrize("name", MATRIX)
def test_r10_every_need_is_fulfilled_by_just_the_users_of_the_matrix(name: str) -> None:
    need = getattr(permissions, name)

    found = {who for who, actor in USERS.items() if _may(actor, need)}

    assert found == MATRIX[name][0]


@pytest.mark.parametrize("name", MATRIX)
def test_r10_every_need_is_fulfilled_by_just_the_scopes_of_the_matrix(name: str) -> None:
    need = getattr(permissions, name)

    found = {scope for scope in Scope if _may(_key(scope), need)}

    assert found == MATRIX[name][1] | {Scope.ADMIN}


@pytest.mark.parametrize("name", MATRIX)
def test_r10_the_service_itself_may_everything(name: str) -> None:
    assert _may(system("acc_1"), getattr(permissions, name))


@pytest.mark.parametrize("name", sorted(MATRIX.keys() - {"ANYBODY"}))
def test_r10_a_key_without_scopes_is_told_the_scope_it_lacks(name: str) -> None:
    need = getattr(permissions, name)

    with pytest.raises(PermissionDenied) as refusal:
        require(_key(), need)

    assert refusal.value.facts == {"kind": "scope", "missing": need.scopes[0]}


def test_r10_two_permissions_do_what_each_of_them_does() -> None:
    both = _user(Permission.MANAGE_USERS, Permission.MODIFY_BILLING)

    found = {name for name in MATRIX if _may(both, getattr(permissions, name))}

    assert found == {
        name for name, (who, _) in MATRIX.items() if who & {"a user admin", "a billing admin"}
    }
