"""
The story that all examples of the contract come from: every operation once, with success.

A new operation gets its line here; SEATKEEPER_TEST_RECORD=yes makes `test_examples.py` write the
examples instead of comparing them.
"""

from typing import Any

from licensing.operations import requesting
from licensing.rules.permissions import system
from licensing.scheduler import work_through
from tests.contract.recording import Recorder
from tests.receivers import Receiver
from tests.webhooks import rows
from tests.world import AnAccount, Hands, a_legacy_account

ORDER = {"product": "marketing", "tier": "professional", "interval": "month"}


def told(recorder: Recorder, hands: Hands) -> None:
    """Tell it."""
    tell = recorder.tell
    _what_there_is(tell)
    account = _an_account(tell)
    a = f"/v1/accounts/{account['id']}"
    subscription = tell(
        "checkout",
        "POST",
        f"{a}/subscriptions",
        ORDER | {"seats": [{"seat_type": "core", "quantity": 4}]},
        Idempotency_Key="order-4711",
    ).json
    people = _people(tell, a)
    _seats(tell, a, people)
    _quantities(tell, a)
    _requests(tell, a, people)
    _the_past(tell, a, hands)
    _the_log(tell, a)
    _services(tell, account, people)
    with Receiver() as receiver:
        _webhooks(tell, account, receiver)
    _a_subscription(tell, a, subscription)
    _a_legacy_account(tell)
    tell("deleteUser", "DELETE", f"{a}/users/{people['noah']}?take_seats=true")


def _stage(a: str) -> AnAccount:
    """The account of a path, to be acted on without being told."""
    account_id = a.rpartition("/")[2]
    return AnAccount(account_id, system(account_id))


def _what_there_is(tell: Any) -> None:
    tell("getLiveness", "GET", "/livez")
    tell("getReadiness", "GET", "/readyz")
    tell("getProblemType", "GET", "/problems/no_seat_available")
    tell("getCatalogue", "GET", "/v1/catalogue")
    tell("getEventTypes", "GET", "/v1/event-types")


def _an_account(tell: Any) -> dict[str, Any]:
    new = {"name": "Northwind Robotics", "currency": "EUR", "external_id": "crm-4711"}
    account: dict[str, Any] = tell("createAccount", "POST", "/v1/accounts", new).json
    a = f"/v1/accounts/{account['id']}"
    tell("listAccounts", "GET", "/v1/accounts?external_id=crm-4711")
    tell("getAccount", "GET", a)
    changes = {"metadata": {"crm_owner": "team-north"}}
    tell("updateAccount", "PATCH", a, changes, If_Match='"v1"')
    seats = {"seats": [{"seat_type": "core", "quantity": 4}]}
    tell("previewCheckout", "POST", f"{a}/subscriptions/preview", ORDER | seats)
    return account


def _people(tell: Any, a: str) -> dict[str, str]:
    stage = _stage(a)
    ines = stage.user("Ines Moreau", email="ines@example.com", permissions=["super_admin"])
    noah = stage.user("Noah Brandt", email="noah@example.com", seats=["core"])
    invited = {"email": "priya@example.com", "name": "Priya Raghavan", "seat_types": ["core"]}
    priya = tell("createUser", "POST", f"{a}/users", invited, Idempotency_Key="invite-1").json["id"]
    tell("listUsers", "GET", f"{a}/users?limit=2&include_total=true")
    tell("getUser", "GET", f"{a}/users/{priya}")
    tell("acceptInvitation", "POST", f"{a}/users/{priya}/acceptance")
    tell("updateUser", "PATCH", f"{a}/users/{priya}", {"permissions": ["manage_users"]})
    tell("recordActivity", "POST", f"{a}/users/{priya}/activity", {"at": "2026-03-02T08:15:00Z"})
    active = [{"user_id": priya}, {"email": "noah@example.com", "at": "2026-03-01T17:40:00Z"}]
    tell("recordActivities", "POST", f"{a}/activity", {"lines": active})
    new = [{"email": "sofia@example.com", "name": "Sofia Lindqvist", "permissions": []}]
    tell("batchUsers", "POST", f"{a}/user-batches", {"lines": new}, Idempotency_Key="import-1")
    tell("seatsTable", "GET", f"{a}/seat-table?search=noah&holding=paid")
    tell("getEntitlements", "GET", f"{a}/users/{priya}/entitlements")
    tell("getEntitlement", "GET", f"{a}/users/{priya}/entitlements/contacts")
    asked = {"user_ids": [priya, noah], "features": ["contacts"]}
    tell("queryEntitlements", "POST", f"{a}/entitlements/query", asked)
    return {"ines": ines, "noah": noah, "priya": priya}


