"""Pools over HTTP: the numbers an administrator needs, and what is agreed (R19, R28, R31, R32)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Scope
from tests.http import calling, signed_in
from tests.world import Hands, a_free_account, an_account


def _etag(pool: dict[str, Any]) -> str:
    return f'"v{pool["version"]}"'


def test_r28_pools_are_listed_the_oldest_first_and_found_by_type(app: Flask) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 2})
    api = signed_in(app, account, account.user())

    every = api.get("pools").json["items"]
    sales = api.get("pools?seat_type=sales").json["items"]

    assert [pool["seat_type"] for pool in every] == ["core", "sales"]
    assert sales == [every[1]]


def test_r28_free_seats_are_in_no_pool(app: Flask) -> None:
    account = a_free_account()
    account.user()

    answer = calling(app, account).get("pools")

    assert (answer.status_code, answer.json["items"]) == (200, [])


def test_r31_a_pool_is_found_by_its_external_id(app: Flask) -> None:
    account = an_account()
    pool = account.pool("core")
    api = calling(app, account)

    changed = api.patch(f"pools/{pool['id']}", {"external_id": "item-77"}, _etag(pool))

    assert api.get("pools?external_id=item-77").json["items"] == [changed.json]
    assert api.get("pools?external_id=item-78").json["items"] == []
    assert account.happened() == ["pool.updated"]


def test_r31_an_external_id_is_unique_among_the_pools(app: Flask) -> None:
    account = an_account()
    account.subscribe("sales", seats={"sales": 2})
    core, sales = account.pool("core"), account.pool("sales")
    api = calling(app, account)
    api.patch(f"pools/{core['id']}", {"external_id": "item-77"}, _etag(core))
    account.from_here()

    answer = api.patch(f"pools/{sales['id']}", {"external_id": "item-77"}, _etag(sales))

    assert (answer.status_code, answer.json["code"]) == (409, "external_id_taken")
    assert answer.json["id"] == core["id"]
    assert account.happened() == []


def test_r19_the_minimum_is_kept_and_told(app: Flask) -> None:
    account = an_account(core=10)
    pool = account.pool("core")

    answer = calling(app, account).patch(f"pools/{pool['id']}", {"minimum": 10}, _etag(pool))

    assert (answer.status_code, answer.json["minimum"]) == (200, 10)
    assert answer.headers["ETag"] == f'"v{answer.json["version"]}"'
    assert account.happened() == ["pool.minimum_changed"]


def test_r19_a_minimum_counts_the_seats_after_the_scheduled_removals(app: Flask) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    api.post("removals", {"seat_type": "core", "quantity": 4})
    account.from_here()
    pool = account.pool("core")

    answer = api.patch(f"pools/{pool['id']}", {"minimum": 7}, _etag(pool))

    assert (answer.status_code, answer.json["code"]) == (409, "below_minimum")
    assert (answer.json["quantity"], answer.json["minimum"]) == (6, 7)
    assert (account.pool("core"), account.happened()) == (pool, [])


def test_r32_setting_what_is_set_keeps_the_version_and_tells_nothing(app: Flask) -> None:
    account = an_account()
    pool = account.pool("core")

    answer = calling(app, account).patch(
        f"pools/{pool['id']}", {"minimum": 0, "low_mark": None, "metadata": {}}, _etag(pool)
    )

    assert (answer.status_code, answer.json) == (200, pool)
    assert account.happened() == []


def test_r32_null_takes_the_low_mark_away(app: Flask) -> None:
    account = an_account()
    account.promise("core", low_mark=3)
    pool = account.pool("core")

    answer = calling(app, account).patch(f"pools/{pool['id']}", {"low_mark": None}, _etag(pool))

    assert (pool["low_mark"], answer.json["low_mark"]) == (3, None)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        pytest.param({"minimum": -1}, "/minimum", id="a negative minimum"),
        pytest.param({"minimum": 1_000_001}, "/minimum", id="more than a pool holds"),
        pytest.param({"minimum": None}, "/minimum", id="no minimum at all"),
        pytest.param({"minimum": True}, "/minimum", id="a boolean"),
        pytest.param({"minimum": 1.0}, "/minimum", id="a fraction"),
        pytest.param({"low_mark": 0}, "/low_mark", id="a low mark of nothing"),
        pytest.param({"purchased": 99}, "/purchased", id="a number that is bought, not set"),
        pytest.param({"assigned": 0}, "/assigned", id="a number that is counted"),
        pytest.param({"external_id": ""}, "/external_id", id="an empty external id"),
        pytest.param({"metadata": {"a": 1}}, "/metadata/a", id="metadata that is no text"),
    ],
)
def test_what_cannot_be_set_is_refused_at_the_member(
    app: Flask, body: dict[str, Any], pointer: str
) -> None:
    account = an_account()
    pool = account.pool("core")

    answer = calling(app, account).patch(f"pools/{pool['id']}", body, _etag(pool))

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert (account.pool("core"), account.happened()) == (pool, [])


def test_r10_not_even_a_super_admin_changes_what_is_agreed(app: Flask) -> None:
    account = an_account()
    pool = account.pool("core")
    admin = account.super_admin
    account.from_here()

    answer = signed_in(app, account, admin.id).patch(
        f"pools/{pool['id']}", {"minimum": 1}, _etag(pool)
    )

    assert (answer.status_code, answer.json["missing"]) == (403, "billing")
    assert account.happened() == []


def test_nothing_is_agreed_with_a_closed_account(app: Flask) -> None:
    account = an_account()
    account.close()
    pool = account.pool("core")

    answer = calling(app, account, Scope.BILLING).patch(
        f"pools/{pool['id']}", {"minimum": 1}, _etag(pool)
    )

    assert (answer.status_code, answer.json["code"]) == (409, "account_closed")


def test_an_unknown_pool_is_not_found(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)

    for answer in (api.get("pools/pool_none"), api.patch("pools/pool_none", {}, '"v1"')):
        assert (answer.status_code, answer.json["kind"]) == (404, "pool")


def test_r20_a_pool_shows_the_next_term_after_the_renewal(app: Flask, hands: Hands) -> None:
    account = an_account(core=10)
    api = calling(app, account)
    api.post("removals", {"seat_type": "core", "quantity": 4})
    hands.move(days=31)
    api.post("removals", {"seat_type": "core", "quantity": 1})

    pool = api.get("pools").json["items"][0]

    assert (pool["purchased"], pool["scheduled_removal"], pool["quantity_at_renewal"]) == (6, 1, 5)
    assert pool["renews_at"] == "2026-05-02T09:00:00.000Z"
