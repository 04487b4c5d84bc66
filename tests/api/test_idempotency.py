"""Every POST can be repeated safely (R18): one key, one request, one effect, one answer."""

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import Headers

from licensing.db import db, ping
from licensing.models import TABLES, Event, IdempotencyKey
from licensing.operations import requesting, test_clocks
from licensing.rules.permissions import Permission, Scope, system
from tests.http import Calling, a_client, calling, document, nobody, signed_in
from tests.world import START, AnAccount, Hands, an_account
from webhooks.models import TABLES as WEBHOOK_TABLES
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint

BUY = {"seat_type": "core", "quantity": 5}
ORDER = {"product": "content", "tier": "starter", "interval": "year", "seats": []}
ENDPOINT = {"url": "https://billing.example.com/seats", "event_types": ["billing"]}
LONG_AGO = "2026-01-01T00:00:00Z"
SKIP = {"account_id": "{account}", "through_sequence": 1, "reason": "sent by hand"}
CHANGE = {"action": "assign", "user_id": "{viewer}", "seat_type": "core"}
REQUIRED = {
    "checkout",
    "purchaseSeats",
    "changeTier",
    "cancelSubscription",
    "suspendSubscription",
}
# What sends a message each time, and answers with what came back; and what only asks.
NOT_REPEATABLE = {
    "pingWebhookEndpoint",
    "testWebhookEndpoint",
    "retryWebhookDelivery",
    "queryEntitlements",
}
# For each POST a request that is answered with a success, in the scene of `_scene`.
REQUESTS: dict[str, tuple[str, Any]] = {
    "createAccount": ("/v1/accounts", {"name": "Acme"}),
    "createUser": ("users", {"name": "Noah", "email": "noah@example.com"}),
    "acceptInvitation": ("users/{invited}/acceptance", None),
    "recordActivity": ("users/{priya}/activity", {}),
    "previewCheckout": ("subscriptions/preview", ORDER),
    "checkout": ("subscriptions", ORDER),
    "assignSeat": ("seats", {"user_id": "{viewer}", "seat_type": "core"}),
    "transferSeat": ("transfers", {"seat_id": "{seat}", "to_user_id": "{viewer}"}),
    "recordActivities": ("activity", {"lines": [{"user_id": "{priya}"}]}),
    "batchUsers": ("user-batches", {"lines": [{"name": "N", "email": "n@example.com"}]}),
    "createSeatRequest": ("seat-requests", {"user_id": "{viewer}", "seat_type": "core"}),
    "approveSeatRequest": ("seat-requests/{request}/approval", {}),
    "declineSeatRequest": ("seat-requests/{request}/decline", {"note": "No"}),
    "withdrawSeatRequest": ("seat-requests/{request}/withdrawal", None),
    "batchSeats": ("seat-batches", {"changes": [CHANGE]}),
    "previewPurchase": ("purchases/preview", BUY),
    "purchaseSeats": ("purchases", BUY),
    "scheduleRemoval": ("removals", {"seat_type": "core", "quantity": 1}),
    "cancelRemoval": ("removals/{removal}/cancellation", {"quantity": 1}),
    "createApiKey": ("/v1/api-keys", {"name": "billing", "scopes": ["read"]}),
    "rotateApiKey": ("/v1/api-keys/{key}/rotation", {"overlap_seconds": 60}),
    "previewTier": ("subscriptions/{subscription}/tier/preview", {"tier": "enterprise"}),
    "changeTier": ("subscriptions/{subscription}/tier", {"tier": "enterprise"}),
    "previewCancellation": ("subscriptions/{subscription}/cancellation/preview", None),
    "cancelSubscription": ("subscriptions/{subscription}/cancellation", None),
    "previewSuspension": ("subscriptions/{subscription}/suspension/preview", None),
    "suspendSubscription": ("subscriptions/{subscription}/suspension", {"reason": "unpaid"}),
    "previewMigration": ("migration/preview", None),
    "migrateAccount": ("migration", None),
    "createTestClock": ("/v1/test-clocks", {"name": "Renewals", "now": "2026-01-31T09:00:00Z"}),
    "advanceTestClock": ("/v1/test-clocks/{clock}/advance", {"to": "2026-03-12T09:00:00Z"}),
    "createWebhookEndpoint": ("/v1/webhook-endpoints", ENDPOINT),
    "rotateWebhookSecret": ("/v1/webhook-endpoints/{endpoint}/secret", {"overlap_seconds": 60}),
    "pauseWebhookEndpoint": ("/v1/webhook-endpoints/{endpoint}/pause", None),
    "enableWebhookEndpoint": ("/v1/webhook-endpoints/{endpoint}/enable", None),
    "replayWebhookEvents": ("/v1/webhook-endpoints/{endpoint}/replay", {"from_time": LONG_AGO}),
    "recoverWebhookEvents": ("/v1/webhook-endpoints/{endpoint}/recover", {}),
    "skipWebhookEvents": ("/v1/webhook-endpoints/{endpoint}/skip", SKIP),
    "createSessionToken": ("/v1/session-tokens", {"account_id": "{account}", "user_id": "{priya}"}),
}


