"""Every operation, asked by every kind of caller (R10)."""

import re
from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import Calling, calling, nobody, signed_in
from tests.world import AnAccount, an_account

ANY, SELF, NO_USER = "any user", "self", "no user"
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


def _operations(app: Flask) -> dict[str, Any]:
    found = [getattr(view, "declared", None) for view in app.view_functions.values()]
    return {declared.id: declared for declared in found if declared is not None}


def _ask(caller: Calling, declared: Any) -> int:
    path = re.sub(
        r"<(\w+)>", lambda m: caller.account_id if m[1] == "account_id" else "x", declared.rule
    )
    return caller.send(declared.method, path).status_code


def _user_may(needed: str, permissions: tuple[Permission, ...]) -> bool:
    return (
        needed == ANY
        or needed in permissions
        or (needed != NO_USER and Permission.SUPER_ADMIN in permissions)
    )


def test_the_table_has_every_operation(app: Flask) -> None:
    assert set(_operations(app)) == set(NEEDS) | OPEN


def test_r10_nobody_may_do_anything_but_what_is_open(app: Flask) -> None:
    account = an_account()
    caller = nobody(app, account)

    answers = {id: _ask(caller, declared) for id, declared in _operations(app).items()}

    assert {id for id, status in answers.items() if status != 401} == OPEN


@pytest.mark.parametrize("who", USERS)
def test_r10_users_may_do_what_their_permissions_say(app: Flask, who: str) -> None:
    account = an_account()
    permissions = USERS[who]
    caller = signed_in(app, account, account.user(permissions=frozenset(permissions)))
    operations = _operations(app)

    refused = {id for id in NEEDS if _ask(caller, operations[id]) == 403}

    assert refused == {id for id in NEEDS if not _user_may(NEEDS[id][0], permissions)}


@pytest.mark.parametrize("scope", list(Scope))
def test_r10_keys_may_do_what_their_scopes_say(app: Flask, scope: Scope) -> None:
    account = an_account()
    caller = calling(app, account, scope, bound=False)
    operations = _operations(app)

    refused = {id for id in NEEDS if _ask(caller, operations[id]) == 403}

    everything = scope == Scope.ADMIN
    assert refused == {
        id for id, (_, needed) in NEEDS.items() if needed not in (None, scope) and not everything
    }


@pytest.mark.parametrize("kind", ["a user", "a key"])
def test_another_tenant_does_not_exist(app: Flask, kind: str) -> None:
    account, stranger = an_account(), an_account()
    caller = (
        signed_in(app, stranger, stranger.super_admin.id)
        if kind == "a user"
        else calling(app, stranger)
    )
    caller.account_id = account.id
    of_accounts = [d for d in _operations(app).values() if "<account_id>" in d.rule]

    answers = {declared.id: _ask(caller, declared) for declared in of_accounts}

    assert len(answers) > 30
    assert set(answers.values()) == {404}


def _ids(account: AnAccount) -> dict[str, str]:
    priya = account.user("Canary of the other tenant", seats=["core"])
    return {
        "user_id": priya,
        "seat_id": account.seat(priya, "core"),
        "pool_id": account.pool("core")["id"],
        "subscription_id": account.pool("core")["subscription_id"],
        "event_id": account.log()[0]["id"],
    }


def test_ids_of_another_tenant_are_not_found_in_any_path(app: Flask) -> None:
    account, other = an_account(), an_account(name="Canary of the other tenant")
    foreign = _ids(other)
    api = calling(app, account, bound=False)

    for declared in _operations(app).values():
        names = set(declared.path_parameters) & set(foreign)
        if not names or declared.body is not None:
            continue
        path = declared.rule.replace("<account_id>", account.id).replace("<feature>", "contacts")
        for name, value in foreign.items():
            path = path.replace(f"<{name}>", value)
        key = {"Idempotency-Key": declared.id} if declared.method == "POST" else {}
        answer = api.send(declared.method, path, headers=key)

        assert answer.status_code == 404, declared.id
        assert "Canary" not in answer.text


def test_ids_of_another_tenant_are_not_found_in_any_body(app: Flask) -> None:
    account, other = an_account(), an_account()
    foreign, own = _ids(other), _ids(account)
    api = calling(app, account, bound=False)

    answers = [
        api.post("seats", {"user_id": foreign["user_id"], "seat_type": "core"}),
        api.post("transfers", {"seat_id": foreign["seat_id"], "to_user_id": own["user_id"]}),
        api.post("transfers", {"seat_id": own["seat_id"], "to_user_id": foreign["user_id"]}),
        api.patch(
            f"users/{own['user_id']}", {"status": "deactivated", "transfer_to": foreign["user_id"]}
        ),
        api.delete(f"users/{own['user_id']}?transfer_to={foreign['user_id']}"),
        api.post("/v1/session-tokens", {"account_id": account.id, "user_id": foreign["user_id"]}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert account.happened() == []


def test_lists_of_one_tenant_never_show_another(app: Flask) -> None:
    account, other = an_account(), an_account(name="Canary of the other tenant")
    _ids(other)
    api = calling(app, account)

    for path in ("users", "seats", "pools", "subscriptions", "purchases", "removals", "events"):
        shown = api.get(f"{path}?limit=200").text
        assert "Canary" not in shown
        assert other.id not in shown


def _may(who: str, operation: str) -> bool:
    """What the table says of a caller, who is one of USERS or a scope."""
    for_users, for_keys = NEEDS[operation]
    if who in USERS:
        return _user_may(for_users, USERS[who])
    return who == Scope.ADMIN or for_keys in (None, Scope(who))


def _caller(app: Flask, account: AnAccount, who: str) -> Calling:
    if who in USERS:
        permissions = frozenset(USERS[who])
        return signed_in(app, account, account.user(permissions=permissions))
    return calling(app, account, Scope(who), bound=False)


@pytest.mark.parametrize("who", [*USERS, *map(str, Scope)])
@pytest.mark.parametrize("operation", NEEDS)
def test_r10_each_caller_at_each_operation(app: Flask, operation: str, who: str) -> None:
    account = an_account()
    caller = _caller(app, account, who)
    declared = _operations(app)[operation]
    path = re.sub(r"<(\w+)>", lambda m: account.id if m[1] == "account_id" else "x", declared.rule)
    account.from_here()

    answer = caller.send(declared.method, path)

    if _may(who, operation):
        assert answer.status_code not in (401, 403)
    else:
        for_users, for_keys = NEEDS[operation]
        by_permission = who in USERS and for_users != NO_USER
        assert (answer.status_code, answer.json["code"]) == (403, "permission_denied")
        assert answer.json["kind"] == ("permission" if by_permission else "scope")
        assert answer.json["missing"] == (for_users if by_permission else for_keys)
        assert account.happened() == []


@pytest.mark.parametrize("operation", NEEDS)
def test_r10_whoever_may_not_learns_nothing_of_the_rest(app: Flask, operation: str) -> None:
    account = an_account()
    declared = _operations(app)[operation]
    path = re.sub(r"<(\w+)>", lambda m: account.id if m[1] == "account_id" else "x", declared.rule)
    headers = {"Idempotency-Key": "\x7f", "If-Match": "nonsense"}

    answer = nobody(app, account).send(
        declared.method, f"{path}?x=%ff", "{", headers, content_type="text/plain"
    )

    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


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
