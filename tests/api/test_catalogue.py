"""The catalogue over HTTP: what is sold, as data (R5 to R8)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from tests.http import calling, nobody, signed_in
from tests.world import a_free_account, a_legacy_account, an_account


@pytest.fixture
def shown(app: Flask) -> dict[str, Any]:
    """The catalogue as a reading key gets it."""
    catalogue: dict[str, Any] = calling(app, an_account(), Scope.READ).get("/v1/catalogue").json
    return catalogue


def _named(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in items}


@pytest.mark.parametrize("scope", list(Scope))
def test_every_key_reads_the_catalogue(app: Flask, scope: Scope) -> None:
    account = an_account()

    bound = calling(app, account, scope).get("/v1/catalogue")
    unbound = calling(app, account, scope, bound=False).get("/v1/catalogue")

    assert (bound.status_code, unbound.status_code) == (200, 200)


@pytest.mark.parametrize("permission", list(Permission))
def test_every_user_reads_the_catalogue(app: Flask, permission: Permission) -> None:
    account = an_account()

    answer = signed_in(app, account, account.actor(permission).id).get("/v1/catalogue")

    assert answer.status_code == 200


def test_nobody_reads_the_catalogue_without_a_token(app: Flask) -> None:
    answer = nobody(app, an_account()).get("/v1/catalogue")

    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


def test_every_account_is_shown_the_same_catalogue(app: Flask, shown: dict[str, Any]) -> None:
    for account in (a_free_account(), a_legacy_account()):
        answer = signed_in(app, account, account.user()).get("/v1/catalogue")

        assert answer.json == shown


def test_the_catalogue_hangs_together(shown: dict[str, Any]) -> None:
    products, tiers = _named(shown["products"]), _named(shown["tiers"])
    seat_types = _named(shown["seat_types"])

    for product in products.values():
        assert set(product["tiers"]) <= set(tiers)
        assert all(set(seats) <= set(seat_types) for seats in product["included"].values())
    for kind in seat_types.values():
        assert set(kind["sold_by"]) | set(kind["advanced"]) <= set(products)
        assert set(kind["includes"]) <= set(seat_types)
    for feature in shown["features"]:
        assert (feature["product"] in products, feature["tier"] in tiers) == (True, True)
    assert {shown["fallback"], shown["free_tools"]} <= set(seat_types)


def test_what_is_free_is_not_priced(shown: dict[str, Any]) -> None:
    paid = {kind["name"] for kind in shown["seat_types"] if kind["paid"]}

    priced = {price["seat_type"] for price in shown["prices"]}

    assert priced
    assert priced <= paid
    assert all(price["price"]["amount"] >= 0 for price in shown["prices"])


def test_r8_the_exclusive_seats_are_marked(shown: dict[str, Any]) -> None:
    exclusive = {kind["name"] for kind in shown["seat_types"] if kind["exclusive"]}

    assert exclusive == {"view_only", "partner", "free"}


def test_every_feature_of_the_catalogue_can_be_asked_for(app: Flask, shown: dict[str, Any]) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])

    answer = signed_in(app, account, priya).get(f"users/{priya}/entitlements")

    assert set(answer.json["features"]) == set(_named(shown["features"]))


def test_the_catalogue_takes_no_query(app: Flask) -> None:
    answer = calling(app, an_account()).get("/v1/catalogue?product=sales")

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"] == "/product"