def _scene(app: Flask, account: AnAccount) -> dict[str, str]:
    """One of each thing that a request of the table names."""
    api = calling(app, account)
    priya = account.user("Priya", seats=["core"])
    endpoint = NewEndpoint(**ENDPOINT | {"event_types": ["*"]}, start="beginning")
    return {
        "account": account.id,
        "endpoint": endpoints.create_endpoint(system(), endpoint)[0].id,
        "priya": priya,
        "seat": account.seat(priya, "core"),
        "viewer": account.user("Victor"),
        "invited": account.user("Felix", status="invited"),
        "request": requesting.ask_for_seat(account.by, "core", user_id=account.user()).id,
        "removal": api.post("removals", {"seat_type": "core", "quantity": 3}).json["id"],
        "subscription": account.pool("core")["subscription_id"],
        "clock": test_clocks.create_clock(system(), "Renewals", START).id,
        "key": api.post("/v1/api-keys", {"name": "old", "scopes": ["read"]}).json["id"],
    }


def _filled(value: Any, scene: dict[str, str]) -> Any:
    """A request of the table with the scene's ids in place of their names."""
    if isinstance(value, str):
        return re.sub(r"{(\w+)}", lambda m: scene[m[1]], value)
    if isinstance(value, dict):
        return {name: _filled(member, scene) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(item, scene) for item in value]
    return value


def _request(app: Flask, account: AnAccount, operation: str) -> tuple[str, Any]:
    path, body = REQUESTS[operation]
    scene = _scene(app, account)
    return _filled(path, scene), _filled(body, scene)


def _everything_stored() -> str:
    """All rows of all tables, as text."""
    names = [model._meta.table_name for model in (*TABLES, *WEBHOOK_TABLES)]
    return str([list(db.execute_sql(f"SELECT * FROM {name}")) for name in names])


def _posts(app: Flask) -> dict[str, Any]:
    return {
        operations["post"]["operationId"]: operations["post"]
        for operations in document(app)["paths"].values()
        if "post" in operations
    }


def test_r18_the_table_has_every_post(app: Flask) -> None:
    assert set(REQUESTS) | NOT_REPEATABLE == set(_posts(app))


def test_r18_the_contract_says_where_a_key_is_required(app: Flask) -> None:
    taken = {
        operation: {p["$ref"].rpartition("/")[2] for p in post["parameters"] if "$ref" in p}
        for operation, post in _posts(app).items()
    }

    assert {op for op, names in taken.items() if "IdempotencyKeyRequired" in names} == REQUIRED
    assert {op for op, names in taken.items() if "IdempotencyKey" in names} == (
        set(REQUESTS) - REQUIRED
    )


@pytest.mark.parametrize("operation", REQUESTS)
def test_r18_every_post_is_answered_again_and_done_once(app: Flask, operation: str) -> None:
    account = an_account()
    path, body = _request(app, account, operation)
    api = calling(app, account, bound=False)

    first = api.post(path, body, key="try-1")
    events = Event.select().count()
    again = api.post(path, body, key="try-1")

    assert first.status_code in (200, 201, 204)
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("ETag", "Location", "Content-Type"):
        assert again.headers.get(name) == first.headers.get(name)
    assert Event.select().count() == events


@pytest.mark.parametrize("operation", REQUESTS)
def test_r18_only_what_costs_money_needs_a_key(app: Flask, operation: str) -> None:
    account = an_account()
    path, body = _request(app, account, operation)
    account.from_here()

    answer = calling(app, account, bound=False).post(path, body)

    if operation in REQUIRED:
        assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_required")
        assert account.happened() == []
    else:
        assert answer.status_code in (200, 201, 204)
    assert IdempotencyKey.select().count() == 0


def test_r18_the_same_request_in_other_words_is_the_same(app: Flask) -> None:
    account = an_account(core=1)
    api = calling(app, account)
    client = a_client(app)
    path = f"/v1/accounts/{account.id}/purchases"
    headers = api.headers | {"Idempotency-Key": "order-1"}
    words = [
        b'{"seat_type":"core","quantity":5}',
        b'{ "quantity" : 5,\n"seat_type": "c\\u006fre" }',
    ]

    answers = [
        client.post(path, data=body, content_type="application/json", headers=headers)
        for body in words
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert account.numbers("core") == (6, 0, 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("purchases", BUY | {"quantity": 6}, id="another quantity"),
        pytest.param("purchases/preview", BUY, id="another operation"),
        pytest.param("removals", BUY, id="the same body to another path"),
        pytest.param("subscriptions", ORDER, id="a checkout"),
    ],
)
def test_r18_a_key_is_for_one_request(app: Flask, path: str, body: dict[str, Any]) -> None:
    account = an_account(core=1)
    api = calling(app, account)
    api.post("purchases", BUY, key="order-1")
    account.from_here()

    answer = api.post(path, body, key="order-1")

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert answer.json["idempotency_key"] == "order-1"
    assert (account.numbers("core"), account.happened()) == ((6, 0, 0), [])


