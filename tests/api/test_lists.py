"""Every list of the API: its bounds, its cursors, its total."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from licensing import clock
from licensing.operations import assigning, giving_back, requesting, test_clocks
from licensing.rules.permissions import system
from tests.http import Calling, calling, document
from tests.webhooks import rows
from tests.world import START, AnAccount, an_account

FIRST = "whe_of_the_lists"
LISTS: dict[str, str] = {
    "listAccounts": "/v1/accounts",
    "listApiKeys": "/v1/api-keys",
    "listEvents": "events",
    "listInactiveSeats": "inactive-seats?inactive_since=2030-01-01T00:00:00Z",
    "listPools": "pools",
    "listPurchases": "purchases",
    "listRemovals": "removals",
    "listSeatDays": "seat-days?from=2026-01-01&to=2027-01-01",
    "listSeatRequests": "seat-requests",
    "listSeats": "seats",
    "listSubscriptions": "subscriptions",
    "listTestClocks": "/v1/test-clocks",
    "listTransfers": "transfers",
    "listUsers": "users",
    "listWebhookEndpoints": "/v1/webhook-endpoints",
    "listWebhookLanes": f"/v1/webhook-endpoints/{FIRST}/lanes",
    "listParkedEvents": f"/v1/webhook-endpoints/{FIRST}/parked",
    "listWebhookDeliveries": f"/v1/webhook-endpoints/{FIRST}/deliveries",
    "listWebhookReplays": f"/v1/webhook-endpoints/{FIRST}/replays",
}
EVERY_LIST = [pytest.param(path, id=name) for name, path in LISTS.items()]
# A filter of each list that has one.
FILTERS = {
    "/v1/accounts": "external_id=crm-1",
    "events": "after=1",
    "pools": "seat_type=core",
    "removals": "status=scheduled",
    "seat-requests": "status=open",
    "seats": "seat_type=core",
    "subscriptions": "external_id=sub-1",
    "users": "status=active",
    "/v1/webhook-endpoints": "status=active",
    f"/v1/webhook-endpoints/{FIRST}/lanes": "state=idle",
    f"/v1/webhook-endpoints/{FIRST}/deliveries": "outcome=delivered",
}


def _scene(app: Flask) -> tuple[AnAccount, Calling]:
    """An account with at least three items in every list, and a key that sees all of them."""
    with clock.reading(lambda: START - timedelta(days=1)):
        return _scene_of_yesterday(app)


def _scene_of_yesterday(app: Flask) -> tuple[AnAccount, Calling]:
    account = an_account(core=10)
    others = [an_account(), an_account()]
    for product in ("sales", "service"):
        account.subscribe(product, seats={product: 1})
    priya, noah = account.user("Priya", seats=["core", "sales"]), account.user("Noah")
    account.user(seats=["core"])
    seat_id = account.seat(priya, "core")
    for receiver in (noah, priya, noah):
        assigning.transfer_seat(account.by, seat_id, receiver)
    for _ in range(3):
        giving_back.schedule_removal(account.by, "core", 1)
        calling(app, account)
        test_clocks.create_clock(system(), "Renewals", START)
    for number, company in enumerate([account, *others]):
        rows.endpoint(FIRST if number == 0 else f"whe_{number}")
        rows.fill(FIRST, company.id, number)
    for user_id in (account.user(), account.user(), account.user()):
        requesting.ask_for_seat(account.by, "core", user_id=user_id)
    account.from_here()
    return account, calling(app, account, bound=False)


def _asking(path: str) -> str:
    """The path, to which parameters of the query can be added."""
    return path + ("&" if "?" in path else "?")


def _id(item: dict[str, Any]) -> str:
    """What tells an item of a list from the others."""
    if "seat_days" in item:
        return f"{item['user_id']} {item['seat_type']}"
    names = ("id", "event_id", "seat_id", "account_id")
    return str(next(item[name] for name in names if name in item))


def _walked(api: Calling, path: str, limit: int) -> list[list[str]]:
    """The ids on each page of a list."""
    pages, cursor = [], ""
    while True:
        page = api.get(f"{_asking(path)}limit={limit}{cursor}").json
        pages.append([_id(item) for item in page["items"]])
        if page["next_cursor"] is None:
            return pages
        cursor = f"&cursor={page['next_cursor']}"


def _add_a_row_to_each(account: AnAccount, api: Calling) -> None:
    user = account.user(seats=["core"])
    giving_back.schedule_removal(account.by, "core", 1)
    api.post("purchases", {"seat_type": "core", "quantity": 1}, key=user)
    new = api.post("/v1/accounts", {"name": "New"}).json["id"]
    api.post("seat-requests", {"user_id": account.user(), "seat_type": "core"})
    api.post("/v1/api-keys", {"name": "new", "scopes": ["read"]})
    rows.endpoint("whe_zzz")
    rows.fill(FIRST, new, 0)


def test_the_table_has_every_list(app: Flask) -> None:
    found = {
        operation["operationId"]
        for operations in document(app)["paths"].values()
        for method, operation in operations.items()
        if method == "get" and operation["operationId"].startswith("list")
    }

    assert found == set(LISTS)


@pytest.mark.parametrize("path", EVERY_LIST)
def test_the_pages_of_a_list_are_the_list(app: Flask, path: str) -> None:
    _, api = _scene(app)
    whole = [_id(item) for item in api.get(f"{_asking(path)}limit=200").json["items"]]

    one_by_one, two_by_two = _walked(api, path, 1), _walked(api, path, 2)

    assert len(whole) >= 3
    assert [id for page in one_by_one for id in page] == whole
    assert [id for page in two_by_two for id in page] == whole
    assert {len(page) for page in one_by_one} == {1}


@pytest.mark.parametrize("path", EVERY_LIST)
def test_a_list_that_grows_while_it_is_read_repeats_and_skips_nothing(
    app: Flask, path: str
) -> None:
    account, api = _scene(app)
    before = [_id(item) for item in api.get(f"{_asking(path)}limit=200").json["items"]]
    first = api.get(f"{_asking(path)}limit=2").json

    _add_a_row_to_each(account, api)
    rest = api.get(f"{_asking(path)}limit=200&cursor={first['next_cursor']}").json["items"]

    seen = [_id(item) for item in [*first["items"], *rest]]
    assert len(seen) == len(set(seen))
    assert seen[: len(before)] == before


@pytest.mark.parametrize("path", EVERY_LIST)
def test_the_total_counts_the_whole_list_when_it_is_asked_for(app: Flask, path: str) -> None:
    _, api = _scene(app)
    whole = api.get(f"{_asking(path)}limit=200").json

    with_total = api.get(f"{_asking(path)}limit=1&include_total=true").json
    cursor = with_total["next_cursor"]
    on_the_next = api.get(f"{_asking(path)}limit=1&include_total=true&cursor={cursor}").json

    assert "total" not in whole
    assert with_total["total"] == on_the_next["total"] == len(whole["items"])


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        pytest.param("limit=0", "/limit", id="none"),
        pytest.param("limit=201", "/limit", id="too many"),
        pytest.param("limit=-1", "/limit", id="a negative number"),
        pytest.param("limit=1.0", "/limit", id="a fraction"),
        pytest.param("limit=01", "/limit", id="a leading zero"),
        pytest.param("limit=+1", "/limit", id="a sign"),
        pytest.param("limit=1e2", "/limit", id="an exponent"),
        pytest.param("limit=0x10", "/limit", id="hexadecimal"),
        pytest.param("limit=1_0", "/limit", id="an underscore"),
        pytest.param("limit=%D9%A3", "/limit", id="another script's digit"),
        pytest.param("limit=100000000000000000000", "/limit", id="an endless number"),
        pytest.param("limit=", "/limit", id="an empty limit"),
        pytest.param("limit=1&limit=1", "/limit", id="a limit twice"),
        pytest.param("include_total=1", "/include_total", id="a number for a boolean"),
        pytest.param("include_total=True", "/include_total", id="a boolean in another case"),
        pytest.param("include_total", "/include_total", id="a boolean without a value"),
        pytest.param("offset=10", "/offset", id="an unknown parameter"),
        pytest.param("Limit=10", "/Limit", id="a name in another case"),
        pytest.param("limit[]=10", "/limit[]", id="a list of limits"),
        pytest.param("a~b%2Fc=1", "/a~0b~1c", id="a name that needs escaping"),
        pytest.param("=1", "/", id="a value without a name"),
        pytest.param("cursor=", "/cursor", id="an empty cursor"),
        pytest.param("cursor=" + "x" * 4001, "/cursor", id="an endless cursor"),
        pytest.param("cursor=%00", "/cursor", id="a NUL"),
        pytest.param("cursor=a&cursor=b", "/cursor", id="two cursors"),
    ],
)
def test_a_query_is_taken_as_the_contract_says_or_not_at_all(
    app: Flask, query: str, pointer: str
) -> None:
    _, api = _scene(app)

    for path in LISTS.values():
        answer = api.get(f"{_asking(path)}{query}")

        assert (answer.status_code, answer.json["code"]) == (422, "validation_failed"), path
        (error,) = answer.json["errors"]
        assert (error["location"], error["pointer"]) == ("query", pointer)


def test_every_wrong_parameter_is_named(app: Flask) -> None:
    _, api = _scene(app)

    answer = api.get("users?limit=0&status=gone&offset=1")

    pointers = {error["pointer"] for error in answer.json["errors"]}
    assert pointers == {"/limit", "/status", "/offset"}


@pytest.mark.parametrize("query", ["cursor=%ff", "%fe=1", "limit=1&x=%c3%28", "%ED%A0%80=1"])
def test_a_query_that_is_no_utf_8_is_malformed(app: Flask, query: str) -> None:
    _, api = _scene(app)

    for path in LISTS.values():
        answer = api.get(f"{_asking(path)}{query}")

        assert (answer.status_code, answer.json["code"]) == (400, "malformed_query"), path


@pytest.mark.parametrize("path", EVERY_LIST)
def test_a_cursor_is_good_for_its_own_list_only(app: Flask, path: str) -> None:
    _, api = _scene(app)
    cursor = api.get(f"{_asking(path)}limit=1").json["next_cursor"]

    for other in set(LISTS.values()) - {path}:
        answer = api.get(f"{_asking(other)}cursor={cursor}")

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor"), other


@pytest.mark.parametrize("path", [pytest.param(path, id=path) for path in FILTERS])
def test_a_cursor_is_good_for_its_own_filters_only(app: Flask, path: str) -> None:
    _, api = _scene(app)
    cursor = api.get(f"{_asking(path)}limit=1").json["next_cursor"]

    answer = api.get(f"{_asking(path)}{FILTERS[path]}&cursor={cursor}")

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor")


def _forged(cursor: str) -> dict[str, str]:
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    position = raw[16:]
    # The position ends with a digit, in quotation marks where it is the one of an id.
    end = len(position.rstrip(b'"')) - 1
    other = (
        position[:end] + (b"1" if position[end : end + 1] != b"1" else b"2") + position[end + 1 :]
    )

    def encoded(forged: bytes) -> str:
        return base64.urlsafe_b64encode(forged).decode().rstrip("=")

    return {
        "another signature": encoded(b"\0" * 16 + position),
        "another position": encoded(raw[:16] + other),
        "no position": encoded(raw[:16]),
        "half a signature": encoded(raw[:8]),
        "something behind it": encoded(raw + b" "),
        "no signature": encoded(position),
        "other letters": cursor.swapcase(),
        "no base64": "!" + cursor[1:],
        "not ASCII": "%C3%BC" + cursor,
        "one letter": "a",
    }


@pytest.mark.parametrize("path", EVERY_LIST)
def test_a_forged_cursor_is_refused(app: Flask, path: str) -> None:
    _, api = _scene(app)
    cursor = api.get(f"{_asking(path)}limit=1").json["next_cursor"]

    for what, forged in _forged(cursor).items():
        answer = api.get(f"{_asking(path)}limit=1&cursor={forged}")

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_cursor"), what
    assert api.get(f"{_asking(path)}limit=200&cursor={cursor}").status_code == 200


def test_a_cursor_tells_nothing_that_the_page_does_not(app: Flask) -> None:
    _, api = _scene(app)

    page: dict[str, Any] = api.get("users?limit=1").json

    raw = base64.urlsafe_b64decode(page["next_cursor"] + "==")
    assert raw[16:].decode() == json.dumps([page["items"][0]["id"]])


def test_a_page_has_fifty_items_unless_it_says_otherwise(app: Flask) -> None:
    account = an_account()
    for _ in range(51):
        account.user()
    api = calling(app, account)

    page = api.get("users").json

    assert len(page["items"]) == 50
    assert len(api.get("users?limit=200").json["items"]) == 51
    assert len(api.get(f"users?cursor={page['next_cursor']}").json["items"]) == 1


def test_a_last_page_that_is_exactly_full_has_no_next_one(app: Flask) -> None:
    account = an_account()
    for _ in range(2):
        account.user()

    page = calling(app, account).get("users?limit=2").json

    assert (len(page["items"]), page["next_cursor"]) == (2, None)