def _seats(tell: Any, a: str, people: dict[str, str]) -> None:
    wanted = {"user_id": people["ines"], "seat_type": "core"}
    seat = tell("assignSeat", "POST", f"{a}/seats", wanted).json
    tell("listSeats", "GET", f"{a}/seats?seat_type=core")
    tell("getSeat", "GET", f"{a}/seats/{seat['id']}")
    lina = _stage(a).user("Lina Okafor", email="lina@example.com")
    moved = {"seat_id": seat["id"], "to_user_id": lina}
    tell("transferSeat", "POST", f"{a}/transfers", moved)
    tell("listTransfers", "GET", f"{a}/transfers")
    tell("changeSeat", "PATCH", f"{a}/seats/{seat['id']}", {"seat_type": "view_only"})
    changes = [
        {"action": "unassign", "user_id": people["noah"], "seat_type": "core"},
        {"action": "assign", "email": "lina@example.com", "seat_type": "core"},
    ]
    done = tell("batchSeats", "POST", f"{a}/seat-batches", {"changes": changes}).json
    tell("unassignSeat", "DELETE", f"{a}/seats/{done['lines'][1]['seat']['id']}?give_back=true")


def _quantities(tell: Any, a: str) -> None:
    more = {"seat_type": "core", "quantity": 5}
    tell("previewPurchase", "POST", f"{a}/purchases/preview", more)
    tell("purchaseSeats", "POST", f"{a}/purchases", more, Idempotency_Key="order-4712")
    tell("listPurchases", "GET", f"{a}/purchases")
    fewer = {"seat_type": "core", "quantity": 2}
    removal = tell("scheduleRemoval", "POST", f"{a}/removals", fewer).json
    tell("listRemovals", "GET", f"{a}/removals?status=scheduled")
    tell("getRemoval", "GET", f"{a}/removals/{removal['id']}")
    tell("cancelRemoval", "POST", f"{a}/removals/{removal['id']}/cancellation", {"quantity": 1})
    pool = tell("listPools", "GET", f"{a}/pools").json["items"][0]
    etag = tell("getPool", "GET", f"{a}/pools/{pool['id']}").headers["ETag"]
    tell("updatePool", "PATCH", f"{a}/pools/{pool['id']}", {"low_mark": 2}, If_Match=etag)


def _requests(tell: Any, a: str, people: dict[str, str]) -> None:
    asked = {"user_id": people["noah"], "seat_type": "core", "note": "For the spring campaign"}
    first = tell("createSeatRequest", "POST", f"{a}/seat-requests", asked).json
    tell("listSeatRequests", "GET", f"{a}/seat-requests?status=open")
    path = f"{a}/seat-requests/{first['id']}"
    tell("getSeatRequest", "GET", path)
    tell("approveSeatRequest", "POST", f"{path}/approval")
    others = _stage(a)
    for name, asking, end, body in (
        ("declineSeatRequest", "Jonas", "decline", {"note": "The viewing seat is enough"}),
        ("withdrawSeatRequest", "Amara", "withdrawal", None),
    ):
        asker = others.user(asking, email=f"{asking.lower()}@example.com", seats=[])
        request = requesting.ask_for_seat(others.by, "core", user_id=asker)
        tell(name, "POST", f"{a}/seat-requests/{request.id}/{end}", body)


def _the_past(tell: Any, a: str, hands: Hands) -> None:
    pool = _stage(a).pool("core")["id"]
    hands.move(days=3)
    tell("getPoolHistory", "GET", f"{a}/pools/{pool}/history?from=2026-03-02&to=2026-03-05")
    tell("listSeatDays", "GET", f"{a}/seat-days?from=2026-03-01&to=2026-04-01")
    tell("listInactiveSeats", "GET", f"{a}/inactive-seats?inactive_since=2026-03-04T00:00:00Z")


def _the_log(tell: Any, a: str) -> None:
    page = tell("listEvents", "GET", f"{a}/events?after=2&limit=2").json
    tell("getEvent", "GET", f"{a}/events/{page['items'][0]['id']}")
    tell("getSnapshot", "GET", f"{a}/snapshot")