def test_r18_every_caller_has_keys_of_its_own(app: Flask) -> None:
    account = an_account(core=1)
    buyers = [account.actor(Permission.MODIFY_BILLING).id for _ in range(2)]
    callers = [
        *(signed_in(app, account, buyer) for buyer in buyers),
        calling(app, account),
        calling(app, account, bound=False),
    ]

    answers = [caller.post("purchases", BUY, key="order-1") for caller in callers]

    assert [answer.status_code for answer in answers] == [201] * 4
    assert all("Idempotency-Replayed" not in answer.headers for answer in answers)
    assert account.numbers("core") == (21, 0, 0)


def test_r18_every_account_has_keys_of_its_own(app: Flask) -> None:
    account, other = an_account(core=1), an_account(core=1)
    api = calling(app, account, bound=False)

    answers = [
        api.post("purchases", BUY, key="order-1"),
        api.post(f"/v1/accounts/{other.id}/purchases", BUY | {"quantity": 1}, key="order-1"),
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert (account.numbers("core"), other.numbers("core")) == ((6, 0, 0), (2, 0, 0))


def test_r18_a_new_session_or_token_is_still_the_same_caller(app: Flask) -> None:
    account = an_account(core=1)
    buyer = account.actor(Permission.MODIFY_BILLING).id
    key = calling(app, account).post("/v1/api-keys", {"name": "x", "scopes": ["billing"]}).json
    old = Calling(a_client(app), key["token"], account.id)
    old.post("purchases", BUY, key="a")
    signed_in(app, account, buyer).post("purchases", BUY, key="b")

    rotated = calling(app, account).post(f"/v1/api-keys/{key['id']}/rotation").json
    by_key = Calling(a_client(app), rotated["token"], account.id).post("purchases", BUY, key="a")
    by_user = signed_in(app, account, buyer).post("purchases", BUY, key="b")

    for answer in (by_key, by_user):
        assert answer.headers["Idempotency-Replayed"] == "true"
    assert account.numbers("core") == (11, 0, 0)


def test_r10_a_stored_answer_is_not_told_to_who_may_no_longer_ask(app: Flask) -> None:
    account = an_account(core=1)
    buyer = account.actor(Permission.MODIFY_BILLING).id
    signed_in(app, account, buyer).post("purchases", BUY, key="order-1")
    calling(app, account).patch(f"users/{buyer}", {"permissions": []})

    answer = signed_in(app, account, buyer).post("purchases", BUY, key="order-1")

    assert (answer.status_code, answer.json["missing"]) == (403, "modify_billing")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("removals", {"seat_type": "core", "quantity": 99}, 409, id="a conflict"),
        pytest.param("seats", {"user_id": "usr_none", "seat_type": "core"}, 404, id="not found"),
        pytest.param("purchases", {"seat_type": "core", "quantity": 0}, 422, id="not valid"),
        pytest.param("purchases", {"seat_type": "gold", "quantity": 1}, 422, id="not known"),
    ],
)
def test_r18_a_refusal_is_not_stored(
    app: Flask, path: str, body: dict[str, Any], status: int
) -> None:
    account = an_account(core=1)
    api = calling(app, account)

    refused = api.post(path, body, key="order-1")
    good = api.post("purchases", BUY, key="order-1")

    assert (refused.status_code, good.status_code) == (status, 201)
    assert "Idempotency-Replayed" not in good.headers
    assert IdempotencyKey.select().count() == 1


def test_r18_neither_is_that_somebody_may_not_or_is_not_known(app: Flask) -> None:
    account = an_account(core=1)

    unknown = nobody(app, account).post("purchases", BUY, key="order-1")
    not_permitted = calling(app, account, Scope.READ).post("purchases", BUY, key="order-1")

    assert (unknown.status_code, not_permitted.status_code) == (401, 403)
    assert IdempotencyKey.select().count() == 0
    assert account.happened() == []


def test_r18_an_answer_is_kept_for_seven_days(app: Flask, hands: Hands) -> None:
    account = an_account(core=1)
    api = calling(app, account)
    first = api.post("purchases", BUY, key="order-1")
    hands.move(days=7, seconds=-1)

    again = api.post("purchases", BUY, key="order-1")

    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert account.numbers("core") == (6, 0, 0)


