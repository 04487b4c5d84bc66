"""Every operation, asked by every kind of caller (R10)."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from flask import Flask

from licensing import clock, sessions
from licensing.api.kit import Blueprint, build_api
from licensing.operations import accounts, api_keys, deactivating, users
from licensing.rules.permissions import (
    CHANGE_SEATS,
    CHANGE_USERS,
    SEE_USERS,
    Actor,
    Need,
    Permission,
    Scope,
    system,
)
from tests.forging import HEADERS, TOKENS, Loot, attacker
from tests.http import calling, nobody, signed_in
from tests.providers import AProvider, trusted
from tests.world import AnAccount, Hands, an_account

ANY, NO_USER = "any user", "no user"
# operation: what a user needs, and what a key needs.
NEEDS: dict[str, tuple[str, Scope | None]] = {
    "createAccount": (NO_USER, Scope.ACCOUNTS),
    "listAccounts": (NO_USER, Scope.ACCOUNTS),
    "getAccount": (ANY, Scope.ACCOUNTS),
    "updateAccount": ("super_admin", Scope.ACCOUNTS),
    "getCatalogue": (ANY, None),
    "createUser": ("manage_users", Scope.USERS),
    "listUsers": (ANY, Scope.USERS),
    "getUser": (ANY, Scope.USERS),
    "updateUser": ("manage_users", Scope.USERS),
    "deleteUser": ("manage_users", Scope.USERS),
    "acceptInvitation": ("manage_users", Scope.USERS),
    "recordActivity": (NO_USER, Scope.USERS),
    "recordActivities": (NO_USER, Scope.USERS),
    "batchUsers": ("manage_users", Scope.USERS),
    "getEntitlements": ("manage_users", Scope.READ),
    "queryEntitlements": ("manage_users", Scope.READ),
    "getEntitlement": ("manage_users", Scope.READ),
    "previewCheckout": ("modify_billing", Scope.BILLING),
    "checkout": ("modify_billing", Scope.BILLING),
    "listSubscriptions": (ANY, Scope.READ),
    "getSubscription": (ANY, Scope.READ),
    "updateSubscription": ("modify_billing", Scope.BILLING),
    "listPools": (ANY, Scope.READ),
    "getPool": (ANY, Scope.READ),
    "updatePool": (NO_USER, Scope.BILLING),
    "listSeats": (ANY, Scope.READ),
    "getSeat": (ANY, Scope.READ),
    "seatsTable": (ANY, Scope.READ),
    "assignSeat": ("manage_users", Scope.SEATS),
    "changeSeat": ("manage_users", Scope.SEATS),
    "unassignSeat": ("manage_users", Scope.SEATS),
    "transferSeat": ("manage_users", Scope.SEATS),
    "listTransfers": ("manage_users", Scope.SEATS),
    "batchSeats": ("manage_users", Scope.SEATS),
    "createSeatRequest": (ANY, Scope.SEATS),
    "listSeatRequests": (ANY, Scope.READ),
    "getSeatRequest": (ANY, Scope.READ),
    "approveSeatRequest": ("manage_users", Scope.SEATS),
    "declineSeatRequest": ("manage_users", Scope.SEATS),
    "withdrawSeatRequest": (ANY, Scope.SEATS),
    "previewPurchase": ("modify_billing", Scope.BILLING),
    "purchaseSeats": ("modify_billing", Scope.BILLING),
    "listPurchases": ("modify_billing", Scope.BILLING),
    "scheduleRemoval": ("modify_billing", Scope.BILLING),
    "listRemovals": ("modify_billing", Scope.BILLING),
    "getRemoval": ("modify_billing", Scope.BILLING),
    "cancelRemoval": ("modify_billing", Scope.BILLING),
    "listEvents": ("super_admin", Scope.READ),
    "getEvent": ("super_admin", Scope.READ),
    "getPoolHistory": (ANY, Scope.READ),
    "listSeatDays": ("modify_billing", Scope.READ),
    "listInactiveSeats": ("modify_billing", Scope.READ),
    "createApiKey": (NO_USER, Scope.ADMIN),
    "listApiKeys": (NO_USER, Scope.ADMIN),
    "revokeApiKey": (NO_USER, Scope.ADMIN),
    "rotateApiKey": (NO_USER, Scope.ADMIN),
    "createSessionToken": (NO_USER, Scope.ACCOUNTS),
    "previewTier": ("modify_billing", Scope.BILLING),
    "changeTier": ("modify_billing", Scope.BILLING),
    "previewCancellation": ("modify_billing", Scope.BILLING),
    "cancelSubscription": ("modify_billing", Scope.BILLING),
    "previewResumption": ("modify_billing", Scope.BILLING),
    "resumeSubscription": ("modify_billing", Scope.BILLING),
    "previewSuspension": (NO_USER, Scope.BILLING),
    "suspendSubscription": (NO_USER, Scope.BILLING),
    "previewReactivation": (NO_USER, Scope.BILLING),
    "reactivateSubscription": (NO_USER, Scope.BILLING),
    "previewMigration": ("modify_billing", Scope.BILLING),
    "migrateAccount": ("modify_billing", Scope.BILLING),
    "createTestClock": (NO_USER, Scope.ADMIN),
    "listTestClocks": (NO_USER, Scope.ADMIN),
    "getTestClock": (NO_USER, Scope.ADMIN),
    "advanceTestClock": (NO_USER, Scope.ADMIN),
    "deleteTestClock": (NO_USER, Scope.ADMIN),
    "getEventTypes": (ANY, None),
    "getSnapshot": (NO_USER, Scope.BILLING),
    "createWebhookEndpoint": (NO_USER, Scope.WEBHOOKS),
    "listWebhookEndpoints": (NO_USER, Scope.WEBHOOKS),
    "getWebhookEndpoint": (NO_USER, Scope.WEBHOOKS),
    "updateWebhookEndpoint": (NO_USER, Scope.WEBHOOKS),
    "deleteWebhookEndpoint": (NO_USER, Scope.WEBHOOKS),
    "rotateWebhookSecret": (NO_USER, Scope.WEBHOOKS),
    "pauseWebhookEndpoint": (NO_USER, Scope.WEBHOOKS),
    "enableWebhookEndpoint": (NO_USER, Scope.WEBHOOKS),
    "listWebhookDeliveries": (NO_USER, Scope.WEBHOOKS),
    "getWebhookDelivery": (NO_USER, Scope.WEBHOOKS),
    "retryWebhookDelivery": (NO_USER, Scope.WEBHOOKS),
    "pingWebhookEndpoint": (NO_USER, Scope.WEBHOOKS),
    "testWebhookEndpoint": (NO_USER, Scope.WEBHOOKS),
    "listWebhookLanes": (NO_USER, Scope.WEBHOOKS),
    "listParkedEvents": (NO_USER, Scope.WEBHOOKS),
    "replayWebhookEvents": (NO_USER, Scope.WEBHOOKS),
    "listWebhookReplays": (NO_USER, Scope.WEBHOOKS),
    "getWebhookReplay": (NO_USER, Scope.WEBHOOKS),
    "recoverWebhookEvents": (NO_USER, Scope.WEBHOOKS),
    "skipWebhookEvents": (NO_USER, Scope.WEBHOOKS),
}
OPEN = {"getLiveness", "getReadiness", "getProblemType"}
USERS = {
    "a viewer": (),
    "a user admin": (Permission.MANAGE_USERS,),
    "a billing admin": (Permission.MODIFY_BILLING,),
    "a super admin": (Permission.SUPER_ADMIN,),
}


# What belongs to no account, so that a key which is bound to one has no part in it.
OF_NO_ACCOUNT = {"listTestClocks", "getTestClock", "deleteTestClock"}
# What a user may ask about himself without any permission.
ABOUT_ONESELF = {"getEntitlements", "getEntitlement"}


@dataclass(frozen=True)
class Caller:
    """
    Somebody who calls.

    Attributes:
        authorization: the header that is sent, None for none.
        permissions: those of a user, None of an API key.
        scopes: those of an API key.
        account_id: the only account that exists for the caller, None where all do.
        user_id: who it is, of a user.
        known: whether the service can tell at all who it is.
    """

    authorization: str | None
    permissions: tuple[Permission, ...] | None = None
    scopes: tuple[Scope, ...] = ()
    account_id: str | None = None
    user_id: str = ""
    known: bool = True


@dataclass
class Scene:
    """Two tenants, and everybody who may call."""

    own: AnAccount
    other: AnAccount
    callers: dict[str, Caller]
    loot: Loot


def _operations(app: Flask) -> dict[str, Any]:
    found = [getattr(view, "declared", None) for view in app.view_functions.values()]
    return {declared.id: declared for declared in found if declared is not None}


@contextmanager
def _a_scene(hands: Hands) -> Iterator[Scene]:
    own, other = an_account(), an_account()
    with AProvider() as provider, trusted(provider):
        yield _scene(own, other, provider, hands)


def _scene(own: AnAccount, other: AnAccount, provider: AProvider, hands: Hands) -> Scene:
    callers = {"nobody": Caller(None, known=False)}
    for who, permissions in USERS.items():
        user_id = own.user(permissions=frozenset(permissions))
        callers[who] = Caller(_session(own, user_id), permissions, (), own.id, user_id)
    for scope in Scope:
        callers[f"a key for {scope}"] = Caller(_key(scope), scopes=(scope,))
    callers["a key for all but admin"] = Caller(
        _key(*set(Scope) - {Scope.ADMIN}), scopes=tuple(set(Scope) - {Scope.ADMIN})
    )
    for name, account in (("its own account", own), ("another account", other)):
        callers[f"a key bound to {name}"] = Caller(
            _key(Scope.ADMIN, account=account), None, (Scope.ADMIN,), account.id
        )
    callers |= {who: Caller(header, known=False) for who, header in _not_live(own, hands).items()}
    good = account_key(Scope.ADMIN)
    victim = own.user("Victim", permissions=frozenset({Permission.SUPER_ADMIN}))
    token, _ = sessions.mint(own.id, victim, sessions.LONGEST)
    loot = attacker(own.id, victim, token, good, provider)
    own.from_here(), other.from_here()
    return Scene(own, other, callers, loot)


def account_key(*scopes: Scope, account: AnAccount | None = None, **more: Any) -> str:
    """The token of a new API key."""
    bound = account.id if account else None
    _, token = api_keys.create_key(system(), "test", list(scopes), bound, **more)
    return token


def _key(*scopes: Scope, account: AnAccount | None = None) -> str:
    return f"Bearer {account_key(*scopes, account=account)}"


def _session(account: AnAccount, user_id: str) -> str:
    return f"Bearer {sessions.mint(account.id, user_id, sessions.LONGEST)[0]}"


def _not_live(own: AnAccount, hands: Hands) -> dict[str, str]:
    """Who was known once, and is no longer."""
    everything = [Scope.ADMIN]
    soon = clock.now() + timedelta(minutes=1)
    _, expired = api_keys.create_key(system(), "expired", everything, None, soon)
    revoked_key, revoked = api_keys.create_key(system(), "revoked", everything)
    api_keys.revoke_key(system(), revoked_key.id)
    rotated_key, rotated = api_keys.create_key(system(), "rotated", everything)
    api_keys.rotate_key(system(), rotated_key.id, timedelta(minutes=1))
    gone, inactive = (own.user(permissions=frozenset(USERS["a super admin"])) for _ in range(2))
    over, _ = sessions.mint(own.id, own.user(), timedelta(minutes=5))
    headers = {
        "a key that has expired": f"Bearer {expired}",
        "a key that was revoked": f"Bearer {revoked}",
        "a key's former token after the overlap": f"Bearer {rotated}",
        "a session that is over": f"Bearer {over}",
        "the session of a deleted user": _session(own, gone),
        "the session of a deactivated user": _session(own, inactive),
    }
    deactivating.delete_user(own.by, gone, take_seats=True)
    own.deactivate(inactive)
    hands.move(minutes=5)
    return headers


def _path(declared: Any, account_id: str, user_id: str = "x") -> str:
    ids = {"account_id": account_id, "user_id": user_id}
    return re.sub(r"<(\w+)>", lambda m: ids.get(m[1], "x"), declared.rule)


def _user_may(needed: str, permissions: tuple[Permission, ...]) -> bool:
    return (
        needed == ANY
        or needed in permissions
        or (needed != NO_USER and Permission.SUPER_ADMIN in permissions)
    )


def _may(operation: str, caller: Caller) -> bool:
    """What the table says."""
    for_users, for_keys = NEEDS[operation]
    if caller.permissions is not None:
        return _user_may(for_users, caller.permissions)
    return for_keys is None or bool({for_keys, Scope.ADMIN} & set(caller.scopes))


def _expected(operation: str, declared: Any, caller: Caller, account_id: str) -> str:
    """The code of the answer, by the table; `allowed` for whatever comes after the permission."""
    if operation in OPEN:
        return "allowed"
    if not caller.known:
        return "unauthenticated"
    if "<account_id>" in declared.rule and caller.account_id not in (None, account_id):
        return "not_found"
    outside = operation in OF_NO_ACCOUNT and caller.account_id is not None
    return "allowed" if _may(operation, caller) and not outside else "permission_denied"


def _found(operation: str, answer: Any, caller: Caller) -> str:
    """The code of the answer, and whether it names what is missing."""
    if answer.status_code not in (401, 403):
        foreign = answer.status_code == 404 and answer.json["kind"] == "account"
        return "not_found" if foreign else "allowed"
    if answer.status_code == 401:
        told = answer.headers.get("WWW-Authenticate", "").startswith("Bearer")
        return str(answer.json["code"]) if told else "no challenge"
    for_users, for_keys = NEEDS[operation]
    by_permission = caller.permissions is not None and for_users != NO_USER
    right = ("permission", for_users) if by_permission else ("scope", for_keys)
    named = (answer.json["kind"], answer.json["missing"].partition(" without being bound")[0])
    return str(answer.json["code"]) if named == right else f"names {named}"


def _mistakes(app: Flask, scene: Scene, operations: dict[str, Any]) -> list[str]:
    """Where an answer is not what the table says."""
    # Without a look at the contract, which every other test takes: there are thousands of them.
    client, mistakes = app.test_client(use_cookies=False), []
    tenants = {"own": scene.own, "other": scene.other}
    for (place, (id, declared)), (who, caller), (whose, account) in product(
        enumerate(operations.items()), scene.callers.items(), tenants.items()
    ):
        # Who belongs to neither asks for one of them, in turn.
        if caller.account_id is None and (whose == "own") is bool(place % 2):
            continue
        headers = {"Authorization": caller.authorization} if caller.authorization else {}
        answer = client.open(_path(declared, account.id), method=declared.method, headers=headers)
        expected = _expected(id, declared, caller, account.id)
        found = _found(id, answer, caller)
        if found != expected:
            mistakes.append(f"{who} at {id} of the {whose} tenant: {found}, not {expected}")
    return mistakes


def _unlisted(app: Flask) -> set[str]:
    return set(_operations(app)) - set(NEEDS) - OPEN


def test_the_table_has_every_operation(app: Flask) -> None:
    assert _unlisted(app) == set()
    assert set(_operations(app)) == set(NEEDS) | OPEN


def test_r10_each_caller_at_each_operation_of_each_tenant(app: Flask, hands: Hands) -> None:
    with _a_scene(hands) as scene:
        mistakes = _mistakes(app, scene, _operations(app))

    assert "\n".join(mistakes) == ""
    assert (scene.own.happened(), scene.other.happened()) == ([], [])


def _refuses(app: Flask, declared: Any, account_id: str, authorization: str) -> bool:
    answer = app.test_client(use_cookies=False).open(
        _path(declared, account_id),
        method=declared.method,
        headers={"Authorization": authorization},
    )
    return answer.status_code == 401 and b'"unauthenticated"' in answer.data


def test_r10_a_forged_token_opens_nothing(app: Flask, hands: Hands) -> None:
    closed = [d for id, d in _operations(app).items() if id not in OPEN]
    with _a_scene(hands) as scene:
        forged = {name: f"Bearer {forge(scene.loot)}" for name, forge in TOKENS.items()}
        for token in (scene.loot.session, scene.loot.api_key):
            forged |= {name + token[:3]: make(token) for name, make in HEADERS.items()}
        # Every fourth of them at each operation, others at the next one: each is tried at many.
        tried = [
            (name, declared)
            for (number, name), (place, declared) in product(enumerate(forged), enumerate(closed))
            if (number + place) % 4 == 0
        ]
        taken = [
            f"{name} at {declared.id}"
            for name, declared in tried
            if not _refuses(app, declared, scene.own.id, forged[name])
        ]

    assert taken == []
    assert min(Counter(name for name, _ in tried).values()) >= 20
    assert min(Counter(declared.id for _, declared in tried).values()) >= 25


def test_what_forged_tokens_are_made_of_is_taken(app: Flask, hands: Hands) -> None:
    """Else they would be refused for another reason than the one that is tried."""
    with _a_scene(hands) as scene:
        loot = scene.loot
        users.update_user(
            scene.own.by, loot.user_id, {"external_id": loot.provider.claims()["sub"]}
        )
        accounts.update_account(scene.own.by, {"external_id": loot.provider.claims()["org_id"]})
        good = [loot.session, loot.of_ours(), loot.api_key, loot.provider.token()]
        headers = [
            f"{scheme} {token}" for token in good for scheme in ("Bearer", "bEARER", "bearer ")
        ]
        statuses = {
            header[:20]: app.test_client()
            .get(f"/v1/accounts/{scene.own.id}/pools", headers={"Authorization": header})
            .status_code
            for header in headers
        }

    assert set(statuses.values()) == {200}


def _as_in_the_table(need: Need) -> tuple[str, Scope | None]:
    if need.any_user:
        return ANY, None if need.any_key else need.scopes[0]
    return need.permission or NO_USER, need.scopes[0]


def test_each_operation_declares_what_the_table_says(app: Flask) -> None:
    declared = {id: _as_in_the_table(d.needed) for id, d in _operations(app).items() if id in NEEDS}

    assert declared == NEEDS
    assert {id for id, d in _operations(app).items() if d.needed.own} >= ABOUT_ONESELF
    assert {id for id, d in _operations(app).items() if d.needed.anonymous} == OPEN


def _planted(need: Need, name: str = "delete_user") -> Flask:
    """A service with one operation, which declares something else than the table says."""

    def delete_user(actor: Actor, user_id: str) -> None:
        """Delete a user

        Without asking again whether the caller may.
        """

    delete_user.__name__ = name
    app, blp = Flask("planted"), Blueprint("planted", __name__)
    api = build_api(app)
    blp.delete("/accounts/<account_id>/users/<user_id>")(
        blp.needs(need)(blp.gives(204)(delete_user))
    )
    api.register_blueprint(blp)
    return app


@pytest.mark.parametrize(
    ("need", "notices"),
    [
        pytest.param(CHANGE_USERS, set(), id="as it should be"),
        pytest.param(CHANGE_SEATS, {"a key for users", "a key for seats"}, id="another scope"),
        pytest.param(SEE_USERS, {"a viewer", "a billing admin"}, id="any user"),
    ],
)
def test_a_wrong_declaration_is_found(hands: Hands, need: Need, notices: set[str]) -> None:
    planted = _planted(need)

    with _a_scene(hands) as scene:
        mistakes = _mistakes(planted, scene, _operations(planted))

    found = {mistake.partition(" at ")[0] for mistake in mistakes}
    assert notices <= found
    assert bool(notices) == bool(found)


def test_no_token_of_any_kind_is_in_the_log(
    app: Flask, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    planted = _planted(CHANGE_USERS)
    planted.add_url_rule("/bug", "bug", lambda: 1 / 0)
    caplog.set_level(logging.DEBUG)
    with _a_scene(hands) as scene:
        secrets = [scene.loot.session, scene.loot.api_key, scene.loot.provider.token()]
        api = calling(app, scene.own, bound=False)
        made = api.post("/v1/api-keys", {"name": "x", "scopes": ["read"]}).json
        again = api.post(f"/v1/api-keys/{made['id']}/rotation").json
        who = {"account_id": scene.own.id, "user_id": scene.loot.user_id}
        secrets += [made["token"], again["token"]]
        secrets.append(api.post("/v1/session-tokens", who).json["token"])
        for token, service in product([*secrets, "forged"], (app, planted)):
            headers = {"Authorization": f"Bearer {token}"}
            for path in ("/v1/accounts", f"/v1/accounts?key={token}", "/bug", "/v1/api-keys/x"):
                service.test_client().get(path, headers=headers)

    assert "ZeroDivisionError" in caplog.text
    assert [token for token in secrets if token in caplog.text or token[-40:] in caplog.text] == []


def test_a_clock_of_another_server_may_be_a_moment_ahead(app: Flask, hands: Hands) -> None:
    account = an_account()
    api = signed_in(app, account, account.user())

    hands.move(seconds=-30)
    in_time = api.get("pools").status_code
    hands.move(seconds=-1)

    assert (in_time, api.get("pools").status_code) == (200, 401)


def test_an_operation_that_the_table_lacks_is_found() -> None:
    assert _unlisted(_planted(CHANGE_USERS, "plant_something")) == {"plantSomething"}


@pytest.mark.parametrize("permissions", [(), (Permission.MODIFY_BILLING,)])
def test_r10_users_may_ask_what_they_may_do_themselves(
    app: Flask, permissions: tuple[Permission, ...]
) -> None:
    account = an_account()
    user, somebody = account.user(permissions=frozenset(permissions)), account.user()
    api = signed_in(app, account, user)

    for id in ABOUT_ONESELF:
        declared = _operations(app)[id]
        path = _path(declared, account.id, "{}").replace("/x", "/contacts")
        assert api.get(path.format(user)).status_code == 200
        assert api.get(path.format(somebody)).status_code == 403


def test_r10_whoever_may_not_learns_nothing_of_the_rest(app: Flask) -> None:
    account = an_account()
    caller = nobody(app, account)
    headers = {"Idempotency-Key": "\x7f", "If-Match": "nonsense"}

    for id in NEEDS:
        declared = _operations(app)[id]
        path = f"{_path(declared, account.id)}?x=%ff"
        answer = caller.send(declared.method, path, "{", headers, content_type="text/plain")

        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated"), id


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        pytest.param([Scope.USERS], 403, id="users alone"),
        pytest.param([Scope.SEATS], 403, id="seats alone"),
        pytest.param([Scope.USERS, Scope.SEATS], 201, id="both"),
    ],
)
def test_r10_adding_a_user_with_a_seat_needs_both_scopes(
    app: Flask, scopes: list[Scope], status: int
) -> None:
    account = an_account()
    body = {"name": "Noah", "email": "noah@example.com", "seat_types": ["core"]}

    answer = calling(app, account, *scopes).post("users", body)

    assert answer.status_code == status
    assert bool(account.happened()) is (status == 201)


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        pytest.param([Permission.MANAGE_USERS], 403, id="manage_users alone"),
        pytest.param([Permission.MODIFY_BILLING], 403, id="modify_billing alone"),
        pytest.param([Permission.MANAGE_USERS, Permission.MODIFY_BILLING], 200, id="both"),
        pytest.param([Permission.SUPER_ADMIN], 200, id="a super admin"),
    ],
)
def test_r12_giving_back_with_the_seat_needs_both_permissions(
    app: Flask, permissions: list[Permission], status: int
) -> None:
    account = an_account(core=1)
    priya = account.user("Priya", seats=["core"])
    api = signed_in(app, account, account.actor(*permissions).id)
    account.from_here()

    answer = api.delete(f"seats/{account.seat(priya, 'core')}?give_back=true")

    assert answer.status_code == status
    assert account.numbers("core") == ((1, 0, 1) if status == 200 else (1, 1, 0))
    assert bool(account.happened()) is (status == 200)


@pytest.mark.parametrize("query", ["take_seats=true", "transfer_to={}"])
def test_r14_deleting_a_user_with_the_seats_needs_both_scopes(app: Flask, query: str) -> None:
    account = an_account(core=1)
    priya, noah = account.user("Priya", seats=["core"]), account.user("Noah")

    answer = calling(app, account, Scope.USERS).delete(f"users/{priya}?{query.format(noah)}")

    assert (answer.status_code, answer.json["missing"]) == (403, "seats")
    assert (account.seats_of(priya), account.happened()) == (["core"], [])


@pytest.mark.parametrize("granted", [Permission.SUPER_ADMIN, Permission.MODIFY_BILLING])
def test_r10_nobody_grants_what_he_does_not_have(app: Flask, granted: Permission) -> None:
    account = an_account()
    admin, priya = account.user_admin.id, account.user("Priya")
    api = signed_in(app, account, admin)
    account.from_here()

    answers = [
        api.patch(f"users/{priya}", {"permissions": [granted]}),
        api.patch(f"users/{admin}", {"permissions": ["manage_users", granted]}),
        api.post("users", {"name": "N", "email": "n@example.com", "permissions": [granted]}),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json["missing"]) == (403, granted)
    assert account.happened() == []


def test_r10_permissions_are_read_from_the_user_not_from_the_token(app: Flask) -> None:
    account = an_account()
    admin = account.user_admin.id
    priya = account.user("Priya")
    api = signed_in(app, account, admin)
    before = api.post("seats", {"user_id": priya, "seat_type": "core"})
    calling(app, account).patch(f"users/{admin}", {"permissions": []})

    after = api.delete(f"seats/{before.json['id']}")

    assert (before.status_code, after.status_code) == (201, 403)