def _services(tell: Any, account: dict[str, Any], people: dict[str, str]) -> None:
    new = {"name": "billing system", "scopes": ["billing", "read"], "account_id": account["id"]}
    key = tell("createApiKey", "POST", "/v1/api-keys", new).json
    tell("listApiKeys", "GET", "/v1/api-keys")
    path = f"/v1/api-keys/{key['id']}"
    rotated = tell("rotateApiKey", "POST", f"{path}/rotation", {"overlap_seconds": 3600}).json
    tell("revokeApiKey", "DELETE", f"/v1/api-keys/{rotated['id']}")
    session = {"account_id": account["id"], "user_id": people["priya"], "expires_in": 3600}
    tell("createSessionToken", "POST", "/v1/session-tokens", session)
    hands = {"name": "Renewals", "now": "2026-01-31T09:00:00Z"}
    clock = tell("createTestClock", "POST", "/v1/test-clocks", hands).json
    path = f"/v1/test-clocks/{clock['id']}"
    tell("listTestClocks", "GET", "/v1/test-clocks")
    tell("getTestClock", "GET", path)
    tell("advanceTestClock", "POST", f"{path}/advance", {"to": "2026-02-28T09:00:00Z"})
    work_through()
    tell("deleteTestClock", "DELETE", path)


def _webhooks(tell: Any, account: dict[str, Any], receiver: Receiver) -> None:
    new = {"url": receiver.url, "event_types": ["billing"], "description": "Billing"}
    endpoint = tell("createWebhookEndpoint", "POST", "/v1/webhook-endpoints", new).json
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    rows.fill(endpoint["id"], account["id"], sequence=3)
    tell("listWebhookEndpoints", "GET", "/v1/webhook-endpoints")
    etag = tell("getWebhookEndpoint", "GET", path).headers["ETag"]
    tell("updateWebhookEndpoint", "PATCH", path, {"max_in_flight": 8}, If_Match=etag)
    tell("pauseWebhookEndpoint", "POST", f"{path}/pause")
    tell("enableWebhookEndpoint", "POST", f"{path}/enable")
    tell("rotateWebhookSecret", "POST", f"{path}/secret", {"overlap_seconds": 86400})
    tell("pingWebhookEndpoint", "POST", f"{path}/ping")
    tell("testWebhookEndpoint", "POST", f"{path}/test", {"type": "seat.assigned"})
    found = tell("listWebhookDeliveries", "GET", f"{path}/deliveries?outcome=delivered").json
    event = found["items"][0]["event_id"]
    tell("getWebhookDelivery", "GET", f"{path}/deliveries/{event}")
    tell("listWebhookLanes", "GET", f"{path}/lanes")
    tell("listParkedEvents", "GET", f"{path}/parked")
    tell("recoverWebhookEvents", "POST", f"{path}/recover", {"account_id": account["id"]})
    again = {"account_id": account["id"], "from_sequence": 1}
    replay = tell("replayWebhookEvents", "POST", f"{path}/replay", again).json
    tell("listWebhookReplays", "GET", f"{path}/replays")
    tell("getWebhookReplay", "GET", f"{path}/replays/{replay['id']}")
    passed = {"account_id": account["id"], "through_sequence": 4, "reason": "sent by hand"}
    tell("skipWebhookEvents", "POST", f"{path}/skip", passed)
    logged = f"/v1/accounts/{account['id']}/events?type=subscription.started"
    event = tell.__self__.client.get(logged).json["items"][0]["id"]
    tell("retryWebhookDelivery", "POST", f"{path}/deliveries/{event}/retry")
    tell("deleteWebhookEndpoint", "DELETE", path)


def _a_subscription(tell: Any, a: str, subscription: dict[str, Any]) -> None:
    path = f"{a}/subscriptions/{subscription['id']}"
    tell("listSubscriptions", "GET", f"{a}/subscriptions")
    etag = tell("getSubscription", "GET", path).headers["ETag"]
    tell("updateSubscription", "PATCH", path, {"external_id": "sub-2291"}, If_Match=etag)
    tell("previewTier", "POST", f"{path}/tier/preview", {"tier": "starter"})
    tell("changeTier", "POST", f"{path}/tier", {"tier": "starter"}, Idempotency_Key="order-4713")
    tell("previewCancellation", "POST", f"{path}/cancellation/preview")
    tell("cancelSubscription", "POST", f"{path}/cancellation", Idempotency_Key="order-4714")
    tell("previewResumption", "DELETE", f"{path}/cancellation/preview")
    tell("resumeSubscription", "DELETE", f"{path}/cancellation")
    tell("previewSuspension", "POST", f"{path}/suspension/preview")
    unpaid = {"reason": "unpaid"}
    tell("suspendSubscription", "POST", f"{path}/suspension", unpaid, Idempotency_Key="order-4715")
    tell("previewReactivation", "DELETE", f"{path}/suspension/preview")
    tell("reactivateSubscription", "DELETE", f"{path}/suspension")


def _a_legacy_account(tell: Any) -> None:
    a = f"/v1/accounts/{a_legacy_account().id}"
    tell("previewMigration", "POST", f"{a}/migration/preview")
    tell("migrateAccount", "POST", f"{a}/migration")