def test_r18_a_key_that_is_deleted_while_it_is_used_is_a_new_one(app: Flask, owner: Any) -> None:
    """Whoever deletes old answers may come right after the old one was found to be there."""
    if owner is None:
        pytest.skip("SQLite has one writer at a time")
    account = an_account(core=1)
    api = calling(app, account)
    api.post("purchases", BUY, key="order-1")
    deleted: list[int] = []

    def delete(event: Any) -> None:
        if event.sql.startswith('INSERT INTO "idempotency_keys"') and not deleted:
            ping()  # it was sent, and is done then
            deleted.append(owner.execute("DELETE FROM idempotency_keys").rowcount)

    db.obj.query_hooks.append(delete)
    try:
        again = api.post("purchases", BUY, key="order-1")
    finally:
        db.obj.query_hooks.remove(delete)

    assert deleted == [1]
    assert (again.status_code, "Idempotency-Replayed" in again.headers) == (201, False)
    assert account.numbers("core") == (11, 0, 0)


def test_r18_the_first_answer_stands_though_the_world_went_on(app: Flask) -> None:
    account = an_account(core=1)
    priya = account.user("Priya")
    api = calling(app, account)
    body = {"user_id": priya, "seat_type": "core"}
    first = api.post("seats", body, key="a")
    api.delete(f"seats/{first.json['id']}")

    again = api.post("seats", body, key="a")

    assert (again.status_code, again.data) == (201, first.data)
    assert account.seats_of(priya) == ["view_only"]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([""], id="empty"),
        pytest.param([" "], id="a blank"),
        pytest.param(['""'], id="quoted and empty"),
        pytest.param(["x" * 256], id="too long"),
        pytest.param(['"' + "x" * 256 + '"'], id="quoted and too long"),
        pytest.param(["two words"], id="a space without quotes"),
        pytest.param(["a\x7f"], id="a control character"),
        pytest.param(["\u00fc"], id="not ASCII"),
        pytest.param(['"open'], id="a quote that is not closed"),
        pytest.param(['"a"b"'], id="a quote inside"),
        pytest.param(['"a";b=1'], id="a parameter"),
        pytest.param(["a", "b"], id="two keys"),
        pytest.param(["a", "a"], id="the same key twice"),
        pytest.param(['"a"', '"b"'], id="two quoted keys"),
    ],
)
@pytest.mark.parametrize("path", ["purchases", "removals"])
def test_r18_what_is_not_one_key_is_refused(app: Flask, path: str, keys: list[str]) -> None:
    account = an_account(core=10)
    sent = Headers([("Idempotency-Key", key) for key in keys])
    sent.extend(calling(app, account).headers)

    answer = a_client(app).post(f"/v1/accounts/{account.id}/{path}", json=BUY, headers=sent)

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_header")
    assert answer.json["header"] == "Idempotency-Key"
    assert account.happened() == []
    assert IdempotencyKey.select().count() == 0


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("x" * 255, id="as long as may be"),
        pytest.param('"two words, one comma"', id="quoted"),
        pytest.param("!#$%&'()*+-./:;<=>?@[]^_`{|}~", id="every mark"),
        pytest.param("%00", id="percent-encoded"),
        pytest.param("'; DROP TABLE seats; --".replace(" ", ""), id="a piece of SQL"),
    ],
)
def test_r18_any_printable_key_is_taken(app: Flask, key: str) -> None:
    account = an_account(core=1)
    api = calling(app, account)

    first, again = (api.post("purchases", BUY, key=key) for _ in range(2))

    assert (first.status_code, again.data) == (201, first.data)
    assert account.numbers("core") == (6, 0, 0)


@pytest.mark.parametrize("operation", ["createApiKey", "rotateApiKey", "createSessionToken"])
def test_a_secret_in_a_stored_answer_is_nowhere_in_the_database(app: Flask, operation: str) -> None:
    account = an_account()
    path, body = _request(app, account, operation)
    api = calling(app, account)

    first = api.post(path, body, key="a").json
    again = api.post(path, body, key="a").json

    token = first["token"]
    secret = token.split("_", 2)[2] if token.startswith("sk_") else token
    assert again["token"] == first["token"]
    assert len(secret) > 20
    assert secret not in _everything_stored()


def test_a_stored_answer_opens_for_its_own_row_only(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    for name in ("a", "b"):
        api.post("/v1/api-keys", {"name": name, "scopes": ["read"]}, key=name)
    of_b = IdempotencyKey.get(IdempotencyKey.idempotency_key == "b").body
    IdempotencyKey.update(body=of_b).where(IdempotencyKey.idempotency_key == "a").execute()

    answer = app.test_client().post(
        "/v1/api-keys",
        json={"name": "a", "scopes": ["read"]},
        headers=api.headers | {"Idempotency-Key": "a"},
    )

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "token" not in answer.json
